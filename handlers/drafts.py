"""Drafts: listed, read, saved, changed, copied, checked, put in order, deleted and brought back."""

from typing import Any, get_args

import msgspec
from aiohttp import hdrs, web

from engine.errors import Invalid
from engine.flows.checking import SupportQuestion, Tick
from engine.flows.editing import (
    UNDO_S,
    DraftChange,
    NewDraft,
    Status,
    Title,
    describe,
    recovery_of,
)
from engine.flows.feedback import DraftFeedback, request_of
from engine.flows.marker_check import Warning, check
from engine.storage import drafts
from engine.storage import journal as rows
from engine.storage.drafts import Draft, Filter
from handlers.inputs import flag, integer, path_id, read_json
from handlers.keys import ENGINE, USER
from handlers.responses import json_response, no_content


class Fix(msgspec.Struct, frozen=True):
    """What to put in order."""

    remove_unused: bool = False
    renumber: bool = False


class Copy(msgspec.Struct, frozen=True):
    """How a copy is called; without a title like the draft itself."""

    title: Title | None = None


def shown(draft: Draft, warnings: list[Warning] | None = None) -> dict[str, Any]:
    """Return a draft as it is answered after a change, with what is odd about its markers."""
    found = check(draft.content, draft.citations) if warnings is None else warnings
    return describe(draft) | {"warnings": found}


def _tagged(fields: dict[str, Any], status: int = 200) -> web.Response:
    """Return a draft with its version as the tag that If-Match takes."""
    response = json_response(fields, status)
    response.headers[hdrs.ETAG] = f'"{fields["version"]}"'
    return response


async def list_drafts(request: web.Request) -> web.Response:
    """GET /api/v1/drafts: filtered by status and text, in any order."""
    asked = request.query
    wanted = Filter(
        kb_id=asked.get("kb_id"),
        statuses=_statuses(asked.get("status", "")),
        words=asked.get("q", "").strip()[:200],
        sort=asked.get("sort") or "-updated",
    )
    async with request.app[ENGINE].database.read() as connection:
        found, total = await drafts.list_page(
            connection, request[USER], wanted, integer(request, "page", 1, least=1)
        )
    listed = [describe(draft) for draft in found]
    for fields in listed:
        del fields["content"], fields["citations"], fields["context"]
    return json_response({"drafts": listed, "total": total})


def _statuses(text: str) -> tuple[str, ...]:
    wanted = tuple(filter(None, text.split(",")))
    if not set(wanted) <= set(get_args(Status)):
        raise Invalid(f"status: must be one of {', '.join(get_args(Status))}.", field="status")
    return wanted


async def get_draft(request: web.Request) -> web.Response:
    """GET /api/v1/drafts/{id}: as it reads right now, also while it is streaming."""
    engine = request.app[ENGINE]
    async with engine.database.read() as connection:
        draft = await drafts.get(connection, request[USER], path_id(request))
        run = await rows.get_run(connection, draft.run_id) if draft.run_id else None
    now = await engine.drafting.now(draft)
    more = {
        "after": now.after,
        "request": request_of(draft),
        "run": {"id": run.id, "state": run.state, "error": run.error} if run else None,
        "recovery": recovery_of(draft),
    }
    return _tagged(describe(now.draft) | more)


async def create_draft(request: web.Request) -> web.Response:
    """POST /api/v1/drafts."""
    new = await read_json(request, NewDraft)
    draft, is_new = await request.app[ENGINE].editing.create(request[USER], new)
    return _tagged(describe(draft), 201 if is_new else 200)


async def duplicate_draft(request: web.Request) -> web.Response:
    """POST /api/v1/drafts/{id}/duplicate: a copy to go on with."""
    copy = await read_json(request, Copy)
    draft = await request.app[ENGINE].editing.duplicate(request[USER], path_id(request), copy.title)
    return json_response(describe(draft), 201)


async def change_draft(request: web.Request) -> web.Response:
    """PATCH /api/v1/drafts/{id}; a stale version is answered with how the draft is now."""
    change = await read_json(request, DraftChange)
    if change.version is None and hdrs.IF_MATCH in request.headers:
        change = msgspec.structs.replace(change, version=_if_match(request))
    draft, warnings = await request.app[ENGINE].editing.change(
        request[USER],
        path_id(request),
        change,
        strict=flag(request, "strict"),
        tells_text=flag(request, "current"),
    )
    return _tagged(shown(draft, warnings))


def _if_match(request: web.Request) -> int | None:
    value = request.headers[hdrs.IF_MATCH].strip().removeprefix("W/").strip('"')
    if value == "*":
        return None
    if not value.isascii() or not value.isdigit() or len(value) > 15:
        raise Invalid("If-Match: must be the draft's version, a whole number.", field="If-Match")
    return int(value)


async def delete_draft(request: web.Request) -> web.Response:
    """DELETE /api/v1/drafts/{id}: restore brings it back for some minutes."""
    await request.app[ENGINE].editing.delete(
        request.app[ENGINE].runs, request[USER], path_id(request)
    )
    response = no_content()
    response.headers["X-Undo-Seconds"] = str(UNDO_S)
    return response


async def restore_draft(request: web.Request) -> web.Response:
    """POST /api/v1/drafts/{id}/restore: take a deletion back."""
    draft = await request.app[ENGINE].editing.undelete(request[USER], path_id(request))
    return json_response(describe(draft))


async def check_draft(request: web.Request) -> web.Response:
    """GET /api/v1/drafts/{id}/check."""
    now = await _now(request)
    return json_response({"warnings": check(now.content, now.citations)})


async def _now(request: web.Request) -> Draft:
    engine = request.app[ENGINE]
    async with engine.database.read() as connection:
        draft = await drafts.get(connection, request[USER], path_id(request))
    return (await engine.drafting.now(draft)).draft


async def fix_draft(request: web.Request) -> web.Response:
    """POST /api/v1/drafts/{id}/fix."""
    wanted = await read_json(request, Fix)
    draft = await request.app[ENGINE].editing.fix(
        request[USER],
        path_id(request),
        remove_unused=wanted.remove_unused,
        renumber_markers=wanted.renumber,
    )
    return json_response(shown(draft))


async def get_support(request: web.Request) -> web.Response:
    """GET /api/v1/drafts/{id}/support: each sentence with how well its sources support it."""
    return await _support(request, SupportQuestion())


async def ask_support(request: web.Request) -> web.Response:
    """POST /api/v1/drafts/{id}/support: the same for a text that is not saved yet."""
    return await _support(request, await read_json(request, SupportQuestion))


async def _support(request: web.Request, asked: SupportQuestion) -> web.Response:
    draft = await _now(request)
    result = await request.app[ENGINE].checking.support(draft, asked)
    return json_response(msgspec.structs.asdict(result) | {"version": draft.version})


async def get_verification(request: web.Request) -> web.Response:
    """GET /api/v1/drafts/{id}/verification: which citations somebody has looked at."""
    found = await request.app[ENGINE].checking.verification(request[USER], path_id(request))
    return json_response(found)


async def set_verification(request: web.Request) -> web.Response:
    """PUT /api/v1/drafts/{id}/verification: tick citations, or take ticks away."""
    tick = await read_json(request, Tick)
    found = await request.app[ENGINE].checking.tick(request[USER], path_id(request), tick)
    return json_response(found)


async def take_feedback(request: web.Request) -> web.Response:
    """POST /api/v1/drafts/{id}/feedback: what is wrong; answered with three ways on."""
    said = await read_json(request, DraftFeedback)
    feedback_id, ways = await request.app[ENGINE].editing.take_feedback(
        request[USER], path_id(request), said
    )
    return json_response(
        {"feedback_id": feedback_id, "feedback_type": said.feedback_type, "alternatives": ways}
    )
