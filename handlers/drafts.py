"""Drafts: listed, read, saved, changed, checked, put in order, deleted."""

from typing import Any

import msgspec
from aiohttp import hdrs, web

from engine.errors import Invalid
from engine.flows.editing import DraftChange, NewDraft, check, describe
from engine.storage import drafts
from handlers.inputs import flag, integer, path_id, read_json
from handlers.keys import ENGINE, USER
from handlers.responses import json_response, no_content


class Fix(msgspec.Struct, frozen=True):
    """What to put in order."""

    remove_unused: bool = False
    renumber: bool = False


async def list_drafts(request: web.Request) -> web.Response:
    """GET /api/v1/drafts?kb_id=&status=&page=."""
    async with request.app[ENGINE].database.read() as connection:
        found, total = await drafts.list_page(
            connection,
            request[USER],
            kb_id=request.query.get("kb_id"),
            status=request.query.get("status"),
            page=integer(request, "page", 1, least=1),
        )
    shown = [describe(draft) for draft in found]
    for fields in shown:
        del fields["content"], fields["citations"], fields["context"]
    return json_response({"drafts": shown, "total": total})


async def get_draft(request: web.Request) -> web.Response:
    """GET /api/v1/drafts/{id}: as it reads right now, also while it is streaming."""
    engine = request.app[ENGINE]
    async with engine.database.read() as connection:
        draft = await drafts.get(connection, request[USER], path_id(request))
    now = await engine.drafting.now(draft)
    return json_response(describe(now.draft) | {"after": now.after})


async def create_draft(request: web.Request) -> web.Response:
    """POST /api/v1/drafts."""
    new = await read_json(request, NewDraft)
    draft, is_new = await request.app[ENGINE].editing.create(request[USER], new)
    return json_response(describe(draft), 201 if is_new else 200)


async def change_draft(request: web.Request) -> web.Response:
    """PATCH /api/v1/drafts/{id}."""
    change = await read_json(request, DraftChange)
    if change.version is None and hdrs.IF_MATCH in request.headers:
        change = msgspec.structs.replace(change, version=_if_match(request))
    draft, warnings = await request.app[ENGINE].editing.change(
        request[USER], path_id(request), change, strict=flag(request, "strict")
    )
    return json_response(describe(draft) | {"warnings": warnings})


def _if_match(request: web.Request) -> int:
    value = request.headers[hdrs.IF_MATCH].strip().removeprefix("W/").strip('"')
    if not value.isascii() or not value.isdigit() or len(value) > 15:
        raise Invalid("If-Match: must be the draft's version, a whole number.", field="If-Match")
    return int(value)


async def delete_draft(request: web.Request) -> web.Response:
    """DELETE /api/v1/drafts/{id}; one that is being written is stopped first."""
    await request.app[ENGINE].editing.delete(
        request.app[ENGINE].runs, request[USER], path_id(request)
    )
    return no_content()


async def check_draft(request: web.Request) -> web.Response:
    """GET /api/v1/drafts/{id}/check."""
    engine = request.app[ENGINE]
    async with engine.database.read() as connection:
        draft = await drafts.get(connection, request[USER], path_id(request))
    now = (await engine.drafting.now(draft)).draft
    return json_response({"warnings": check(now.content, now.citations)})


async def fix_draft(request: web.Request) -> web.Response:
    """POST /api/v1/drafts/{id}/fix."""
    wanted = await read_json(request, Fix)
    draft = await request.app[ENGINE].editing.fix(
        request[USER],
        path_id(request),
        remove_unused=wanted.remove_unused,
        renumber_markers=wanted.renumber,
    )
    left: list[Any] = check(draft.content, draft.citations)
    return json_response(describe(draft) | {"warnings": left})
