"""Chat: turns that know what was said before, answers that can be given again, and a verdict.

An answer is kept under a key that holds everything it depends on: the question, the last turns, the
knowledge base with the version of its index, the model and its settings, and the prompt's version.
A changed document changes the key, so a kept answer is never out of date.
"""

import hashlib
import time
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from engine.errors import NotFound
from engine.flows.answer import NOTHING_FOUND, Answering, Wanted, Writing, listed, text_of
from engine.flows.new_run import new_run
from engine.flows.verdict import verify
from engine.runs.events import (
    CacheHit,
    Completed,
    Delta,
    Event,
    OfferedSource,
    Retrieved,
    Sources,
    Stage,
    Started,
    Terminal,
    Verified,
)
from engine.runs.journal import Journal
from engine.runs.runner import Run, Runs
from engine.storage import conversations
from engine.storage.conversations import Answer, Turn
from engine.storage.database import Connection, Database
from engine.storage.identities import User
from engine.storage.journal import RunRow
from engine.storage.knowledge import KnowledgeBase
from engine.storage.rights import Reader
from engine.types import new_id, utc_now
from engine.writers.writer import Message

FAMILY = "chat"
HISTORY_TURNS = 5
_PROMPT_VERSION = 1
_TITLE_CHARS = 80
_TURNS_LOOKED_AT = 50

SessionId = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[\x21-\x7e]+$")]


class HistoryEntry(msgspec.Struct, frozen=True):
    """A message of earlier."""

    role: Literal["user", "assistant", "system"]
    content: Annotated[str, Meta(max_length=20_000)]


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A turn; `corpus_id` is a knowledge base by id or name."""

    query: Annotated[str, Meta(min_length=1, max_length=10_000, pattern=r"\S")]
    corpus_id: Annotated[str, Meta(min_length=1, max_length=200)]
    history: Annotated[list[HistoryEntry], Meta(max_length=200)] = []
    session_id: SessionId | None = None
    use_cache: bool = True
    refresh_cache: bool = False
    top_k: Annotated[int, Meta(ge=1, le=20)] = 5
    model: Annotated[str, Meta(max_length=200)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] = 0.1


class Chat:
    """Answers turns of conversations."""

    def __init__(self, database: Database, journal: Journal, answering: Answering) -> None:
        """Find and write with `answering`, remember in `database`."""
        self._database = database
        self._journal = journal
        self._answering = answering

    async def start(
        self, runs: Runs, user: User, request: ChatRequest, *, key: str | None, body_hash: str
    ) -> RunRow:
        """Start answering a turn; a request without a session opens one.

        Raises:
            NotFound: the knowledge base or the session is not the user's.
        """
        kb = await self._answering.corpus(user, request.corpus_id)
        if request.session_id is None:
            request = msgspec.structs.replace(request, session_id=new_id())
        async with self._database.read() as connection:
            is_open = await conversations.may_use(connection, user, str(request.session_id))
        if not is_open:
            raise NotFound("This conversation does not exist.", field="session_id")

        async def build(_: Connection) -> RunRow:
            return new_run(
                FAMILY,
                user,
                request,
                key=key,
                body_hash=body_hash,
                kb_id=kb.id,
                model=request.model or self._answering.model,
            )

        return await runs.start(FAMILY, user.id, build, key=key, body_hash=body_hash)

    async def flow(self, run: Run) -> AsyncGenerator[Event, None]:
        """Give a kept answer again, or retrieve, write and verify."""
        started = time.monotonic()
        request = msgspec.json.decode(run.row.request, type=ChatRequest)
        past = await self._journal.history(run.row.id) if run.is_continued else []
        [kb] = await self._answering.readable(Reader(id=run.row.user_id), [str(run.row.kb_id)])
        history = await self._history(request)
        key = _key(request, kb, history, run.row.model)
        if not past:
            yield Started(FAMILY, conversation_id=request.session_id)
            kept = await self._kept(request, key)
            if kept is not None:
                async for event in self._replay(request, kept, started):
                    yield event
                return
            yield Stage("retrieving", "Searching the documents", 5)
        async for event in self._fresh(run, request, kb, history, past, key, started):
            yield event

    async def _history(self, request: ChatRequest) -> list[Message]:
        """Return the last turns, those of the request or those that are stored."""
        entries: Sequence[HistoryEntry | Turn] = request.history
        if not entries:
            async with self._database.read() as connection:
                stored = await conversations.turns(
                    connection, str(request.session_id), _TURNS_LOOKED_AT
                )
            entries = _before_asked(stored, request.query)
        return [Message(entry.role, entry.content) for entry in entries[-HISTORY_TURNS:]]

    async def _kept(self, request: ChatRequest, key: str) -> Answer | None:
        if not request.use_cache or request.refresh_cache:
            return None
        async with self._database.read() as connection:
            return await conversations.find_answer(connection, key)

    async def _replay(
        self, request: ChatRequest, kept: Answer, started: float
    ) -> AsyncGenerator[Event, None]:
        sources = msgspec.convert(kept.sources, list[OfferedSource])
        yield CacheHit(_age_s(kept.created_at), kept.answer, sources)
        yield Sources(sources, sum(len(source.excerpt) for source in sources))
        yield Delta(kept.answer)
        if kept.verified is not None:
            yield Verified(**kept.verified)
        yield Completed(result=_result(request, kept.answer, started, cached=True) | {"key": None})

    async def _fresh(
        self,
        run: Run,
        request: ChatRequest,
        kb: KnowledgeBase,
        history: Sequence[Message],
        past: Sequence[Event],
        key: str,
        started: float,
    ) -> AsyncGenerator[Event, None]:
        queries = await self._answering.queries(request.query, history, request.model)
        sources = await self._answering.relevant(
            Reader(id=run.row.user_id), [kb.id], queries, request.top_k
        )
        offered = listed(sources)
        if not any(isinstance(event, Sources) for event in past):
            yield Retrieved(len(sources), offered.context_chars)
            yield offered
            yield Stage("generating", "Writing the answer", 20)
        wanted = Wanted(
            request.query,
            sources,
            history,
            so_far=text_of(past),
            model=request.model,
            temperature=request.temperature,
        )
        if not sources:
            if not wanted.so_far:
                yield Delta(NOTHING_FOUND)
            result = _result(request, wanted.so_far or NOTHING_FOUND, started, cached=False)
            yield Completed(result=result | {"key": None})
            return
        writing = Writing(wanted)
        async for event in self._answering.write(run, writing):
            yield event
        verdict = verify(writing.text, sources)
        if verdict is not None:
            yield verdict
        is_accepted = verdict is None or verdict.accepted
        is_kept = request.use_cache and is_accepted and not writing.warnings
        yield Completed(
            result=_result(request, writing.text, started, cached=False)
            | {"key": key if is_kept else None},
            warnings=writing.warnings,
        )

    async def settle(self, tx: Connection, row: RunRow, terminal: Terminal) -> None:
        """Store both turns, and keep the answer, with the end of a run that came to its end."""
        if not isinstance(terminal, Completed) or row.kb_id is None:
            return
        request = msgspec.json.decode(row.request, type=ChatRequest)
        events = await self._journal.history_in(tx, row.id)
        sources = [item for e in events if isinstance(e, Sources) for item in e.items]
        verdict = next((e for e in events if isinstance(e, Verified)), None)
        shown = msgspec.to_builtins(sources)
        answer = terminal.result["answer"]
        details = {
            "cached": terminal.result["cached"],
            "duration_ms": terminal.result["duration_ms"],
            "verified": _plain(verdict),
            "warnings": terminal.warnings,
            "model": row.model,
        }
        await conversations.add_turns(
            tx,
            conversation_id=str(request.session_id),
            user_id=row.user_id,
            kb_id=row.kb_id,
            title=" ".join(request.query.split())[:_TITLE_CHARS],
            run_id=row.id,
            new=[
                Turn(role="user", content=request.query),
                Turn(role="assistant", content=answer, sources=shown, details=details),
            ],
        )
        if terminal.result["key"]:
            kept = Answer(answer, shown, _plain(verdict), utc_now())
            await conversations.store_answer(tx, terminal.result["key"], row.kb_id, kept)


def _before_asked(turns: Sequence[Turn], query: str) -> Sequence[Turn]:
    """Return the turns before the same question was first asked, for which its answer is kept."""
    wanted = _normalised(query)
    for place, turn in enumerate(turns):
        if turn.role == "user" and _normalised(turn.content) == wanted:
            return turns[:place]
    return turns


def _normalised(query: str) -> str:
    return " ".join(query.split()).casefold()


def _plain(verdict: Verified | None) -> dict[str, Any] | None:
    if verdict is None:
        return None
    return {"score": verdict.score, "accepted": verdict.accepted, "issues": verdict.issues}


def _result(request: ChatRequest, answer: str, started: float, *, cached: bool) -> dict[str, Any]:
    return {
        "answer": answer,
        "cached": cached,
        "duration_ms": round(1000 * (time.monotonic() - started)),
        "session_id": request.session_id,
    }


def _key(request: ChatRequest, kb: KnowledgeBase, history: Sequence[Message], model: str) -> str:
    """Return the same key in every process for the same question to the same state of things."""
    parts = [
        _PROMPT_VERSION,
        _normalised(request.query),
        [[message.role, message.content] for message in history],
        kb.id,
        kb.index_version,
        model,
        request.temperature,
        request.top_k,
    ]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()


def _age_s(created_at: str) -> float:
    age = datetime.now(UTC) - datetime.fromisoformat(created_at)
    return round(max(age.total_seconds(), 0.0), 1)
