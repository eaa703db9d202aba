"""Which statements a section quotes: the relevant ones, none twice, in an order that reads well.

The best statement of each passage comes first, which finds more of an answer than the best
statements overall; then their neighbours fill up, so that the result reads as text.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from statistics import fmean

from engine.language.sentences import sentence_spans
from engine.language.words import terms
from engine.writers.evidence import Evidence
from engine.writers.relevance import relevance
from engine.writers.statements import Statement
from engine.writers.writer import SectionPlan

_FIRST_SHARE = 0.55
"""Part of a section's length that goes to the best statement of each passage."""
_FLOOR = 0.38
"""A statement needs this part of the best one's relevance."""
_NEIGHBOUR_FLOOR = 0.8 * _FLOOR
_NEAR_DUPLICATE = 0.7
_OVERRUN = 1.1

_MARKER = re.compile(r"\s{0,4}\[\d{1,6}\]")
_PARTS = re.compile(r"\n\s*\n|\n\s*[-*] |\|")


class Written:
    """What is said already, so that nothing is said twice."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._texts: set[str] = set()
        self._sizes: list[int] = []
        self._by_term: dict[str, list[int]] = defaultdict(list)

    def add(self, text: str, words: frozenset[str]) -> None:
        """Remember a sentence and its terms."""
        self._texts.add(plain(text))
        for term in words:
            self._by_term[term].append(len(self._sizes))
        self._sizes.append(len(words))

    def add_draft(self, markdown: str) -> None:
        """Remember every sentence of a draft; markers and layout do not matter."""
        for part in _PARTS.split(_MARKER.sub("", markdown)):
            for start, end in sentence_spans(part):
                sentence = part[start:end].strip().strip("*")
                self.add(sentence, frozenset(terms(sentence)))

    def repeats(self, statement: Statement, overlap: float = _NEAR_DUPLICATE) -> bool:
        """Whether the statement, or one with this part of its terms, is there already."""
        shared = Counter(index for term in statement.terms for index in self._by_term.get(term, ()))
        return plain(statement.text) in self._texts or any(
            count >= overlap * min(len(statement.terms), self._sizes[index])
            for index, count in shared.items()
            if count > 2
        )


def plain(text: str) -> str:
    """Return text with its white space and case evened out, for comparison."""
    return " ".join(text.split()).casefold()


class Choice:
    """The statements chosen for one section, within its length."""

    def __init__(self, target_words: int, earlier: Written) -> None:
        """Choose up to about `target_words`, nothing that was said `earlier`."""
        self.chosen: list[Statement] = []
        self._places: set[tuple[int, int, int]] = set()
        self._earlier = earlier
        self._here = Written()
        self._limit = target_words * _OVERRUN
        self._words = 0

    def try_add(self, one: Statement, share: float = 1.0) -> bool:
        """Add the statement unless it is too long for `share` of the length, or said already."""
        if self.chosen and self._words + one.words > self._limit * share:
            return False
        if one.leans and not self.holds_neighbour(one, -1):
            return False
        if self._earlier.repeats(one) or self._here.repeats(one):
            return False
        self._here.add(one.text, one.terms)
        self.chosen.append(one)
        self._places.add((one.source, one.block, one.place))
        self._words += one.words
        return True

    def holds_neighbour(self, one: Statement, *offsets: int) -> bool:
        """Whether a sentence so many places further in the same paragraph was chosen."""
        return any((one.source, one.block, one.place + by) in self._places for by in offsets)


def choose(
    evidence: Evidence, question: str, plan: SectionPlan, earlier: Written
) -> list[Statement]:
    """Return the statements a prose section quotes, in reading order; empty if none is relevant."""
    scored = relevance(evidence, question, plan)
    ranked = sorted(
        (one for one in scored if not earlier.repeats(one)),
        key=lambda one: (-scored[one], one.source, one.place),
    )
    if not ranked:
        return []
    best = fmean(scored[one] for one in ranked[:3])
    choice = Choice(plan.target_words, earlier)
    _take_best_of_each([one for one in ranked if scored[one] >= _FLOOR * best], choice)
    _take_neighbours([one for one in ranked if scored[one] >= _NEIGHBOUR_FLOOR * best], choice)
    for one in ranked:
        if scored[one] >= _FLOOR * best:
            choice.try_add(one)
    return in_reading_order(choice.chosen, scored, evidence)


def _take_best_of_each(ranked: list[Statement], choice: Choice) -> None:
    seen: set[int] = set()
    for one in ranked:
        if one.source not in seen and choice.try_add(one, _FIRST_SHARE):
            seen.add(one.source)


def _take_neighbours(ranked: list[Statement], choice: Choice) -> None:
    near = [one for one in ranked if choice.holds_neighbour(one, -1, 1)]
    for one in near:
        choice.try_add(one)


def in_reading_order(
    chosen: list[Statement], scored: Mapping[Statement, float], evidence: Evidence
) -> list[Statement]:
    """Sort by document, the one with most to say first, and within one by position."""
    total: dict[str, float] = defaultdict(float)
    for one in chosen:
        total[evidence.document(one)] += scored[one]

    def key(one: Statement) -> tuple[float, str, int, int]:
        document = evidence.document(one)
        start = evidence.sources[one.source - 1].char_start
        return (-total[document], document, start + one.start, one.source)

    return sorted(chosen, key=key)
