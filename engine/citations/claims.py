"""The claims of a draft: its prose sentences, found as each of them closes.

Headings, code, rules, table heads and lone emphasised lines claim nothing. Of a table only those
cells are claims that cite something. The reader is sans-IO and holds one open sentence, so a word
more costs the same at the end of a long draft as at its beginning.
"""

import re

import msgspec

from engine.citations.markers import markers_in
from engine.language.sentences import sentence_spans

LEAST_WORDS = 4
"""A shorter sentence claims nothing unless it cites something."""

_MAX_CHARS = 2000
_SPACE = re.compile(r"\s*")
_BLOCK = re.compile(r"^[ \t]*(?:(?P<fence>`{3,}|~{3,})|(?P<heading>#{1,6}[ \t])|(?P<row>\|))", re.M)
_OPENS_BLOCK = re.compile(r"[ \t]*(?:`{1,2}|~{1,2}|#{1,6})?\Z")
_CERTAIN = re.compile(r"[ \t]*\n[ \t]*\n|\s+\S+\s|.{24}|\s+.{24}", re.DOTALL)
_STOP = re.compile(r"[.!?…\n。！？｡．।॥؟۔]")
_ASIDE = re.compile(r"\*[^*]+\*$|[-*_\s]+$")
_CELL = re.compile(r"(?:[^|\\]|\\.)+", re.DOTALL)


class Claim(msgspec.Struct, frozen=True):
    """A sentence: `text` stands at `start` of the draft, `numbers` are those it cites."""

    start: int
    text: str
    numbers: tuple[int, ...]
    section: int = 0
    """Which `## ` heading it stands under, from 1; 0 above the first."""

    @property
    def end(self) -> int:
        """Where it ends in the draft."""
        return self.start + len(self.text)


class ClaimReader:
    """Feed text in any pieces; claims come out in order."""

    def __init__(self) -> None:
        """Start at the beginning of a text."""
        self._held = ""
        self._more: list[str] = []
        self._more_chars = 0
        self._may_end = False
        self._start = 0
        self._section = 0
        self._fence = ""
        self._is_line_start = True

    def feed(self, text: str) -> list[Claim]:
        """Take more text and return the claims that are whole now.

        The open sentence is looked at again only when it has grown by an eighth: linear in all.
        """
        self._more.append(text)
        self._more_chars += len(text)
        self._may_end = self._may_end or bool(_STOP.search(text))
        size = len(self._held) + self._more_chars
        if not self._may_end and size < _MAX_CHARS or self._more_chars * 8 < size:
            return []
        return self._read(at_end=False)

    def close(self) -> list[Claim]:
        """Return what was still open."""
        return self._read(at_end=True)

    def _read(self, *, at_end: bool) -> list[Claim]:
        claims: list[Claim] = []
        held, at = self._held + "".join(self._more), 0
        while at < len(held):
            at = self._skip_space(held, at)
            end = self._pass_line(held, at, claims, at_end=at_end)
            if end is None:
                end = self._pass_prose(held, at, claims, at_end=at_end)
            if end == at:
                break
            at = end
        self._held, self._more, self._more_chars = held[at:], [], 0
        self._may_end = bool(_STOP.search(self._held))
        self._start += at
        return claims

    def _skip_space(self, held: str, at: int) -> int:
        """Return where the next line's text begins; the indent of a code line is kept with it."""
        match = _SPACE.match(held, at)
        end = match.end() if match else at
        self._is_line_start = self._is_line_start or "\n" in held[at:end]
        return end

    def _pass_line(self, held: str, at: int, claims: list[Claim], *, at_end: bool) -> int | None:
        """Return the end of a line that is no prose, `at` while it is open, None for prose."""
        if not self._is_line_start or at == len(held):
            return None
        match = _BLOCK.match(held, at)
        if not match and not self._fence:
            is_undecided = not at_end and bool(_OPENS_BLOCK.match(held, at))
            return at if is_undecided else None
        end = held.find("\n", at)
        if end < 0 and not at_end:
            return at
        line = held[at:] if end < 0 else held[at:end]
        self._take_line(line, match, at, claims)
        return at + len(line)

    def _take_line(
        self, line: str, match: re.Match[str] | None, at: int, claims: list[Claim]
    ) -> None:
        fence = match["fence"] if match else None
        if self._fence:
            closes = fence and fence.startswith(self._fence) and not line.strip("`~ \t")
            self._fence = "" if closes else self._fence
        elif fence:
            self._fence = fence
        elif match and match["row"]:
            claims += self._cells(line, self._start + at)
        elif line.startswith("## "):
            self._section += 1

    def _cells(self, row: str, start: int) -> list[Claim]:
        found = [(cell.start(), cell[0]) for cell in _CELL.finditer(row)]
        claims = (self._claim(start + at, cell) for at, cell in found)
        return [claim for claim in claims if claim is not None and claim.numbers]

    def _pass_prose(self, held: str, at: int, claims: list[Claim], *, at_end: bool) -> int:
        """Take the sentences of the prose that begins at `at`; return where the open one begins."""
        block = _BLOCK.search(held, at)
        limit = block.start() if block else len(held)
        for start, end in sentence_spans(held[at:limit]):
            start, end = at + start, at + end
            is_whole = at_end or block is not None or bool(_CERTAIN.match(held, end))
            if not is_whole and end - start < _MAX_CHARS:
                self._is_line_start = self._is_line_start and start == at
                return start
            claim = self._claim(self._start + start, held[start:end])
            claims += [claim] if claim is not None else []
            self._is_line_start = False
        self._is_line_start = self._is_line_start or block is not None
        return limit

    def _claim(self, start: int, text: str) -> Claim | None:
        """Return a stretch of text as a claim, or None if it claims nothing."""
        body = text.strip()
        may_cite = "[" in body or "【" in body
        numbers = tuple(markers_in(body)) if may_cite else ()
        if _ASIDE.fullmatch(body) or not (numbers or len(body.split()) >= LEAST_WORDS):
            return None
        return Claim(start + text.index(body[0]), body, numbers, self._section)


def claims_in(text: str) -> list[Claim]:
    """Return the claims of a whole text. Linear in its length."""
    reader = ClaimReader()
    return reader.feed(text) + reader.close()
