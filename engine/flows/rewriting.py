"""A stretch of a draft written anew, as a suggestion: the draft itself is never touched.

The run remembers the text it was asked about, so that the suggestion can be merged later into
whatever the draft says by then.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

import msgspec

from engine.citations.markers import markers_in, strip_markers
from engine.citations.numbering import CitationStream
from engine.citations.renumbering import renumber
from engine.errors import Conflict, ProviderFailed
from engine.flows.finish import warnings_of
from engine.flows.new_run import new_run
from engine.flows.prompts import rewrite_selection_messages
from engine.flows.rewrite_request import Rewrite, RewriteRequest, understood
from engine.language.sentences import sentence_spans
from engine.retrieval.search import Retriever
from engine.runs.events import Cited, Completed, Delta, Event, Stage, Started, Terminal
from engine.runs.runner import Run, Runs
from engine.storage import drafts, journal
from engine.storage.database import Connection, Database
from engine.storage.identities import User
from engine.storage.journal import RunRow
from engine.storage.rights import Reader
from engine.types import Citation, Id, Level, Source
from engine.writers import writer as writers
from engine.writers.writer import Assignment, Finished, Piece, SectionPlan, Waiting, Writer

FAMILY = "rewrite"
_REMEMBERED = timedelta(days=1)
"""How long a run knows the text it was asked about, which may be long."""
_SOURCES = 8
_QUERY_WORDS = 60
_BEFORE_CHARS, _AFTER_CHARS = 2000, 600
_LEAST_WORDS = 25
_FACTORS = {"expand": 0.8, "shorten": 0.5}


class Rewriting:
    """Makes suggestions."""

    def __init__(
        self,
        database: Database,
        retriever: Retriever,
        writer: Writer,
        temperature: float,
        max_tokens: int | None,
    ) -> None:
        """Write with `writer` what `retriever` finds."""
        self._database = database
        self._retriever = retriever
        self._writer = writer
        self._temperature = temperature
        self._max_tokens = max_tokens

    async def start(
        self,
        runs: Runs,
        user: User,
        draft_id: Id,
        request: RewriteRequest,
        *,
        key: str | None,
        body_hash: str,
    ) -> RunRow:
        """Start a run that makes a suggestion, or join the one of the same key.

        Raises:
            NotFound, Forbidden: no such draft, or not to be changed by this user.
            Invalid: the range is no part of the text. Conflict: the draft is being written.
        """
        async with self._database.read() as connection:
            draft = await drafts.get(connection, user, draft_id, Level.WRITE)
        if draft.status == "streaming":
            raise Conflict("This draft is being written. Stop it first.", code="DRAFT_BUSY")
        rewrite = understood(draft, request)

        async def build(tx: Connection) -> RunRow:
            await journal.forget_requests(tx, FAMILY, draft.id, _ago(_REMEMBERED))
            return new_run(
                FAMILY,
                user,
                rewrite,
                key=key,
                body_hash=body_hash,
                kb_id=draft.kb_id,
                draft_id=draft.id,
                model=self._writer.model,
            )

        return await runs.start(FAMILY, user.id, build, key=key, body_hash=body_hash)

    async def flow(self, run: Run) -> AsyncGenerator[Event, None]:
        """Find passages, write, and end with the whole suggestion."""
        rewrite = msgspec.json.decode(run.row.request, type=Rewrite)
        yield Started(FAMILY, draft_id=rewrite.draft_id)
        yield Stage("retrieving", "Searching the documents", 5)
        sources = await self._sources(Reader(id=run.row.user_id), rewrite)
        yield Stage("generating", "Writing a suggestion", 20)
        text = _Suggestion(rewrite, sources)
        async with aclosing(self._writer.write(self._assignment(rewrite, sources))) as pieces:
            async for piece in pieces:
                for event in text.take(piece):
                    yield event
        for event in text.close():
            yield event
        yield text.completed(run)

    async def settle(self, tx: Connection, row: RunRow, terminal: Terminal) -> None:
        """Store nothing: a suggestion is in the journal, and in the draft only when accepted."""

    async def _sources(self, reader: Reader, rewrite: Rewrite) -> list[Source]:
        """Return what the stretch cites and what else there is about it."""
        cited = [_source(citation, rewrite.kb_id) for citation in rewrite.cited]
        others = await self._others(reader, rewrite, {source.chunk_id for source in cited})
        is_replaced = not rewrite.keep_citations and rewrite.action == "regenerate" and others
        return others if is_replaced else cited + others

    async def _others(self, reader: Reader, rewrite: Rewrite, known: set[Id]) -> list[Source]:
        """Find passages about the stretch, then about the draft; a small base is offered whole."""
        found: dict[Id, Source] = {}
        for query in (_question(rewrite), rewrite.context):
            limit = _SOURCES + len(known)
            for source in await self._retriever.search(reader, [rewrite.kb_id], query, limit):
                if source.chunk_id not in known:
                    found.setdefault(source.chunk_id, source)
        others = list(found.values())[:_SOURCES]
        room = _SOURCES - len(others)
        exclude = {*known, *found}
        rest = await self._retriever.leading(reader, rewrite.kb_id, room + 1, exclude=exclude)
        return others + rest if len(rest) <= room else others

    def _assignment(self, rewrite: Rewrite, sources: Sequence[Source]) -> Assignment:
        numbers = {source.chunk_id: n for n, source in enumerate(sources, start=1)}
        mapping = {one.number: numbers.get(one.chunk_id) for one in rewrite.citations}
        material = renumber(rewrite.selected.strip(), mapping)
        before, after = rewrite.content[: rewrite.start], rewrite.content[rewrite.end :]
        return Assignment(
            question=_question(rewrite),
            sections=(_plan(rewrite, numbers),),
            sources=tuple(sources),
            messages=rewrite_selection_messages(
                sources,
                material,
                strip_markers(before[-_BEFORE_CHARS:]),
                strip_markers(after[:_AFTER_CHARS]),
                rewrite.action,
                rewrite.instructions,
                keeps_citations=rewrite.keep_citations and bool(rewrite.cited),
            ),
            temperature=self._temperature,
            max_tokens=self._max_tokens,
            task="rewrite",
            material=material,
            action=rewrite.action,
            around=f"{before}\n\n{after}",
        )


def _ago(time: timedelta) -> str:
    return (datetime.now(UTC) - time).isoformat(timespec="microseconds")


class _Suggestion:
    """A suggestion that comes in pieces; known passages keep their numbers in the draft."""

    def __init__(self, rewrite: Rewrite, sources: Sequence[Source]) -> None:
        self._rewrite = rewrite
        taken = max(markers_in(rewrite.content), default=0)
        self._stream = CitationStream(sources, known=rewrite.citations, taken=taken)
        self._text: list[str] = []
        self._finished: Finished | None = None

    def take(self, piece: Piece) -> list[Event]:
        """Return the events that a piece gives rise to."""
        if isinstance(piece, Finished):
            self._finished = piece
        if isinstance(piece, Waiting):
            message = f"Waiting for the model, {piece.delay_s:.0f} s"
            return [Stage("waiting", message, 20, delay_s=round(piece.delay_s, 1))]
        return self._events(self._stream.feed(piece.text)) if _is_text(piece) else []

    def close(self) -> list[Event]:
        """Return what was held back, and the sentences without which a citation would be lost."""
        events = self._events(self._stream.close())
        text = "".join(self._text)
        if self._finished is None or not text:
            raise ProviderFailed("The model wrote nothing. Try again, or ask in other words.")
        if self._rewrite.keep_citations:
            events += self._events(_lost(self._rewrite.selected.strip(), text))
        return events

    def _events(self, items: Sequence[Citation | str]) -> list[Event]:
        events: list[Event] = []
        for item in items:
            if isinstance(item, str):
                self._text.append(item)
                events.append(Delta(item))
            else:
                events.append(Cited(item))
        return events

    def completed(self, run: Run) -> Completed:
        """Return the end, with all that an editor needs."""
        assert self._finished is not None
        run.usage.update(
            prompt_tokens=self._finished.prompt_tokens or 0,
            completion_tokens=self._finished.completion_tokens or 0,
        )
        warnings = warnings_of(self._finished)
        return Completed(
            result=self._result("".join(self._text), warnings),
            finish_reason=self._finished.reason,
            warnings=warnings,
        )

    def _result(self, text: str, warnings: list[str]) -> dict[str, Any]:
        rewrite, selected = self._rewrite, self._rewrite.selected
        is_changed = text != selected.strip()
        lead = selected[: len(selected) - len(selected.lstrip())]
        trail = selected[len(selected.rstrip()) :]
        used = set(markers_in(text))
        if not is_changed:
            warnings.append("The documents say nothing else about this.")
        return {
            "draft_id": rewrite.draft_id,
            "action": rewrite.action,
            "regenerated_text": lead + text + trail,
            "citations": [
                msgspec.to_builtins(one) for one in self._stream.citations if one.number in used
            ],
            "selection_start": rewrite.start,
            "selection_end": rewrite.end,
            "selected_text": selected,
            "version": rewrite.version,
            "changed": is_changed,
            "warnings": warnings,
        }


def _is_text(piece: Piece) -> TypeGuard[writers.Text]:
    return isinstance(piece, writers.Text)


def _plan(rewrite: Rewrite, numbers: dict[Id, int]) -> SectionPlan:
    words = max(_LEAST_WORDS, len(_bare(rewrite.selected).split()))
    kept = [numbers[one.chunk_id] for one in rewrite.cited if one.chunk_id in numbers]
    stays_with_cited = kept and rewrite.keep_citations and rewrite.action in _SAME_SOURCES
    return SectionPlan(
        title="",
        guidance=rewrite.instructions,
        target_words=round(words * _FACTORS.get(rewrite.action, 1.0)),
        sources=tuple(kept if stays_with_cited else numbers.values()),
        form="report",
    )


_SAME_SOURCES = ("regenerate", "rephrase")


def _lost(selected: str, text: str) -> list[str]:
    """Return the sentences of the selection whose citations the text no longer has."""
    missing = set(markers_in(selected)) - set(markers_in(text))
    kept: list[str] = []
    for start, end in sentence_spans(selected):
        sentence = selected[start:end]
        numbers = set(markers_in(sentence))
        if numbers & missing:
            missing -= numbers
            kept.append(sentence)
    gap = "\n" if "\n" in selected else " "
    return [f"{gap}{sentence}" for sentence in kept]


def _question(rewrite: Rewrite) -> str:
    return f"{rewrite.instructions} {_bare(rewrite.selected, _QUERY_WORDS)}".strip()


def _bare(text: str, words: int | None = None) -> str:
    """Return a text without markers, or its first words."""
    return " ".join(strip_markers(text).split()[:words])


def _source(citation: Citation, kb_id: Id) -> Source:
    return Source(
        chunk_id=citation.chunk_id,
        document_id=citation.document_id,
        document_name=citation.document_name,
        version=citation.version,
        kb_id=kb_id,
        text=citation.excerpt,
        char_start=citation.char_start,
        char_end=citation.char_end,
        page=citation.page,
        section=citation.section,
        score=1.0,
    )
