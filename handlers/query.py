"""Query: one question, streamed or as one JSON answer."""

import msgspec
from aiohttp import web

from engine.flows.query import QueryRequest
from engine.runs.dialects import query_citations
from engine.runs.events import Completed, Sources
from engine.storage.journal import RunRow
from handlers.answers import QueryAnswer
from handlers.inputs import decode, idempotency_key, read_json_and_hash
from handlers.keys import ENGINE, USER
from handlers.responses import json_response
from handlers.runs import follow
from handlers.starting import failure, joined, until_end


async def query_stream(request: web.Request) -> web.StreamResponse:
    """POST /query/stream."""
    run, after = await _start(request)
    return await follow(request, run, after, default="query")


async def query(request: web.Request) -> web.StreamResponse:
    """POST /query/: the same answer as one JSON."""
    run, _ = await _start(request)
    events, end = await until_end(request, run)
    if not isinstance(end, Completed):
        return failure(request, run, end)
    sources = [item for event in events if isinstance(event, Sources) for item in event.items]
    answer = QueryAnswer(
        answer=end.result["answer"],
        citations=query_citations(sources),
        run_id=run.id,
        warnings=end.warnings,
    )
    return json_response(answer)


async def _start(request: web.Request) -> tuple[RunRow, int]:
    engine = request.app[ENGINE]
    body, body_hash = await read_json_and_hash(request, msgspec.Raw, code="VALIDATION_ERROR")
    wanted = decode(bytes(body), QueryRequest, "VALIDATION_ERROR")
    return await joined(request, body_hash) or (
        await engine.query.start(
            engine.runs, request[USER], wanted, key=idempotency_key(request), body_hash=body_hash
        ),
        0,
    )
