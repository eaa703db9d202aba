"""How well passages support a sentence, judged by its words alone.

No trained model is used, so the score is honest only in words: a sentence is quoted, well
supported, to be checked, or weakly supported; never proven. What counts is how many of the
sentence's meaningful words and word pairs stand in the best few sentences of the evidence, and
whether its figures and names stand there at all.
"""

from collections.abc import Sequence
from itertools import pairwise

import msgspec
import regex

from engine.citations.markers import strip_markers
from engine.language.sentences import sentence_spans
from engine.language.words import terms, tokens

QUOTED = "quoted"
WELL_SUPPORTED = "well supported"
CHECK = "check"
WEAK = "weak"

_WELL_SUPPORTED_FROM = 0.7
_CHECK_FROM = 0.4
_BEST_SENTENCES = 3
_PAIR_WEIGHT = 0.25
_MISSING_NUMBER_FACTOR = 0.7
_MISSING_NAME_FACTOR = 0.9
_LEAST_QUOTE_CHARS = 12

_NUMBER = regex.compile(r"(?<![\p{L}\p{N}])\p{Nd}+(?:[.,]\p{Nd}+)*")
_NAME = regex.compile(r"(?<![\p{L}\p{N}])\p{L}*\p{Lu}[\p{L}\p{M}\p{N}]*")
_MARKDOWN = regex.compile(r"(?m)^[^\S\n]*+(?:[-*+•>]\s+|#{1,6}\s+)|[*_`|]+")
_QUOTES = str.maketrans("‘’“”", "''\"\"")


class Support(msgspec.Struct, frozen=True):
    """The judgement of one sentence; `score` is from 0 to 1, `verdict` its word."""

    score: float
    verdict: str
    missing_numbers: tuple[str, ...] = ()
    missing_names: tuple[str, ...] = ()

    @property
    def reasons(self) -> list[str]:
        """What a reader should look at, in words."""
        numbers = [f"The number {number} is not in the source." for number in self.missing_numbers]
        names = [f"The name {name} is not in the source." for name in self.missing_names]
        return numbers + names


def support(claim: str, evidence: Sequence[str]) -> Support:
    """Judge `claim`, with or without its markers, against the passages it cites."""
    claim = _plain(claim)
    if not terms(claim):
        return Support(0.0, WEAK)
    passages = [_plain(passage) for passage in evidence]
    if _is_quoted(claim, passages):
        return Support(1.0, QUOTED)
    whole = "\n".join(passages)
    numbers, names = _missing_numbers(claim, whole), _missing_names(claim, whole)
    sentences = [passage[a:b] for passage in passages for a, b in sentence_spans(passage)]
    score = _Claim(claim).coverage_by_best(sentences)
    score *= _MISSING_NUMBER_FACTOR ** len(numbers) * _MISSING_NAME_FACTOR ** len(names)
    score = round(score, 4)
    return Support(score, _verdict(score), numbers, names)


def best_sentence(claim: str, passage: str) -> tuple[int, int, float]:
    """Return the range in `passage` of the sentence that supports `claim` best, and its score.

    Scores are from 0 to 1; the first of equals wins. A passage without sentences gives its whole
    range and 0.
    """
    wanted = _plain(claim)
    words = _Claim(wanted)
    best = (0, len(passage), -1.0)
    for start, end in sentence_spans(passage):
        sentence = _plain(passage[start:end])
        score = 1.0 if _is_quoted(wanted, [sentence]) else words.coverage(_features(sentence))
        if score > best[2]:
            best = (start, end, score)
    return best[0], best[1], max(best[2], 0.0)


class _Claim:
    """The meaningful words and word pairs of a claim."""

    def __init__(self, claim: str) -> None:
        self._features = _features(claim)
        self._weight = sum(map(_weight, self._features))

    def coverage(self, features: set[str]) -> float:
        """Return the share, 0 to 1, that is among `features`; pairs count less than words."""
        if not self._weight:
            return 0.0
        return sum(map(_weight, self._features & features)) / self._weight

    def coverage_by_best(self, sentences: Sequence[str]) -> float:
        """Return the share covered by the few sentences that cover most, taken together."""
        features = [_features(sentence) for sentence in sentences]
        features.sort(key=self.coverage, reverse=True)
        return self.coverage(set().union(*features[:_BEST_SENTENCES]))


def _features(text: str) -> set[str]:
    words = terms(text)
    return {*words, *(f"{first} {second}" for first, second in pairwise(words))}


def _weight(feature: str) -> float:
    return _PAIR_WEIGHT if " " in feature else 1.0


def _verdict(score: float) -> str:
    if score >= _WELL_SUPPORTED_FROM:
        return WELL_SUPPORTED
    return CHECK if score >= _CHECK_FROM else WEAK


def _plain(text: str) -> str:
    """Return `text` without markers and Markdown marks, white space and quotes made equal."""
    bare = _MARKDOWN.sub("", strip_markers(text))
    return " ".join(bare.translate(_QUOTES).split())


def _is_quoted(claim: str, passages: Sequence[str]) -> bool:
    wanted = claim.rstrip(".!?:; ")
    return len(wanted) >= _LEAST_QUOTE_CHARS and any(wanted in passage for passage in passages)


def _missing_numbers(claim: str, evidence: str) -> tuple[str, ...]:
    known = {number.replace(",", "") for number in _NUMBER.findall(evidence)}
    asked = dict.fromkeys(_NUMBER.findall(claim))
    return tuple(number for number in asked if number.replace(",", "") not in known)


def _missing_names(claim: str, evidence: str) -> tuple[str, ...]:
    """Return the capitalised words of `claim` that `evidence` lacks, its plain first word apart."""
    known = set(tokens(evidence))
    asked = dict.fromkeys(
        match[0] for match in _NAME.finditer(claim) if match.start() or not match[0][1:].islower()
    )
    return tuple(name for name in asked if name.lower() not in known)
