"""Who may call what: every route of the table, asked by everybody there can be.

A route that is added must be entered here, or the first test fails. After each change the questions
are about a new world, so that what one asker may delete is there for the next.
"""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from engine.auth.credentials import expiry, fingerprint
from engine.storage import (
    api_keys,
    conversations,
    documents,
    drafts,
    groups,
    identities,
    invites,
    journal,
    knowledge,
    own_types,
    passages,
    permissions,
    sessions,
    versions,
)
from engine.storage.conversations import Turn
from engine.storage.documents import NewVersion
from engine.storage.drafts import Draft
from engine.storage.identities import User
from engine.storage.journal import RunRow
from engine.types import Id, Level, new_id, utc_now
from handlers.routes import ROUTES
from tests.handlers.people import add_user, client
from tests.handlers.site import Site, open_site

OK = 0
"""Whatever the request deserves, but not for want of a right."""
NO_PROVIDER = 404

EVERYBODY = dict.fromkeys(
    [
        "anonymous",
        "stranger",
        "reader",
        "writer",
        "manager",
        "owner",
        "administrator",
        "disabled",
        "expired",
        "reading key",
        "writing key",
        "foreign key",
    ],
    OK,
)
"""`owner` owns the knowledge base; `administrator` is the server's, without a share in it. The keys
are the owner's; the foreign one reads and writes, in another knowledge base only."""
NOBODY = {"anonymous": 401, "disabled": 401, "expired": 401}

PUBLIC = EVERYBODY
USER = EVERYBODY | NOBODY
READ = USER | {"stranger": 404, "administrator": 404, "foreign key": 404}
WRITE = READ | {"reader": 403}
MANAGE = WRITE | {"writer": 403}
OWN = READ | {"reader": 404, "writer": 404, "manager": 404}
ADMIN = USER | dict.fromkeys(EVERYBODY.keys() - NOBODY.keys() - {"administrator"}, 403)

NOT_BY_READING = {"reading key": 403}
NOT_BY_KEY = {"reading key": 403, "writing key": 403, "foreign key": 403}
NOT_BY_ONE_BASE_S_KEY = {"foreign key": 403}

ASK: dict[str, Any] = {"query": "sign-in", "kb_ids": ["{kb}"]}
CHAT = {"query": "sign-in", "corpus_id": "{kb}"}
GENERATE = {"kb_id": "{kb}", "document_type": "custom", "context": "sign-in"}
NOTES = {"content_type": "SUMMARY", "input_text": "Staff sign in by card.", "num_questions": 1}
WRONG = {"username": "nobody", "password": "wrong"}


class Entry(NamedTuple):
    """Who gets what, and the body to ask with."""

    expected: dict[str, int]
    body: Any = None


def per(*keys: str, entry: Entry) -> dict[str, Entry]:
    return dict.fromkeys(keys, entry)


TABLE: dict[str, Entry] = {
    **per("GET /healthz", "GET /readyz", "GET /login", entry=Entry(PUBLIC)),
    "GET /login/provider": Entry(dict.fromkeys(EVERYBODY, NO_PROVIDER)),
    "GET /login/provider/callback": Entry(dict.fromkeys(EVERYBODY, 401)),
    "GET /register": Entry(dict.fromkeys(EVERYBODY, 403)),
    "POST /api/v1/auth/register": Entry(dict.fromkeys(EVERYBODY, 403), WRONG),
    **per(
        "POST /api/v1/auth/login",
        "POST /api/auth/login",
        entry=Entry(dict.fromkeys(EVERYBODY, 401), WRONG),
    ),
    "POST /api/v1/auth/refresh": Entry(dict.fromkeys(EVERYBODY, 401), {"refresh_token": "x"}),
    **per(
        "GET /",
        "GET /search",
        "GET /pipeline",
        "GET /api",
        "GET /api/openapi.json",
        "GET /api/v1/auth/me",
        "GET /api/auth/check",
        "GET /api/v1/kbs",
        "GET /api/v1/models",
        "GET /api/v1/templates",
        "GET /api/v1/export/templates",
        "GET /api/v1/drafts",
        "GET /api/v1/conversations",
        "GET /api/v1/runs",
        entry=Entry(USER),
    ),
    **per("POST /api/v1/auth/logout", "POST /api/auth/logout", entry=Entry(USER)),
    "POST /api/v1/auth/logout-everywhere": Entry(USER | NOT_BY_KEY),
    "POST /api/v1/auth/password": Entry(USER | NOT_BY_KEY, {"new": "short"}),
    "GET /settings": Entry(USER | NOT_BY_KEY),
    "GET /api/v1/auth/sessions": Entry(USER | NOT_BY_KEY),
    "DELETE /api/v1/auth/sessions/{id}": Entry(OWN | NOT_BY_KEY),
    "GET /api/v1/auth/keys": Entry(USER | NOT_BY_KEY),
    "POST /api/v1/auth/keys": Entry(USER | NOT_BY_KEY, {"name": "x"}),
    "DELETE /api/v1/auth/keys/{id}": Entry(OWN | NOT_BY_KEY),
    "POST /api/v1/kbs": Entry(USER | NOT_BY_READING | NOT_BY_ONE_BASE_S_KEY, {"name": "{new}"}),
    **per(
        "GET /kb/{kb_id}",
        "GET /kb/{kb_id}/drafts",
        "GET /kb/{kb_id}/drafts/{draft_id}",
        "GET /kb/{kb_id}/documents/{id}",
        "GET /kb/{kb_id}/chat",
        "GET /api/v1/kbs/{id}",
        "GET /api/v1/kbs/{id}/documents",
        "GET /api/v1/documents/{id}",
        "GET /api/v1/documents/{id}/content",
        "GET /api/v1/documents/{id}/chunks",
        "GET /api/v1/documents/{id}/pages/{n}",
        "GET /api/v1/drafts/{id}",
        "GET /api/v1/drafts/{id}/check",
        "GET /api/v1/drafts/{id}/support",
        "POST /api/v1/drafts/{id}/support",
        "GET /api/v1/drafts/{id}/verification",
        "GET /api/v1/drafts/{id}/versions",
        "GET /api/v1/drafts/{id}/versions/{n}",
        "GET /api/v1/drafts/{id}/versions/{n}/diff",
        "GET /api/v1/templates/{id}",
        entry=Entry(READ),
    ),
    "PATCH /api/v1/kbs/{id}": Entry(MANAGE | NOT_BY_READING, {"name": "{new}"}),
    "DELETE /api/v1/kbs/{id}": Entry(MANAGE | NOT_BY_KEY),
    "PUT /api/v1/kbs/{id}/owner": Entry(
        MANAGE | {"manager": 403, "administrator": OK} | NOT_BY_KEY, {"username": "reader"}
    ),
    "GET /api/v1/kbs/{id}/permissions": Entry(MANAGE | NOT_BY_KEY),
    "POST /api/v1/kbs/{id}/permissions": Entry(
        MANAGE | NOT_BY_KEY, {"username": "stranger", "level": "READ"}
    ),
    "PATCH /api/v1/kbs/{id}/permissions/{permission_id}": Entry(
        MANAGE | NOT_BY_KEY, {"level": "WRITE"}
    ),
    "DELETE /api/v1/kbs/{id}/permissions/{permission_id}": Entry(MANAGE | NOT_BY_KEY),
    **per(
        "POST /api/v1/kbs/{id}/documents",
        "DELETE /api/v1/documents/{id}",
        "POST /api/v1/documents/{id}/retry",
        entry=Entry(WRITE | NOT_BY_READING),
    ),
    **per(
        "POST /api/v1/generate",
        "POST /api/v1/generate/stream",
        entry=Entry(READ | NOT_BY_READING, GENERATE),
    ),
    "POST /api/v1/drafts": Entry(READ | NOT_BY_READING, {"kb_id": "{kb}", "content": "x"}),
    "POST /api/v1/generate/estimate": Entry(READ, GENERATE),
    "POST /api/v1/drafts/{id}/export": Entry(READ, {"format": "markdown"}),
    "PATCH /api/v1/drafts/{id}": Entry(WRITE | NOT_BY_READING, {"title": "x"}),
    "DELETE /api/v1/drafts/{id}": Entry(MANAGE | NOT_BY_READING),
    "POST /api/v1/drafts/{id}/resume": Entry(WRITE | NOT_BY_READING),
    "POST /api/v1/drafts/{id}/fix": Entry(WRITE | NOT_BY_READING, {}),
    "POST /api/v1/drafts/{id}/duplicate": Entry(READ | NOT_BY_READING, {}),
    "POST /api/v1/drafts/{id}/feedback": Entry(READ | NOT_BY_READING, {"feedback_type": "other"}),
    "POST /api/v1/drafts/{id}/restore": Entry(MANAGE | NOT_BY_READING),
    "POST /api/v1/drafts/{id}/regenerate": Entry(
        WRITE | NOT_BY_READING, {"selection_start": 0, "selection_end": 5}
    ),
    "POST /api/v1/drafts/{id}/merge": Entry(WRITE | NOT_BY_READING, {"base": "a", "content": "b"}),
    "PUT /api/v1/drafts/{id}/verification": Entry(WRITE | NOT_BY_READING, {"numbers": [1]}),
    "POST /api/v1/drafts/{id}/versions": Entry(WRITE | NOT_BY_READING, {"name": "x"}),
    "PATCH /api/v1/drafts/{id}/versions/{n}": Entry(WRITE | NOT_BY_READING, {"name": "x"}),
    "POST /api/v1/drafts/{id}/versions/{n}/restore": Entry(WRITE | NOT_BY_READING, {}),
    "POST /api/v1/templates": Entry(WRITE | NOT_BY_READING, {"kb_id": "{kb}", "name": "{new}"}),
    "PATCH /api/v1/templates/{id}": Entry(WRITE | NOT_BY_READING, {"description": "x"}),
    "DELETE /api/v1/templates/{id}": Entry(WRITE | NOT_BY_READING),
    **per(
        "POST /query",
        "POST /query/",
        "POST /query/stream",
        "POST /api/v1/query",
        "POST /api/v1/query/",
        "POST /api/v1/query/stream",
        "POST /api/v1/search",
        entry=Entry(READ, ASK),
    ),
    "POST /api/v1/search/quick": Entry(USER, {"query": "sign-in"}),
    "POST /api/v1/markdown": Entry(USER, {"texts": ["x"]}),
    **per("POST /api/chat", "POST /api/chat/stream", entry=Entry(READ | NOT_BY_READING, CHAT)),
    **per(
        "GET /api/chat/history/{session_id}",
        "GET /api/v1/conversations/{id}",
        entry=Entry(OWN),
    ),
    **per(
        "POST /api/chat/clear",
        "DELETE /api/v1/conversations/{id}",
        "POST /api/v1/conversations/{id}/restore",
        entry=Entry(OWN | NOT_BY_READING),
    ),
    "PATCH /api/v1/conversations/{id}": Entry(OWN | NOT_BY_READING, {"title": "x"}),
    **per(
        "POST /run",
        "POST /run/stream",
        "POST /api/v1/run",
        "POST /api/v1/run/stream",
        entry=Entry(USER | NOT_BY_READING | NOT_BY_ONE_BASE_S_KEY, NOTES),
    ),
    **per("GET /api/v1/runs/{id}", "GET /api/v1/runs/{id}/events", entry=Entry(OWN)),
    **per(
        "POST /api/v1/runs/{id}/cancel",
        "POST /api/v1/runs/{id}/skip",
        entry=Entry(OWN | NOT_BY_READING),
    ),
    **per(
        "GET /admin",
        "GET /admin/doctor",
        "GET /admin/doctor/stream",
        "GET /metrics",
        "GET /api/v1/metrics",
        "GET /api/v1/admin/users",
        "GET /api/v1/admin/invites",
        "POST /api/v1/admin/invites",
        "DELETE /api/v1/admin/invites/{id}",
        "GET /api/v1/admin/groups",
        "DELETE /api/v1/admin/groups/{id}",
        "DELETE /api/v1/admin/groups/{id}/members/{username}",
        "POST /api/v1/admin/users/{id}/reset",
        "GET /api/v1/admin/doctor",
        "GET /api/v1/admin/audit",
        "GET /api/v1/admin/audit/generation",
        entry=Entry(ADMIN),
    ),
    "POST /api/v1/admin/users": Entry(ADMIN, {"username": "{new}"}),
    "PATCH /api/v1/admin/users/{id}": Entry(ADMIN, {"is_disabled": True}),
    "POST /api/v1/admin/groups": Entry(ADMIN, {"name": "{new}"}),
    "POST /api/v1/admin/groups/{id}/members": Entry(ADMIN, {"username": "stranger"}),
}


class World(NamedTuple):
    """One of everything there can be, all of it the owner's."""

    kb: Id
    other_kb: Id
    document: Id
    draft: Id
    run: Id
    conversation: Id
    permission: Id
    session: Id
    key: Id
    user: Id
    group: Id
    invite: Id
    template: Id


async def make_world(site: Site, people: dict[str, User]) -> World:
    """Store one of everything, without any run."""
    owner = people["owner"]
    async with site.engine.database.transaction() as tx:
        kb, other = [await knowledge.create(tx, owner.id, new_id()) for _ in range(2)]
        for name, level in (("reader", 1), ("writer", 2), ("manager", 3)):
            user_id = people[name].id
            share = await permissions.give(tx, kb, Level(level), user_id=user_id, group_id=None)
        run, query = new_id(), new_id()
        document = await documents.add_version(tx, kb, NewVersion("a.md", "0" * 64, 1), run)
        text = "Staff sign-in needs a card."
        await documents.describe(
            tx,
            document.version_id,
            media_type="text/markdown",
            title="A",
            text=text,
            words=5,
            pages=[(1, 0, len(text))],
            warnings=[],
        )
        row = (new_id(), document.version_id, document.id, kb, 0, 0, len(text), 1, None)
        rowids = await documents.add_chunks(tx, [row])
        await passages.add(tx, rowids, [passages.make_passage(kb, "A", "", text)])
        await documents.set_status(tx, document.version_id, "ready")
        request = {"kb_id": kb, "document_type": "custom", "context": "sign-in"}
        draft = Draft(
            id=new_id(),
            kb_id=kb,
            owner_id=owner.id,
            document_type="custom",
            title="A draft",
            context="sign-in",
            request=request,
            status="partial",
            content="Staff sign in by card.",
        )
        await drafts.insert(tx, draft)
        await versions.insert(tx, draft, 1, owner.id, "machine", "generated", False)
        template = new_id()
        await own_types.insert(tx, template, kb, owner.id, template, {})
        for run_id, kb_id, kb_ids in ((run, kb, []), (query, None, [kb])):
            await journal.insert_run(
                tx,
                RunRow(
                    id=run_id,
                    family="ingest" if kb_id else "query",
                    user_id=owner.id,
                    state="running",
                    request=b"{}",
                    request_hash="",
                    created_at=utc_now(),
                    kb_id=kb_id,
                    kb_ids=kb_ids,
                    document_id=document.id if kb_id else None,
                ),
            )
            await journal.end_run(tx, run_id, state="completed", error=None, usage={})
        conversation = new_id()
        await conversations.add_turns(
            tx,
            conversation_id=conversation,
            user_id=owner.id,
            kb_id=kb,
            title="x",
            run_id=query,
            new=[Turn(role="user", content="x")],
        )
        session = await sessions.add(tx, owner.id, new_id(), "", expiry(60))
        key = await api_keys.add(
            tx, owner.id, new_id(), name="x", level=Level.READ, kb_id=None, expires_at=None
        )
        user = await identities.create(tx, new_id())
        group = await groups.create(tx, new_id())
        invite = await invites.add(tx, owner.id, new_id(), expiry(60))
    return World(
        kb, other, document.id, draft.id, query, conversation, share.id, session, key.id, user,
        group, invite, template,
    )  # fmt: skip


def path_of(route: str, world: World) -> str:
    """Return the path of a route in a world: which id is meant is told by what stands before it."""
    path = route.partition(" ")[2]
    for prefix, value in {
        "/kbs/": world.kb,
        "/documents/": world.document,
        "/drafts/": world.draft,
        "/runs/": world.run,
        "/conversations/": world.conversation,
        "/sessions/": world.session,
        "/keys/": world.key,
        "/users/": world.user,
        "/groups/": world.group,
        "/invites/": world.invite,
        "/templates/": world.template,
    }.items():
        path = path.replace(prefix + "{id}", prefix + value)
    path = path.replace("{kb_id}", world.kb).replace("{draft_id}", world.draft)
    path = path.replace("{permission_id}", world.permission).replace("{n}", "1")
    path = path.replace("{session_id}", world.conversation).replace("{username}", "stranger")
    return path + (f"?session_id={world.conversation}" if path == "/api/chat/clear" else "")


def body_of(body: Any, world: World) -> Any:
    if isinstance(body, dict):
        return {name: body_of(value, world) for name, value in body.items()}
    if isinstance(body, list):
        return [body_of(value, world) for value in body]
    if isinstance(body, str):
        return body.replace("{kb}", world.kb).replace("{new}", new_id())
    return body


async def give_key(site: Site, user: User, level: Level, kb_id: Id | None, good_s: float) -> str:
    secret = new_id()
    async with site.engine.database.transaction() as tx:
        await api_keys.add(
            tx,
            user.id,
            fingerprint(secret),
            name="x",
            level=level,
            kb_id=kb_id,
            expires_at=expiry(good_s),
        )
    return secret


async def secret_of(site: Site, people: dict[str, User], name: str, world: World) -> str | None:
    """Return what somebody sends along; a fresh one each time, since some are signed out by it."""
    owner = people["owner"]
    match name:
        case "anonymous":
            return None
        case "expired":
            return await give_key(site, owner, Level.ADMIN, None, -1)
        case "reading key":
            return await give_key(site, owner, Level.READ, None, 60)
        case "writing key":
            return await give_key(site, owner, Level.WRITE, None, 60)
        case "foreign key":
            return await give_key(site, owner, Level.WRITE, world.other_kb, 60)
        case _:
            return await give_key(site, people[name], Level.ADMIN, None, 60)


async def status_of(site: Site, route: str, body: Any, world: World) -> int:
    method, path = route.partition(" ")[0], path_of(route, world)
    options: dict[str, Any] = {"json": body_of(body, world)}
    if route == "POST /api/v1/kbs/{id}/documents":
        form = aiohttp.FormData()
        form.add_field("file", b"text", filename="b.md")
        options = {"data": form}
    async with site.session.request(
        method, site.base + path, allow_redirects=False, **options
    ) as response:
        await response.read()
        return response.status


def test_every_route_has_an_entry() -> None:
    assert {f"{route.method} {route.path}" for route in ROUTES} == TABLE.keys()


async def test_every_route_answers_everybody_as_it_must(data: Path) -> None:
    often = dict.fromkeys(
        ("costly_per_minute", "uploads_per_minute", "sign_in_per_minute", "typing_per_minute"),
        100_000,
    ) | {"pipeline_starts_per_minute": 100_000}
    wrong = []
    async with open_site(data, **often) as site, AsyncExitStack() as stack:
        people = {
            name: await add_user(site, name)
            for name in ("stranger", "reader", "writer", "manager", "owner", "disabled")
        }
        people["administrator"], _ = await site.engine.identity.administrator()
        async with site.engine.database.transaction() as tx:
            await identities.set_disabled(tx, people["disabled"].id, disabled=True)
        somebody = await stack.enter_async_context(client(site, None))
        for route, entry in TABLE.items():
            world = await make_world(site, people)
            for name, expected in entry.expected.items():
                secret = await secret_of(site, people, name, world)
                headers = somebody.session.headers
                headers.pop("Authorization", None)
                if secret is not None:
                    headers["Authorization"] = f"Bearer {secret}"
                status = await status_of(somebody, route, entry.body, world)
                is_right = status < 500 and status not in (401, 403, 404)
                if status != expected if expected else not is_right:
                    wrong.append((route, name, status, expected))
                if status < 400 and not route.startswith("GET "):  # it may have changed the world
                    world = await make_world(site, people)
    assert wrong == []


HIDDEN = [
    route
    for route, entry in TABLE.items()
    if entry.expected["stranger"] == 404 and entry.expected["owner"] == OK
]


@pytest.mark.parametrize("route", HIDDEN)
async def test_what_is_foreign_looks_like_what_is_not_there(site: Site, route: str) -> None:
    """Nobody learns from an answer, down to its words, that something exists."""
    people = {name: await add_user(site, name) for name in ("stranger", "reader", "writer")}
    people |= {"manager": people["writer"], "owner": await add_user(site, "owner")}
    world = await make_world(site, people)
    nothing = World(*(new_id() for _ in world))
    secret = await secret_of(site, people, "stranger", world)
    async with client(site, secret) as stranger:
        answers = []
        for asked in (world, nothing):
            method, path = route.partition(" ")[0], path_of(route, asked)
            options: dict[str, Any] = {"json": body_of(TABLE[route].body, asked)}
            async with stranger.session.request(method, site.base + path, **options) as response:
                answer = await response.json()
                answer["error"].pop("request_id")
                answers.append((response.status, answer, sorted(response.headers)))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404
