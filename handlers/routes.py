"""The whole HTTP surface as one table."""

from engine.flows.chat import ChatRequest
from engine.flows.draft import DraftRequest
from engine.flows.editing import DraftChange, NewDraft
from engine.flows.pipeline_request import PipelineRequest
from engine.flows.query import QueryRequest
from engine.flows.search import SearchRequest
from handlers import (
    auth,
    chat,
    documents,
    drafts,
    generate,
    knowledge,
    models,
    openapi,
    ops,
    pages,
    pipeline,
    query,
    runs,
    search,
    templates,
)
from handlers.access import Access, Route
from handlers.chat import Titled
from handlers.drafts import Fix
from handlers.knowledge import Named
from handlers.search import Quick

PUBLIC, USER = Access.PUBLIC, Access.USER

STREAM = ("text/event-stream",)
BOTH = ("text/event-stream", "application/json")
DIALECT = {"dialect": "string"}
SLICE = {"version": "integer", "start": "integer", "end": "integer"}

ROUTES = (
    Route("GET", "/healthz", ops.healthz, PUBLIC),
    Route("GET", "/readyz", ops.readyz, PUBLIC),
    Route("GET", "/login", auth.login, PUBLIC, is_page=True),
    Route("GET", "/", pages.home, USER, is_page=True),
    Route("GET", "/kb/{kb_id}", pages.knowledge_base, USER, is_page=True),
    Route("GET", "/kb/{kb_id}/drafts", pages.draft_list, USER, is_page=True),
    Route("GET", "/kb/{kb_id}/drafts/{draft_id}", pages.draft_view, USER, is_page=True),
    Route("GET", "/kb/{kb_id}/documents/{id}", pages.document_view, USER, is_page=True),
    Route("GET", "/kb/{kb_id}/chat", pages.chat_view, USER, is_page=True),
    Route("GET", "/search", pages.search_view, USER, is_page=True),
    Route("GET", "/pipeline", pages.pipeline_view, USER, is_page=True),
    Route("GET", "/api", openapi.api_page, USER, is_page=True),
    Route("GET", "/api/openapi.json", openapi.openapi_json, USER),
    Route("GET", "/api/v1/auth/me", auth.me, USER),
    Route("POST", "/api/v1/auth/logout", auth.logout, USER),
    Route("GET", "/api/v1/kbs", knowledge.list_kbs, USER),
    Route("POST", "/api/v1/kbs", knowledge.create_kb, USER, body=Named, ok=(201,)),
    Route("GET", "/api/v1/kbs/{id}", knowledge.get_kb, USER),
    Route("PATCH", "/api/v1/kbs/{id}", knowledge.rename_kb, USER, body=Named),
    Route("DELETE", "/api/v1/kbs/{id}", knowledge.delete_kb, USER, ok=(204,)),
    Route("GET", "/api/v1/kbs/{id}/documents", documents.list_documents, USER),
    Route(
        "POST", "/api/v1/kbs/{id}/documents", documents.upload, USER, ok=(202,), takes_files=True
    ),
    Route("GET", "/api/v1/documents/{id}", documents.get_document, USER),
    Route("DELETE", "/api/v1/documents/{id}", documents.delete_document, USER, ok=(204,)),
    Route("POST", "/api/v1/documents/{id}/retry", documents.retry_document, USER, ok=(202,)),
    Route(
        "GET",
        "/api/v1/documents/{id}/content",
        documents.get_content,
        USER,
        query=SLICE,
        answers=("text/plain",),
    ),
    Route("GET", "/api/v1/documents/{id}/chunks", documents.list_chunks, USER),
    Route("GET", "/api/v1/documents/{id}/pages/{n}", documents.get_page, USER),
    Route("GET", "/api/v1/models", models.list_models, USER),
    Route("GET", "/api/v1/templates", templates.list_templates, USER),
    Route("GET", "/api/v1/templates/{id}", templates.get_template, USER),
    Route(
        "POST",
        "/api/v1/generate",
        generate.generate,
        USER,
        body=DraftRequest,
        query=DIALECT,
        answers=BOTH,
    ),
    Route(
        "POST",
        "/api/v1/generate/stream",
        generate.generate_stream,
        USER,
        body=DraftRequest,
        query=DIALECT,
        answers=STREAM,
    ),
    Route(
        "GET",
        "/api/v1/drafts",
        drafts.list_drafts,
        USER,
        query={"kb_id": "string", "status": "string", "page": "integer"},
    ),
    Route("POST", "/api/v1/drafts", drafts.create_draft, USER, body=NewDraft, ok=(200, 201)),
    Route("GET", "/api/v1/drafts/{id}", drafts.get_draft, USER),
    Route(
        "PATCH",
        "/api/v1/drafts/{id}",
        drafts.change_draft,
        USER,
        body=DraftChange,
        query={"strict": "integer"},
    ),
    Route("DELETE", "/api/v1/drafts/{id}", drafts.delete_draft, USER, ok=(204,)),
    Route(
        "POST",
        "/api/v1/drafts/{id}/resume",
        generate.resume_draft,
        USER,
        query=DIALECT,
        answers=BOTH,
    ),
    Route("GET", "/api/v1/drafts/{id}/check", drafts.check_draft, USER),
    Route("POST", "/api/v1/drafts/{id}/fix", drafts.fix_draft, USER, body=Fix),
    Route("POST", "/query", query.query, USER, body=QueryRequest),
    Route("POST", "/query/", query.query, USER, body=QueryRequest),
    Route(
        "POST",
        "/query/stream",
        query.query_stream,
        USER,
        body=QueryRequest,
        query=DIALECT,
        answers=STREAM,
    ),
    Route("POST", "/api/v1/query", query.query, USER, body=QueryRequest),
    Route("POST", "/api/v1/query/", query.query, USER, body=QueryRequest),
    Route(
        "POST",
        "/api/v1/query/stream",
        query.query_stream,
        USER,
        body=QueryRequest,
        query=DIALECT,
        answers=STREAM,
    ),
    Route(
        "POST",
        "/api/v1/search",
        search.search,
        USER,
        body=SearchRequest,
        query=DIALECT,
        answers=BOTH,
    ),
    Route("POST", "/api/v1/search/quick", search.quick_search, USER, body=Quick),
    Route("POST", "/api/chat", chat.chat, USER, body=ChatRequest),
    Route(
        "POST",
        "/api/chat/stream",
        chat.chat_stream,
        USER,
        body=ChatRequest,
        query=DIALECT,
        answers=STREAM,
    ),
    Route("GET", "/api/chat/history/{session_id}", chat.history, USER, query={"limit": "integer"}),
    Route("POST", "/api/chat/clear", chat.clear, USER, query={"session_id": "string"}),
    Route("GET", "/api/v1/conversations", chat.list_conversations, USER, query={"kb_id": "string"}),
    Route("GET", "/api/v1/conversations/{id}", chat.get_conversation, USER),
    Route("PATCH", "/api/v1/conversations/{id}", chat.rename_conversation, USER, body=Titled),
    Route("DELETE", "/api/v1/conversations/{id}", chat.delete_conversation, USER, ok=(204,)),
    Route("POST", "/api/v1/conversations/{id}/restore", chat.restore_conversation, USER),
    Route("POST", "/run", pipeline.run, USER, body=PipelineRequest),
    Route(
        "POST",
        "/run/stream",
        pipeline.run_stream,
        USER,
        body=PipelineRequest,
        query=DIALECT | {"tokens": "integer"},
        answers=STREAM,
    ),
    Route("POST", "/api/v1/run", pipeline.run, USER, body=PipelineRequest),
    Route(
        "POST",
        "/api/v1/run/stream",
        pipeline.run_stream,
        USER,
        body=PipelineRequest,
        query=DIALECT | {"tokens": "integer"},
        answers=STREAM,
    ),
    Route(
        "GET", "/api/v1/runs", runs.list_runs, USER, query={"state": "string", "family": "string"}
    ),
    Route("GET", "/api/v1/runs/{id}", runs.get_run, USER),
    Route(
        "GET",
        "/api/v1/runs/{id}/events",
        runs.run_events,
        USER,
        query=DIALECT | {"after": "integer", "poll": "integer"},
        answers=BOTH,
    ),
    Route("POST", "/api/v1/runs/{id}/cancel", runs.cancel_run, USER),
)
