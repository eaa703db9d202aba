"""What query, chat and search share: where to look, which passages, the written answer."""

import asyncio
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import Annotated

import msgspec
from msgspec import Meta

from engine.citations.numbering import CitationStream
from engine.errors import NotFound, ProviderFailed
from engine.flows.finish import warnings_of
from engine.flows.new_run import new_run
from engine.flows.prompts import answer_messages, rewrite_messages
from engine.retrieval.search import Retriever
from engine.runs.events import Delta, Event, OfferedSource, Sources, Stage
from engine.runs.runner import Run, Runs
from engine.storage import knowledge
from engine.storage.database import Connection, Database
from engine.storage.identities import User
from engine.storage.journal import RunRow
from engine.storage.knowledge import KnowledgeBase
from engine.storage.rights import Reader
from engine.types import Citation, Id, Source
from engine.writers.writer import (
    Assignment,
    Finished,
    Message,
    Piece,
    SectionPlan,
    Text,
    Thinking,
    Waiting,
    Writer,
)

NOTHING_FOUND = "I don't know. I couldn't find information about this in the provided documents."
_ANSWER_WORDS = 160
_REST = 0.25
"""Beside a passage that answers, others may stand that are so much below the floor."""
_CARRIED_CHARS = 500
_REWRITE_TOKENS = 2000
"""Room for a model that thinks before it answers with its one line."""
_END_OF_THOUGHT = "</think>"


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """Where to look; every readable knowledge base by default."""

    kb_ids: Annotated[list[Annotated[str, Meta(max_length=100)]], Meta(max_length=100)] | None = (
        None
    )


class Wanted(msgspec.Struct, frozen=True):
    """What an answer is to be written from, and how."""

    question: str
    sources: Sequence[Source]
    history: Sequence[Message] = ()
    so_far: str = ""
    keep_numbers: bool = True
    model: str | None = None
    temperature: float | None = None


class Answering:
    """Finds passages and has answers written."""

    def __init__(
        self,
        database: Database,
        retriever: Retriever,
        writer: Writer,
        *,
        floor: float,
        rewrite_s: float,
    ) -> None:
        """Passages scored below `floor` are not relevant.

        A model gets `rewrite_s` seconds to put a follow-up question; 0 is not to ask it.
        """
        self._database = database
        self._retriever = retriever
        self._writer = writer
        self._floor = floor
        self._rewrite_s = rewrite_s

    @property
    def model(self) -> str:
        """Who writes, unless a request asks for another model."""
        return self._writer.model

    async def start(
        self,
        runs: Runs,
        family: str,
        user: User,
        request: Scope,
        *,
        key: str | None,
        body_hash: str,
    ) -> RunRow:
        """Start a run that looks where its request says.

        Raises:
            NotFound: a knowledge base is not there. LimitReached, Unavailable: not now.
        """
        found = await self.readable(user, request.kb_ids)
        kb_ids = [kb.id for kb in found]
        request = msgspec.structs.replace(request, kb_ids=kb_ids)

        async def build(_: Connection) -> RunRow:
            return new_run(
                family,
                user,
                request,
                key=key,
                body_hash=body_hash,
                kb_ids=kb_ids,
                model=self.model,
            )

        return await runs.start(family, user.id, build, key=key, body_hash=body_hash)

    async def readable(self, reader: Reader, kb_ids: Sequence[Id] | None) -> list[KnowledgeBase]:
        """Return the knowledge bases to look in: those named, or all the reader may see.

        Raises:
            NotFound: one of those named is not there for this reader.
        """
        async with self._database.read() as connection:
            if kb_ids is None:
                return await knowledge.list_all(connection, reader)
            wanted = dict.fromkeys(kb_ids)
            return [await knowledge.get(connection, reader, kb_id) for kb_id in wanted]

    async def corpus(self, user: User, name_or_id: str) -> KnowledgeBase:
        """Return a knowledge base by id or name.

        Raises:
            NotFound: there is none for this user.
        """
        async with self._database.read() as connection:
            found = await knowledge.find(connection, user, name_or_id)
            if found is not None:
                return found
            try:
                return await knowledge.get(connection, user, name_or_id)
            except NotFound as error:
                raise NotFound("This knowledge base does not exist.", field="corpus_id") from error

    async def relevant(
        self, reader: Reader, kb_ids: Sequence[Id], queries: Sequence[str], limit: int
    ) -> list[Source]:
        """Return the best passages for any of some queries, in one ranking.

        There are none when even the best is below the floor.
        """
        best: dict[Id, Source] = {}
        for query in queries if kb_ids else ():
            for source in await self._retriever.search(reader, kb_ids, query, limit):
                known = best.setdefault(source.chunk_id, source)
                if source.score > known.score:
                    best[source.chunk_id] = source
        ranked = sorted(best.values(), key=lambda source: -source.score)[:limit]
        if not ranked or ranked[0].score < self._floor:
            return []
        return [source for source in ranked if source.score >= self._floor * _REST]

    async def complete(
        self, reader: Reader, kb_ids: Sequence[Id], typed: str, limit: int
    ) -> list[Source]:
        """Return the passages that have all words typed so far."""
        return await self._retriever.complete(reader, kb_ids, typed, limit)

    async def write(self, run: Run, writing: "Writing") -> AsyncGenerator[Delta | Stage, None]:
        """Yield the answer's text and waits of the model; `writing` knows the rest afterwards.

        Raises:
            ProviderFailed: the model failed; what it wrote before was yielded.
        """
        assignment = self._assignment(writing.wanted)
        async with aclosing(self._writer.write(assignment)) as pieces:
            try:
                async for piece in pieces:
                    for event in writing.take(piece):
                        yield event
            except ProviderFailed:
                for event in writing.close():
                    yield event
                raise
        for event in writing.close():
            yield event
        run.usage.update(writing.usage())

    def _assignment(self, wanted: Wanted) -> Assignment:
        numbers = tuple(range(1, len(wanted.sources) + 1))
        return Assignment(
            question=wanted.question,
            sections=(SectionPlan("", "", _ANSWER_WORDS, numbers),),
            sources=tuple(wanted.sources),
            so_far=wanted.so_far,
            messages=answer_messages(
                wanted.question, wanted.sources, wanted.history, wanted.so_far
            ),
            temperature=wanted.temperature,
            model=wanted.model,
        )

    async def queries(
        self, question: str, history: Sequence[Message], model: str | None
    ) -> list[str]:
        """Return what to look for: the question, and how it reads with the turns before it.

        A language model is asked to put it so that it stands alone; without one, or when it fails,
        the words of the last turns stand beside it.
        """
        if not history:
            return [question]
        carried = " ".join(message.content[:_CARRIED_CHARS] for message in history[-2:])
        rewritten = await self._rewritten(question, history, model) if self._rewrite_s else ""
        return [question, rewritten or f"{question} {carried}"]

    async def _rewritten(self, question: str, history: Sequence[Message], model: str | None) -> str:
        """Return the question so that it stands alone; "" when the model does not manage."""
        assignment = Assignment(
            question=question,
            sections=(),
            sources=(),
            messages=rewrite_messages(question, history),
            temperature=0.0,
            max_tokens=_REWRITE_TOKENS,
            model=model,
        )
        try:
            async with (
                asyncio.timeout(self._rewrite_s),
                aclosing(self._writer.write(assignment)) as pieces,
            ):
                texts = [piece.text async for piece in pieces if isinstance(piece, Text)]
        except (ProviderFailed, TimeoutError):
            return ""
        line = "".join(texts).rpartition(_END_OF_THOUGHT)[2]
        return " ".join(line.split())[:_CARRIED_CHARS]


class Writing:
    """An answer that comes in pieces, turned into what a reader sees.

    `citations` are those of its markers by first use, unless the markers keep their numbers.
    """

    def __init__(self, wanted: Wanted) -> None:
        """Begin, or go on after the text so far."""
        self.wanted = wanted
        self.citations: list[Citation] = []
        self._stream = CitationStream(
            wanted.sources, after=wanted.so_far, keep_numbers=wanted.keep_numbers
        )
        self._texts = [wanted.so_far]
        self._finished: Finished | None = None

    @property
    def text(self) -> str:
        """The whole answer as far as it is written."""
        return "".join(self._texts)

    @property
    def warnings(self) -> list[str]:
        """What may be wrong with the answer, in sentences."""
        return warnings_of(self._finished) if self._finished else []

    def take(self, piece: Piece) -> Iterator[Delta | Stage]:
        """Yield what a piece gives to show."""
        match piece:
            case Text(text=text):
                yield from self._shown(self._stream.feed(text))
            case Waiting(delay_s=delay_s):
                message = f"Waiting for the model, {delay_s:.0f} s"
                yield Stage("waiting", message, 20, delay_s=round(delay_s, 1))
            case Finished():
                self._finished = piece
            case Thinking():
                return

    def close(self) -> Iterator[Delta]:
        """Yield what was held back."""
        yield from self._shown(self._stream.close())

    def _shown(self, items: Iterable[Citation | str]) -> Iterator[Delta]:
        for item in items:
            if isinstance(item, Citation):
                self.citations.append(item)
            else:
                self._texts.append(item)
                yield Delta(item)

    def usage(self) -> dict[str, int]:
        """Return the tokens used; a writer that never said it was done has failed."""
        if self._finished is None:
            raise ProviderFailed("The model broke off. Try again.")
        return {
            "prompt_tokens": self._finished.prompt_tokens or 0,
            "completion_tokens": self._finished.completion_tokens or 0,
        }


def listed(sources: Sequence[Source]) -> Sources:
    """Return the event that lists passages with their whole text."""
    items = [
        OfferedSource(
            chunk_id=source.chunk_id,
            document_id=source.document_id,
            document_name=source.document_name,
            page=source.page,
            section=source.section,
            excerpt=source.text,
            score=round(source.score, 4),
            kb_id=source.kb_id,
            char_start=source.char_start,
            char_end=source.char_end,
        )
        for source in sources
    ]
    return Sources(items, sum(len(source.text) for source in sources))


def text_of(events: Sequence[Event]) -> str:
    """Return the text that a run has written."""
    return "".join(event.text for event in events if isinstance(event, Delta))
