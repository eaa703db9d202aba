"""How well a statement suits a section.

A sum of inverse sentence frequencies over the words a statement and its heading share with the
question, the section's title and its guidance, damped by length as in BM25 (Robertson and Walker
1994), a little less for passages that retrieval ranked lower.
"""

import math
from collections.abc import Iterable, Mapping

from engine.language.words import terms
from engine.writers.evidence import Evidence
from engine.writers.statements import Statement
from engine.writers.writer import SectionPlan

_QUESTION, _TITLE, _GUIDANCE, _HEADING = 1.6, 0.8, 0.5, 0.35
_TYPICAL_WORDS = 20
_POOR = 0.5
"""Factor for statements that point elsewhere, and for those that are a label and its text."""
_LAST_RANK = 0.7

_TASK_WORDS = frozenset(
    terms(
        "answer respond response reply write draft prepare create proposal document section text"
        " report checklist summary summarise summarize analysis gap paragraph statement work rfp"
        " rfq handle request requirement question information context page word"
    )
)
_DEMAND_TERMS = frozenset(
    terms("requirement require demand obligation deliverable contractor vendor offeror")
)


def relevance(evidence: Evidence, question: str, plan: SectionPlan) -> dict[Statement, float]:
    """Return the statements that belong into a section, with how well they do."""
    subject = _Subject(evidence, question, plan)
    offered = _admitted(evidence, question, plan)
    scored = {}
    for rank, one in enumerate(offered):
        around = one.terms | evidence.headings[one.source - 1]
        if subject.covers(around):
            gain = _gain(one, around, subject.weights)
            scored[one] = gain * (1.0 - (1.0 - _LAST_RANK) * rank / len(offered))
    return scored


class _Subject:
    """The words a section is about, weighed."""

    def __init__(self, evidence: Evidence, question: str, plan: SectionPlan) -> None:
        # Without a title the guidance describes the kind of document, not a subject.
        guidance = plan.guidance if plan.title else ""
        self._title = frozenset(terms(plan.title))
        self._own = _weights(evidence, ((plan.title, _TITLE), (guidance, _GUIDANCE)))
        self._asked = _weights(evidence, ((question, _QUESTION),), _TASK_WORDS)
        self._stands_alone = plan.own_subject
        self.weights = {
            term: max(self._own.get(term, 0.0), self._asked.get(term, 0.0))
            for term in self._own | self._asked
        }

    def covers(self, words: frozenset[str]) -> bool:
        """Whether enough of the words that matter to the section are there at all."""
        matches = len(words & self._own.keys()) + (not words.isdisjoint(self._title))
        return matches >= 2 or not (self._stands_alone or words.isdisjoint(self._asked))


def _admitted(evidence: Evidence, question: str, plan: SectionPlan) -> list[Statement]:
    """Return the statements of the section's passages that suit its form."""
    offered = evidence.of(plan)
    if plan.form == "summary":
        return [one for one in offered if evidence.is_request(one)] or offered
    if plan.form != "prose" or _asks_for_demands(question, plan):
        return offered
    return [
        one
        for one in offered
        if not (one.asks or evidence.is_request(one) or (plan.own_subject and one.demands))
    ]


def _asks_for_demands(question: str, plan: SectionPlan) -> bool:
    return not plan.title and not _DEMAND_TERMS.isdisjoint(terms(question))


def _weights(
    evidence: Evidence,
    parts: Iterable[tuple[str, float]],
    ignored: frozenset[str] = frozenset(),
) -> dict[str, float]:
    weights: dict[str, float] = {}
    for text, weight in parts:
        for term in set(terms(text)) - ignored:
            weights[term] = max(weights.get(term, 0.0), weight * evidence.rarity(term))
    return weights


def _gain(one: Statement, around: frozenset[str], weights: Mapping[str, float]) -> float:
    # fsum: the order of a set differs between processes, and a sum must not.
    said = math.fsum(weights.get(term, 0.0) for term in one.terms)
    context = math.fsum(weights.get(term, 0.0) for term in around - one.terms)
    length = 0.6 + 0.4 * max(one.words, 8) / _TYPICAL_WORDS
    return (said + _HEADING * context) / length * (_POOR if one.refers or one.is_labelled else 1.0)
