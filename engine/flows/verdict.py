"""How well a finished answer rests on its sources, in numbers and in plain words."""

from collections.abc import Sequence

from engine.citations.markers import markers_in, strip_markers
from engine.citations.support import WEAK, support
from engine.language.sentences import sentence_spans
from engine.runs.events import Verified
from engine.types import Source

ACCEPTED_FROM = 0.5
_LEAST_WORDS = 4
_MOST_ISSUES = 10
_QUOTE_CHARS = 120


def verify(answer: str, sources: Sequence[Source]) -> Verified | None:
    """Judge each sentence that cites something by what it cites; None when none does."""
    scores: list[float] = []
    issues: list[str] = []
    for start, end in sentence_spans(answer):
        sentence = answer[start:end]
        claim = strip_markers(sentence).strip()
        if len(claim.split()) < _LEAST_WORDS:
            continue
        cited = [sources[n - 1].text for n in markers_in(sentence) if 0 < n <= len(sources)]
        if not cited:
            continue
        judged = support(claim, cited)
        scores.append(judged.score)
        if judged.verdict == WEAK:
            issues.append(f"Weak support: “{_quoted(claim)}”")
        issues += judged.reasons
    if not scores:
        return None
    score = round(sum(scores) / len(scores), 4)
    return Verified(score, score >= ACCEPTED_FROM, issues[:_MOST_ISSUES])


def _quoted(claim: str) -> str:
    return claim if len(claim) <= _QUOTE_CHARS else claim[:_QUOTE_CHARS].rstrip() + "…"
