"""What a draft would cost and take, told before it is asked for."""

from collections.abc import Sequence

import msgspec

from engine.flows.planning import Plan
from engine.storage.estimates import Pace
from engine.writers.writer import Message

_CHARS_PER_TOKEN = 4
_TOKENS_PER_WORD = 1.4
"""English text in the vocabularies of today's models; other languages need more."""


class PlannedSection(msgspec.Struct, frozen=True):
    """A section with its length and the number of passages found for it."""

    title: str
    target_words: int
    sources: int


class Basis(msgspec.Struct, frozen=True):
    """What the time is estimated from."""

    runs: int
    model: str


class Estimate(msgspec.Struct, frozen=True):
    """Numbers to expect; `seconds` is None before any draft has been finished here."""

    words: int
    sources: int
    sections: list[PlannedSection]
    prompt_tokens: int
    completion_tokens: int
    seconds: int | None
    basis: Basis


def estimated(plan: Plan, messages: Sequence[Message], pace: Pace, model: str) -> Estimate:
    """Return what a plan amounts to, at the pace of past runs."""
    words = sum(section.target_words for section in plan.sections)
    seconds = pace.first_text_s + words / pace.words_per_s if pace.words_per_s else None
    return Estimate(
        words=words,
        sources=len(plan.sources),
        sections=[
            PlannedSection(section.title, section.target_words, len(section.sources))
            for section in plan.sections
        ],
        prompt_tokens=sum(len(message.content) for message in messages) // _CHARS_PER_TOKEN,
        completion_tokens=round(words * _TOKENS_PER_WORD),
        seconds=None if seconds is None else max(1, round(seconds)),
        basis=Basis(pace.runs, model),
    )
