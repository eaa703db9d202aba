"""Search: one ranking over many knowledge bases, and an answer written from the best of it."""

from collections.abc import AsyncGenerator, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from engine.citations.markers import markers_in, strip_markers
from engine.citations.support import support
from engine.flows.answer import Answering, Scope, Wanted, Writing, listed
from engine.language.sentences import sentence_spans
from engine.runs.events import Cited, Completed, Event, Stage, Started, Terminal
from engine.runs.runner import Run, Runs
from engine.storage.database import Connection
from engine.storage.identities import User
from engine.storage.journal import RunRow
from engine.storage.rights import Reader
from engine.types import Citation, Id, Source

FAMILY = "search"
_WRITE_FROM = 8


class SearchRequest(Scope, frozen=True, kw_only=True):
    """What to look for, and where; every readable knowledge base by default."""

    query: Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\S")]
    limit: Annotated[int, Meta(ge=1, le=50)] = 10
    synthesize: bool = True


class Search:
    """Finds passages and sums them up."""

    def __init__(self, answering: Answering) -> None:
        """Find and write with `answering`."""
        self._answering = answering

    async def start(
        self, runs: Runs, user: User, request: SearchRequest, *, key: str | None, body_hash: str
    ) -> RunRow:
        """Start searching.

        Raises:
            NotFound: a knowledge base is not there. LimitReached, Unavailable: not now.
        """
        return await self._answering.start(
            runs, FAMILY, user, request, key=key, body_hash=body_hash
        )

    async def quick(self, user: User, query: str, limit: int) -> list[Source]:
        """Return the best passages of all readable knowledge bases, without a run."""
        kb_ids = [kb.id for kb in await self._answering.readable(user, None)]
        return await self._answering.relevant(user, kb_ids, [query], limit)

    async def as_typed(self, user: User, typed: str, limit: int) -> list[Source]:
        """Return passages for a question that is still being typed."""
        kb_ids = [kb.id for kb in await self._answering.readable(user, None)]
        begun = await self._answering.complete(user, kb_ids, typed, limit)
        whole = await self._answering.relevant(user, kb_ids, [typed], limit)
        found = {source.chunk_id: source for source in [*begun, *whole]}
        return list(found.values())[:limit]

    async def flow(self, run: Run) -> AsyncGenerator[Event, None]:
        """Rank, then sum up the best, then name what was cited."""
        request = msgspec.json.decode(run.row.request, type=SearchRequest)
        yield Started(FAMILY)
        yield Stage("retrieving", "Searching the documents", 5)
        reader = Reader(id=run.row.user_id)
        kb_ids = [kb.id for kb in await self._answering.readable(reader, request.kb_ids)]
        sources = await self._answering.relevant(reader, kb_ids, [request.query], request.limit)
        yield listed(sources)
        writing = Writing(Wanted(request.query, sources[:_WRITE_FROM], keep_numbers=False))
        if sources and request.synthesize:
            yield Stage("generating", "Writing the answer", 20)
            async for event in self._answering.write(run, writing):
                yield event
        for citation in writing.citations:
            yield Cited(citation)
        result = measured(sources, writing.text, writing.citations)
        yield Completed(result=result, warnings=writing.warnings)

    async def settle(self, tx: Connection, row: RunRow, terminal: Terminal) -> None:
        """Keep nothing but the run."""


def measured(
    sources: Sequence[Source], answer: str, citations: Sequence[Citation]
) -> dict[str, Any]:
    """Return the confidence of contract section 9, from 0 to 1 and in percent."""
    if not sources:
        return {"confidence_score": 0, "confidence": 0.0, "result_count": 0}
    top = [source.score for source in sources[:5]]
    relevance = sum(top) / len(top)
    confidence = 0.4 * relevance + 0.3 * min(len(sources) / 3, 1.0)
    confidence = round(confidence + 0.3 * _support(answer, citations), 2)
    return {
        "confidence_score": round(100 * confidence),
        "confidence": confidence,
        "result_count": len(sources),
    }


def _support(answer: str, citations: Sequence[Citation]) -> float:
    """Return the mean support of the answer's sentences by what they cite."""
    excerpts = {citation.number: citation.excerpt for citation in citations}
    scores = []
    for start, end in sentence_spans(answer):
        sentence = answer[start:end]
        cited = [excerpts[n] for n in markers_in(sentence) if n in excerpts]
        scores.append(support(strip_markers(sentence), cited).score if cited else 0.0)
    return sum(scores) / len(scores) if scores else 0.0


def kb_names(found: Sequence[Any]) -> dict[Id, str]:
    """Return the names of knowledge bases by id."""
    return {kb.id: kb.name for kb in found}
