"""How well passages support a sentence, judged by its words alone.

No trained model is used, so the score is honest only in words: a sentence is quoted, well
supported, to be checked, or weakly supported; never proven. What counts is how many of the
sentence's meaningful words and word pairs stand in the best few sentences of the evidence, and
whether its figures and names stand there at all.
"""

from collections.abc import Sequence
from functools import cached_property
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


class Passage:
    """A passage made ready to judge many claims by; everything is worked out once, when needed."""

    def __init__(self, text: str) -> None:
        """Read a passage."""
        self._text = text

    @cached_property
    def plain(self) -> str:
        """The passage without markers and Markdown marks."""
        return _plain(self._text)

    @cached_property
    def sentences(self) -> list[set[str]]:
        """The words and word pairs of each sentence."""
        return [_features(self.plain[a:b]) for a, b in sentence_spans(self.plain)]

    @cached_property
    def numbers(self) -> set[str]:
        """The figures in it, without thousands separators."""
        return {number.replace(",", "") for number in _NUMBER.findall(self.plain)}

    @cached_property
    def words(self) -> set[str]:
        """Its words as they stand."""
        return set(tokens(self.plain))


def support(claim: str, evidence: Sequence[str]) -> Support:
    """Judge `claim`, with or without its markers, against the passages it cites."""
    return judge(claim, [Passage(text) for text in evidence])


def judge(claim: str, passages: Sequence[Passage]) -> Support:
    """Judge `claim` against passages made ready."""
    if not passages:
        return Support(0.0, WEAK)
    claim = _plain(claim)
    words = _Claim(claim)
    if words.is_empty:
        return Support(0.0, WEAK)
    if _is_quoted(claim, passages):
        return Support(1.0, QUOTED)
    numbers, names = _missing_numbers(claim, passages), _missing_names(claim, passages)
    score = words.coverage_by_best([found for one in passages for found in one.sentences])
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
        score = 1.0 if _holds(wanted, sentence) else words.coverage(_features(sentence))
        if score > best[2]:
            best = (start, end, score)
    return best[0], best[1], max(best[2], 0.0)


class _Claim:
    """The meaningful words and word pairs of a claim."""

    def __init__(self, claim: str) -> None:
        self._features = _features(claim)
        self._weight = sum(map(_weight, self._features))

    @property
    def is_empty(self) -> bool:
        """Whether it has no meaningful word at all."""
        return not self._features

    def coverage(self, features: set[str]) -> float:
        """Return the share, 0 to 1, that is among `features`; pairs count less than words."""
        if not self._weight:
            return 0.0
        return sum(map(_weight, self._features & features)) / self._weight

    def coverage_by_best(self, sentences: Sequence[set[str]]) -> float:
        """Return the share covered by the few sentences that cover most, taken together."""
        best = sorted(sentences, key=self.coverage, reverse=True)[:_BEST_SENTENCES]
        return self.coverage(set().union(*best))


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


def _is_quoted(claim: str, passages: Sequence[Passage]) -> bool:
    return any(_holds(claim, passage.plain) for passage in passages)


def _holds(claim: str, passage: str) -> bool:
    wanted = claim.rstrip(".!?:; ")
    return len(wanted) >= _LEAST_QUOTE_CHARS and wanted in passage


def _missing_numbers(claim: str, passages: Sequence[Passage]) -> tuple[str, ...]:
    asked = dict.fromkeys(_NUMBER.findall(claim))
    return tuple(
        number
        for number in asked
        if not any(number.replace(",", "") in passage.numbers for passage in passages)
    )


def _missing_names(claim: str, passages: Sequence[Passage]) -> tuple[str, ...]:
    """Return the capitalised words of `claim` that are nowhere, its plain first word apart."""
    asked = dict.fromkeys(
        match[0] for match in _NAME.finditer(claim) if match.start() or not match[0][1:].islower()
    )
    return tuple(
        name for name in asked if not any(name.lower() in passage.words for passage in passages)
    )
