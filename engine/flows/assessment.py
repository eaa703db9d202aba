"""How well a draft rests on its sources: its confidence, whole and by section."""

import re
from collections.abc import Sequence

import msgspec

from engine.citations.examination import Checked, examine
from engine.citations.markers import count_words, markers_in
from engine.flows.planning import Plan
from engine.runs.events import SectionScore
from engine.types import Citation, Source
from engine.writers.writer import SectionPlan

HIGH, MEDIUM = 0.80, 0.50
_UNCITED_CAP = 0.49
_HEADING = re.compile(r"^## (.+?)\s*$", re.MULTILINE)


class Assessment(msgspec.Struct, frozen=True):
    """What can be said of a finished text. Confidences are from 0 to 1."""

    confidence: float
    word_count: int
    unsupported_sentences: int
    sections: list[SectionScore]


class _Part(msgspec.Struct):
    title: str
    words: int
    numbers: set[int]
    supports: list[float]
    unsupported: int


def assess(text: str, citations: Sequence[Citation], plan: Plan) -> Assessment:
    """Measure a text against the passages it cites. Linear in the length of the text."""
    by_number = {citation.number: citation for citation in citations}
    checked = examine(text, citations)
    parts = _measured(text, by_number, checked)
    offered = {section.title: section for section in plan.sections}
    scores = {source.chunk_id: source.score for source in plan.sources}
    retrieved = sum(source.score > 0 for source in plan.sources)
    return Assessment(
        confidence=_confidence(_joined(parts), retrieved, by_number, scores),
        word_count=count_words(text),
        unsupported_sentences=sum(part.unsupported for part in parts),
        sections=[
            _section_score(part, offered.get(part.title), by_number, scores, plan.sources)
            for part in parts
            if part.words
        ],
    )


def split_sections(text: str) -> list[tuple[str, str]]:
    """Cut a draft at its `## Title` lines into (title, body); the text before them has none."""
    pieces = _HEADING.split(text)
    sections = [("", pieces[0])] if pieces[0].strip() else []
    return sections + list(zip(pieces[1::2], pieces[2::2], strict=True))


def level(confidence: float) -> str:
    """Return the word for a confidence."""
    return "high" if confidence >= HIGH else "medium" if confidence >= MEDIUM else "low"


def _measured(text: str, citations: dict[int, Citation], checked: Sequence[Checked]) -> list[_Part]:
    """Measure each section; sentences are told by the number of headings above them."""
    sections = split_sections(text)
    first = 0 if sections and not sections[0][0] else 1
    parts = {n: _part(title, body, citations) for n, (title, body) in enumerate(sections, first)}
    for sentence in checked:
        part = parts.get(sentence.section)
        if part is None:
            continue
        if sentence.citations:
            part.supports.append(sentence.score)
        part.unsupported += not sentence.supported
    return list(parts.values())


def _part(title: str, body: str, citations: dict[int, Citation]) -> _Part:
    numbers = {number for number in markers_in(body) if number in citations}
    return _Part(title, count_words(body), numbers, [], 0)


def _joined(parts: Sequence[_Part]) -> _Part:
    whole = _Part("", 0, set(), [], 0)
    for part in parts:
        whole.words += part.words
        whole.numbers |= part.numbers
        whole.supports += part.supports
    return whole


def _confidence(
    part: _Part, offered: int, citations: dict[int, Citation], scores: dict[str, float]
) -> float:
    """Weigh retrieval, coverage, support and density as contract section 9 says."""
    retrieval = _mean([scores.get(citations[n].chunk_id, 0.0) for n in part.numbers])
    coverage = _coverage(part, offered)
    density = min(100 * len(part.numbers) / part.words, 1.0) if part.words else 0.0
    confidence = 0.4 * retrieval + 0.3 * coverage + 0.2 * _mean(part.supports) + 0.1 * density
    return round(confidence if part.numbers else min(confidence, _UNCITED_CAP), 4)


def _section_score(
    part: _Part,
    section: SectionPlan | None,
    citations: dict[int, Citation],
    scores: dict[str, float],
    sources: Sequence[Source],
) -> SectionScore:
    numbers = section.sources if section else range(1, len(sources) + 1)
    offered = sum(sources[number - 1].score > 0 for number in numbers)
    confidence = _confidence(part, offered, citations, scores)
    retrieval = _mean([scores.get(citations[n].chunk_id, 0.0) for n in part.numbers])
    return SectionScore(
        title=part.title,
        confidence_score=confidence,
        confidence_level=level(confidence),
        avg_retrieval_score=round(retrieval, 4),
        source_count=len(part.numbers),
        coverage_score=round(_coverage(part, offered), 4),
    )


def _coverage(part: _Part, offered: int) -> float:
    return min(len(part.numbers) / offered, 1.0) if offered else float(bool(part.numbers))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
