"""Drafts: asked for, written section by section, continued, and read while they grow."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from engine.citations.markers import count_words
from engine.errors import Conflict, Invalid, NotFound, ProviderFailed
from engine.flows.document_types import DocumentType
from engine.flows.draft_events import (
    as_offered,
    cited_in,
    offered,
    skipped_in,
    text_in,
    with_written,
)
from engine.flows.draft_request import DraftRequest, OutlineSection, outlined
from engine.flows.estimate import Estimate, estimated
from engine.flows.feedback import effort_of
from engine.flows.new_run import new_run
from engine.flows.own_types import DocumentTypes
from engine.flows.planning import Effort, Plan, Planner
from engine.flows.prompts import draft_messages
from engine.flows.versions import Versions
from engine.flows.writing import Writing
from engine.runs.events import (
    Completed,
    Event,
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
from engine.storage.estimates import past_pace
from engine.storage.identities import User
from engine.storage.journal import RunRow
from engine.storage.rights import Reader
from engine.types import Citation, Id, Level, new_id
from engine.writers.writer import Assignment, Message, Writer

FAMILY = "generate"
_TITLE_CHARS = 90
_LEAD_CHARS = 300


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
        types: DocumentTypes,
        versions: Versions,
        planner: Planner,
        writer: Writer,
        temperature: float,
        max_tokens: int | None,
    ) -> None:
        """Write with `writer` what `planner` finds."""
        self._database = database
        self._journal = journal
        self._types = types
        self._versions = versions
        self._planner = planner
        self._writer = writer
        self._temperature = temperature
        self._max_tokens = max_tokens
        self._open: dict[Id, Writing] = {}

    # Ask

    async def start(
        self, runs: Runs, user: User, request: DraftRequest, *, key: str | None, body_hash: str
    ) -> RunRow:
        """Create a draft and start the run that writes it, or join the run of the same key.

        Raises:
            Invalid, NotFound, LimitReached, Unavailable: nothing was created.
        """
        kind, request = await self._understood(user, request)
        await self._check(user, kind, request)

        async def build(tx: Connection) -> RunRow:
            run = self._row(user, request, new_id(), key, body_hash)
            await drafts.insert(tx, _new_draft(run, kind, request))
            return run

        return await runs.start(FAMILY, user.id, build, key=key, body_hash=body_hash)

    async def estimate(self, user: User, request: DraftRequest) -> Estimate:
        """Say how long a draft would be, what it would cost and take; nothing is started.

        Raises:
            Invalid, NotFound: as for `start`.
        """
        kind, request = await self._understood(user, request)
        await self._check(user, kind, request)
        plan = await self._plan(user, kind, request)
        messages = self._messages(kind, request, plan, "")
        async with self._database.read() as connection:
            pace = await past_pace(connection, FAMILY, self._writer.model)
        return estimated(plan, messages, pace, self._writer.model)

    async def _understood(
        self, user: Reader, request: DraftRequest
    ) -> tuple[DocumentType, DraftRequest]:
        """Return the type that is asked for, and the request as it is kept."""
        kind = await self._types.find(user, request.kb_id, request.document_type)
        return outlined(kind, request.outline), msgspec.structs.replace(
            request, document_type=kind.id, context=request.context.strip()
        )

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
        await self._effort(user, request)
        for section in request.outline:
            await self._planner.selected(user, request.kb_id, section.pinned, field="outline")
        if request.selected_sources:
            await self._planner.selected(user, request.kb_id, request.selected_sources)
        else:
            await self._planner.require_any(user, request.kb_id, kind, request.context)

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
        kind = outlined(await self._types.get(request.document_type), request.outline)
        past = await self._journal.history(run.row.id) if run.is_continued else []
        draft = await self._draft_of(run.row)
        if not past:
            yield Started(FAMILY, draft_id=draft.id, title=draft.title)
            yield Stage("retrieving", "Searching the documents", 2)
        plan = await self._plan(Reader(id=run.row.user_id), kind, request)
        if not any(isinstance(event, Sources) for event in past):
            yield offered(plan)
        if not any(isinstance(event, Stage) and event.name == "generating" for event in past):
            yield Stage("generating", kind.name, 10)
        writing = Writing(plan, with_written(draft, past), skipped_in(plan, past))
        self._open[run.row.id] = writing
        try:
            async for event in self._write(run, kind, request, plan, writing):
                yield event
        finally:
            del self._open[run.row.id]

    async def _plan(self, reader: Reader, kind: DocumentType, request: DraftRequest) -> Plan:
        return await self._planner.plan(
            reader,
            request.kb_id,
            kind,
            request.context,
            selected=request.selected_sources,
            length=request.length,
            outline=request.outline,
            effort=await self._effort(reader, request),
        )

    async def _effort(self, reader: Reader, request: DraftRequest) -> Effort:
        """Return what the feedback on an earlier draft asks for.

        Raises:
            NotFound: there is no such draft for this reader.
        """
        if request.feedback is None:
            return Effort()
        previous = None
        if request.feedback.previous_draft_id:
            previous = await self._previous(reader, request.feedback.previous_draft_id)
        return effort_of(request.feedback, previous)

    async def _previous(self, reader: Reader, draft_id: Id) -> Draft:
        try:
            async with self._database.read() as connection:
                return await drafts.get(connection, reader, draft_id, with_deleted=True)
        except NotFound as error:
            raise NotFound(error.message, field="feedback.previous_draft_id") from error

    async def _draft_of(self, row: RunRow) -> Draft:
        async with self._database.read() as connection:
            draft = await drafts.of_run(connection, row.id)
        if draft is None:
            raise NotFound("The draft was deleted.")
        return draft

    async def _write(
        self, run: Run, kind: DocumentType, request: DraftRequest, plan: Plan, writing: Writing
    ) -> AsyncGenerator[Event, None]:
        """Have the text written; a section that is left makes one more request for the rest."""
        while not writing.is_finished:
            text = self._writer.write(self._assignment(kind, request, plan, writing))
            async with aclosing(text) as pieces:
                try:
                    while (piece := await writing.next_of(pieces)) is not None:
                        for event in writing.take(piece):
                            yield event
                except ProviderFailed:
                    for event in writing.close():
                        yield event
                    raise
            if not writing.is_leaving:
                break
            for event in writing.begin_next():
                yield event
        for event in writing.close():
            yield event
        yield writing.completed(run)

    def skip(self, run_id: Id) -> str:
        """Stop the section that a run writes and go on with the next; return its title.

        Raises:
            Conflict: the run writes no section just now.
        """
        writing = self._open.get(run_id)
        if writing is None:
            raise Conflict("No section is being written just now.", code="INVALID_TRANSITION")
        return writing.leave_section()

    def _assignment(
        self,
        kind: DocumentType,
        request: DraftRequest,
        plan: Plan,
        writing: Writing,
    ) -> Assignment:
        so_far = as_offered(writing.text + writing.gap, writing.citations, plan.sources)
        return Assignment(
            question=request.context or _subject(plan),
            sections=plan.sections,
            sources=plan.sources,
            so_far=so_far,
            messages=self._messages(kind, request, plan, so_far),
            temperature=self._temperature,
            max_tokens=self._max_tokens,
        )

    def _messages(
        self, kind: DocumentType, request: DraftRequest, plan: Plan, so_far: str
    ) -> tuple[Message, ...]:
        return draft_messages(
            kind,
            request.context,
            plan,
            so_far=so_far,
            tone=request.tone,
            audience=request.audience,
            language=request.language,
            remarks=request.feedback.comments if request.feedback else "",
        )

    # Keep

    async def settle(self, tx: Connection, row: RunRow, terminal: Terminal) -> None:
        """Store the whole text with the run's end: stored text plus everything in its journal."""
        draft = await drafts.of_run(tx, row.id)
        if draft is None:
            return
        whole = with_written(draft, await self._journal.history_in(tx, row.id))
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
        await self._versions.keep_written(tx, draft.id, row.user_id, whole)

    # Read

    async def kind_of(self, draft: Draft) -> DocumentType | None:
        """Return the type of a draft with the sections it was asked for, if it is still known."""
        kind = await self._types.known(draft.document_type)
        outline = msgspec.convert(draft.request.get("outline", []), list[OutlineSection])
        return outlined(kind, outline) if kind else None

    async def now(self, draft: Draft) -> Now:
        """Return a draft with what its run has written so far."""
        if draft.status != "streaming" or draft.run_id is None:
            return Now(draft, 0)
        async with self._database.read() as connection:
            after = await rows.last_seq(connection, draft.run_id)
            # Not more than `after` tells: the run goes on writing between two reads.
            events = await self._journal.history_in(connection, draft.run_id, until=after)
        whole = with_written(draft, events)
        return Now(
            msgspec.structs.replace(
                whole,
                word_count=count_words(whole.content),
                sources_used=len(whole.citations),
            ),
            after,
        )

    async def before(self, row: RunRow, after: int) -> tuple[str, list[Citation]]:
        """Return what the draft of a run said, and cited, up to a cursor of that run."""
        async with self._database.read() as connection:
            draft = await drafts.of_run(connection, row.id)
            is_over = draft is not None and draft.status != "streaming"
            events: list[Event] = []
            if is_over or after > 0:
                events = await self._journal.history_in(connection, row.id)
        seen = events[:after]
        if draft is None:
            return text_in(seen), cited_in(seen)
        before, known = draft.content, draft.citations
        if is_over:
            written = text_in(events)
            # A text that was changed since tells nothing of what came before this run.
            before = before.removesuffix(written) if before.endswith(written) else ""
            own = {citation.number for citation in cited_in(events)}
            known = [citation for citation in known if citation.number not in own]
        return before + text_in(seen), known + cited_in(seen)


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
        previous_draft_id=request.feedback.previous_draft_id if request.feedback else None,
    )


def _subject(plan: Plan) -> str:
    """Return what picked passages are about, where nobody said what they were picked for."""
    return " ".join(
        f"{source.section or ''} {source.text[:_LEAD_CHARS]}" for source in plan.sources
    )


def title_for(kind: DocumentType, context: str) -> str:
    """Return a title from the type and the first words of what was asked for."""
    subject = " ".join(context.split())
    title = f"{kind.name}: {subject}" if subject else kind.name
    if len(title) <= _TITLE_CHARS:
        return title
    return title[:_TITLE_CHARS].rsplit(" ", 1)[0].rstrip(" ,.;:") + "…"
