"""A changed text taken into a draft that may have changed as well: merged, never overwritten."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from engine.citations.markers import markers_in
from engine.citations.renumbering import renumber
from engine.errors import Conflict, Gone, Invalid, NotFound
from engine.flows.editing import (
    DraftChange,
    Editing,
    Kept,
    Text,
    clean,
    kept_citations,
    require_still,
    stale,
)
from engine.flows.merging import Conflict as Clash
from engine.flows.merging import Merged, Side, merge
from engine.flows.rewrite_request import Rewrite
from engine.flows.rewriting import FAMILY
from engine.flows.versions import Maker
from engine.runs.events import Completed
from engine.runs.journal import Journal
from engine.storage import drafts
from engine.storage import journal as rows
from engine.storage.database import Connection, Database
from engine.storage.drafts import Draft
from engine.storage.identities import User
from engine.types import Citation, Id, Level


class MergeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A suggestion to accept; or a text, and the text it was made from.

    With a `version` the change is taken into that version of the draft only.
    """

    suggestion: Annotated[str, Meta(max_length=100)] | None = None
    base: Text | None = None
    content: Text | None = None
    citations: Kept | None = None
    base_citations: Kept | None = None
    prefer: Side | None = None
    dry_run: bool = False
    version: int | None = None


class Accepted(msgspec.Struct, frozen=True):
    """The merged text; where both sides changed the same place nothing was saved."""

    saved: bool
    content: str
    citations: list[Citation]
    conflicts: list[Clash]
    draft: Draft


class _Mine(msgspec.Struct, frozen=True):
    base: str
    base_citations: list[Citation]
    content: str
    citations: list[Citation]
    made_by: Maker


class Accepting:
    """Merges changes into drafts."""

    def __init__(self, database: Database, journal: Journal, editing: Editing) -> None:
        """Save with `editing`; suggestions are read from `journal`."""
        self._database = database
        self._journal = journal
        self._editing = editing

    async def merge(self, user: User, draft_id: Id, wanted: MergeRequest) -> Accepted:
        """Merge a change into what the draft says now, and save it unless there are conflicts.

        Raises:
            NotFound, Forbidden: no such draft or suggestion, or not to be changed by this user.
            Gone: the suggestion is no longer kept.
            Conflict: it was not finished; the draft is being written, is of another version than
                the one that was named, or changed in this moment.
            Invalid: neither a suggestion nor a text with its base was given.
        """
        async with self._database.read() as connection:
            draft = await drafts.get(connection, user, draft_id, Level.WRITE)
            require_still(draft)
            if wanted.version not in (None, draft.version):
                raise stale(draft)
            mine = await self._mine(connection, user, draft, wanted)
        # In a thread: a long text takes a part of a second, in which others are served.
        merged, citations = await asyncio.to_thread(joined, draft, mine, wanted.prefer)
        if merged.conflicts or wanted.dry_run:
            return Accepted(False, merged.content, citations, merged.conflicts, draft)
        change = DraftChange(
            content=merged.content,
            citations=list(citations),
            made_by=mine.made_by,
            version=draft.version,
        )
        reason = "suggested" if wanted.suggestion else "merged"
        async with self._database.transaction() as tx:
            draft = await drafts.get(tx, user, draft_id, Level.WRITE)
            saved = await self._editing.apply(tx, user, draft, change, reason=reason)
        return Accepted(True, saved.content, saved.citations, [], saved)

    async def _mine(
        self, connection: Connection, user: User, draft: Draft, wanted: MergeRequest
    ) -> _Mine:
        if wanted.suggestion is not None:
            return await self._suggested(connection, user, draft, wanted.suggestion)
        if wanted.base is None or wanted.content is None:
            raise Invalid("Send a suggestion, or a text and the text it was made from.")
        citations = kept_citations(draft, wanted.citations)
        base = kept_citations(draft, wanted.base_citations or list(citations))
        return _Mine(clean(wanted.base), base, clean(wanted.content), citations, "human")

    async def _suggested(
        self, connection: Connection, user: User, draft: Draft, run_id: Id
    ) -> _Mine:
        row = await rows.find_run(connection, user, run_id)
        if row is None or row.family != FAMILY or row.draft_id != draft.id:
            raise NotFound("This suggestion does not exist.", field="suggestion")
        if row.state != "completed":
            raise Conflict("This suggestion was not finished.", code="INVALID_TRANSITION")
        events = await self._journal.history_in(connection, row.id)
        end = events[-1] if events else None
        if not isinstance(end, Completed) or row.request == b"{}":
            raise Gone("This suggestion is no longer kept. Ask for it again.")
        rewrite = msgspec.json.decode(row.request, type=Rewrite)
        text = str(end.result["regenerated_text"])
        new = msgspec.convert(end.result["citations"], list[Citation])
        return _Mine(
            base=rewrite.content,
            base_citations=rewrite.citations,
            content=rewrite.content[: rewrite.start] + text + rewrite.content[rewrite.end :],
            citations=[*rewrite.citations, *new],
            made_by="machine",
        )


def joined(draft: Draft, mine: _Mine, prefer: Side | None) -> tuple[Merged, list[Citation]]:
    """Merge by text, in the numbers of the draft; return the text and the citations it needs."""
    numbers = {citation.chunk_id: citation.number for citation in draft.citations}
    # Also of markers that point at nothing: a passage under such a number would give them a sense.
    taken = max(markers_in(mine.base) + markers_in(draft.content), default=0)
    base = _in_numbers(mine.base, mine.base_citations, numbers, taken)
    content = _in_numbers(mine.content, mine.citations, numbers, taken)
    merged = merge(base, content, draft.content, prefer)
    known = {citation.number for citation in draft.citations}
    added = [
        msgspec.structs.replace(citation, number=numbers[citation.chunk_id])
        for citation in {one.chunk_id: one for one in mine.citations}.values()
        if numbers[citation.chunk_id] not in known
    ]
    used = set(markers_in(merged.content))
    used_before = set(markers_in(draft.content))
    kept = [
        citation
        for citation in draft.citations
        if citation.number in used or citation.number not in used_before
    ]
    in_conflict = {number for conflict in merged.conflicts for number in markers_in(conflict.mine)}
    kept += [citation for citation in added if citation.number in used | in_conflict]
    return merged, sorted(kept, key=lambda citation: citation.number)


def _in_numbers(
    text: str, citations: Sequence[Citation], numbers: dict[Id, int], taken: int
) -> str:
    """Write a text with the draft's numbers; a passage the draft lacks gets the next free one."""
    mapping: dict[int, int | None] = {number: number for number in markers_in(text)}
    for citation in citations:
        following = max([taken, *numbers.values()]) + 1
        mapping[citation.number] = numbers.setdefault(citation.chunk_id, following)
    is_same = all(number == to for number, to in mapping.items())
    return text if is_same else renumber(text, mapping)
