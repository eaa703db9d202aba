"""The vocabulary of a run: one closed union, journaled as JSON, one terminal event, always last.

The `event` field is the tag. Dialects (`dialects.py`) translate these to the frames of each API
family; the native dialect sends them as they are.
"""

from typing import Any

import msgspec

from engine.types import Citation, Id


class _Event(msgspec.Struct, frozen=True, tag_field="event", omit_defaults=True):
    pass


class Started(_Event, frozen=True, tag="started"):
    """First event of every run."""

    family: str
    draft_id: Id | None = None
    document_id: Id | None = None
    conversation_id: Id | None = None
    title: str = ""


class Stage(_Event, frozen=True, tag="stage"):
    """Where the work stands; `percent` never goes back within a run.

    `name` is one of retrieving, generating, waiting, parsing, indexing, and of the pipeline
    load_prompts, generator, formatter, validator, retry, done, fail. While generating,
    `section` and `sections` say "2 of 4", `message` is the section's title and `states` say of each
    section whether it is done, writing, waiting, or skipped (stopped early).
    """

    name: str
    message: str
    percent: int
    section: int = 0
    sections: int = 0
    delay_s: float = 0.0
    states: list[str] = []


class OfferedSource(msgspec.Struct, frozen=True):
    """A retrieved passage as listed to the reader; its place in the list is its number."""

    chunk_id: Id
    document_id: Id
    document_name: str
    page: int | None
    section: str | None
    excerpt: str
    score: float
    kb_id: Id | None = None
    char_start: int = 0
    char_end: int = 0


class CacheHit(_Event, frozen=True, tag="cache_hit"):
    """The answer was given before, so long ago; it follows as text."""

    age_s: float
    answer: str
    sources: list[OfferedSource]


class Retrieved(_Event, frozen=True, tag="retrieved"):
    """How much was found for a turn of a conversation, before it is listed."""

    count: int
    context_chars: int


class Sources(_Event, frozen=True, tag="sources"):
    """What was retrieved, numbered as offered to the writer."""

    items: list[OfferedSource]
    context_chars: int


class Delta(_Event, frozen=True, tag="delta"):
    """The next piece of text: 1 to 10 words, never ends inside a marker."""

    text: str


class Token(_Event, frozen=True, tag="token"):
    """More of a text that is not the run's own answer, such as a draft yet to be formatted."""

    stage: str
    text: str


class DraftText(_Event, frozen=True, tag="draft_text"):
    """The whole unformatted draft of the pipeline."""

    text: str


class Cited(_Event, frozen=True, tag="cited"):
    """First use of a source; stands directly before the delta that holds its marker."""

    citation: Citation


class SectionScore(msgspec.Struct, frozen=True):
    """How well one section of a draft rests on its sources."""

    title: str
    confidence_score: float
    confidence_level: str
    avg_retrieval_score: float
    source_count: int
    coverage_score: float


class Verified(_Event, frozen=True, tag="verified"):
    """How well a finished answer rests on its sources; `score` from 0 to 1, `issues` sentences."""

    score: float
    accepted: bool
    issues: list[str]


class Completed(_Event, frozen=True, tag="completed"):
    """The work is whole. `result` is what families other than drafts end with."""

    confidence: float = 0.0
    citation_count: int = 0
    word_count: int = 0
    sources_used: int = 0
    documents_used: int = 0
    summary: str = ""
    sections: list[SectionScore] = []
    unsupported_sentences: int = 0
    invalid_markers: int = 0
    finish_reason: str = "stop"
    warnings: list[str] = []
    result: dict[str, Any] = {}


class Failed(_Event, frozen=True, tag="failed"):
    """The work ended early through a fault; what was written is kept."""

    code: str
    message: str
    retryable: bool = False
    retry_after_s: int | None = None
    recovery: list[str] = []


class Cancelled(_Event, frozen=True, tag="cancelled"):
    """The work was ended on purpose; `reason` is stopped, abandoned or shutdown."""

    reason: str


Terminal = Completed | Failed | Cancelled
Event = (
    Started
    | Stage
    | CacheHit
    | Retrieved
    | Sources
    | Delta
    | Token
    | DraftText
    | Cited
    | Verified
    | Completed
    | Failed
    | Cancelled
)
