"""Generate: a cited draft, as a stream or as one JSON answer."""

from typing import Any

import msgspec
from aiohttp import web

from engine.errors import AppError, Conflict, LimitReached, ProviderFailed
from engine.flows.assessment import level
from engine.flows.draft import FAMILY as GENERATE
from engine.flows.draft import DraftRequest
from engine.runs.dialects import STOPPED_MESSAGES, ending
from engine.runs.events import Cancelled, Completed, Event, Failed, OfferedSource, Sources
from engine.storage import drafts
from engine.storage.journal import RunRow
from handlers.inputs import (
    cursor,
    decode,
    idempotency_key,
    path_id,
    read_json_and_hash,
    wants_json,
)
from handlers.keys import ENGINE, USER
from handlers.middleware import status_of
from handlers.responses import json_response
from handlers.runs import follow

_LOOK_EVERY_S = 1.0
_CLIENT_LEFT = 499


async def generate(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/generate: by Accept, a stream or one JSON."""
    run, after = await _start(request)
    if wants_json(request):
        return await _wait(request, run)
    return await follow(request, run, after, default=GENERATE)


async def generate_stream(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/generate/stream: always a stream."""
    run, after = await _start(request)
    return await follow(request, run, after, default=GENERATE)


async def resume_draft(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/drafts/{id}/resume: go on with a partial draft."""
    engine = request.app[ENGINE]
    _, body_hash = await read_json_and_hash(request, dict[str, Any])
    run, after = await _joined(request, body_hash) or (
        await engine.drafting.resume(
            engine.runs,
            request[USER],
            path_id(request),
            key=idempotency_key(request),
            body_hash=body_hash,
        ),
        0,
    )
    if wants_json(request):
        return await _wait(request, run)
    return await follow(request, run, after, default=GENERATE)


async def _start(request: web.Request) -> tuple[RunRow, int]:
    engine = request.app[ENGINE]
    body, body_hash = await read_json_and_hash(request, msgspec.Raw)
    joined = await _joined(request, body_hash)
    if joined is not None:
        return joined
    wanted = decode(bytes(body), DraftRequest, "INVALID_REQUEST")
    run = await engine.drafting.start(
        engine.runs, request[USER], wanted, key=idempotency_key(request), body_hash=body_hash
    )
    return run, 0


async def _joined(request: web.Request, body_hash: str) -> tuple[RunRow, int] | None:
    """Return the live run that Last-Event-ID names, and the cursor in it.

    Raises:
        Conflict: there is no such live run of the caller with this body; nothing was started.
    """
    given = cursor(request)
    if given is None:
        return None
    run_id, after = given
    engine = request.app[ENGINE]
    run = await engine.runs.find(request[USER].id, run_id)
    if run is None or run.request_hash != body_hash or not engine.runs.is_kept(run):
        raise Conflict(
            "This stream cannot be continued. Load the draft to see what was written.",
            code="RESUME_UNAVAILABLE",
            field="Last-Event-ID",
        )
    return run, after


async def _wait(request: web.Request, run: RunRow) -> web.Response:
    """Read a run to its end and return the draft as one answer."""
    engine = request.app[ENGINE]
    sources: list[OfferedSource] = []
    last: Event | None = None
    async with engine.runs.attach(run.id, 0) as tail:
        while (records := await tail.next(_LOOK_EVERY_S)) is not None:
            if request.transport is None or request.transport.is_closing():
                return web.Response(status=_CLIENT_LEFT)
            for record in records:
                last = record.event
                if isinstance(last, Sources):
                    sources = last.items
    if not isinstance(last, Completed):
        return _failed(request, run, last)
    return await _twin(request, run, sources, last)


async def _twin(
    request: web.Request, run: RunRow, sources: list[OfferedSource], end: Completed
) -> web.Response:
    engine = request.app[ENGINE]
    async with engine.database.read() as connection:
        draft = await drafts.get(connection, request[USER].id, str(run.draft_id))
    return json_response(
        {
            "draft_id": draft.id,
            "run_id": run.id,
            "content": draft.content,
            "citations": draft.citations,
            "confidence": end.confidence,
            "word_count": end.word_count,
            "sources_used": end.sources_used,
            "sections": [
                {
                    "title": section.title,
                    "confidence_score": section.confidence_score,
                    "confidence_level": section.confidence_level,
                    "confidence_metadata": {
                        "avg_retrieval_score": section.avg_retrieval_score,
                        "source_count": section.source_count,
                        "coverage_score": section.coverage_score,
                    },
                }
                for section in end.sections
            ],
            "source_summary": {
                "total_sources": end.sources_used,
                "unique_documents": end.documents_used,
                "overall_confidence": level(end.confidence),
                "summary_text": end.summary,
            },
            "sources": sources,
            "warnings": end.warnings,
            "invalid_markers": end.invalid_markers,
            "unsupported_sentences": end.unsupported_sentences,
        }
    )


def _failed(request: web.Request, run: RunRow, end: Event | None) -> web.Response:
    error, fields = _error_of(end)
    body = {
        "error": {**fields, "draft_id": run.draft_id, "run_id": run.id},
        "detail": error.message,
    }
    response = json_response(body, status_of(error))
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    return response


def _error_of(end: Event | None) -> tuple[AppError, dict[str, Any]]:
    if isinstance(end, Failed):
        if end.code == "RATE_LIMITED":
            wait = end.retry_after_s or 30
            return LimitReached(end.message, retry_after_s=wait, code=end.code), ending(end)
        error = ProviderFailed(end.message, code=end.code, retry_after_s=end.retry_after_s)
        return error, ending(end)
    reason = end.reason if isinstance(end, Cancelled) else "shutdown"
    message = STOPPED_MESSAGES[reason]
    return Conflict(message, code="CANCELLED"), {"code": "CANCELLED", "message": message}
