"""Turn a writer's text into the text a reader sees, with citations numbered by first use.

The writer refers to the sources it was offered; the reader sees 1, 2, 3 … in the order of the text.
A marker for a source that was never offered is taken out and counted. Sans-IO, any cut of the input
gives the same joined result; the sources, one sentence and the held white space are all it keeps.
"""

from collections.abc import Sequence

from engine.citations.markers import Literal, Marker, MarkerParser, Segment, strip_markers
from engine.citations.spacing import Spacing
from engine.citations.support import best_sentence
from engine.language.cleaning import TextCleaner
from engine.language.sentences import sentence_spans
from engine.types import Citation, Id, Source

_MAX_CLAIM_CHARS = 1000

Piece = Citation | str


class CitationStream:
    """Visible text and citations, in the order of the draft.

    A `Citation` stands directly before the text that begins with its marker, white space apart. A
    text never ends in white space or inside a marker. Numbers shown are `[n]`, one each.
    """

    def __init__(
        self,
        offered: Sequence[Source],
        known: Sequence[Citation] = (),
        after: str = "",
        *,
        keep_numbers: bool = False,
        taken: int = 0,
    ) -> None:
        """Take the sources as offered, `[1]` first; new numbers begin after those `taken`.

        With `keep_numbers` markers keep the numbers as offered, where the reader has that list;
        nothing is cited then.

        To continue a draft, `known` are its citations, whose passages keep their numbers, and
        `after` is the text written so far, from its start or the start of a paragraph.
        """
        self._offered = offered
        self._keep_numbers = keep_numbers
        self._citations = list(known)
        self._numbers: dict[Id, int] = {c.chunk_id: c.number for c in known}
        self._next_number = max([taken, *self._numbers.values()]) + 1
        self._invalid_markers = 0
        self._cleaner = TextCleaner()
        self._parser = MarkerParser()
        self._spacing = Spacing(after)
        self._adjacent: set[int] = set()  # numbers shown with only spaces since
        self._recent = after[-_MAX_CLAIM_CHARS:]
        for segment in self._parser.feed(after) + self._parser.close():
            self._note_adjacent(segment)

    @property
    def citations(self) -> list[Citation]:
        """All citations of the draft by number, those known before included."""
        return list(self._citations)

    @property
    def invalid_markers(self) -> int:
        """How many numbers of markers named no offered source."""
        return self._invalid_markers

    def feed(self, text: str) -> list[Piece]:
        """Return what can be shown now."""
        return self._show(self._parser.feed(self._cleaner.feed(text)))

    def close(self) -> list[Piece]:
        """Return what was held back; a marker cut off in its middle is dropped."""
        segments = self._parser.feed(self._cleaner.close())
        held = self._parser.close()
        if held and isinstance(held[-1], Literal) and not held[-1].text.endswith(("]", "】")):
            held.pop()
        return self._show(segments + held)

    def _show(self, segments: list[Segment]) -> list[Piece]:
        pieces: list[Piece] = []
        for segment in segments:
            if isinstance(segment, Literal):
                self._note_adjacent(segment)
                self._add_text(pieces, self._spacing.add_text(segment.text))
            else:
                self._show_marker(pieces, segment)
        return _merge(pieces)

    def _note_adjacent(self, segment: Segment) -> None:
        if isinstance(segment, Marker):
            self._adjacent.update(segment.numbers)
        elif "\n" in segment.text or not segment.text.isspace():
            self._adjacent.clear()

    def _show_marker(self, pieces: list[Piece], marker: Marker) -> None:
        shown = False
        for offered in marker.numbers:
            if not 0 < offered <= len(self._offered):
                self._invalid_markers += 1
                continue
            number = self._number(pieces, offered)
            if number not in self._adjacent:
                self._adjacent.add(number)
                self._add_text(pieces, self._spacing.add_marker(f"[{number}]"))
                shown = True
        if not shown:
            self._spacing.remove_marker()

    def _number(self, pieces: list[Piece], offered: int) -> int:
        """Return the number of a source, after citing it when this is its first use."""
        if self._keep_numbers:
            return offered
        source = self._offered[offered - 1]
        if number := self._numbers.get(source.chunk_id):
            return number
        citation = _cite(self._next_number, source, self._claim())
        self._next_number += 1
        self._numbers[source.chunk_id] = citation.number
        self._citations.append(citation)
        pieces.append(citation)
        return citation.number

    def _claim(self) -> str:
        """Return the sentence being written, or just ended, without its markers."""
        spans = sentence_spans(self._recent)
        if not spans:
            return ""
        start, end = spans[-1]
        return strip_markers(self._recent[start:end])

    def _add_text(self, pieces: list[Piece], text: str) -> None:
        if text:
            self._recent = (self._recent + text)[-_MAX_CLAIM_CHARS:]
            pieces.append(text)


def _merge(pieces: list[Piece]) -> list[Piece]:
    """Join neighbouring texts."""
    merged: list[Piece] = []
    texts: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            texts.append(piece)
            continue
        if texts:
            merged.append("".join(texts))
            texts = []
        merged.append(piece)
    return [*merged, "".join(texts)] if texts else merged


def _cite(number: int, source: Source, claim: str) -> Citation:
    """Pin a source; the confidence is how well its best sentence supports `claim`, 0 to 1."""
    quote_start, quote_end, score = best_sentence(claim, source.text)
    return Citation(
        number=number,
        document_id=source.document_id,
        document_name=source.document_name,
        page=source.page,
        section=source.section,
        excerpt=source.text,
        confidence=round(score, 4),
        chunk_id=source.chunk_id,
        version=source.version,
        char_start=source.char_start,
        char_end=source.char_end,
        quote_start=quote_start,
        quote_end=quote_end,
    )
