"""Query: one question, one answer from the caller's documents, or a plain "I don't know"."""

from collections.abc import AsyncGenerator
from typing import Annotated

import msgspec
from msgspec import Meta

from engine.flows.answer import NOTHING_FOUND, Answering, Scope, Wanted, Writing, listed
from engine.runs.events import Completed, Delta, Event, Stage, Started, Terminal
from engine.runs.runner import Run, Runs
from engine.storage.database import Connection
from engine.storage.identities import User
from engine.storage.journal import RunRow
from engine.storage.rights import Reader

FAMILY = "query"


class QueryRequest(Scope, frozen=True, kw_only=True):
    """A question, and where to look; every readable knowledge base by default."""

    query: Annotated[str, Meta(min_length=1, max_length=10_000, pattern=r"\S")]
    max_results: Annotated[int, Meta(ge=1, le=20)] = 3


class Query:
    """Answers single questions."""

    def __init__(self, answering: Answering) -> None:
        """Find and write with `answering`."""
        self._answering = answering

    async def start(
        self, runs: Runs, user: User, request: QueryRequest, *, key: str | None, body_hash: str
    ) -> RunRow:
        """Start answering.

        Raises:
            NotFound: a knowledge base is not there. LimitReached, Unavailable: not now.
        """
        return await self._answering.start(
            runs, FAMILY, user, request, key=key, body_hash=body_hash
        )

    async def flow(self, run: Run) -> AsyncGenerator[Event, None]:
        """Retrieve, then write, or say that nothing was found."""
        request = msgspec.json.decode(run.row.request, type=QueryRequest)
        yield Started(FAMILY)
        yield Stage("retrieving", "Searching the documents", 5)
        reader = Reader(id=run.row.user_id)
        kb_ids = [kb.id for kb in await self._answering.readable(reader, request.kb_ids)]
        sources = await self._answering.relevant(
            reader, kb_ids, [request.query], request.max_results
        )
        if not sources:
            yield Delta(NOTHING_FOUND)
            yield Completed(result={"answer": NOTHING_FOUND})
            return
        yield listed(sources)
        yield Stage("generating", "Writing the answer", 20)
        writing = Writing(Wanted(request.query, sources))
        async for event in self._answering.write(run, writing):
            yield event
        yield Completed(result={"answer": writing.text}, warnings=writing.warnings)

    async def settle(self, tx: Connection, row: RunRow, terminal: Terminal) -> None:
        """Keep nothing but the run."""
