"""Makes paragraphs and headings of lines on pages, from their places and sizes alone."""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

_ROW = 0.4
_HEADING_RATIO = 1.12
_MAX_HEADING = 200
_MAX_BOLD_HEADING = 90
_DEFAULT_PITCH = 1.3
_EDGE_LINES = 2
_MIN_SHARE = 0.4
_ITEM = re.compile(r"(?:[•●○◦▪■□–*‣·➢✓☐-]|\(?(?:\d{1,3}|[a-z])[.)])\s")
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


class Line(NamedTuple):
    """A line as it stands on its page; lengths are points, `baseline` counts up from the bottom.

    `is_row` says that wide gaps divide it into cells.
    """

    text: str
    left: float
    right: float
    baseline: float
    size: float
    is_bold: bool
    is_hyphenated: bool
    is_row: bool


class Block(NamedTuple):
    """A paragraph, or a heading when `level` is not 0."""

    text: str
    level: int


def blocks_of(pages: list[list[Line]]) -> Iterator[list[Block]]:
    """Yield the blocks of each page, without the headers and footers that repeat."""
    pages = _without_running_lines(pages)
    measures = _Measures([line for page in pages for line in page])
    for page in pages:
        groups = list(_groups(page, measures.pitch))
        yield [
            Block(_joined(group, measures.vocabulary), measures.level(group)) for group in groups
        ]


def _without_running_lines(pages: list[list[Line]]) -> list[list[Line]]:
    seen = Counter(key for page in pages for key in {_running_key(line) for line in _edges(page)})
    least = max(min(len(pages), 3), _MIN_SHARE * len(pages))
    running = {key for key, times in seen.items() if times >= least and len(pages) > 1}
    kept = []
    for page in pages:
        edges = {id(line) for line in _edges(page) if _running_key(line) in running}
        kept.append([line for line in page if id(line) not in edges])
    return kept


def _edges(page: list[Line]) -> list[Line]:
    ordered = sorted(page, key=lambda line: line.baseline)
    return ordered[:_EDGE_LINES] + ordered[_EDGE_LINES:][-_EDGE_LINES:]


def _running_key(line: Line) -> tuple[str, int]:
    return _DIGITS.sub("#", line.text), round(line.baseline / 4)


class _Measures:
    """What is usual in the document: size of body text, line distance, words, sizes of headings."""

    def __init__(self, lines: list[Line]) -> None:
        letters: Counter[float] = Counter()
        for line in lines:
            letters[line.size] += len(line.text)
        self._body = letters.most_common(1)[0][0] if letters else 0.0
        bold = sum(len(line.text) for line in lines if line.is_bold)
        self._marks_by_bold = 0 < 4 * bold < letters.total()
        self.pitch = self._line_pitch(lines)
        self.vocabulary = {word for line in lines for word in _WORD.findall(line.text.lower())}
        sizes = {line.size for line in lines if self._is_large(line)}
        self._levels = {size: level for level, size in enumerate(sorted(sizes, reverse=True), 1)}

    def _line_pitch(self, lines: list[Line]) -> float:
        """Return the usual distance of two lines of a paragraph as a multiple of their size."""
        pitches: Counter[float] = Counter()
        for above, below in pairwise(lines):
            ratio = (above.baseline - below.baseline) / max(below.size, 1.0)
            if above.size == below.size == self._body and 0.9 < ratio < 2.5:
                pitches[round(ratio, 1)] += 1
        return pitches.most_common(1)[0][0] if pitches else _DEFAULT_PITCH

    def _is_large(self, line: Line) -> bool:
        return line.size >= _HEADING_RATIO * self._body

    def level(self, group: list[Line]) -> int:
        """Return the heading level of a block: by its size, or one deeper when it is only bold."""
        length = sum(len(line.text) for line in group)
        has_words = any(_WORD.search(line.text) for line in group)
        if length > _MAX_HEADING or not has_words or any(line.is_row for line in group):
            return 0
        if all(self._is_large(line) for line in group):
            return min(self._levels[group[0].size], 6)
        return min(len(self._levels) + 1, 6) if self._is_bold_heading(group, length) else 0

    def _is_bold_heading(self, group: list[Line], length: int) -> bool:
        return (
            self._marks_by_bold
            and length <= _MAX_BOLD_HEADING
            and all(line.is_bold and line.size >= 0.97 * self._body for line in group)
            and group[-1].text[-1] not in ".,;:"
        )


def _groups(page: list[Line], pitch: float) -> Iterator[list[Line]]:
    group: list[Line] = []
    for line in page:
        if group and _begins_block(group, line, pitch):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _begins_block(group: list[Line], line: Line, pitch: float) -> bool:
    above = group[-1]
    drop = above.baseline - line.baseline
    size = max(above.size, line.size, 1.0)
    if abs(drop) < _ROW * size:
        return False
    if drop < 0 or drop > 1.25 * pitch * size:
        return True
    if abs(above.size - line.size) > 0.08 * size:
        return True
    if above.is_bold != line.is_bold:
        return not (above.is_row or line.is_row)
    return _is_indented_opening(above, line)


def _is_indented_opening(above: Line, line: Line) -> bool:
    is_indented = 0.8 * line.size < line.left - above.left < 4 * line.size
    return is_indented and above.text[-1] in ".!?:" and not _ITEM.match(above.text)


def _joined(group: list[Line], vocabulary: set[str]) -> str:
    """Join the lines of a block: one that had room for the next word was ended on purpose."""
    right = max(line.right for line in group)
    parts = [group[0].text]
    for above, below in pairwise(group):
        if above.is_hyphenated or above.text.endswith("-"):
            parts[-1] = _before_hyphen(parts[-1], below.text, vocabulary)
        elif above.is_row or below.is_row or _ITEM.match(below.text):
            parts.append("\n")
        elif _was_ended(above, below, right):
            parts.append("\n")
        else:
            parts.append(" ")
        parts.append(below.text)
    return "".join(parts)


def _before_hyphen(above: str, below: str, vocabulary: set[str]) -> str:
    """Return the text above with its last hyphen, if that one belongs to the word.

    It does when the document writes the word so elsewhere, or knows both halves and not the whole.
    """
    stem = above.removesuffix("-")
    head = _WORD.findall(stem.lower()[-60:])
    tail = _WORD.match(below.lower())
    if not head or tail is None or not below[0].islower() or not stem[-1].isalpha():
        return stem + "-"
    first, second = head[-1], tail[0]
    if first + second in vocabulary:
        return stem
    if f"{first}-{second}" in vocabulary or {first, second} <= vocabulary:
        return stem + "-"
    return stem


def _was_ended(above: Line, below: Line, right: float) -> bool:
    if below.text[0].islower() or abs(above.baseline - below.baseline) < _ROW * below.size:
        return False
    letter = (below.right - below.left) / max(len(below.text), 1)
    needed = letter * (len(below.text.split(" ", 1)[0]) + 1)
    return right - above.right > 1.2 * needed + 0.5 * below.size
