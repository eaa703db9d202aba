"""Search: one ranking over all knowledge bases, and the answer written from it."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from engine.flows.answer import listed
from engine.flows.search import FAMILY, SearchRequest
from engine.runs.dialects import ending
from engine.runs.events import Cited, Completed, Delta, Event, OfferedSource, Sources, Terminal
from engine.storage import conversations, documents, drafts, knowledge
from engine.storage.journal import RunRow
from handlers.answers import QuickAnswer, SearchAnswer, SearchResult
from handlers.inputs import (
    decode,
    idempotency_key,
    read_json,
    read_json_and_hash,
    wants_stream,
)
from handlers.keys import ENGINE, USER
from handlers.responses import json_response
from handlers.runs import follow
from handlers.starting import joined, until_end

_QUICK = 5


class Quick(msgspec.Struct, frozen=True, kw_only=True):
    """A question that is still being typed."""

    query: Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]
    limit: Annotated[int, Meta(ge=1, le=50)] = _QUICK


async def search(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/search: a stream where Accept asks for one, else JSON."""
    engine = request.app[ENGINE]
    body, body_hash = await read_json_and_hash(request, msgspec.Raw, code="VALIDATION_ERROR")
    wanted = decode(bytes(body), SearchRequest, "VALIDATION_ERROR")
    run, after = await joined(request, body_hash) or (
        await engine.search.start(
            engine.runs, request[USER], wanted, key=idempotency_key(request), body_hash=body_hash
        ),
        0,
    )
    if wants_stream(request):
        return await follow(request, run, after, default=FAMILY)
    events, end = await until_end(request, run)
    return json_response(await _found(request, run, wanted, events, end))


async def _found(
    request: web.Request,
    run: RunRow,
    wanted: SearchRequest,
    events: Sequence[Event],
    end: Terminal,
) -> SearchAnswer:
    """Return everything that was found, also when the writer failed."""
    items = [item for event in events if isinstance(event, Sources) for item in event.items]
    results = await _results(request, items)
    if not isinstance(end, Completed):
        message = ending(end)["message"]
        said: dict[str, Any] = {"message": message, "warning": message}
        said |= {"confidence": 0.0, "confidence_score": 0, "answer": "", "citations": []}
    else:
        said = {
            "message": None if items else "Nothing was found about this.",
            "confidence": end.result["confidence"],
            "confidence_score": end.result["confidence_score"],
            "answer": "".join(e.text for e in events if isinstance(e, Delta)),
            "citations": [e.citation for e in events if isinstance(e, Cited)],
            "warnings": end.warnings,
        }
    return SearchAnswer(
        query=wanted.query, result_count=len(items), results=results, run_id=run.id, **said
    )


async def _results(request: web.Request, items: Sequence[OfferedSource]) -> list[SearchResult]:
    async with request.app[ENGINE].database.read() as connection:
        known = await knowledge.list_all(connection, request[USER])
    names = {kb.id: kb.name for kb in known}
    return [
        SearchResult(
            chunk_id=item.chunk_id,
            document_id=item.document_id,
            document_name=item.document_name,
            kb_id=item.kb_id,
            kb_name=names.get(item.kb_id or "", ""),
            chunk_text=item.excerpt,
            relevance_score=item.score,
            page_number=item.page,
            section_header=item.section,
            char_start=item.char_start,
            char_end=item.char_end,
        )
        for item in items
    ]


async def quick_search(request: web.Request) -> web.Response:
    """POST /api/v1/search/quick: the best few of everything there is, while one types."""
    engine = request.app[ENGINE]
    wanted = await read_json(request, Quick, code="VALIDATION_ERROR")
    user = request[USER]
    sources = await engine.search.as_typed(user, wanted.query, wanted.limit)
    results = await _results(request, listed(sources).items)
    words, most = wanted.query, wanted.limit
    async with engine.database.read() as connection:
        answer = QuickAnswer(
            query=words,
            results=results,
            kbs=await knowledge.list_named(connection, user, words, most),
            documents=await documents.list_named(connection, user, words, most),
            drafts=await drafts.list_named(connection, user, words, most),
            conversations=await conversations.list_named(connection, user, words, most),
        )
    return json_response(answer)
