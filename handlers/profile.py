"""One's own account: password, sessions, API keys."""

from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from engine.storage import api_keys, sessions
from engine.types import Level
from handlers.answers import Keys, MadeKey, OwnSession, Sessions
from handlers.inputs import path_id, read_json
from handlers.keys import ENGINE, GRANT, USER
from handlers.responses import json_response, no_content

Password = Annotated[str, Meta(max_length=4096)]


class PasswordChange(msgspec.Struct, frozen=True):
    """The new password, and the one it replaces unless there is none yet."""

    new: Password
    current: Password | None = None


class NewKey(msgspec.Struct, frozen=True):
    """What a key is for and what it may do; it is good for `days`, or until it is revoked."""

    name: Annotated[str, Meta(min_length=1, max_length=120, pattern=r"\S")]
    level: Literal["READ", "WRITE"] = "READ"
    kb_id: Annotated[str, Meta(max_length=100)] | None = None
    days: Annotated[int, Meta(ge=1, le=3650)] | None = None


async def change_password(request: web.Request) -> web.Response:
    """POST /api/v1/auth/password: all other sessions end."""
    given = await read_json(request, PasswordChange)
    await request.app[ENGINE].accounts.change_password(
        request[USER], given.current, given.new, session_id=request[GRANT].session_id
    )
    return no_content()


async def list_sessions(request: web.Request) -> web.Response:
    """GET /api/v1/auth/sessions."""
    async with request.app[ENGINE].database.read() as connection:
        found = await sessions.list_all(connection, request[USER].id)
    current = request[GRANT].session_id
    shown = [
        OwnSession(**msgspec.structs.asdict(one), is_current=one.id == current) for one in found
    ]
    return json_response(Sessions(sessions=shown, total=len(shown)))


async def end_session(request: web.Request) -> web.Response:
    """DELETE /api/v1/auth/sessions/{id}."""
    async with request.app[ENGINE].database.transaction() as tx:
        await sessions.end(tx, request[USER].id, path_id(request))
    return no_content()


async def list_keys(request: web.Request) -> web.Response:
    """GET /api/v1/auth/keys."""
    async with request.app[ENGINE].database.read() as connection:
        found = await api_keys.list_all(connection, request[USER].id)
    return json_response(Keys(keys=found, total=len(found)))


async def make_key(request: web.Request) -> web.Response:
    """POST /api/v1/auth/keys: the only answer that holds the key itself."""
    given = await read_json(request, NewKey)
    key, secret = await request.app[ENGINE].accounts.make_key(
        request[USER], given.name, Level[given.level], kb_id=given.kb_id, days=given.days
    )
    return json_response(MadeKey(**msgspec.structs.asdict(key), key=secret), 201)


async def revoke_key(request: web.Request) -> web.Response:
    """DELETE /api/v1/auth/keys/{id}."""
    await request.app[ENGINE].accounts.revoke_key(request[USER], path_id(request))
    return no_content()
