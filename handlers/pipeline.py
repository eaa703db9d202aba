"""Pipeline: notes to question sets and summaries, as a stream or as one JSON answer."""

from typing import Any

import msgspec
from aiohttp import web

from engine.errors import AppError
from engine.flows.pipeline import FAMILY
from engine.flows.pipeline_request import PipelineRequest
from engine.runs.events import Completed
from engine.storage.journal import RunRow
from handlers.inputs import decode, idempotency_key, read_json_and_hash
from handlers.keys import ENGINE, REQUEST_ID, USER
from handlers.middleware import status_of
from handlers.models import require_model
from handlers.responses import json_response
from handlers.runs import follow
from handlers.starting import failure, joined, until_end

_BROKEN_FORM = AppError(
    "The text does not have the form it should have, not even after another try.",
    code="VALIDATION_FAILED",
)


async def run_stream(request: web.Request) -> web.StreamResponse:
    """POST /run/stream."""
    run, after = await _start(request)
    return await follow(request, run, after, default=FAMILY)


async def run(request: web.Request) -> web.Response:
    """POST /run: the same result as one JSON."""
    row, _ = await _start(request)
    _, end = await until_end(request, row)
    if not isinstance(end, Completed):
        return failure(request, row, end)
    if end.result["success"]:
        return json_response(end.result)
    return json_response(end.result | _error(request, _BROKEN_FORM), status=status_of(_BROKEN_FORM))


async def _start(request: web.Request) -> tuple[RunRow, int]:
    engine = request.app[ENGINE]
    body, body_hash = await read_json_and_hash(request, msgspec.Raw, code="VALIDATION_ERROR")
    wanted = decode(bytes(body), PipelineRequest, "VALIDATION_ERROR")
    require_model(request, wanted.generator_model)
    return await joined(request, body_hash) or (
        await engine.pipeline.start(
            engine.runs, request[USER], wanted, key=idempotency_key(request), body_hash=body_hash
        ),
        0,
    )


def _error(request: web.Request, error: AppError) -> dict[str, Any]:
    fields = {"code": error.code, "message": error.message, "request_id": request[REQUEST_ID]}
    return {"error": fields, "detail": error.message}
