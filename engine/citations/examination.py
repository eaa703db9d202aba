"""Each claim of a draft judged against the passages it cites, as the text goes by."""

from collections.abc import Iterable, Sequence

import msgspec

from engine.citations.claims import Claim, ClaimReader
from engine.citations.support import WEAK, Passage, judge
from engine.types import Citation


class Checked(msgspec.Struct, frozen=True):
    """What is said of a sentence: its range in the draft, what it cites, how well that supports it.

    `section` counts the `## ` headings up to it. A sentence that cites nothing scores 0.
    """

    start: int
    end: int
    citations: tuple[int, ...]
    score: float
    supported: bool
    verdict: str
    reasons: list[str]
    section: int


class Examiner:
    """Takes the citations and the text of a draft in order; returns each sentence as it closes."""

    def __init__(self, citations: Iterable[Citation] = ()) -> None:
        """Begin with the citations known already."""
        self._reader = ClaimReader()
        self._passages: dict[int, Passage] = {}
        for citation in citations:
            self.cite(citation)

    def cite(self, citation: Citation) -> None:
        """Take a citation; it comes before the text that holds its marker."""
        self._passages[citation.number] = Passage(citation.excerpt)

    def feed(self, text: str) -> list[Checked]:
        """Take more text and judge what it closes."""
        return [self._check(claim) for claim in self._reader.feed(text)]

    def skip(self, text: str) -> None:
        """Take text that needs no judgement."""
        self._reader.feed(text)

    def close(self) -> list[Checked]:
        """Judge what was still open."""
        return [self._check(claim) for claim in self._reader.close()]

    def _check(self, claim: Claim) -> Checked:
        numbers = tuple(number for number in claim.numbers if number in self._passages)
        result = judge(claim.text, [self._passages[number] for number in numbers])
        return Checked(
            start=claim.start,
            end=claim.end,
            citations=numbers,
            score=result.score,
            supported=result.verdict != WEAK,
            verdict=result.verdict,
            reasons=result.reasons if numbers else [],
            section=claim.section,
        )


def examine(text: str, citations: Sequence[Citation]) -> list[Checked]:
    """Judge a whole text. Linear in its length."""
    examiner = Examiner(citations)
    return examiner.feed(text) + examiner.close()
