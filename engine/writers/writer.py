"""The seam between the product and whatever writes: an assignment goes in, pieces come out.

A writer is given the question, the plan and the numbered sources, and writes Markdown in which
`[n]` refers to `sources[n - 1]`. It knows nothing of runs, drafts or the wire. Closing its
generator stops the work and closes whatever connection it holds.
"""

from collections.abc import AsyncGenerator
from typing import Literal, Protocol

import msgspec

from engine.types import Source


class Message(msgspec.Struct, frozen=True):
    """One entry of a chat prompt; `role` is `system`, `user` or `assistant`."""

    role: str
    content: str


class SectionPlan(msgspec.Struct, frozen=True):
    """One section to write: heading `## title`, then about `target_words` words.

    `sources` are the positions (from 1) of the passages retrieved for this section, best first.
    A plan without a title is a text without headings. `form` is `prose` (answers a request, so what
    a request says is left out), `report` (prose from everything), `summary` (prose about what is
    demanded), `checklist` or `table`. With `own_subject` only text about the section's own words
    belongs there, however well other text answers the question: prices under Pricing, or nothing.
    """

    title: str
    guidance: str
    target_words: int
    sources: tuple[int, ...]
    form: str = "prose"
    own_subject: bool = False


Task = Literal["draft", "condense", "summary", "rewrite"]
"""What to write: a cited `draft` from sources, notes made shorter, a summary in its final form, or
a stretch of a draft anew. All but the first work on `Assignment.material`."""

Action = Literal["regenerate", "expand", "shorten", "rephrase", "instruct"]
"""How a stretch of a draft is to be written anew; `instruct` is as the question says."""


class Assignment(msgspec.Struct, frozen=True):
    """All a writer needs.

    `question` is what the reader asked for in their words; `so_far` is text already written that
    must be continued, not repeated, with markers as offered here. `messages` is the whole prompt
    for writers that are language models; others use the structured fields, `task` above all.
    `model` is one of the writer's `models`, None for its usual one; what else is None is left to
    the model server. To rewrite, `action` says how, and `around` is the rest of the draft, which
    must not be repeated.
    """

    question: str
    sections: tuple[SectionPlan, ...]
    sources: tuple[Source, ...]
    so_far: str = ""
    messages: tuple[Message, ...] = ()
    temperature: float | None = None
    max_tokens: int | None = None
    model: str | None = None
    top_p: float | None = None
    task: Task = "draft"
    material: str = ""
    action: Action = "regenerate"
    around: str = ""


class Text(msgspec.Struct, frozen=True):
    """More of the text, any length, cut anywhere, never empty."""

    text: str


class Thinking(msgspec.Struct, frozen=True):
    """The writer is alive but has no text yet, for instance a model that reasons."""


class Waiting(msgspec.Struct, frozen=True):
    """The provider asked for patience; the next try comes after `delay_s`."""

    delay_s: float
    attempt: int


class Finished(msgspec.Struct, frozen=True):
    """The writer said why it stopped; always the last piece, and missing means broken off.

    `reason` is `stop`, `length` or `content_filter`; token counts are None when unknown. `warnings`
    are sentences for the reader about what may be wrong with the text.
    """

    reason: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    warnings: tuple[str, ...] = ()


Piece = Text | Thinking | Waiting | Finished


class Writer(Protocol):
    """Anything that turns an assignment into text."""

    @property
    def model(self) -> str:
        """The name shown to users and stored with a run."""

    def write(self, assignment: Assignment) -> AsyncGenerator[Piece, None]:
        """Yield pieces, the last one `Finished`.

        Raises:
            ProviderFailed: the writer could not start, stalled or broke off.
        """

    async def models(self) -> list[str]:
        """Return the names an assignment may choose from, the usual one first.

        A model server that does not answer soon leaves just that one.
        """

    async def reach(self) -> None:
        """Make sure that what writes is there.

        Raises:
            ProviderFailed: it is not, and why.
        """

    async def close(self) -> None:
        """Release connections."""
