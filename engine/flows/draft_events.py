"""What the events of a run say of its draft: text, citations, sections, passages on offer."""

from collections.abc import Sequence

import msgspec

from engine.citations.renumbering import renumber
from engine.flows.planning import Plan
from engine.runs.events import Cited, Delta, Event, OfferedSource, Sources, Stage
from engine.storage.drafts import Draft
from engine.types import Citation, Source

_EXCERPT_CHARS = 300


def offered(plan: Plan) -> Sources:
    """Return the event that lists the passages of a plan, shortened."""
    items = [
        OfferedSource(
            source.chunk_id,
            source.document_id,
            source.document_name,
            source.page,
            source.section,
            _shortened(source.text),
            round(source.score, 4),
        )
        for source in plan.sources
    ]
    return Sources(items, sum(len(source.text) for source in plan.sources))


def _shortened(text: str) -> str:
    return text if len(text) <= _EXCERPT_CHARS else text[:_EXCERPT_CHARS].rstrip() + "…"


def skipped_in(plan: Plan, past: Sequence[Event]) -> list[str]:
    """Return the sections that a run has stopped early, from its last word about them."""
    told = [event.states for event in past if isinstance(event, Stage) and event.states]
    states = told[-1] if told else []
    pairs = zip(plan.sections, states, strict=False)
    return [section.title for section, state in pairs if state == "skipped"]


def with_written(draft: Draft, events: Sequence[Event]) -> Draft:
    """Return a draft with what a run has written."""
    return msgspec.structs.replace(
        draft,
        content=draft.content + text_in(events),
        citations=draft.citations + cited_in(events),
    )


def cited_in(events: Sequence[Event]) -> list[Citation]:
    """Return what a run has cited."""
    return [event.citation for event in events if isinstance(event, Cited)]


def text_in(events: Sequence[Event]) -> str:
    """Return the text a run has written."""
    return "".join(event.text for event in events if isinstance(event, Delta))


def as_offered(text: str, citations: Sequence[Citation], sources: Sequence[Source]) -> str:
    """Write the text so far with the numbers of the sources as they are offered now."""
    numbers = {source.chunk_id: n for n, source in enumerate(sources, start=1)}
    return renumber(text, {one.number: numbers.get(one.chunk_id) for one in citations})
