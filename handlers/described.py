"""What each handler answers with, beside the errors: the part of the description no route says."""

from collections.abc import Mapping
from typing import Any

from engine.flows.checking import Verification
from engine.flows.estimate import Estimate
from engine.runs.frames import PipelineResult, Suggestion
from engine.storage.conversations import Conversation
from engine.storage.knowledge import KnowledgeBase
from handlers import (
    answers,
    chat,
    documents,
    draft_versions,
    drafts,
    generate,
    knowledge,
    models,
    ops,
    pipeline,
    query,
    runs,
    search,
    suggestions,
    templates,
)
from handlers.access import Handler

SENT: Mapping[Handler, Any] = {
    ops.healthz: answers.Health,
    ops.readyz: answers.Health,
    ops.metrics_json: answers.MetricList,
    query.query: answers.QueryAnswer,
    chat.chat: answers.ChatAnswer,
    chat.history: answers.ChatHistory,
    chat.clear: answers.Cleared,
    chat.list_conversations: answers.Conversations,
    chat.get_conversation: Conversation,
    chat.rename_conversation: Conversation,
    chat.restore_conversation: Conversation,
    search.search: answers.SearchAnswer,
    search.quick_search: answers.QuickAnswer,
    pipeline.run: PipelineResult,
    models.list_models: answers.Models,
    runs.list_runs: answers.RunList,
    runs.get_run: answers.RunState,
    runs.cancel_run: answers.RunState,
    runs.skip_section: answers.SkippedSection,
    runs.run_events: answers.EventPage,
    knowledge.list_kbs: answers.KnowledgeBases,
    knowledge.create_kb: KnowledgeBase,
    knowledge.get_kb: KnowledgeBase,
    knowledge.rename_kb: KnowledgeBase,
    documents.list_documents: answers.Documents,
    documents.upload: answers.Uploaded,
    documents.get_document: answers.DocumentState,
    documents.retry_document: answers.DocumentState,
    documents.list_chunks: answers.Chunks,
    documents.get_page: answers.PageText,
    templates.list_templates: answers.Templates,
    templates.get_template: answers.Template,
    templates.create_template: answers.Template,
    templates.change_template: answers.Template,
    drafts.list_drafts: answers.DraftList,
    drafts.get_draft: answers.DraftState,
    drafts.create_draft: answers.DraftState,
    drafts.change_draft: answers.DraftState,
    drafts.fix_draft: answers.DraftState,
    drafts.check_draft: answers.Warnings,
    drafts.duplicate_draft: answers.DraftState,
    drafts.restore_draft: answers.DraftState,
    suggestions.regenerate: Suggestion,
    suggestions.merge: answers.Merged,
    drafts.get_support: answers.DraftSupport,
    drafts.ask_support: answers.DraftSupport,
    drafts.get_verification: Verification,
    drafts.set_verification: Verification,
    drafts.take_feedback: answers.FeedbackTaken,
    draft_versions.list_versions: answers.VersionList,
    draft_versions.get_version: answers.VersionText,
    draft_versions.name_version: answers.VersionFacts,
    draft_versions.keep_version: answers.VersionFacts,
    draft_versions.diff_version: answers.VersionDiff,
    draft_versions.restore_version: answers.DraftState,
    generate.estimate: Estimate,
    generate.generate: answers.GeneratedDraft,
    generate.resume_draft: answers.GeneratedDraft,
}

STREAMED: Mapping[Handler, str] = {
    generate.generate: "generate",
    generate.generate_stream: "generate",
    generate.resume_draft: "generate",
    suggestions.regenerate: "rewrite",
    query.query_stream: "query",
    chat.chat_stream: "chat",
    search.search: "search",
    pipeline.run_stream: "pipeline",
    runs.run_events: "native",
}
"""The vocabulary that a handler streams in, unless `dialect` asks for another."""

CODES: Mapping[int, tuple[str, ...]] = {
    400: (
        "INVALID_REQUEST",
        "INVALID_DOCUMENT_TYPE",
        "CONTEXT_REQUIRED",
        "INSUFFICIENT_SOURCES",
        "INVALID_FORMAT",
        "INVALID_RANGE",
        "NO_DOCUMENTS_INDEXED",
        "PARSE_FAILED",
    ),
    401: ("UNAUTHENTICATED",),
    403: ("PERMISSION_DENIED",),
    404: ("NOT_FOUND",),
    405: ("METHOD_NOT_ALLOWED",),
    409: (
        "VERSION_CONFLICT",
        "DRAFT_BUSY",
        "RESUME_UNAVAILABLE",
        "INVALID_TRANSITION",
        "CANCELLED",
    ),
    410: ("RUN_EXPIRED",),
    413: ("PAYLOAD_TOO_LARGE",),
    415: ("UNSUPPORTED_MEDIA_TYPE",),
    422: ("VALIDATION_ERROR", "VALIDATION_FAILED"),
    429: ("TOO_MANY_STREAMS", "RATE_LIMITED"),
    500: ("INTERNAL", "GENERATION_ERROR"),
    503: ("SERVICE_UNAVAILABLE", "LLM_ERROR", "LLM_TIMEOUT", "STREAM_TIMEOUT", "INTERRUPTED"),
}
"""Every code of an error by HTTP status. The same codes stand in the error frames of streams."""
