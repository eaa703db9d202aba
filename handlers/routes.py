"""The whole HTTP surface as one table."""

from engine.export.manuscript import FILE_TYPES
from engine.flows.accepting import MergeRequest
from engine.flows.chat import ChatRequest
from engine.flows.checking import SupportQuestion, Tick
from engine.flows.draft_request import DraftRequest
from engine.flows.editing import DraftChange, NewDraft
from engine.flows.export import ExportRequest
from engine.flows.feedback import DraftFeedback
from engine.flows.own_types import NewType, TypeChange
from engine.flows.pipeline_request import PipelineRequest
from engine.flows.query import QueryRequest
from engine.flows.rewrite_request import RewriteRequest
from engine.flows.search import SearchRequest
from engine.types import Level
from handlers import (
    account_pages,
    accounts,
    audit,
    auth,
    chat,
    doctor,
    documents,
    draft_versions,
    drafts,
    export,
    generate,
    knowledge,
    members,
    models,
    openapi,
    ops,
    pages,
    pipeline,
    profile,
    provider,
    query,
    rendering,
    runs,
    search,
    suggestions,
    templates,
)
from handlers.access import Access, Route
from handlers.accounts import AccountChange, Member, NewAccount, NewGroup
from handlers.auth import Credentials, Refresh, Registration
from handlers.chat import Titled
from handlers.draft_versions import Restore, VersionName
from handlers.drafts import Copy, Fix
from handlers.knowledge import Named
from handlers.members import LevelChange, NewOwner, Share
from handlers.profile import NewKey, PasswordChange
from handlers.rates import Rate
from handlers.rendering import Markdown
from handlers.search import Quick

PUBLIC, USER, ADMIN = Access.PUBLIC, Access.USER, Access.ADMIN
READ, FULL = Level.READ, Level.ADMIN
SIGN_IN = Rate.SIGN_IN

STREAM = ("text/event-stream",)
BOTH = ("text/event-stream", "application/json")
DIALECT = {"dialect": "string"}
TABLE = ("application/json", "text/csv")
AUDIT = {
    "user": "string",
    "action": "string",
    "from": "string",
    "to": "string",
    "before": "integer",
    "limit": "integer",
    "format": "string",
}
DRAFT_LIST = {
    "kb_id": "string",
    "status": "string",
    "q": "string",
    "sort": "string",
    "page": "integer",
}
SLICE = {"version": "integer", "start": "integer", "end": "integer"}

ROUTES = (
    Route("GET", "/healthz", ops.healthz, PUBLIC),
    Route("GET", "/readyz", ops.readyz, PUBLIC),
    Route("GET", "/metrics", ops.metrics, ADMIN, answers=("text/plain",), is_wide=True),
    Route("GET", "/api/v1/metrics", ops.metrics_json, ADMIN, is_wide=True),
    Route("GET", "/login", auth.login_page, PUBLIC, is_page=True),
    Route("GET", "/login/provider", provider.leave, PUBLIC, is_page=True, rate=SIGN_IN),
    Route(
        "GET", "/login/provider/callback", provider.come_back, PUBLIC, is_page=True, rate=SIGN_IN
    ),
    Route("GET", "/register", auth.register_page, PUBLIC, is_page=True),
    Route("GET", "/", pages.home, USER, is_page=True),
    Route("GET", "/kb/{kb_id}", pages.knowledge_base, USER, is_page=True),
    Route("GET", "/kb/{kb_id}/drafts", pages.draft_list, USER, is_page=True),
    Route("GET", "/kb/{kb_id}/drafts/{draft_id}", pages.draft_view, USER, is_page=True),
    Route("GET", "/kb/{kb_id}/documents/{id}", pages.document_view, USER, is_page=True),
    Route("GET", "/kb/{kb_id}/chat", pages.chat_view, USER, is_page=True),
    Route("GET", "/search", pages.search_view, USER, is_page=True),
    Route("GET", "/pipeline", pages.pipeline_view, USER, is_page=True),
    Route("GET", "/settings", account_pages.settings, USER, is_page=True, level=FULL),
    Route("GET", "/admin", account_pages.admin, ADMIN, is_page=True, level=FULL),
    Route("GET", "/admin/doctor", doctor.page, ADMIN, is_page=True, level=FULL),
    Route("GET", "/admin/doctor/stream", doctor.beats, ADMIN, is_page=True, level=FULL),
    Route("GET", "/api", openapi.api_page, USER, is_page=True),
    Route("GET", "/api/openapi.json", openapi.openapi_json, USER),
    Route(
        "POST",
        "/api/v1/auth/register",
        auth.register,
        PUBLIC,
        body=Registration,
        ok=(201,),
        rate=SIGN_IN,
    ),
    *(
        Route("POST", path, auth.login, PUBLIC, body=Credentials, rate=SIGN_IN)
        for path in ("/api/v1/auth/login", "/api/auth/login")
    ),
    Route("POST", "/api/v1/auth/refresh", auth.refresh, PUBLIC, body=Refresh, rate=SIGN_IN),
    Route("GET", "/api/v1/auth/me", auth.me, USER),
    Route("GET", "/api/auth/check", auth.check, USER),
    *(
        Route("POST", path, auth.logout, USER, level=READ)
        for path in ("/api/v1/auth/logout", "/api/auth/logout")
    ),
    Route("POST", "/api/v1/auth/logout-everywhere", auth.logout_everywhere, USER, level=FULL),
    Route(
        "POST",
        "/api/v1/auth/password",
        profile.change_password,
        USER,
        body=PasswordChange,
        ok=(204,),
        rate=SIGN_IN,
        level=FULL,
    ),
    Route("GET", "/api/v1/auth/sessions", profile.list_sessions, USER, level=FULL),
    Route("DELETE", "/api/v1/auth/sessions/{id}", profile.end_session, USER, ok=(204,), level=FULL),
    Route("GET", "/api/v1/auth/keys", profile.list_keys, USER, level=FULL),
    Route("POST", "/api/v1/auth/keys", profile.make_key, USER, body=NewKey, ok=(201,), level=FULL),
    Route("DELETE", "/api/v1/auth/keys/{id}", profile.revoke_key, USER, ok=(204,), level=FULL),
    Route("GET", "/api/v1/kbs", knowledge.list_kbs, USER),
    Route("POST", "/api/v1/kbs", knowledge.create_kb, USER, body=Named, ok=(201,), is_wide=True),
    Route("GET", "/api/v1/kbs/{id}", knowledge.get_kb, USER),
    Route("PATCH", "/api/v1/kbs/{id}", knowledge.rename_kb, USER, body=Named),
    Route("DELETE", "/api/v1/kbs/{id}", knowledge.delete_kb, USER, ok=(204,), level=FULL),
    Route(
        "PUT",
        "/api/v1/kbs/{id}/owner",
        members.hand_over,
        USER,
        body=NewOwner,
        ok=(204,),
        level=FULL,
    ),
    Route("GET", "/api/v1/kbs/{id}/permissions", members.list_permissions, USER, level=FULL),
    Route(
        "POST",
        "/api/v1/kbs/{id}/permissions",
        members.give_permission,
        USER,
        body=Share,
        ok=(201,),
        level=FULL,
    ),
    Route(
        "PATCH",
        "/api/v1/kbs/{id}/permissions/{permission_id}",
        members.change_permission,
        USER,
        body=LevelChange,
        level=FULL,
    ),
    Route(
        "DELETE",
        "/api/v1/kbs/{id}/permissions/{permission_id}",
        members.take_permission,
        USER,
        ok=(204,),
        level=FULL,
    ),
    Route("GET", "/api/v1/kbs/{id}/documents", documents.list_documents, USER),
    Route(
        "POST",
        "/api/v1/kbs/{id}/documents",
        documents.upload,
        USER,
        ok=(202,),
        takes_files=True,
        rate=Rate.UPLOAD,
    ),
    Route("GET", "/api/v1/documents/{id}", documents.get_document, USER),
    Route("DELETE", "/api/v1/documents/{id}", documents.delete_document, USER, ok=(204,)),
    Route(
        "POST",
        "/api/v1/documents/{id}/retry",
        documents.retry_document,
        USER,
        ok=(202,),
        rate=Rate.UPLOAD,
    ),
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
    Route("GET", "/api/v1/templates", templates.list_templates, USER, query={"kb_id": "string"}),
    Route("POST", "/api/v1/templates", templates.create_template, USER, body=NewType, ok=(201,)),
    Route("GET", "/api/v1/templates/{id}", templates.get_template, USER),
    Route("PATCH", "/api/v1/templates/{id}", templates.change_template, USER, body=TypeChange),
    Route("DELETE", "/api/v1/templates/{id}", templates.delete_template, USER, ok=(204,)),
    Route(
        "POST",
        "/api/v1/generate",
        generate.generate,
        USER,
        body=DraftRequest,
        query=DIALECT,
        answers=BOTH,
        rate=Rate.COSTLY,
    ),
    Route(
        "POST",
        "/api/v1/generate/stream",
        generate.generate_stream,
        USER,
        body=DraftRequest,
        query=DIALECT,
        answers=STREAM,
        rate=Rate.COSTLY,
    ),
    Route(
        "POST",
        "/api/v1/generate/estimate",
        generate.estimate,
        USER,
        level=READ,
        body=DraftRequest,
        rate=Rate.COSTLY,
    ),
    Route(
        "GET",
        "/api/v1/drafts",
        drafts.list_drafts,
        USER,
        query=DRAFT_LIST,
    ),
    Route("POST", "/api/v1/drafts", drafts.create_draft, USER, body=NewDraft, ok=(200, 201)),
    Route("GET", "/api/v1/drafts/{id}", drafts.get_draft, USER),
    Route(
        "PATCH",
        "/api/v1/drafts/{id}",
        drafts.change_draft,
        USER,
        body=DraftChange,
        query={"strict": "integer", "current": "integer"},
    ),
    Route("DELETE", "/api/v1/drafts/{id}", drafts.delete_draft, USER, ok=(204,)),
    Route("POST", "/api/v1/drafts/{id}/restore", drafts.restore_draft, USER),
    Route(
        "POST", "/api/v1/drafts/{id}/duplicate", drafts.duplicate_draft, USER, body=Copy, ok=(201,)
    ),
    Route(
        "POST",
        "/api/v1/drafts/{id}/regenerate",
        suggestions.regenerate,
        USER,
        body=RewriteRequest,
        query=DIALECT,
        answers=BOTH,
        rate=Rate.COSTLY,
    ),
    Route("POST", "/api/v1/drafts/{id}/merge", suggestions.merge, USER, body=MergeRequest),
    Route("GET", "/api/v1/drafts/{id}/support", drafts.get_support, USER),
    Route(
        "POST",
        "/api/v1/drafts/{id}/support",
        drafts.ask_support,
        USER,
        body=SupportQuestion,
        level=READ,
    ),
    Route("GET", "/api/v1/drafts/{id}/verification", drafts.get_verification, USER),
    Route("PUT", "/api/v1/drafts/{id}/verification", drafts.set_verification, USER, body=Tick),
    Route("POST", "/api/v1/drafts/{id}/feedback", drafts.take_feedback, USER, body=DraftFeedback),
    Route("GET", "/api/v1/drafts/{id}/versions", draft_versions.list_versions, USER),
    Route(
        "POST",
        "/api/v1/drafts/{id}/versions",
        draft_versions.keep_version,
        USER,
        body=VersionName,
        ok=(201,),
    ),
    Route("GET", "/api/v1/drafts/{id}/versions/{n}", draft_versions.get_version, USER),
    Route(
        "PATCH",
        "/api/v1/drafts/{id}/versions/{n}",
        draft_versions.name_version,
        USER,
        body=VersionName,
    ),
    Route(
        "GET",
        "/api/v1/drafts/{id}/versions/{n}/diff",
        draft_versions.diff_version,
        USER,
        query={"to": "string"},
    ),
    Route(
        "POST",
        "/api/v1/drafts/{id}/versions/{n}/restore",
        draft_versions.restore_version,
        USER,
        body=Restore,
    ),
    Route(
        "POST",
        "/api/v1/drafts/{id}/resume",
        generate.resume_draft,
        USER,
        query=DIALECT,
        answers=BOTH,
        rate=Rate.COSTLY,
    ),
    Route("GET", "/api/v1/drafts/{id}/check", drafts.check_draft, USER),
    Route(
        "POST",
        "/api/v1/drafts/{id}/export",
        export.export_draft,
        USER,
        level=READ,
        body=ExportRequest,
        answers=tuple(one.media_type for one in FILE_TYPES.values()),
        rate=Rate.COSTLY,
    ),
    Route("GET", "/api/v1/export/templates", export.list_export_templates, USER),
    Route("POST", "/api/v1/drafts/{id}/fix", drafts.fix_draft, USER, body=Fix),
    Route(
        "POST",
        "/api/v1/markdown",
        rendering.render_markdown,
        USER,
        level=READ,
        body=Markdown,
        rate=Rate.TYPING,
    ),
    *(
        Route("POST", path, query.query, USER, level=READ, body=QueryRequest, rate=Rate.COSTLY)
        for path in ("/query", "/query/", "/api/v1/query", "/api/v1/query/")
    ),
    *(
        Route(
            "POST",
            path,
            query.query_stream,
            USER,
            level=READ,
            body=QueryRequest,
            query=DIALECT,
            answers=STREAM,
            rate=Rate.COSTLY,
        )
        for path in ("/query/stream", "/api/v1/query/stream")
    ),
    Route(
        "POST",
        "/api/v1/search",
        search.search,
        USER,
        level=READ,
        body=SearchRequest,
        query=DIALECT,
        answers=BOTH,
        rate=Rate.COSTLY,
    ),
    Route(
        "POST",
        "/api/v1/search/quick",
        search.quick_search,
        USER,
        level=READ,
        body=Quick,
        rate=Rate.TYPING,
    ),
    Route("POST", "/api/chat", chat.chat, USER, body=ChatRequest, rate=Rate.COSTLY),
    Route(
        "POST",
        "/api/chat/stream",
        chat.chat_stream,
        USER,
        body=ChatRequest,
        query=DIALECT,
        answers=STREAM,
        rate=Rate.COSTLY,
    ),
    Route("GET", "/api/chat/history/{session_id}", chat.history, USER, query={"limit": "integer"}),
    Route("POST", "/api/chat/clear", chat.clear, USER, query={"session_id": "string"}),
    Route("GET", "/api/v1/conversations", chat.list_conversations, USER, query={"kb_id": "string"}),
    Route("GET", "/api/v1/conversations/{id}", chat.get_conversation, USER),
    Route("PATCH", "/api/v1/conversations/{id}", chat.rename_conversation, USER, body=Titled),
    Route("DELETE", "/api/v1/conversations/{id}", chat.delete_conversation, USER, ok=(204,)),
    Route("POST", "/api/v1/conversations/{id}/restore", chat.restore_conversation, USER),
    *(
        Route(
            "POST", path, pipeline.run, USER, is_wide=True, body=PipelineRequest, rate=Rate.COSTLY
        )
        for path in ("/run", "/api/v1/run")
    ),
    *(
        Route(
            "POST",
            path,
            pipeline.run_stream,
            USER,
            is_wide=True,
            body=PipelineRequest,
            query=DIALECT | {"tokens": "integer"},
            answers=STREAM,
            rate=Rate.COSTLY,
        )
        for path in ("/run/stream", "/api/v1/run/stream")
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
        query=DIALECT | {"after": "integer", "poll": "integer", "checks": "integer"},
        answers=BOTH,
    ),
    Route("POST", "/api/v1/runs/{id}/cancel", runs.cancel_run, USER),
    Route("POST", "/api/v1/runs/{id}/skip", runs.skip_section, USER),
    Route("GET", "/api/v1/admin/users", accounts.list_users, ADMIN, level=FULL),
    Route(
        "POST",
        "/api/v1/admin/users",
        accounts.create_user,
        ADMIN,
        body=NewAccount,
        ok=(201,),
        level=FULL,
    ),
    Route(
        "PATCH",
        "/api/v1/admin/users/{id}",
        accounts.change_user,
        ADMIN,
        body=AccountChange,
        level=FULL,
    ),
    Route("POST", "/api/v1/admin/users/{id}/reset", accounts.reset_user, ADMIN, level=FULL),
    Route("GET", "/api/v1/admin/invites", accounts.list_invites, ADMIN, level=FULL),
    Route("POST", "/api/v1/admin/invites", accounts.make_invite, ADMIN, ok=(201,), level=FULL),
    Route(
        "DELETE",
        "/api/v1/admin/invites/{id}",
        accounts.take_invite_back,
        ADMIN,
        ok=(204,),
        level=FULL,
    ),
    Route("GET", "/api/v1/admin/groups", accounts.list_groups, ADMIN, level=FULL),
    Route(
        "POST",
        "/api/v1/admin/groups",
        accounts.make_group,
        ADMIN,
        body=NewGroup,
        ok=(201,),
        level=FULL,
    ),
    Route(
        "DELETE", "/api/v1/admin/groups/{id}", accounts.remove_group, ADMIN, ok=(204,), level=FULL
    ),
    Route(
        "POST",
        "/api/v1/admin/groups/{id}/members",
        accounts.add_member,
        ADMIN,
        body=Member,
        level=FULL,
    ),
    Route(
        "DELETE",
        "/api/v1/admin/groups/{id}/members/{username}",
        accounts.remove_member,
        ADMIN,
        level=FULL,
    ),
    Route("GET", "/api/v1/admin/doctor", doctor.report, ADMIN),
    Route("GET", "/api/v1/admin/audit", audit.audit_log, ADMIN, query=AUDIT, answers=TABLE),
    Route(
        "GET",
        "/api/v1/admin/audit/generation",
        audit.generation_log,
        ADMIN,
        query=AUDIT,
        answers=TABLE,
    ),
)
