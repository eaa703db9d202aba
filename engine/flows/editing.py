"""Drafts in human hands: saved, changed, merged, put in order, taken away and brought back."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from engine.citations.markers import count_words
from engine.errors import Conflict, Invalid
from engine.flows.draft import title_for
from engine.flows.feedback import Alternative, DraftFeedback, alternatives
from engine.flows.marker_check import Warning, check, fixed
from engine.flows.own_types import DocumentTypes
from engine.flows.versions import Maker, Versions
from engine.language.cleaning import TextCleaner
from engine.runs.runner import Runs
from engine.storage import drafts, feedback, knowledge, verifications, versions
from engine.storage.database import Connection, Database
from engine.storage.drafts import Draft
from engine.storage.identities import User
from engine.types import Citation, Id, Level, new_id

Status = Literal["streaming", "partial", "complete", "editing", "exported"]
Text = Annotated[str, Meta(max_length=2_000_000)]
Title = Annotated[str, Meta(min_length=1, max_length=300, pattern=r"\S")]
Kept = list[Citation | int]
"""Citations as objects, or the numbers of those to keep."""

UNDO_S = 600
"""How long a deletion can be taken back."""

MOST = 999
"""The highest number of a citation: markers have three digits at most."""

_TRANSITIONS: dict[str, set[str]] = {
    "streaming": set(),
    "partial": {"editing"},
    "complete": {"editing", "exported"},
    "editing": {"editing", "exported"},
    "exported": {"editing"},
}


class DraftChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a person changes. Autosaves that come close together make one version."""

    content: Text | None = None
    citations: Kept | None = None
    status: Status | None = None
    title: Title | None = None
    version: int | None = None
    autosave: bool = False
    made_by: Maker = "human"


class NewDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A draft that was not written by a run, or the same one again."""

    kb_id: str
    document_type: str = "custom"
    title: Title | None = None
    context: Annotated[str, Meta(max_length=10_000)] = ""
    content: Text = ""
    citations: list[Citation] = []
    draft_id: (
        Annotated[str, Meta(pattern=r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")] | None
    ) = None


class Editing:
    """Changes to drafts, each under the next version."""

    def __init__(self, database: Database, types: DocumentTypes, kept: Versions) -> None:
        """Store drafts in `database`, and what they were before in `kept`."""
        self._database = database
        self._types = types
        self._versions = kept

    # Save

    async def create(self, user: User, new: NewDraft) -> tuple[Draft, bool]:
        """Store a draft; return it and whether it is new. A known id is updated instead.

        The same once more changes nothing, so whoever got no answer may send it again.

        Raises:
            NotFound: the knowledge base, or the draft of that id, is not the user's.
            Conflict: that draft is being written just now.
            Invalid: the citations are not numbered as markers can be.
        """
        _require_numbers(new.citations)
        kind = await self._types.find(user, new.kb_id, new.document_type)
        async with self._database.transaction() as tx:
            await knowledge.get(tx, user, new.kb_id)
            known = await self._known(tx, user, new)
            if known is not None and _says(known, new):
                return known, False
            if known is not None:
                change = DraftChange(
                    content=new.content, citations=list(new.citations), title=new.title
                )
                return await self.apply(tx, user, known, change), False
            draft = Draft(
                id=new.draft_id or new_id(),
                kb_id=new.kb_id,
                owner_id=user.id,
                document_type=kind.id,
                title=_line(new.title) or title_for(kind, new.context),
                context=new.context,
                request=msgspec.to_builtins(new),
                status="editing",
                content=clean(new.content),
                citations=new.citations,
                word_count=count_words(new.content),
                sources_used=len(new.citations),
            )
            return await self._insert(tx, user, draft), True

    async def _insert(self, tx: Connection, user: User, draft: Draft) -> Draft:
        await drafts.insert(tx, draft)
        if draft.content:
            await self._versions.keep(tx, draft, user.id, reason="created")
        return await drafts.get(tx, user, draft.id)

    async def _known(self, tx: Connection, user: User, new: NewDraft) -> Draft | None:
        if new.draft_id is None or not await drafts.exists(tx, new.draft_id):
            return None
        return await drafts.get(tx, user, new.draft_id, Level.WRITE)

    async def duplicate(self, user: User, draft_id: Id, title: str | None) -> Draft:
        """Store a copy of a draft as it is stored now.

        Raises:
            NotFound: no such draft. Conflict: it is being written.
        """
        async with self._database.transaction() as tx:
            draft = await drafts.get(tx, user, draft_id)
            require_still(draft)
            copy = msgspec.structs.replace(
                draft,
                id=new_id(),
                owner_id=user.id,
                title=_line(title) or f"{draft.title[:280]} (copy)",
                status="editing",
                version=1,
                run_id=None,
            )
            stored = await self._insert(tx, user, copy)
            await verifications.copy(tx, draft.id, copy.id)
            return stored

    # Change

    async def change(
        self,
        user: User,
        draft_id: Id,
        change: DraftChange,
        *,
        strict: bool = False,
        tells_text: bool = False,
    ) -> tuple[Draft, list[Warning]]:
        """Apply a change; return the draft as stored and what is odd about its markers.

        Raises:
            Conflict: it changed meanwhile (VERSION_CONFLICT), is being written (DRAFT_BUSY), or may
                not take that status (INVALID_TRANSITION). The first says how the draft is now, with
                `tells_text` also what it says.
            Invalid: `strict`, and markers and citations do not match.
        """
        words = None
        if change.content is not None:
            # In a thread: a long text takes a part of a second, in which others are served.
            words = await asyncio.to_thread(count_words, clean(change.content))
        async with self._database.transaction() as tx:
            draft = await drafts.get(tx, user, draft_id, Level.WRITE)
            updated = await self.apply(tx, user, draft, change, words=words, tells_text=tells_text)
            if strict:
                _require_fit(check(updated.content, updated.citations))
        return updated, await asyncio.to_thread(check, updated.content, updated.citations)

    async def apply(
        self,
        tx: Connection,
        user: User,
        draft: Draft,
        change: DraftChange,
        *,
        reason: str = "edited",
        words: int | None = None,
        tells_text: bool = False,
    ) -> Draft:
        """Store a change of a draft in a transaction, and keep a version of a changed text.

        `words` is how many the text has, if that was counted.

        Raises:
            Conflict: as for `change`.
        """
        expected = draft.version if change.version is None else change.version
        if expected != draft.version:
            raise stale(draft, tells_text=tells_text)
        status = _next_status(draft, change)
        if change.content is None:
            content, words = draft.content, draft.word_count
        else:
            content = clean(change.content)
        citations = kept_citations(draft, change.citations)
        await self._versions.keep_first(tx, draft)
        await drafts.update(
            tx,
            msgspec.structs.replace(
                draft,
                title=_line(change.title) or draft.title,
                status=status,
                content=content,
                citations=citations,
                word_count=count_words(content) if words is None else words,
                sources_used=len(citations),
            ),
            expected,
        )
        updated = await drafts.get(tx, user, draft.id)
        if updated.content or change.content is not None:
            await self._versions.keep(
                tx,
                updated,
                user.id,
                made_by=change.made_by,
                reason=reason,
                is_autosave=change.autosave,
            )
        return updated

    async def fix(
        self, user: User, draft_id: Id, *, remove_unused: bool, renumber_markers: bool
    ) -> Draft:
        """Put markers and citations in order; return the draft as stored.

        Raises:
            NotFound, Conflict: as for `change`.
        """
        async with self._database.transaction() as tx:
            draft = await drafts.get(tx, user, draft_id, Level.WRITE)
            content, citations = fixed(
                draft.content,
                draft.citations,
                remove_unused=remove_unused,
                renumber_markers=renumber_markers,
            )
            change = DraftChange(content=content, citations=list(citations))
            return await self.apply(tx, user, draft, change, reason="fixed")

    async def restore_version(
        self, user: User, draft_id: Id, number: int, expected: int | None
    ) -> Draft:
        """Let a draft say again what a version said; return it as stored, a new version.

        Raises:
            NotFound: no such draft, or version. Conflict: as for `change`.
        """
        async with self._database.transaction() as tx:
            draft = await drafts.get(tx, user, draft_id, Level.WRITE)
            past = await versions.get(tx, draft_id, number)
            change = DraftChange(
                content=past.content, citations=list(past.citations), version=expected
            )
            return await self.apply(tx, user, draft, change, reason="restored")

    # Say what is wrong

    async def take_feedback(
        self, user: User, draft_id: Id, said: DraftFeedback
    ) -> tuple[Id, list[Alternative]]:
        """Keep what somebody says of a draft; return its id and three ways on.

        Raises:
            NotFound: no such draft.
        """
        async with self._database.transaction() as tx:
            draft = await drafts.get(tx, user, draft_id)
            feedback_id = await feedback.insert(
                tx, draft.id, user.id, said.feedback_type, said.comments
            )
        return feedback_id, alternatives(draft, said)

    # Take away

    async def delete(self, runs: Runs, user: User, draft_id: Id) -> None:
        """Take a draft away, for good after `UNDO_S`; one that is being written is stopped first.

        Raises:
            NotFound: no such draft.
        """
        async with self._database.read() as connection:
            draft = await drafts.get(connection, user, draft_id, Level.ADMIN)
        if draft.run_id is not None:
            await runs.cancel(draft.run_id)
        async with self._database.transaction() as tx:
            await drafts.set_deleted(tx, draft_id, _time(0))
        await self.purge()

    async def undelete(self, user: User, draft_id: Id) -> Draft:
        """Bring back a draft that was deleted a short time ago.

        Raises:
            NotFound: no such draft, or it was deleted too long ago.
        """
        await self.purge()
        async with self._database.transaction() as tx:
            await drafts.get(tx, user, draft_id, Level.ADMIN, with_deleted=True)
            await drafts.set_deleted(tx, draft_id, None)
            return await drafts.get(tx, user, draft_id)

    async def purge(self) -> None:
        """Remove for good what was deleted too long ago to be brought back."""
        async with self._database.transaction() as tx:
            await drafts.purge(tx, _time(-UNDO_S))


def _require_fit(warnings: list[Warning]) -> None:
    if any(warning.severity == "warning" for warning in warnings):
        raise Invalid(
            "Markers and citations do not match: " + warnings[0].message,
            code="VALIDATION_ERROR",
            field="content",
        )


def stale(draft: Draft, *, tells_text: bool = False) -> Conflict:
    """Return the error for a change of an older version; it says how the draft is now."""
    current: dict[str, Any] = {
        "version": draft.version,
        "updated_at": draft.updated_at,
        "title": draft.title,
        "status": draft.status,
    }
    if tells_text:
        current |= {"content": draft.content, "citations": draft.citations}
    return Conflict(
        f"The draft was changed meanwhile; it is at version {draft.version}.",
        field="version",
        details={"current": current},
    )


def _time(seconds: float) -> str:
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return at.isoformat(timespec="microseconds")


def require_still(draft: Draft) -> None:
    """Make sure that no run writes this draft.

    Raises:
        Conflict: one does.
    """
    if draft.status == "streaming":
        raise Conflict("This draft is being written. Stop it first.", code="DRAFT_BUSY")


def _next_status(draft: Draft, change: DraftChange) -> str:
    require_still(draft)
    is_only_title = change.content is None and change.citations is None and change.status is None
    if is_only_title:
        return draft.status
    wanted = change.status or "editing"
    if wanted not in _TRANSITIONS[draft.status]:
        raise Conflict(
            f"A draft that is {draft.status} cannot become {wanted}.",
            code="INVALID_TRANSITION",
            field="status",
        )
    return wanted


def kept_citations(draft: Draft, wanted: Kept | None) -> list[Citation]:
    """Return the citations that are wanted; a number that the draft lacks gives none.

    Raises:
        Invalid: the citations are not numbered as markers can be.
    """
    if wanted is None:
        return draft.citations
    known = {citation.number: citation for citation in draft.citations}
    result = [known.get(item) if isinstance(item, int) else item for item in dict.fromkeys(wanted)]
    citations = [citation for citation in result if citation is not None]
    _require_numbers(citations)
    return citations


def _require_numbers(citations: Sequence[Citation]) -> None:
    """Make sure that every citation has a number that a marker can have, and one of its own."""
    numbers = [citation.number for citation in citations]
    if len(set(numbers)) < len(numbers) or not all(1 <= one <= MOST for one in numbers):
        raise Invalid(
            f"Each citation needs a number of its own, from 1 to {MOST}.", field="citations"
        )


def _says(draft: Draft, new: NewDraft) -> bool:
    """Whether a draft is already as somebody wants it."""
    is_called_so = new.title is None or draft.title == _line(new.title)
    is_same_text = (draft.content, draft.citations) == (clean(new.content), new.citations)
    return draft.status != "streaming" and is_called_so and is_same_text


def _line(title: str | None) -> str | None:
    """Return a title as one line without what no text has."""
    return " ".join(clean(title).split()) if title else title


def clean(content: str) -> str:
    """Return a text without what none has: control characters, halves of characters."""
    cleaner = TextCleaner()
    return (cleaner.feed(content) + cleaner.close()).strip()


def describe(draft: Draft) -> dict[str, Any]:
    """Return a draft as the contract shows it."""
    fields = msgspec.structs.asdict(draft)
    del fields["owner_id"], fields["request"]
    fields["template_id"] = draft.document_type
    fields["citation_count"] = len(draft.citations)
    return fields


def recovery_of(draft: Draft) -> list[str]:
    """Return what can be done with a draft as it stands."""
    ways = {"streaming": ["stop"], "partial": ["resume", "retry", "save"]}
    return [*ways.get(draft.status, ["retry"]), "discard"]
