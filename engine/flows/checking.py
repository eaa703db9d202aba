"""How much of a draft rests on its sources, and which of its passages somebody has looked at."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from engine.citations.examination import Checked, examine
from engine.citations.markers import markers_in
from engine.errors import Invalid
from engine.flows.assessment import split_sections
from engine.flows.editing import Kept, Text, kept_citations, require_still
from engine.storage import drafts, verifications
from engine.storage.database import Connection, Database
from engine.storage.drafts import Draft
from engine.storage.identities import User
from engine.types import Citation, Id, Level

Range = Annotated[list[Annotated[int, Meta(ge=0)]], Meta(min_length=2, max_length=2)]


class SupportQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A text that may not be saved yet, and the ranges of it that matter."""

    content: Text | None = None
    citations: Kept | None = None
    ranges: Annotated[list[Range], Meta(max_length=10_000)] | None = None


class SectionSupport(msgspec.Struct, frozen=True):
    """How many sentences of a section are supported; `coverage` is None where there are none."""

    title: str
    supported: int
    total: int
    coverage: float | None


class Examined(msgspec.Struct, frozen=True):
    """The sentences of a text, and the share of them that its sources support."""

    sentences: list[Checked]
    coverage: float | None
    supported: int
    total: int
    sections: list[SectionSupport]


class Tick(msgspec.Struct, frozen=True):
    """Which citations somebody has looked at, or has not after all."""

    numbers: Annotated[list[int], Meta(min_length=1, max_length=1000)]
    verified: bool = True


class Ticked(msgspec.Struct, frozen=True):
    """A citation, and who looked at its passage when."""

    number: int
    verified: bool
    by: str | None = None
    at: str | None = None


class Verification(msgspec.Struct, frozen=True):
    """How many of the citations in a text somebody has looked at."""

    verified: int
    total: int
    citations: list[Ticked]


class Checking:
    """Answers both questions about stored drafts."""

    def __init__(self, database: Database) -> None:
        """Read drafts from `database`."""
        self._database = database

    async def support(self, draft: Draft, asked: SupportQuestion) -> Examined:
        """Judge the sentences of a draft, or of a text it may become."""
        content = draft.content if asked.content is None else asked.content
        citations = kept_citations(draft, asked.citations)
        # In a thread: a long text takes a part of a second, in which others are served.
        result = await asyncio.to_thread(coverage_of, content, citations)
        if asked.ranges is None:
            return result
        ranges = sorted((start, end) for start, end in asked.ranges)
        return msgspec.structs.replace(result, sentences=_touching(result.sentences, ranges))

    async def verification(self, user: User, draft_id: Id) -> Verification:
        """Return which citations of a draft somebody has looked at.

        Raises:
            NotFound: no such draft.
        """
        async with self._database.read() as connection:
            draft = await drafts.get(connection, user, draft_id)
            return await _verification(connection, draft)

    async def tick(self, user: User, draft_id: Id, tick: Tick) -> Verification:
        """Note who has looked at passages; return the whole state.

        Raises:
            NotFound, Forbidden: no such draft, or not to be changed by this user.
            Conflict: the draft is being written.
            Invalid: the draft has no citation of such a number.
        """
        async with self._database.transaction() as tx:
            draft = await drafts.get(tx, user, draft_id, Level.WRITE)
            require_still(draft)
            known = {citation.number: citation.chunk_id for citation in draft.citations}
            if missing := [number for number in tick.numbers if number not in known]:
                raise Invalid(f"There is no citation {missing[0]}.", field="numbers")
            chunk_ids = [known[number] for number in tick.numbers]
            if tick.verified:
                await verifications.tick(tx, draft.id, user.id, chunk_ids)
            else:
                await verifications.untick(tx, draft.id, chunk_ids)
            return await _verification(tx, draft)


async def _verification(connection: Connection, draft: Draft) -> Verification:
    ticks = await verifications.of_draft(connection, draft.id)
    used = set(markers_in(draft.content))
    ticked = [
        Ticked(citation.number, True, tick.username, tick.verified_at)
        if (tick := ticks.get(citation.chunk_id))
        else Ticked(citation.number, False)
        for citation in draft.citations
        if citation.number in used
    ]
    return Verification(sum(one.verified for one in ticked), len(ticked), ticked)


def coverage_of(content: str, citations: Sequence[Citation]) -> Examined:
    """Judge a whole text. Linear in its length."""
    sentences = examine(content, citations)
    supported = sum(sentence.supported for sentence in sentences)
    sections = split_sections(content)
    first = 0 if sections and not sections[0][0] else 1
    by_section: dict[int, list[Checked]] = defaultdict(list)
    for sentence in sentences:
        by_section[sentence.section].append(sentence)
    return Examined(
        sentences,
        _share(supported, len(sentences)),
        supported,
        len(sentences),
        [_section(title, by_section[number]) for number, (title, _) in enumerate(sections, first)],
    )


def _section(title: str, sentences: Sequence[Checked]) -> SectionSupport:
    supported = sum(sentence.supported for sentence in sentences)
    return SectionSupport(title, supported, len(sentences), _share(supported, len(sentences)))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _touching(sentences: Sequence[Checked], ranges: Sequence[tuple[int, int]]) -> list[Checked]:
    """Return the sentences that a range touches; both are in order."""
    found: list[Checked] = []
    at = 0
    for sentence in sentences:
        while at < len(ranges) and ranges[at][1] < sentence.start:
            at += 1
        if at < len(ranges) and ranges[at][0] <= sentence.end:
            found.append(sentence)
    return found
