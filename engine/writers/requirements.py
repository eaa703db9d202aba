"""Requirements among the passages, and which statement of another document answers each.

That words agree does not prove that a requirement is met, so nothing here says so: `covered` means
that another document has a statement with most of the requirement's words and all its figures and
names.
"""

import math
import re
from collections import defaultdict
from collections.abc import Sequence

import msgspec

from engine.language.words import terms
from engine.writers.evidence import Evidence
from engine.writers.relevance import relevance
from engine.writers.selection import Written
from engine.writers.statements import Statement
from engine.writers.writer import SectionPlan

_NEAR, _COVERED = 0.42, 0.55
"""Parts of a requirement's words that an answer has in common, weighed by how telling they are."""
_SAME = 0.95
"""Requirements differ by a word; only the very same one is dropped."""
_SHARED_TERMS = 3
_WORDS_PER_FINDING = 35
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][\w-]+")
_PARTIES = frozenset(
    """
    contractor vendor offeror proposer bidder supplier department government agency county city
    state authority customer client
    """.split()
)
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_FORMAL_TERMS = frozenset(
    terms(
        "contractor vendor offeror proposer bidder supplier solution system service provide ensure"
        " require include support comply applicable able least day time"
    )
)


class Finding(msgspec.Struct, frozen=True):
    """A requirement and the statement that comes closest to answering it, if any does.

    `is_covered` is false when too many words, or a figure or a name, are missing from the answer.
    """

    requirement: Statement
    answer: Statement | None
    is_covered: bool


def findings(
    evidence: Evidence, question: str, plan: SectionPlan, earlier: Written
) -> list[Finding]:
    """Return the requirements relevant to the question, in the order of their documents."""
    answers = Answers(evidence)
    return [answers.finding(one) for one in _requirements(evidence, question, plan, earlier)]


def _requirements(
    evidence: Evidence, question: str, plan: SectionPlan, earlier: Written
) -> list[Statement]:
    demands = [one for one in evidence.of(plan) if one.demands and not one.leans and not one.items]
    requested = [one for one in demands if evidence.is_request(one)]
    scored = relevance(evidence, question, plan)
    ranked = sorted(
        (one for one in requested or demands if one in scored),
        key=lambda one: (-scored[one], one.source, one.place),
    )
    here = Written()
    picked: list[Statement] = []
    for one in ranked[: 4 * _most(plan)]:
        said = earlier.repeats(one, _SAME) or here.repeats(one, _SAME)
        if len(picked) < _most(plan) and not said:
            here.add(one.text, one.terms)
            picked.append(one)
    return sorted(picked, key=lambda one: _position(evidence, one))


def _most(plan: SectionPlan) -> int:
    return max(1, plan.target_words // _WORDS_PER_FINDING)


def _position(evidence: Evidence, one: Statement) -> tuple[str, str, int]:
    source = evidence.sources[one.source - 1]
    return source.document_name, source.document_id, source.char_start + one.start


class Answers:
    """Statements that may answer a requirement, found by the words they share."""

    def __init__(self, evidence: Evidence) -> None:
        """Index the statements of documents that are no request."""
        self._evidence = evidence
        self._statements: Sequence[Statement] = [
            one
            for one in evidence.all()
            if not (one.leans or one.items or evidence.is_request(one))
        ]
        self._by_term: dict[str, list[int]] = defaultdict(list)
        for index, one in enumerate(self._statements):
            for term in one.terms:
                self._by_term[term].append(index)

    def finding(self, requirement: Statement) -> Finding:
        """Return the requirement with its best answer from another document."""
        words = sorted(requirement.terms - _FORMAL_TERMS)
        whole = math.fsum(map(self._evidence.rarity, words))
        shared: dict[int, list[float]] = defaultdict(list)
        for term in words:
            for index in self._by_term.get(term, ()):
                shared[index].append(self._evidence.rarity(term))
        best = max(
            (
                (math.fsum(found), -index)
                for index, found in shared.items()
                if len(found) >= min(_SHARED_TERMS, len(words))
                and self._is_other(index, requirement)
            ),
            default=(0.0, 0),
        )
        if best[0] < _NEAR * whole or not whole:
            return Finding(requirement, None, False)
        answer = self._statements[-best[1]]
        is_whole = best[0] >= _COVERED * whole and _details(requirement) <= _details(answer)
        return Finding(requirement, answer, is_whole)

    def _is_other(self, index: int, requirement: Statement) -> bool:
        other = self._statements[index]
        return self._evidence.document(other) != self._evidence.document(requirement)


def _details(one: Statement) -> frozenset[str]:
    """Return the figures and the names in a statement, which an answer must have, too."""
    figures = _FIGURE.findall(one.text)
    names = (name.casefold() for name in _NAME.findall(one.text))
    return frozenset(figures) | {name for name in names if name not in _PARTIES}
