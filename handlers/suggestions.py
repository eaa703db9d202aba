"""Suggestions: a stretch of a draft written anew, and changes merged into a draft."""

import msgspec
from aiohttp import web

from engine.flows.accepting import MergeRequest
from engine.flows.rewrite_request import RewriteRequest
from engine.flows.rewriting import FAMILY as REWRITE
from engine.runs.events import Completed
from engine.runs.frames import Suggestion
from engine.storage.journal import RunRow
from handlers.drafts import shown
from handlers.inputs import (
    decode,
    idempotency_key,
    path_id,
    read_json,
    read_json_and_hash,
    wants_json,
)
from handlers.keys import ENGINE, USER
from handlers.responses import json_response
from handlers.runs import follow
from handlers.starting import failure, joined, until_end


async def regenerate(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/drafts/{id}/regenerate: by Accept, a stream or one JSON."""
    run, after = await _start(request)
    if not wants_json(request):
        return await follow(request, run, after, default=REWRITE)
    _, end = await until_end(request, run)
    if not isinstance(end, Completed):
        return failure(request, run, end)
    return json_response(Suggestion(run_id=run.id, **end.result))


async def _start(request: web.Request) -> tuple[RunRow, int]:
    engine = request.app[ENGINE]
    body, body_hash = await read_json_and_hash(request, msgspec.Raw)
    live = await joined(request, body_hash)
    if live is not None:
        return live
    run = await engine.rewriting.start(
        engine.runs,
        request[USER],
        path_id(request),
        decode(bytes(body), RewriteRequest, "INVALID_REQUEST"),
        key=idempotency_key(request),
        body_hash=body_hash,
    )
    return run, 0


async def merge(request: web.Request) -> web.Response:
    """POST /api/v1/drafts/{id}/merge: take a change into what the draft says by now."""
    wanted = await read_json(request, MergeRequest)
    accepted = await request.app[ENGINE].accepting.merge(request[USER], path_id(request), wanted)
    draft = shown(accepted.draft)
    fields = {
        "saved": accepted.saved,
        "content": accepted.content,
        "citations": accepted.citations,
        "conflicts": accepted.conflicts,
        "version": accepted.draft.version,
        "warnings": draft["warnings"],
    }
    return json_response(fields | {"draft": draft} if accepted.saved else fields)
