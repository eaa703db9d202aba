"""JSON answers as types: handlers send them, and the description of the API is made from them.

What stands after a default is left out of an answer where there is nothing to say.
"""

from typing import Any

import msgspec

from engine.flows.audit import Action
from engine.flows.checking import Examined
from engine.flows.comparison import Diff
from engine.flows.document_types import SectionTemplate
from engine.flows.feedback import Alternative
from engine.flows.marker_check import Warning
from engine.flows.merging import Conflict
from engine.metrics import Metric
from engine.runs.events import OfferedSource
from engine.runs.frames import PipelineResult, QueryCitation
from engine.storage.api_keys import ApiKey
from engine.storage.audit import Entry
from engine.storage.conversations import Conversation, Turn
from engine.storage.documents import ChunkRow, DocumentFacts, NamedDocument
from engine.storage.drafts import Titled
from engine.storage.groups import Group
from engine.storage.identities import Account
from engine.storage.invites import Invite
from engine.storage.knowledge import KnowledgeBase
from engine.storage.permissions import Permission
from engine.storage.sessions import Session
from engine.types import Citation, Id


class _Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    pass


class Health(_Answer, frozen=True):
    """How the server is."""

    status: str


class ErrorFields(_Answer, frozen=True):
    """What went wrong; a run that failed says more of itself."""

    code: str
    message: str
    field: str | None = None
    request_id: str | None = None
    run_id: Id | None = None
    draft_id: Id | None = None
    retryable: bool = False
    retry_after: int | None = None
    recovery: list[str] = []


class Error(_Answer, frozen=True):
    """The one shape of all errors; `detail` repeats the message."""

    error: ErrorFields
    detail: str


class Registered(_Answer, frozen=True):
    """An account that was made just now."""

    id: Id
    username: str


class Caller(_Answer, frozen=True):
    """Who asks, the most that may be done with what was sent, and where, if not everywhere."""

    id: Id
    username: str
    is_admin: bool
    level: str
    kb_id: Id | None


class SignedInAs(_Answer, frozen=True):
    """Whose sign-in this is."""

    authenticated: bool
    username: str


class SignedOut(_Answer, frozen=True):
    """A sign-in has ended."""

    message: str


class OwnSession(Session, frozen=True, kw_only=True):
    """A sign-in of the caller; `is_current` is that of this very request."""

    is_current: bool


class Sessions(_Answer, frozen=True):
    """Sign-ins that last, the latest used first."""

    sessions: list[OwnSession]
    total: int


class Keys(_Answer, frozen=True):
    """API keys, the newest first."""

    keys: list[ApiKey]
    total: int


class MadeKey(ApiKey, frozen=True, kw_only=True):
    """A new API key with the key itself, which is told only here."""

    key: str


class Permissions(_Answer, frozen=True):
    """The shares of a knowledge base, users first, by name."""

    permissions: list[Permission]
    total: int


class Accounts(_Answer, frozen=True):
    """All users by name."""

    users: list[Account]
    total: int


class MadeAccount(Account, frozen=True, kw_only=True, omit_defaults=True):
    """A new user; without a password there is a link that signs in once."""

    link: str | None = None


class SignInLink(_Answer, frozen=True):
    """A link that signs in once."""

    link: str


class Invites(_Answer, frozen=True):
    """Invitations that are open or were used, the newest first."""

    invites: list[Invite]
    total: int


class MadeInvite(_Answer, frozen=True):
    """A new invitation: its secret, and the link that holds it."""

    id: Id
    invite: str
    link: str
    expires_at: str


class Groups(_Answer, frozen=True):
    """Groups by name."""

    groups: list[Group]
    total: int


class AuditPage(_Answer, frozen=True):
    """Entries of the audit log, the newest first; `next` is the `before` of the page after it.

    `actions` are all that an entry can have.
    """

    entries: list[Entry]
    next: int | None
    actions: list[Action]


class ExportTemplates(_Answer, frozen=True):
    """The names of the team's Word files."""

    templates: list[str]


class Rendered(_Answer, frozen=True):
    """Final HTML, one piece for each text."""

    html: list[str]


class QueryAnswer(_Answer, frozen=True):
    """An answer and the passages it was written from."""

    answer: str
    citations: list[QueryCitation]
    run_id: Id
    warnings: list[str] = []


class RankedSource(_Answer, frozen=True):
    """A passage with its place, from 1."""

    text: str
    score: float
    rank: int


class CacheUse(_Answer, frozen=True):
    """Whether an answer, and what it rests on, was given before."""

    answer_hit: bool
    retrieval_hit: bool


class ChatAnswer(_Answer, frozen=True):
    """A turn of a conversation."""

    answer: str
    sources: list[RankedSource]
    cache: CacheUse
    latency_ms: int
    session_id: str
    run_id: Id
    warnings: list[str] = []


class ChatHistory(_Answer, frozen=True):
    """The latest turns, oldest first."""

    session_id: str
    message_count: int
    messages: list[Turn]


class Cleared(_Answer, frozen=True):
    """A conversation was emptied."""

    message: str
    session_id: str


class Conversations(_Answer, frozen=True):
    """Conversations, the latest first."""

    conversations: list[Conversation]
    total: int


class SearchResult(_Answer, frozen=True):
    """A passage found; positions are characters of its document's text."""

    chunk_id: Id
    document_id: Id
    document_name: str
    kb_id: Id | None
    kb_name: str
    chunk_text: str
    relevance_score: float
    page_number: int | None
    section_header: str | None
    char_start: int
    char_end: int


class SearchAnswer(_Answer, frozen=True):
    """Everything that was found, and the answer written from the best of it."""

    query: str
    answer: str
    citations: list[Citation]
    confidence: float
    confidence_score: int
    result_count: int
    results: list[SearchResult]
    run_id: Id
    message: str | None = None
    warning: str | None = None
    warnings: list[str] = []


class QuickAnswer(_Answer, frozen=True):
    """The best few of everything there is."""

    query: str
    results: list[SearchResult]
    kbs: list[KnowledgeBase]
    documents: list[NamedDocument]
    drafts: list[Titled]
    conversations: list[Conversation]


class RefusedResult(PipelineResult, frozen=True, kw_only=True):
    """A result that still breaks rules, as an error."""

    error: ErrorFields
    detail: str


class Model(_Answer, frozen=True):
    """A model that may be asked for."""

    id: str
    is_default: bool


class Models(_Answer, frozen=True):
    """All models, and who offers them."""

    models: list[Model]
    provider: str


class MetricList(_Answer, frozen=True):
    """Everything that is counted and timed."""

    metrics: list[Metric]


class Timings(_Answer, frozen=True):
    """When a run came how far, UTC."""

    queued: str
    first_event: str | None
    first_text: str | None
    end: str | None


class RunState(_Answer, frozen=True):
    """A run: running, suspended, completed, failed or cancelled."""

    id: Id
    family: str
    state: str
    kb_id: Id | None
    draft_id: Id | None
    document_id: Id | None
    model: str
    usage: dict[str, int]
    error: str | None
    timings: Timings


class RunList(_Answer, frozen=True):
    """Runs, the latest first."""

    runs: list[RunState]


class SkippedSection(RunState, frozen=True, kw_only=True):
    """A run that has left a section, called `skipped`, for the next."""

    skipped: str


class StartedRun(_Answer, frozen=True):
    """What a request with `Prefer: respond-async` started."""

    run_id: Id
    draft_id: Id | None


class EventPage(_Answer, frozen=True):
    """Native events after a cursor; `next` is the cursor to ask with again, unless it is done.

    Events are those of the stream, each with its number as `seq`; a `block` has none.
    """

    events: list[dict[str, Any]]
    next: int
    done: bool


class KnowledgeBases(_Answer, frozen=True):
    """Knowledge bases by name."""

    kbs: list[KnowledgeBase]
    total: int


class DocumentState(DocumentFacts, frozen=True, kw_only=True):
    """A document with the number of its pages."""

    page_count: int


class Documents(_Answer, frozen=True):
    """Documents by name."""

    documents: list[DocumentState]
    total: int


class Uploaded(_Answer, frozen=True):
    """Documents that are being read."""

    documents: list[DocumentState]


class Chunks(_Answer, frozen=True):
    """The passages of a document in reading order."""

    chunks: list[ChunkRow]


class PageText(_Answer, frozen=True):
    """One page of a document's text."""

    page: int
    char_start: int
    char_end: int
    text: str


class Template(_Answer, frozen=True):
    """A document type."""

    id: str
    name: str
    description: str
    sections: list[SectionTemplate]
    example: str
    form: str
    position: int
    target_words: int
    total_words: int
    is_own: bool
    kb_id: Id | None
    created_by: str | None
    updated_at: str | None


class Templates(_Answer, frozen=True):
    """Document types in the order to show."""

    templates: list[Template]
    total: int


class DraftHead(_Answer, frozen=True):
    """A draft without its text."""

    id: Id
    kb_id: Id
    document_type: str
    template_id: str
    title: str
    status: str
    confidence: float
    word_count: int
    sources_used: int
    citation_count: int
    version: int
    run_id: Id | None
    created_at: str
    updated_at: str


class LastRun(_Answer, frozen=True):
    """The run that wrote a draft last."""

    id: Id
    state: str
    error: str | None


class DraftState(DraftHead, frozen=True):
    """A draft; `after` is the last event in it, `warnings` concern its markers.

    `request` asks for it again, `recovery` says what can be done with it as it stands.
    """

    context: str
    content: str
    citations: list[Citation]
    after: int | None = None
    request: dict[str, Any] = {}
    run: LastRun | None = None
    recovery: list[str] = []
    warnings: list[Warning] = []


class DraftList(_Answer, frozen=True):
    """A page of drafts."""

    drafts: list[DraftHead]
    total: int


class VersionFacts(_Answer, frozen=True):
    """A checkpoint of a draft, made by human or machine."""

    number: int
    made_by: str
    reason: str
    name: str
    author: str
    word_count: int
    citation_count: int
    is_current: bool
    created_at: str
    updated_at: str


class VersionList(_Answer, frozen=True):
    """The versions of a draft, newest first."""

    versions: list[VersionFacts]
    total: int


class VersionText(VersionFacts, frozen=True):
    """A version with its text."""

    title: str
    content: str
    citations: list[Citation]


class VersionDiff(Diff, frozen=True, kw_only=True, rename={"from_": "from"}):
    """What a later text has and an earlier one had."""

    from_: int
    to: int | str


class DraftSupport(Examined, frozen=True, kw_only=True):
    """How well the sentences of a version of a draft are supported."""

    version: int


class FeedbackTaken(_Answer, frozen=True):
    """What to do about a draft: `generate` sends a request, `edit` shows it first."""

    feedback_id: Id
    feedback_type: str
    alternatives: list[Alternative]


class Merged(_Answer, frozen=True):
    """A merge; where both sides changed the same place it was not saved."""

    saved: bool
    content: str
    citations: list[Citation]
    conflicts: list[Conflict]
    version: int
    warnings: list[Warning]
    draft: DraftState | None = None


class Warnings(_Answer, frozen=True):
    """What is worth a look in a draft's markers."""

    warnings: list[Warning]


class SectionConfidenceFacts(_Answer, frozen=True):
    """What a section's confidence is made of."""

    avg_retrieval_score: float
    source_count: int
    coverage_score: float


class SectionConfidence(_Answer, frozen=True):
    """How well a section rests on its sources."""

    title: str
    confidence_score: float
    confidence_level: str
    confidence_metadata: SectionConfidenceFacts


class SourceSummary(_Answer, frozen=True):
    """How well a draft rests on its sources."""

    total_sources: int
    unique_documents: int
    overall_confidence: str
    summary_text: str


class GeneratedDraft(_Answer, frozen=True):
    """A draft written in one go."""

    draft_id: Id
    run_id: Id
    content: str
    citations: list[Citation]
    confidence: float
    word_count: int
    sources_used: int
    sections: list[SectionConfidence]
    source_summary: SourceSummary
    sources: list[OfferedSource]
    warnings: list[str]
    invalid_markers: int
    unsupported_sentences: int
