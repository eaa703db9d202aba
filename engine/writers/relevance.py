"""How well a statement suits a section.

A sum of inverse sentence frequencies over the words a statement and its heading share with the
question, the section's title and its guidance, damped by length as in BM25 (Robertson and Walker
1994), a little less for passages that retrieval ranked lower.
"""

import math
import re
from collections.abc import Iterable, Mapping

from engine.language.words import terms
from engine.writers.evidence import Evidence
from engine.writers.statements import Statement
from engine.writers.writer import SectionPlan

_QUESTION, _TITLE, _GUIDANCE, _HEADING = 1.6, 0.8, 0.5, 0.35
_TYPICAL_WORDS = 20
_BROAD = 3
"""So many different words in common say more than one rare word does."""
_REFERS, _LABELLED = 0.5, 0.3
"""Factors for statements that point elsewhere, and for those that are a label and its text."""
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

_TURN = re.compile(
    r":\s|\b(?:about|regarding|concerning|with regard to|as to|focus(?:ed|ing)? on)\b",
    re.IGNORECASE,
)


def subject_of(question: str) -> str:
    """Return what a question is about: "access control" of "Response to the RFP: access control".

    The words that name a request find the request itself, not what answers it.
    """
    turn = _TURN.search(question)
    if turn is None or _TASK_WORDS.isdisjoint(terms(question[: turn.start()])):
        return question
    subject = question[turn.end() :].strip()
    return subject if set(terms(subject)) - _TASK_WORDS else question


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
        self._asked = _weights(evidence, ((subject_of(question), _QUESTION),), _TASK_WORDS)
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
    if plan.form in ("checklist", "table") or _asks_for_demands(question, plan):
        return offered
    if plan.form == "report":
        return [one for one in offered if not one.asks]
    return [
        one
        for one in offered
        if not (one.asks or evidence.is_request(one) or (plan.own_subject and one.demands))
    ]


def _asks_for_demands(question: str, plan: SectionPlan) -> bool:
    """Whether the reader asks what is demanded; an answer to a request only names the demands."""
    answers = plan.form == "prose" and plan.title
    return not answers and not _DEMAND_TERMS.isdisjoint(terms(question))


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
    said = [weights[term] for term in one.terms if term in weights]
    context = [weights[term] for term in around - one.terms if term in weights]
    length = 0.6 + 0.4 * max(one.words, 8) / _TYPICAL_WORDS
    breadth = 0.5 + 0.5 * min(len(said), _BROAD) / _BROAD
    quality = (_REFERS if one.refers else 1.0) * (_LABELLED if one.is_labelled else 1.0)
    return (math.fsum(said) + _HEADING * math.fsum(context)) / length * breadth * quality
