"""From a request to a plan: each section's own passages, numbered through the whole draft."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from engine.errors import Invalid, NotFound
from engine.flows.document_types import DocumentType, SectionTemplate
from engine.flows.draft_request import OutlineSection
from engine.retrieval.search import Retriever
from engine.storage.rights import Reader
from engine.types import Id, Source
from engine.writers.evidence import is_named_request
from engine.writers.relevance import subject_of
from engine.writers.writer import SectionPlan

_LENGTHS = {"short": 0.6, "medium": 1.0, "long": 1.6}
_LEAST_PER_SECTION = 6
_WIDER = 8


class Plan(msgspec.Struct, frozen=True):
    """What to write, from which passages; `sources[n - 1]` is offered as number n."""

    sources: tuple[Source, ...]
    sections: tuple[SectionPlan, ...]


class Effort(msgspec.Struct, frozen=True):
    """How a draft is to differ from the usual: factors, words to look for, what to leave out."""

    sources: float = 1.0
    length: float = 1.0
    words: str = ""
    left_out: frozenset[Id] = frozenset()


NO_EFFORT = Effort()


class Planner:
    """Finds the passages for each section of a document type."""

    def __init__(self, retriever: Retriever, max_sources: int) -> None:
        """Offer at most `max_sources` passages for one draft."""
        self._retriever = retriever
        self._max_sources = max_sources

    async def plan(
        self,
        reader: Reader,
        kb_id: Id,
        kind: DocumentType,
        context: str,
        *,
        selected: Sequence[Id] = (),
        length: str | int = "medium",
        outline: Sequence[OutlineSection] = (),
        effort: Effort = NO_EFFORT,
    ) -> Plan:
        """Return the plan of a draft; `outline` says which passages belong into which section.

        Raises:
            NotFound: a selected passage does not exist in this knowledge base.
            Invalid: there is nothing to write from.
        """
        templates = kind.sections or (_whole(kind),)
        most = round(self._max_sources * effort.sources)
        if selected:
            sources = await self.selected(reader, kb_id, selected)
            found = [sources] * len(templates)
        else:
            context = f"{context} {effort.words}".strip()
            limit = max(_LEAST_PER_SECTION, most // len(templates))
            found = [await self._search(reader, kb_id, kind, context, t, limit) for t in templates]
            found = await self._with_rest_of_a_small_base(reader, kb_id, found, most)
            found = _without(effort.left_out, found)
        found = await self._as_outlined(reader, kb_id, found, outline)
        pinned = {chunk_id for section in outline for chunk_id in section.pinned}
        offered = _offer(found, max(len(selected) or most, len(pinned)))
        if not offered:
            raise _nothing_found()
        numbers = {source.chunk_id: n for n, source in enumerate(offered, start=1)}
        factor = _factor(length, templates) * effort.length
        sections = tuple(
            SectionPlan(
                template.title if kind.sections else "",
                template.guidance,
                round(template.target_words * factor),
                tuple(numbers[s.chunk_id] for s in sources if s.chunk_id in numbers),
                form=kind.form,
                own_subject=template.own_subject,
            )
            for template, sources in zip(templates, found, strict=True)
        )
        return Plan(offered, sections)

    async def _as_outlined(
        self,
        reader: Reader,
        kb_id: Id,
        found: list[list[Source]],
        outline: Sequence[OutlineSection],
    ) -> list[list[Source]]:
        """Put what is pinned to a section first, and leave out what is excluded from it."""
        if not outline:
            return found
        return [
            await self._section(reader, kb_id, sources, section)
            for sources, section in zip(found, outline, strict=True)
        ]

    async def _section(
        self, reader: Reader, kb_id: Id, found: list[Source], section: OutlineSection
    ) -> list[Source]:
        first = await self.selected(reader, kb_id, section.pinned, field="outline")
        left_out = {*section.excluded, *section.pinned}
        return first + [
            source
            for source in found
            if source.chunk_id not in left_out and source.document_id not in left_out
        ]

    async def selected(
        self,
        reader: Reader,
        kb_id: Id,
        chunk_ids: Sequence[Id],
        *,
        field: str = "selected_sources",
    ) -> list[Source]:
        """Return the passages that somebody picked, in their order.

        Raises:
            NotFound: one does not exist in this knowledge base; `field` is to blame.
        """
        wanted = list(dict.fromkeys(chunk_ids))
        if not wanted:
            return []
        sources = await self._retriever.passages(reader, kb_id, wanted)
        if len(sources) < len(wanted):
            raise NotFound("A selected source does not exist in this knowledge base.", field=field)
        return [msgspec.structs.replace(source, score=1.0) for source in sources]

    async def require_any(
        self, reader: Reader, kb_id: Id, kind: DocumentType, context: str
    ) -> None:
        """Make sure that there would be a passage to offer.

        Raises:
            Invalid: there is none.
        """
        number = await self._retriever.number_in(reader, kb_id, self._max_sources + 1)
        if number == 0:
            raise Invalid(
                "This knowledge base has no readable documents yet. Add some first.",
                code="NO_DOCUMENTS_INDEXED",
                field="kb_id",
            )
        if number <= self._max_sources:  # it is offered whole
            return
        words = [context, *(f"{section.title} {section.query}" for section in kind.sections)]
        if not await self._retriever.search(reader, [kb_id], " ".join(words), 1):
            raise _nothing_found()

    async def _search(
        self,
        reader: Reader,
        kb_id: Id,
        kind: DocumentType,
        context: str,
        template: SectionTemplate,
        limit: int,
    ) -> list[Source]:
        """Find passages by what was asked and by what belongs into the section, in turn."""
        subject = subject_of(context)
        queries = [" ".join([subject, template.title, template.query])]
        if kind.sections and not template.own_subject:
            queries.insert(0, subject)
        found = [await self._retriever.search(reader, [kb_id], q, limit * _WIDER) for q in queries]
        sources = _in_turn(found)
        if kind.form == "prose" and kind.sections:
            answers = [one for one in sources if not is_named_request(one.document_name)]
            sources = answers or sources
        return _from_several_documents(sources, limit)

    async def _with_rest_of_a_small_base(
        self, reader: Reader, kb_id: Id, found: list[list[Source]], most: int
    ) -> list[list[Source]]:
        """Offer a small knowledge base whole: its other passages stand last in every section."""
        known = {source.chunk_id for sources in found for source in sources}
        room = most - len(known)
        if room <= 0:
            return found
        rest = await self._retriever.leading(reader, kb_id, room + 1, exclude=known)
        if len(rest) > room:
            return found
        return [sources + rest for sources in found]


def _nothing_found() -> Invalid:
    """Return the error for a request that no passage answers."""
    return Invalid(
        "The documents contain nothing about this. Try other words or add documents.",
        code="INSUFFICIENT_SOURCES",
        field="context",
    )


def _without(left_out: frozenset[Id], found: list[list[Source]]) -> list[list[Source]]:
    """Leave passages out, unless there would be nothing else."""
    kept = [[one for one in sources if one.chunk_id not in left_out] for sources in found]
    return kept if any(kept) else found


def _whole(kind: DocumentType) -> SectionTemplate:
    return SectionTemplate(kind.name, kind.description, "", kind.target_words)


def _from_several_documents(found: Sequence[Source], limit: int) -> list[Source]:
    """Keep the best, at most half of them from one document while others have something to say.

    The document nearest to a question would else crowd out others that answer it as well.
    """
    taken = Counter[Id]()
    first: list[Source] = []
    rest: list[Source] = []
    for source in found:
        taken[source.document_id] += 1
        (first if taken[source.document_id] <= (limit + 1) // 2 else rest).append(source)
    kept = {source.chunk_id for source in [*first, *rest][:limit]}
    return [source for source in found if source.chunk_id in kept]


def _offer(found: Sequence[Sequence[Source]], limit: int) -> tuple[Source, ...]:
    """Take the best of each section in turn, so that none is left out; ties keep their order."""
    return tuple(_in_turn(found)[:limit])


def _in_turn(found: Sequence[Sequence[Source]]) -> list[Source]:
    """Merge lists by taking from each in turn; of a passage that comes twice the better score."""
    merged: dict[Id, Source] = {}
    for rank in range(max(map(len, found), default=0)):
        for source in (sources[rank] for sources in found if rank < len(sources)):
            known = merged.setdefault(source.chunk_id, source)
            if source.score > known.score:
                merged[source.chunk_id] = source
    return list(merged.values())


def _factor(length: str | int, templates: Sequence[SectionTemplate]) -> float:
    if isinstance(length, int):
        return length / sum(template.target_words for template in templates)
    return _LENGTHS[length]
