"""Generate: a cited draft, as a stream or as one JSON answer."""

from typing import Any

import msgspec
from aiohttp import web

from engine.flows.assessment import level
from engine.flows.draft import FAMILY as GENERATE
from engine.flows.draft_request import DraftRequest
from engine.runs.events import Completed, OfferedSource, Sources
from engine.storage import drafts
from engine.storage.journal import RunRow
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


async def estimate(request: web.Request) -> web.Response:
    """POST /api/v1/generate/estimate: length, tokens and time of a draft; nothing is started."""
    wanted = await read_json(request, DraftRequest)
    return json_response(await request.app[ENGINE].drafting.estimate(request[USER], wanted))


async def resume_draft(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/drafts/{id}/resume: go on with a partial draft."""
    engine = request.app[ENGINE]
    _, body_hash = await read_json_and_hash(request, dict[str, Any])
    run, after = await joined(request, body_hash) or (
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
    live = await joined(request, body_hash)
    if live is not None:
        return live
    wanted = decode(bytes(body), DraftRequest, "INVALID_REQUEST")
    run = await engine.drafting.start(
        engine.runs, request[USER], wanted, key=idempotency_key(request), body_hash=body_hash
    )
    return run, 0


async def _wait(request: web.Request, run: RunRow) -> web.Response:
    """Read a run to its end and return the draft as one answer."""
    events, end = await until_end(request, run)
    if not isinstance(end, Completed):
        return failure(request, run, end)
    sources = [item for event in events if isinstance(event, Sources) for item in event.items]
    return await _twin(request, run, sources, end)


async def _twin(
    request: web.Request, run: RunRow, sources: list[OfferedSource], end: Completed
) -> web.Response:
    engine = request.app[ENGINE]
    async with engine.database.read() as connection:
        draft = await drafts.get(connection, request[USER], str(run.draft_id))
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
