"""The pages: first paint from the server, everything readable before JavaScript runs."""

import asyncio
from itertools import accumulate
from typing import Any

import aiohttp_jinja2
import msgspec
from aiohttp import web

from engine.errors import NotFound
from engine.flows.editing import describe
from engine.markdown.blocks import BlockSplitter
from engine.markdown.html import render_block
from engine.runs.dialects import ending
from engine.runs.events import Failed
from engine.storage import conversations, documents, drafts, knowledge
from engine.storage import journal as rows
from engine.storage.conversations import Conversation, Turn
from engine.storage.drafts import Draft
from engine.storage.journal import RunRow
from engine.types import Level
from handlers.inputs import integer, path_id
from handlers.keys import ENGINE, USER

_DOCUMENT_CHARS = 400_000
_TURNS = 200
_RESULTS = 10
_QUERY_CHARS = 500


def _render(request: web.Request, name: str, **context: Any) -> web.Response:
    common = {"user": request[USER], "page": name}
    return aiohttp_jinja2.render_template(f"{name}.html", request, common | context)


async def home(request: web.Request) -> web.Response:
    """GET /."""
    async with request.app[ENGINE].database.read() as connection:
        found = await knowledge.list_all(connection, request[USER])
    return _render(request, "home", knowledge_bases=found)


async def knowledge_base(request: web.Request) -> web.Response:
    """GET /kb/{kb_id}."""
    engine = request.app[ENGINE]
    async with engine.database.read() as connection:
        kb = await knowledge.get(connection, request[USER], path_id(request, "kb_id"))
        found = await documents.list_all(connection, kb.id)
    may_share = kb.level == Level.ADMIN.name
    sharing = engine.sharing
    return _render(
        request,
        "knowledge_base",
        kb=kb,
        documents=found,
        document_types=await engine.types.kinds(request[USER], kb.id),
        permissions=await sharing.permissions(request[USER], kb.id) if may_share else None,
        groups=await sharing.groups() if may_share else [],
    )


async def draft_list(request: web.Request) -> web.Response:
    """GET /kb/{kb_id}/drafts?q=&status=&sort=&page=."""
    engine = request.app[ENGINE]
    page = integer(request, "page", 1, least=1)
    async with engine.database.read() as connection:
        kb = await knowledge.get(connection, request[USER], path_id(request, "kb_id"))
        wanted = drafts.Filter(
            kb_id=kb.id,
            statuses=tuple(filter(None, [request.query.get("status")])),
            words=request.query.get("q", "")[:_QUERY_CHARS],
            sort=request.query.get("sort") or "-updated",
        )
        found, total = await drafts.list_page(connection, request[USER], wanted, page)
    return _render(
        request,
        "drafts",
        kb=kb,
        drafts=[describe(draft) for draft in found],
        total=total,
        page_number=page,
        wanted={"q": wanted.words, "status": request.query.get("status", ""), "sort": wanted.sort},
        document_types=await engine.types.kinds(request[USER], kb.id),
    )


async def draft_view(request: web.Request) -> web.Response:
    """GET /kb/{kb_id}/drafts/{draft_id}: the text so far; the page goes on from there."""
    engine = request.app[ENGINE]
    async with engine.database.read() as connection:
        kb = await knowledge.get(connection, request[USER], path_id(request, "kb_id"))
        draft = await drafts.get(connection, request[USER], path_id(request, "draft_id"))
        run = await rows.get_run(connection, draft.run_id or "")
    if draft.kb_id != kb.id:
        raise NotFound("This draft does not exist.")
    now = await engine.drafting.now(draft)
    kind = await engine.drafting.kind_of(draft)
    is_live = now.draft.status == "streaming"
    blocks, open_text, ends = await asyncio.to_thread(_blocks, now.draft, is_live=is_live)
    fields = describe(now.draft) | {
        "type_name": kind.name if kind else draft.document_type,
        "sections": [{"title": section.title} for section in kind.sections] if kind else [],
    }
    return _render(
        request,
        "draft",
        kb=kb,
        draft=msgspec.to_builtins(fields),
        blocks=blocks,
        open_text=open_text,
        block_ends=ends,
        may_edit=draft.owner_id == request[USER].id or kb.level != Level.READ.name,
        after=now.after,
        live=is_live,
        failure=await _failure(request, run) if draft.status == "partial" and run else None,
    )


async def _failure(request: web.Request, run: RunRow) -> dict[str, Any] | None:
    """Return why the last run of a draft failed, while its events are kept."""
    if run.state != "failed":
        return None
    events = await request.app[ENGINE].journal.history(run.id)
    return ending(events[-1]) if events and isinstance(events[-1], Failed) else None


def _blocks(draft: Draft, *, is_live: bool) -> tuple[list[str], str, list[int]]:
    """Return the closed blocks as HTML, the raw text of the one still open, and where each ends.

    Ends are counted in UTF-16 code units, as JavaScript counts.
    """
    splitter = BlockSplitter()
    blocks = splitter.feed(draft.content)
    if not is_live:
        blocks += splitter.close()
    units = (len(block.source.encode("utf-16-le", "surrogatepass")) // 2 for block in blocks)
    open_text = draft.content[blocks[-1].end :] if blocks else draft.content
    return [render_block(block) for block in blocks], open_text, list(accumulate(units))


async def document_view(request: web.Request) -> web.Response:
    """GET /kb/{kb_id}/documents/{id}?highlight=a-b&version=: the text with a range marked."""
    async with request.app[ENGINE].database.read() as connection:
        kb = await knowledge.get(connection, request[USER], path_id(request, "kb_id"))
        document = await documents.get(connection, request[USER], path_id(request))
        if document.kb_id != kb.id:
            raise NotFound("This document does not exist.")
        version = integer(request, "version", 0, least=1) or None
        text = await _text_or_nothing(connection, document.id, version)
    start, end = _range(request.query.get("highlight", ""), len(text))
    first = max(0, start - _DOCUMENT_CHARS // 2)
    last = min(len(text), max(end, first) + _DOCUMENT_CHARS // 2)
    return _render(
        request,
        "document",
        kb=kb,
        document=document,
        text_before=text[first:start],
        text_marked=text[start:end],
        text_after=text[end:last],
        is_cut=first > 0 or last < len(text),
    )


async def _text_or_nothing(connection: Any, document_id: str, version: int | None) -> str:
    try:
        return await documents.text(connection, document_id, version=version)
    except NotFound:
        if version is not None:
            raise
        return ""


def _range(text: str, length: int) -> tuple[int, int]:
    first, _, last = text.partition("-")
    if not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
        return 0, 0
    start = min(int(first[:12]), length)
    return start, min(max(int(last[:12]), start), length)


async def chat_view(request: web.Request) -> web.Response:
    """GET /kb/{kb_id}/chat?session=: the turns so far.

    A session that is not known is a new one: its first turn is stored when its answer is whole.
    """
    async with request.app[ENGINE].database.read() as connection:
        kb = await knowledge.get(connection, request[USER], path_id(request, "kb_id"))
        listed = await conversations.list_all(connection, request[USER], kb.id)
        session = await _conversation(connection, request, kb.id)
        turns = await conversations.turns(connection, session.id, _TURNS) if session else []
    exchanges = [
        {"question": question.content, "answer": _answer(answer)}
        for question, answer in zip(turns[::2], turns[1::2], strict=False)
    ]
    return _render(
        request, "chat", kb=kb, conversations=listed, session=session, exchanges=exchanges
    )


async def _conversation(connection: Any, request: web.Request, kb_id: str) -> Conversation | None:
    try:
        found = await conversations.get(connection, request[USER], request.query.get("session", ""))
    except NotFound:
        return None
    return found if found.kb_id == kb_id else None


def _answer(turn: Turn) -> dict[str, Any]:
    """Return a stored answer as the page shows it; marker [n] is its n-th source."""
    splitter = BlockSplitter()
    blocks = splitter.feed(turn.content) + splitter.close()
    citations = [
        source | {"number": number, "confidence": source["score"]}
        for number, source in enumerate(turn.sources, start=1)
    ]
    snapshot = {"content": turn.content, "sources": turn.sources} | turn.details
    return {
        "blocks": [render_block(block) for block in blocks],
        "citations": citations,
        "snapshot": snapshot,
    }


async def search_view(request: web.Request) -> web.Response:
    """GET /search?q=&kb=: the best passages at once; the page adds the answer."""
    engine = request.app[ENGINE]
    query = request.query.get("q", "").strip()[:_QUERY_CHARS]
    async with engine.database.read() as connection:
        known = await knowledge.list_all(connection, request[USER])
    names = {kb.id: kb.name for kb in known}
    kb_id = request.query.get("kb", "")
    found = []
    if query and not kb_id:
        found = await engine.search.quick(request[USER], query, _RESULTS)
    results = [
        msgspec.structs.asdict(source)
        | {"excerpt": source.text, "kb_name": names.get(str(source.kb_id), "")}
        for source in found
    ]
    return _render(
        request,
        "search",
        query=query,
        kb_id=kb_id if kb_id in names else "",
        knowledge_bases=known,
        results=results,
    )


async def pipeline_view(request: web.Request) -> web.Response:
    """GET /pipeline."""
    has_model = request.app[ENGINE].config.provider != "extractive"
    return _render(request, "pipeline", has_model=has_model)
