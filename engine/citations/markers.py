"""Find citation markers in text that is still arriving.

Markers are `[1]`, `[1, 3]`, `[1; 3]`, `[1-3]`, `[[1]]`, `[Source 2]`, `[Sources 1, 2]`, `【2】` and
`【2†source】`. No marker is seen

- in code spans and fenced code (`code_regions.py`), and after a backslash, `\\[1]`;
- where it is a link, `[1](url)` and `[[1]](url)`, or opens a link definition, `[1]: url`;
- in an ASCII bracket glued to a word, `a[0]`, `x[0][1]`. Scripts written without spaces (Chinese,
  Japanese, Thai …) glue every marker to a word, so there it counts;
- in anything else between brackets: `[^1]`, `[ ]`, `[FIPS140]`, `[2019]` (at most three digits,
  since years stand in brackets), `[3-1]` and ranges over more than twenty sources.

The parser is sans-IO. It holds back a bracket only while it may still become a marker, never more
than 64 characters, and one character after it, to tell a link. All other text passes at once.
"""

import re

import msgspec
import regex

from engine.citations.code_regions import CodeRegions
from engine.citations.spacing import Spacing
from engine.language.scripts import is_spaced_word

_MAX_LENGTH = 64
_MAX_RANGE = 20
_UNDECIDED = (-1, None)
_ITEM = r"(?:(?i:sources?):?\ {0,2})?[0-9]{1,3}(?:\ ?[-–]\ ?[0-9]{1,3})?"
_ITEMS = rf"\ {{0,2}}{_ITEM}(?:\ ?[,;]\ {{0,2}}{_ITEM})*\ {{0,2}}"
_MARKER_FORMS = rf"\[{_ITEMS}\]|\[\[{_ITEMS}\]\]|【{_ITEMS}(?:†[^】\n]*)?】"
_MARKER = re.compile(_MARKER_FORMS)
_MAY_BECOME_MARKER = regex.compile(_MARKER_FORMS)  # this library matches beginnings
_NUMBERS = re.compile(r"([0-9]+)(?:\ ?[-–]\ ?([0-9]+))?")
_IDEOGRAPHS = r"\p{Han}\p{Hiragana}\p{Katakana}"
_WORD = regex.compile(rf"[{_IDEOGRAPHS}]|[[^\s]--[{_IDEOGRAPHS}]]++", regex.V1)
_LETTER_OR_NUMBER = regex.compile(r"[\p{L}\p{N}]")
_OPENINGS = re.compile(r"\[+(?=\[\[)")


class Literal(msgspec.Struct, frozen=True):
    """Text that is not a marker, verbatim."""

    text: str


class Marker(msgspec.Struct, frozen=True):
    """A marker `raw`, with the numbers it names in order, each once, as the writer wrote them."""

    numbers: tuple[int, ...]
    raw: str


Segment = Literal | Marker


class MarkerParser:
    """Cuts text into literals and markers; any cut of the input gives the same joined result."""

    def __init__(self) -> None:
        """Start at the beginning of a text."""
        self._code = CodeRegions()
        self._last = ""  # the last character before the held ones
        self._subscript = False  # the last bracket was glued to a word
        self._held = ""

    @property
    def held(self) -> str:
        """The end of the text fed so far that may still become a marker, or empty."""
        return self._held

    def feed(self, text: str) -> list[Segment]:
        """Return what is decided, in order; neighbouring literals are merged."""
        return self._scan(self._held + text, at_end=False)

    def close(self) -> list[Segment]:
        """Return what was held back."""
        return self._scan(self._held, at_end=True)

    def _scan(self, text: str, *, at_end: bool) -> list[Segment]:
        segments: list[Segment] = []
        start = position = 0
        self._held = ""
        while (position := self._code.skip(text, position)) < len(text):
            end, marker = self._read_bracket(text, position, at_end)
            if end < 0:
                self._held = text[position:]
                break
            self._code.pass_bracket()
            if marker:
                _append_literal(segments, text[start:position])
                segments.append(marker)
                start = end
            position = end
        _append_literal(segments, text[start:position])
        self._last = text[position - 1] if position else self._last
        return segments

    def _read_bracket(self, text: str, position: int, at_end: bool) -> tuple[int, Marker | None]:
        """Return where what is decided ends, with the marker if it is one."""
        before = text[position - 1] if position else self._last
        self._subscript = text[position] == "[" and (
            is_spaced_word(before) or (self._subscript and before == "]")
        )
        if self._subscript:
            return position + 1, None
        if match := _OPENINGS.match(text, position):
            return match.end(), None
        if match := _MARKER.match(text, position, position + _MAX_LENGTH):
            end = match.end()
            is_decided = end < len(text) or at_end
            return (end, self._judge(match[0], text[end : end + 1])) if is_decided else _UNDECIDED
        if not at_end and _may_become_marker(text, position):
            return _UNDECIDED
        return position + 1, None

    def _judge(self, raw: str, after: str) -> Marker | None:
        is_definition = after == ":" and self._code.is_bare_line_start
        if raw[0] == "[" and (after == "(" or is_definition):
            return None
        numbers = _numbers(raw)
        return Marker(numbers, raw) if numbers else None


def parse(text: str) -> list[Segment]:
    """Cut a whole text into literals and markers."""
    parser = MarkerParser()
    return parser.feed(text) + parser.close()


def markers_in(text: str, *, distinct: bool = True) -> list[int]:
    """Return the numbers that `text` cites in order, each once unless not `distinct`."""
    markers = (segment for segment in parse(text) if isinstance(segment, Marker))
    numbers = [number for marker in markers for number in marker.numbers]
    return list(dict.fromkeys(numbers)) if distinct else numbers


def strip_markers(text: str) -> str:
    """Return `text` without its markers, the white space around each closed up."""
    spacing = Spacing(after="\n")
    parts: list[str] = []
    for segment in parse(text):
        if isinstance(segment, Literal):
            parts.append(spacing.add_text(segment.text))
        else:
            spacing.remove_marker()
    return "".join(parts) + spacing.rest()


def count_words(text: str) -> int:
    """Count what stands between white space and holds a letter or number, markers apart.

    Chinese and Japanese characters count one each, as word processors do.
    """
    words = _WORD.findall(strip_markers(text))
    return sum(1 for word in words if _LETTER_OR_NUMBER.search(word))


def _may_become_marker(text: str, position: int) -> bool:
    is_short = len(text) - position <= _MAX_LENGTH
    return is_short and _MAY_BECOME_MARKER.fullmatch(text, position, partial=True) is not None


def _numbers(raw: str) -> tuple[int, ...]:
    """Return the numbers `raw` names, none when a range in it is no range of sources."""
    named: dict[int, None] = {}
    listed = raw.partition("†")[0]
    if listed[1:-1].isdecimal():
        return (int(listed[1:-1]),)
    for first, last in _NUMBERS.findall(listed):
        span = range(int(first), int(last or first) + 1)
        if not 0 < len(span) <= _MAX_RANGE:
            return ()
        named.update(dict.fromkeys(span))
    return tuple(named)


def _append_literal(segments: list[Segment], text: str) -> None:
    if text:
        segments.append(Literal(text))
