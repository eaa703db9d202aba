"""Cuts a document into passages of about 150 to 220 words that follow its headings and paragraphs.

The text is walked once, coarse to fine: sections, paragraphs, sentences and list items, lines, and
only where none of these help, words. Sizes are counted in units: a unit is a word, a piece of 16
characters of a longer one, or two characters of a script that has no spaces.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from engine.ingest.parsed import Chunk, Extracted, Heading, Page
from engine.language.sentences import sentence_spans

MAX_UNITS = 220
MAX_CHARACTERS = MAX_UNITS * 16
_ENOUGH_UNITS = 150
_TINY_UNITS = 30
_RUN_UNITS = 50
_SEPARATOR = " › "

_UNIT = re.compile(
    r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]{1,2}|[^\s\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]{1,16}"
)
_PARAGRAPH = re.compile(r"\n\s*\n|[^\S\n]{40,}")
_LINE = re.compile(r"\n")


class _Span(NamedTuple):
    """A stretch of text; `units` is its size, `opens` says that a paragraph begins with it."""

    start: int
    end: int
    units: int
    opens: bool


class _Section(NamedTuple):
    """A heading's own text, without the sections below it; `lead` is where the heading starts."""

    lead: int
    start: int
    end: int
    path: tuple[str, ...]
    units: int


def cut(document: Extracted) -> list[Chunk]:
    """Return the chunks of `document` in order; they never overlap and are never blank."""
    pages = _PageFinder(document.pages)
    return [
        Chunk(start, end, pages.at(start), _SEPARATOR.join(path) or None)
        for start, end, path in _passages(document)
    ]


def _passages(document: Extracted) -> Iterator[tuple[int, int, tuple[str, ...]]]:
    text = document.text
    sections = _sections(text, document.headings, document.body_start)
    for group in _groups(sections):
        if len(group) > 1:
            yield *_trimmed(text, group[0].lead, group[-1].end), group[0].path[:-1]
        elif group[0].units:
            for start, end in _packed(text, group[0]):
                yield start, end, group[0].path


def _sections(text: str, headings: list[Heading], body_start: int) -> Iterator[_Section]:
    path: list[tuple[int, str]] = []
    lead = start = body_start
    for heading in headings:
        yield _section(text, lead, start, heading.start, path)
        while path and path[-1][0] >= heading.level:
            path.pop()
        path.append((heading.level, heading.title))
        lead, start = heading.start, heading.end
    yield _section(text, lead, start, len(text), path)


def _section(text: str, lead: int, start: int, end: int, path: list[tuple[int, str]]) -> _Section:
    titles = tuple(title for _, title in path)
    return _Section(lead, start, end, titles, _count(text, start, end))


def _groups(sections: Iterable[_Section]) -> Iterator[list[_Section]]:
    """Put tiny neighbours below the same heading together, as long as they stay a small passage."""
    group: list[_Section] = []
    for section in sections:
        if group and not _fits(group, section):
            yield group
            group = []
        group.append(section)
    yield group


def _fits(group: list[_Section], section: _Section) -> bool:
    last = group[-1]
    return (
        bool(section.path)
        and last.path[:-1] == section.path[:-1]
        and len(last.path) == len(section.path)
        and all(0 < part.units < _TINY_UNITS for part in (last, section))
        and sum(part.units for part in group) + section.units <= _ENOUGH_UNITS
        and section.end - group[0].lead <= MAX_CHARACTERS
    )


def _packed(text: str, section: _Section) -> Iterator[tuple[int, int]]:
    """Fill chunks evenly, so that none of a section's chunks is a small rest."""
    rest = section.units
    target = _even_share(rest)
    start = end = units = 0
    for span in _spans(text, section.start, section.end, 0, True):
        is_too_long = span.end - start > MAX_CHARACTERS
        if units and (is_too_long or _is_full(text, units, rest, target, span)):
            yield start, end
            units = 0
            target = _even_share(rest)
        if not units:
            start = span.start
        end = span.end
        units += span.units
        rest -= span.units
    yield start, end


def _even_share(units: int) -> float:
    return units / -(-units // MAX_UNITS)


def _is_full(text: str, units: int, rest: int, target: float, span: _Span) -> bool:
    if rest < 0.4 * target and units + rest <= 1.1 * MAX_UNITS:
        return False
    if units + span.units > MAX_UNITS:
        return True
    if span.opens and text[span.start].islower():
        return False  # the rest of a sentence from the page before
    return units + (span.units / 2 if span.opens else 0) >= target


def _spans(text: str, start: int, end: int, level: int, opens: bool) -> Iterator[_Span]:
    """Yield the pieces of a stretch, each as large as the chunk size allows."""
    if level == len(_LEVELS):
        yield from _runs_of_units(text, start, end)
        return
    for piece_start, piece_end in _LEVELS[level](text, start, end):
        units = _count(text, piece_start, piece_end, MAX_UNITS + 1)
        if units > MAX_UNITS:
            yield from _spans(text, piece_start, piece_end, level + 1, opens)
        elif units:
            yield _Span(piece_start, piece_end, units, opens)
        opens = level == 0


def _paragraphs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    return _between(_PARAGRAPH, text, start, end)


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    # Bullets stand before a sentence and go with it, so a piece reaches from end to end.
    position = start
    for _, sentence_end in sentence_spans(text[start:end]):
        yield _trimmed(text, position, start + sentence_end)
        position = start + sentence_end
    yield _trimmed(text, position, end)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    return _between(_LINE, text, start, end)


_LEVELS = (_paragraphs, _sentences, _lines)


def _between(border: re.Pattern[str], text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    for found in border.finditer(text, start, end):
        yield _trimmed(text, start, found.end())
        start = found.end()
    yield _trimmed(text, start, end)


def _runs_of_units(text: str, start: int, end: int) -> Iterator[_Span]:
    units = _UNIT.finditer(text, start, end)
    while run := list(islice(units, _RUN_UNITS)):
        yield _Span(run[0].start(), run[-1].end(), len(run), False)


def _count(text: str, start: int, end: int, most: int | None = None) -> int:
    """Count units up to `most`: how large a giant is, nobody needs to know."""
    return sum(1 for _ in islice(_UNIT.finditer(text, start, end), most))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


class _PageFinder:
    """Finds the page of ascending positions."""

    def __init__(self, pages: list[Page]) -> None:
        self._pages = pages
        self._index = 0

    def at(self, position: int) -> int | None:
        if not self._pages:
            return None
        while self._index + 1 < len(self._pages) and position >= self._pages[self._index + 1].start:
            self._index += 1
        return self._pages[self._index].number
