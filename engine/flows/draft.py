"""Drafts: asked for, written section by section, continued, and read while they grow."""

from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from contextlib import aclosing
from typing import Annotated, Any, Literal, assert_never

import msgspec
from msgspec import Meta

from engine.citations.markers import count_words
from engine.citations.numbering import CitationStream
from engine.citations.renumbering import renumber
from engine.errors import Conflict, Invalid, NotFound, ProviderFailed
from engine.flows.assessment import assess
from engine.flows.document_types import Catalogue, DocumentType
from engine.flows.finish import warnings_of
from engine.flows.new_run import new_run
from engine.flows.planning import Plan, Planner, nothing_found
from engine.flows.progress import Progress
from engine.flows.prompts import draft_messages
from engine.runs.events import (
    Cited,
    Completed,
    Delta,
    Event,
    OfferedSource,
    Sources,
    Stage,
    Started,
    Terminal,
)
from engine.runs.journal import Journal
from engine.runs.runner import Run, Runs
from engine.storage import drafts, knowledge
from engine.storage import journal as rows
from engine.storage.database import Connection, Database
from engine.storage.drafts import Draft
from engine.storage.identities import User
from engine.storage.journal import RunRow
from engine.storage.rights import Reader
from engine.types import Citation, Id, Level, Source, new_id
from engine.writers.writer import (
    Assignment,
    Finished,
    Piece,
    Text,
    Thinking,
    Waiting,
    Writer,
)

FAMILY = "generate"
_EXCERPT_CHARS = 300
_TITLE_CHARS = 90

Length = Literal["short", "medium", "long"] | Annotated[int, Meta(ge=20, le=20_000)]
Line = Annotated[str, Meta(max_length=200)]


class DraftRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for; `document_type` is an id or a label."""

    kb_id: Annotated[str, Meta(max_length=100)]
    document_type: Line
    context: Annotated[str, Meta(max_length=10_000)] = ""
    selected_sources: Annotated[
        list[Annotated[str, Meta(max_length=100)]], Meta(max_length=100)
    ] = []
    length: Length = "medium"
    tone: Line | None = None
    language: Line | None = None
    on_disconnect: Literal["cancel", "continue"] = "cancel"
    feedback: dict[str, Any] | None = None


class Now(msgspec.Struct, frozen=True):
    """A draft as it reads at this moment; `after` is the cursor of its run that this includes."""

    draft: Draft
    after: int


class Drafting:
    """Starts, continues and writes drafts."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        catalogue: Catalogue,
        planner: Planner,
        writer: Writer,
        temperature: float,
        max_tokens: int | None,
    ) -> None:
        """Write with `writer` what `planner` finds."""
        self._database = database
        self._journal = journal
        self._catalogue = catalogue
        self._planner = planner
        self._writer = writer
        self._temperature = temperature
        self._max_tokens = max_tokens

    # Ask

    async def start(
        self, runs: Runs, user: User, request: DraftRequest, *, key: str | None, body_hash: str
    ) -> RunRow:
        """Create a draft and start the run that writes it, or join the run of the same key.

        Raises:
            Invalid, NotFound, LimitReached, Unavailable: nothing was created.
        """
        kind = self._catalogue.find(request.document_type)
        request = msgspec.structs.replace(
            request, document_type=kind.id, context=request.context.strip()
        )
        await self._check(user, kind, request)

        async def build(tx: Connection) -> RunRow:
            run = self._row(user, request, new_id(), key, body_hash)
            await drafts.insert(tx, _new_draft(run, kind, request))
            return run

        return await runs.start(FAMILY, user.id, build, key=key, body_hash=body_hash)

    async def _check(self, user: User, kind: DocumentType, request: DraftRequest) -> None:
        needs_context = kind.id == "custom" or not request.selected_sources
        if needs_context and not request.context:
            raise Invalid(
                "Say what the draft is for: the context is empty.",
                code="CONTEXT_REQUIRED",
                field="context",
            )
        async with self._database.read() as connection:
            await knowledge.get(connection, user, request.kb_id)
        if request.selected_sources:
            await self._planner.selected(user, request.kb_id, request.selected_sources)
        elif not await self._planner.has_passages(user, request.kb_id):
            raise Invalid(
                "This knowledge base has no readable documents yet. Add some first.",
                code="NO_DOCUMENTS_INDEXED",
                field="kb_id",
            )
        elif not await self._planner.finds_anything(user, request.kb_id, kind, request.context):
            raise nothing_found()

    async def resume(
        self, runs: Runs, user: User, draft_id: Id, *, key: str | None, body_hash: str
    ) -> RunRow:
        """Start a run that continues a partial draft.

        Raises:
            NotFound: no such draft.
            Conflict: it is being written, or it is not partial.
        """
        async with self._database.read() as connection:
            draft = await drafts.get(connection, user, draft_id, Level.WRITE)
        if draft.status == "streaming" and not key:
            raise Conflict("This draft is being written already.", code="DRAFT_BUSY")
        request = msgspec.convert(draft.request, DraftRequest)

        async def build(tx: Connection) -> RunRow:
            run = self._row(user, request, draft.id, key, body_hash)
            await drafts.set_streaming(tx, draft.id, run.id)
            return run

        return await runs.start(FAMILY, user.id, build, key=key, body_hash=body_hash)

    def _row(
        self, user: User, request: DraftRequest, draft_id: Id, key: str | None, body_hash: str
    ) -> RunRow:
        return new_run(
            FAMILY,
            user,
            request,
            key=key,
            body_hash=body_hash,
            kb_id=request.kb_id,
            draft_id=draft_id,
            keep_going=request.on_disconnect == "continue",
            model=self._writer.model,
        )

    # Write

    async def flow(self, run: Run) -> AsyncGenerator[Event, None]:
        """Retrieve, write, cite; or go on with what the run or an earlier one has written."""
        request = msgspec.json.decode(run.row.request, type=DraftRequest)
        kind = self._catalogue.find(request.document_type)
        past = await self._journal.history(run.row.id) if run.is_continued else []
        draft = await self._draft_of(run.row)
        if not past:
            yield Started(FAMILY, draft_id=draft.id, title=draft.title)
            yield Stage("retrieving", "Searching the documents", 2)
        plan = await self._planner.plan(
            Reader(id=run.row.user_id),
            request.kb_id,
            kind,
            request.context,
            selected=request.selected_sources,
            length=request.length,
        )
        if not any(isinstance(event, Sources) for event in past):
            yield _offered(plan)
        if not any(isinstance(event, Stage) and event.name == "generating" for event in past):
            yield Stage("generating", kind.name, 10)
        written = _with(draft, past)
        async for event in self._write(run, kind, request, plan, written):
            yield event

    async def _draft_of(self, row: RunRow) -> Draft:
        async with self._database.read() as connection:
            draft = await drafts.of_run(connection, row.id)
        if draft is None:
            raise NotFound("The draft was deleted.")
        return draft

    async def _write(
        self, run: Run, kind: DocumentType, request: DraftRequest, plan: Plan, draft: Draft
    ) -> AsyncGenerator[Event, None]:
        writing = _Writing(plan, draft)
        text = self._writer.write(self._assignment(kind, request, plan, draft))
        async with aclosing(text) as pieces:
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
        yield writing.completed(run)

    def _assignment(
        self, kind: DocumentType, request: DraftRequest, plan: Plan, draft: Draft
    ) -> Assignment:
        so_far = _as_offered(draft, plan.sources)
        return Assignment(
            question=request.context,
            sections=plan.sections,
            sources=plan.sources,
            so_far=so_far,
            messages=draft_messages(
                kind,
                request.context,
                plan,
                so_far=so_far,
                tone=request.tone,
                language=request.language,
            ),
            temperature=self._temperature,
            max_tokens=self._max_tokens,
        )

    # Keep

    async def settle(self, tx: Connection, row: RunRow, terminal: Terminal) -> None:
        """Store the whole text with the run's end: stored text plus everything in its journal."""
        draft = await drafts.of_run(tx, row.id)
        if draft is None:
            return
        whole = _with(draft, await self._journal.history_in(tx, row.id))
        done = isinstance(terminal, Completed)
        await drafts.finish(
            tx,
            draft.id,
            row.id,
            status="complete" if done else "partial",
            content=whole.content,
            citations=whole.citations,
            confidence=terminal.confidence if isinstance(terminal, Completed) else 0.0,
            word_count=count_words(whole.content),
            sources_used=len(whole.citations),
        )

    # Read

    async def now(self, draft: Draft) -> Now:
        """Return a draft with what its run has written so far."""
        if draft.status != "streaming" or draft.run_id is None:
            return Now(draft, 0)
        async with self._database.read() as connection:
            after = await rows.last_seq(connection, draft.run_id)
            # Not more than `after` tells: the run goes on writing between two reads.
            events = await self._journal.history_in(connection, draft.run_id, until=after)
        whole = _with(draft, events)
        return Now(
            msgspec.structs.replace(
                whole,
                word_count=count_words(whole.content),
                sources_used=len(whole.citations),
            ),
            after,
        )

    async def text_before(self, row: RunRow, after: int) -> str:
        """Return what the draft of a run said up to a cursor of that run."""
        async with self._database.read() as connection:
            draft = await drafts.of_run(connection, row.id)
            events = await self._journal.history_in(connection, row.id)
            seen = await self._journal.history_in(connection, row.id, until=after)
        if draft is None:
            return _text_of(seen)
        before = draft.content
        if draft.status != "streaming":
            before = before.removesuffix(_text_of(events))
        return before + _text_of(seen)


def _new_draft(run: RunRow, kind: DocumentType, request: DraftRequest) -> Draft:
    return Draft(
        id=str(run.draft_id),
        kb_id=request.kb_id,
        owner_id=run.user_id,
        document_type=kind.id,
        title=title_for(kind, request.context),
        context=request.context,
        request=msgspec.to_builtins(request),
        status="streaming",
        run_id=run.id,
    )


def title_for(kind: DocumentType, context: str) -> str:
    """Return a title from the type and the first words of what was asked for."""
    subject = " ".join(context.split())
    title = f"{kind.name}: {subject}" if subject else kind.name
    if len(title) <= _TITLE_CHARS:
        return title
    return title[:_TITLE_CHARS].rsplit(" ", 1)[0].rstrip(" ,.;:") + "…"


def _offered(plan: Plan) -> Sources:
    items = [
        OfferedSource(
            source.chunk_id,
            source.document_id,
            source.document_name,
            source.page,
            source.section,
            _shortened(source.text),
            round(source.score, 4),
        )
        for source in plan.sources
    ]
    return Sources(items, sum(len(source.text) for source in plan.sources))


def _shortened(text: str) -> str:
    return text if len(text) <= _EXCERPT_CHARS else text[:_EXCERPT_CHARS].rstrip() + "…"


class _Writing:
    """A text that comes in pieces: turned into events, kept, and measured at the end."""

    def __init__(self, plan: Plan, draft: Draft) -> None:
        self._plan = plan
        self._text = [draft.content]
        self._stream = CitationStream(plan.sources, known=draft.citations, after=draft.content)
        self._progress = Progress(plan, draft.content)
        self._finished: Finished | None = None

    def take(self, piece: Piece) -> Iterator[Event]:
        """Return the events that a piece gives rise to."""
        stage: Stage | None = None
        match piece:
            case Text(text=text):
                yield from self._events(self._stream.feed(text))
                stage = self._progress.feed(text)
            case Thinking():
                stage = self._progress.thinking()
            case Waiting(delay_s=delay_s):
                stage = self._progress.waiting(delay_s)
            case Finished():
                self._finished = piece
            case _:
                assert_never(piece)
        if stage is not None:
            yield stage

    def close(self) -> Iterator[Event]:
        """Return what was held back, once there is no more to come."""
        yield from self._events(self._stream.close())

    def _events(self, items: Iterable[Citation | str]) -> Iterator[Event]:
        for item in items:
            if isinstance(item, Citation):
                yield Cited(item)
            else:
                self._text.append(item)
                yield Delta(item)

    def completed(self, run: Run) -> Completed:
        """Return the end of a whole text.

        Raises:
            ProviderFailed: the writer did not say that it is done, or wrote nothing.
        """
        finished, text = self._finished, "".join(self._text)
        if finished is None or not text:
            raise ProviderFailed("The model wrote nothing. Try again, or ask in other words.")
        run.usage.update(
            prompt_tokens=finished.prompt_tokens or 0,
            completion_tokens=finished.completion_tokens or 0,
        )
        citations = self._stream.citations
        result = assess(text, citations, self._plan)
        documents = {citation.document_id for citation in citations}
        return Completed(
            confidence=result.confidence,
            citation_count=len(citations),
            word_count=result.word_count,
            sources_used=len(citations),
            documents_used=len(documents),
            summary=_summary(len(citations), len(documents)),
            sections=result.sections,
            unsupported_sentences=result.unsupported_sentences,
            invalid_markers=self._stream.invalid_markers,
            finish_reason=finished.reason,
            warnings=warnings_of(finished),
        )


def _summary(sources: int, documents: int) -> str:
    return (
        f"Based on {sources} {'source' if sources == 1 else 'sources'}"
        f" from {documents} {'document' if documents == 1 else 'documents'}."
    )


def _with(draft: Draft, events: Sequence[Event]) -> Draft:
    cited = [event.citation for event in events if isinstance(event, Cited)]
    return msgspec.structs.replace(
        draft, content=draft.content + _text_of(events), citations=draft.citations + cited
    )


def _text_of(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, Delta))


def _as_offered(draft: Draft, sources: Sequence[Source]) -> str:
    """Write the text so far with the numbers of the sources as they are offered now."""
    numbers = {source.chunk_id: n for n, source in enumerate(sources, start=1)}
    mapping = {c.number: numbers.get(c.chunk_id) for c in draft.citations}
    return renumber(draft.content, mapping)
