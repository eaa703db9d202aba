"""Chat: turns streamed or as one JSON answer, and the conversations they make."""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from engine.flows.chat import FAMILY, ChatRequest
from engine.runs.events import Completed, Sources
from engine.storage import conversations
from engine.storage.journal import RunRow
from handlers.answers import (
    CacheUse,
    ChatAnswer,
    ChatHistory,
    Cleared,
    Conversations,
    RankedSource,
)
from handlers.inputs import decode, idempotency_key, integer, read_json, read_json_and_hash
from handlers.keys import ENGINE, USER
from handlers.models import require_model
from handlers.responses import json_response, no_content
from handlers.runs import follow
from handlers.starting import failure, joined, until_end

_HISTORY_LIMIT = 50


class Titled(msgspec.Struct, frozen=True):
    """Body that gives a conversation its title."""

    title: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"\S")]


async def chat_stream(request: web.Request) -> web.StreamResponse:
    """POST /api/chat/stream."""
    run, after = await _start(request)
    return await follow(request, run, after, default=FAMILY)


async def chat(request: web.Request) -> web.Response:
    """POST /api/chat: the same turn as one JSON."""
    run, _ = await _start(request)
    events, end = await until_end(request, run)
    if not isinstance(end, Completed):
        return failure(request, run, end)
    sources = [item for event in events if isinstance(event, Sources) for item in event.items]
    cached = end.result["cached"]
    answer = ChatAnswer(
        answer=end.result["answer"],
        sources=[
            RankedSource(text=item.excerpt, score=item.score, rank=rank)
            for rank, item in enumerate(sources, start=1)
        ],
        cache=CacheUse(answer_hit=cached, retrieval_hit=cached),
        latency_ms=end.result["duration_ms"],
        session_id=end.result["session_id"],
        run_id=run.id,
        warnings=end.warnings,
    )
    return json_response(answer)


async def _start(request: web.Request) -> tuple[RunRow, int]:
    engine = request.app[ENGINE]
    body, body_hash = await read_json_and_hash(request, msgspec.Raw, code="VALIDATION_ERROR")
    wanted = decode(bytes(body), ChatRequest, "VALIDATION_ERROR")
    require_model(request, wanted.model)
    return await joined(request, body_hash) or (
        await engine.chat.start(
            engine.runs, request[USER], wanted, key=idempotency_key(request), body_hash=body_hash
        ),
        0,
    )


async def history(request: web.Request) -> web.Response:
    """GET /api/chat/history/{session_id}?limit=."""
    session_id = request.match_info["session_id"]
    limit = integer(request, "limit", _HISTORY_LIMIT, least=1)
    async with request.app[ENGINE].database.read() as connection:
        found = await conversations.get(connection, request[USER], session_id)
        turns = await conversations.turns(connection, session_id, min(limit, 1000))
    return json_response(
        ChatHistory(session_id=session_id, message_count=found.turn_count, messages=turns)
    )


async def clear(request: web.Request) -> web.Response:
    """POST /api/chat/clear?session_id=."""
    session_id = request.query.get("session_id", "")
    async with request.app[ENGINE].database.transaction() as tx:
        await conversations.get(tx, request[USER], session_id)
        await conversations.clear(tx, session_id)
    return json_response(Cleared(message="The conversation is empty now.", session_id=session_id))


async def list_conversations(request: web.Request) -> web.Response:
    """GET /api/v1/conversations?kb_id=."""
    async with request.app[ENGINE].database.read() as connection:
        found = await conversations.list_all(connection, request[USER], request.query.get("kb_id"))
    return json_response(Conversations(conversations=found, total=len(found)))


async def get_conversation(request: web.Request) -> web.Response:
    """GET /api/v1/conversations/{id}."""
    async with request.app[ENGINE].database.read() as connection:
        found = await conversations.get(connection, request[USER], request.match_info["id"])
    return json_response(found)


async def rename_conversation(request: web.Request) -> web.Response:
    """PATCH /api/v1/conversations/{id}."""
    body = await read_json(request, Titled)
    conversation_id = request.match_info["id"]
    async with request.app[ENGINE].database.transaction() as tx:
        await conversations.get(tx, request[USER], conversation_id)
        await conversations.rename(tx, conversation_id, body.title)
        found = await conversations.get(tx, request[USER], conversation_id)
    return json_response(found)


async def delete_conversation(request: web.Request) -> web.Response:
    """DELETE /api/v1/conversations/{id}; restore brings it back."""
    async with request.app[ENGINE].database.transaction() as tx:
        await conversations.get(tx, request[USER], request.match_info["id"])
        await conversations.set_deleted(tx, request[USER], request.match_info["id"], deleted=True)
    return no_content()


async def restore_conversation(request: web.Request) -> web.Response:
    """POST /api/v1/conversations/{id}/restore: take a deletion back."""
    async with request.app[ENGINE].database.transaction() as tx:
        await conversations.set_deleted(tx, request[USER], request.match_info["id"], deleted=False)
        found = await conversations.get(tx, request[USER], request.match_info["id"])
    return json_response(found)
