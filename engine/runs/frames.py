"""What the frames of each API family carry.

The dialects fill these types, and the description of the API is made from them.

Frames of the contract are fixed: fields may be added at the end, none renamed or removed.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from engine.runs.events import OfferedSource
from engine.types import Citation, Id
from engine.validation.problems import Problem


class _Frame(msgspec.Struct, frozen=True):
    pass


class _Generate(msgspec.Struct, frozen=True, tag_field="event"):
    pass


class _Optional(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Fields that are left out where there is nothing to say."""


# Contract section 2


class SourcesRetrieved(_Generate, frozen=True, tag="sources_retrieved"):
    """The passages found, in the order of their numbers."""

    count: int
    sources: list[OfferedSource]


class GenerationStart(_Generate, frozen=True, tag="generation_start"):
    """Writing begins."""

    template: str
    draft_id: Id | None
    run_id: Id


class CitationFrame(Citation, frozen=True, tag_field="event", tag="citation"):
    """The first use of a source, directly before the text that holds its marker."""


class ContentChunk(_Generate, frozen=True, tag="content_chunk"):
    """The next words of the draft."""

    delta: str


class GenerationComplete(_Generate, frozen=True, tag="generation_complete"):
    """The draft is whole."""

    draft_id: Id | None
    confidence: float
    citation_count: int
    word_count: int
    sources_used: int
    documents_used: int
    summary: str
    unsupported_sentences: int
    invalid_markers: int
    finish_reason: str
    warnings: list[str]
    low_confidence_sections: list[str]


class GenerationError(_Generate, _Optional, frozen=True, kw_only=True, tag="error"):
    """The draft was not finished; what was written is kept."""

    code: str
    message: str
    retryable: bool
    recovery: list[str]
    retry_after: int | None = None
    draft_id: Id | None


class Suggestion(_Generate, frozen=True, tag="suggestion"):
    """What may take the place of a stretch of a draft; positions count code points."""

    run_id: Id
    draft_id: Id
    action: str
    regenerated_text: str
    citations: list[Citation]
    selection_start: int
    selection_end: int
    selected_text: str
    version: int
    changed: bool
    warnings: list[str]


# Contract section 3


class QueryStatus(_Frame, frozen=True):
    """What is being done."""

    stage: str


class QueryCitation(_Frame, frozen=True):
    """A passage the answer may rest on; 200 characters of it."""

    document_id: Id
    filename: str
    chunk_text: str
    relevance_score: float


class Message(_Frame, frozen=True):
    """Why there is no more."""

    message: str


# Contract section 4


class ChatSource(_Frame, frozen=True):
    """A passage the answer may rest on; 200 characters of it."""

    doc: str
    score: float
    snippet: str


class ChatCached(_Frame, frozen=True):
    """The answer was given before; it follows as tokens."""

    answer: str
    sources: list[ChatSource]
    age_s: float


class ChatMeta(_Frame, frozen=True):
    """What was found; `run_id` has 8 characters."""

    run_id: str
    corpus_id: str
    retrieved: int
    ctx_chars: int


class ChatSources(_Frame, frozen=True):
    """The best five passages."""

    sources: list[ChatSource]


class ChatToken(_Frame, frozen=True):
    """The next piece of the answer."""

    t: str


class ChatVerify(_Frame, frozen=True):
    """How well the answer rests on its sources."""

    score: float
    accepted: bool
    issues: list[str]


class ChatDone(_Optional, frozen=True, kw_only=True):
    """The answer as a whole."""

    answer: str
    cached: bool
    duration_ms: int
    warnings: list[str] = []


# Contract section 5


class SearchToken(_Frame, frozen=True):
    """The next piece of the answer."""

    text: str


class SearchDone(_Optional, frozen=True, kw_only=True):
    """The end, with how sure the answer is: in percent, and from 0 to 1."""

    confidence_score: int
    confidence: float
    result_count: int
    warnings: list[str] = []


class SearchError(_Frame, frozen=True):
    """Why there is no more."""

    message: str
    code: str


# Contract section 6


class PipelineStart(_Frame, frozen=True):
    """A run began."""

    message: str
    stage: str


class PipelineProgress(_Frame, frozen=True):
    """Where the run stands; percentages never go back."""

    stage: str
    message: str
    progress: int


class PipelineDraft(_Frame, frozen=True):
    """The whole draft, before it gets its form."""

    stage: str
    message: str
    progress: int
    draft: str


class PipelineToken(_Frame, frozen=True):
    """More of the draft or of the formatted text."""

    token: str
    stage: str


class PipelineMetadata(_Frame, frozen=True):
    """How a result came about; times are seconds."""

    content_type: str
    generator_model: str
    num_questions: int
    formatter_retries: int
    model_ids: dict[str, str]
    latencies: dict[str, float]
    total_time: float
    warnings: list[str]


class PipelineResult(_Optional, frozen=True, kw_only=True):
    """What a run came to; `partial_output` only where rules are still broken."""

    success: bool
    output: str | None
    draft: str
    metadata: PipelineMetadata
    validation_errors: list[Problem]
    partial_output: str | None = None


class PipelineError(_Frame, frozen=True):
    """A model failed."""

    error: str


# Native


class BlockFrame(_Frame, frozen=True):
    """A closed Markdown block as final HTML.

    `end` is where it ends in UTF-16 units, `char_end` in code points.
    """

    index: int
    html: str
    end: int
    char_end: int


class Empty(_Frame, frozen=True):
    """Nothing but the name of the frame."""


FRAMES: Mapping[str, Mapping[str, Any]] = {
    "generate": {
        "message": SourcesRetrieved
        | GenerationStart
        | CitationFrame
        | ContentChunk
        | GenerationComplete
        | GenerationError
    },
    "rewrite": {"message": CitationFrame | ContentChunk | Suggestion | GenerationError},
    "query": {
        "status": QueryStatus,
        "citations": list[QueryCitation],
        "token": None,
        "done": None,
        "error": Message,
    },
    "chat": {
        "cached": ChatCached,
        "meta": ChatMeta,
        "sources": ChatSources,
        "token": ChatToken,
        "verify": ChatVerify,
        "done": ChatDone,
        "error": Message,
    },
    "search": {
        "token": SearchToken,
        "citation": Citation,
        "done": SearchDone,
        "error": SearchError,
    },
    "pipeline": {
        "start": PipelineStart,
        "progress": PipelineProgress,
        "draft_token": PipelineToken,
        "draft": PipelineDraft,
        "formatted_token": PipelineToken,
        "complete": PipelineResult,
        "error": PipelineError,
    },
}
"""By family and name of the frame, the type of its JSON data; None where the data is plain text."""
