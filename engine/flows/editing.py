"""Drafts in human hands: saved, changed, checked and put in order."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from engine.citations.markers import count_words, markers_in
from engine.citations.renumbering import renumber
from engine.errors import Conflict, Invalid
from engine.flows.document_types import Catalogue
from engine.flows.draft import title_for
from engine.runs.runner import Runs
from engine.storage import drafts, knowledge
from engine.storage.database import Connection, Database
from engine.storage.drafts import Draft
from engine.storage.identities import User
from engine.types import Citation, Id, Level, new_id

Status = Literal["streaming", "partial", "complete", "editing", "exported"]
Text = Annotated[str, Meta(max_length=2_000_000)]
Title = Annotated[str, Meta(min_length=1, max_length=300)]

_TRANSITIONS: dict[str, set[str]] = {
    "streaming": set(),
    "partial": {"editing"},
    "complete": {"editing", "exported"},
    "editing": {"editing", "exported"},
    "exported": {"editing"},
}


class DraftChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a person changes; `citations` are objects, or numbers of citations to keep."""

    content: Text | None = None
    citations: list[Citation | int] | None = None
    status: Status | None = None
    title: Title | None = None
    version: int | None = None


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


class Warning(msgspec.Struct, frozen=True):
    """Something about the markers of a draft that is worth a look."""

    code: str
    numbers: list[int]
    message: str
    severity: Literal["warning", "info"] = "warning"


class Editing:
    """Changes to drafts, each under the next version."""

    def __init__(self, database: Database, catalogue: Catalogue) -> None:
        """Store drafts in `database`."""
        self._database = database
        self._catalogue = catalogue

    async def create(self, user: User, new: NewDraft) -> tuple[Draft, bool]:
        """Store a draft; return it and whether it is new. A known id is updated instead.

        Raises:
            NotFound: the knowledge base, or the draft of that id, is not the user's.
            Conflict: that draft is being written just now.
        """
        kind = self._catalogue.find(new.document_type)
        async with self._database.transaction() as tx:
            await knowledge.get(tx, user, new.kb_id)
            known = await self._known(tx, user, new)
            if known is not None:
                change = DraftChange(
                    content=new.content, citations=list(new.citations), title=new.title
                )
                return await self._apply(tx, user, known, change), False
            draft = Draft(
                id=new.draft_id or new_id(),
                kb_id=new.kb_id,
                owner_id=user.id,
                document_type=kind.id,
                title=new.title or title_for(kind, new.context),
                context=new.context,
                request=msgspec.to_builtins(new),
                status="editing",
                content=new.content,
                citations=new.citations,
                word_count=count_words(new.content),
                sources_used=len(new.citations),
            )
            await drafts.insert(tx, draft)
            return await drafts.get(tx, user, draft.id), True

    async def _known(self, tx: Connection, user: User, new: NewDraft) -> Draft | None:
        if new.draft_id is None or not await drafts.exists(tx, new.draft_id):
            return None
        return await drafts.get(tx, user, new.draft_id, Level.WRITE)

    async def change(
        self, user: User, draft_id: Id, change: DraftChange, *, strict: bool = False
    ) -> tuple[Draft, list[Warning]]:
        """Apply a change; return the draft as stored and what is odd about its markers.

        Raises:
            Conflict: it changed meanwhile (VERSION_CONFLICT), is being written (DRAFT_BUSY), or may
                not take that status (INVALID_TRANSITION).
            Invalid: `strict`, and markers and citations do not match.
        """
        async with self._database.transaction() as tx:
            draft = await drafts.get(tx, user, draft_id, Level.WRITE)
            updated = await self._apply(tx, user, draft, change)
            warnings = check(updated.content, updated.citations)
            if strict and any(warning.severity == "warning" for warning in warnings):
                raise Invalid(
                    "Markers and citations do not match: " + warnings[0].message,
                    code="VALIDATION_ERROR",
                    field="content",
                )
        return updated, warnings

    async def _apply(self, tx: Connection, user: User, draft: Draft, change: DraftChange) -> Draft:
        expected = draft.version if change.version is None else change.version
        if expected != draft.version:
            raise Conflict(f"The draft was changed meanwhile; it is at version {draft.version}.")
        status = _next_status(draft, change)
        content = draft.content if change.content is None else _clean(change.content)
        citations = _citations(draft, change.citations)
        await drafts.update(
            tx,
            msgspec.structs.replace(
                draft,
                title=change.title or draft.title,
                status=status,
                content=content,
                citations=citations,
                word_count=count_words(content),
                sources_used=len(citations),
            ),
            expected,
        )
        return await drafts.get(tx, user, draft.id)

    async def delete(self, runs: Runs, user: User, draft_id: Id) -> None:
        """Remove a draft; one that is being written is stopped first.

        Raises:
            NotFound: no such draft.
        """
        async with self._database.read() as connection:
            draft = await drafts.get(connection, user, draft_id, Level.ADMIN)
        if draft.run_id is not None:
            await runs.cancel(draft.run_id)
        async with self._database.transaction() as tx:
            await drafts.delete(tx, draft_id)

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
            return await self._apply(tx, user, draft, change)


def check(content: str, citations: list[Citation]) -> list[Warning]:
    """Return what does not fit between the markers of a text and its citations."""
    used = markers_in(content)
    known = [citation.number for citation in citations]
    found = [
        Warning(
            "MARKER_WITHOUT_CITATION",
            sorted(set(used) - set(known)),
            "These markers point at no citation.",
        ),
        Warning(
            "CITATION_WITHOUT_MARKER",
            sorted(set(known) - set(used)),
            "These citations are not used in the text.",
        ),
        Warning(
            "NON_SEQUENTIAL",
            used if used != list(range(1, len(used) + 1)) else [],
            "The markers do not count 1, 2, 3 in the order of the text.",
        ),
        Warning(
            "DUPLICATE_MARKER",
            repeated_markers(content),
            "These markers are used more than once, which is fine.",
            "info",
        ),
    ]
    return [warning for warning in found if warning.numbers]


def fixed(
    content: str, citations: list[Citation], *, remove_unused: bool, renumber_markers: bool
) -> tuple[str, list[Citation]]:
    """Return the text and its citations in order."""
    used = markers_in(content)
    if remove_unused:
        citations = [citation for citation in citations if citation.number in used]
    if not renumber_markers:
        return content, citations
    known = {citation.number for citation in citations}
    order = [number for number in used if number in known]
    order += sorted(known - set(order))
    numbers = {number: place for place, number in enumerate(order, start=1)}
    renumbered = [
        msgspec.structs.replace(citation, number=numbers[citation.number]) for citation in citations
    ]
    unknown = {number: number for number in used if number not in known}
    return (
        renumber(content, {**unknown, **numbers}),
        sorted(renumbered, key=lambda citation: citation.number),
    )


def repeated_markers(content: str) -> list[int]:
    """Return the numbers that occur more than once in a text."""
    seen: set[int] = set()
    repeated: set[int] = set()
    for number in markers_in(content, distinct=False):
        (repeated if number in seen else seen).add(number)
    return sorted(repeated)


def _next_status(draft: Draft, change: DraftChange) -> str:
    if draft.status == "streaming":
        raise Conflict("This draft is being written. Stop it first.", code="DRAFT_BUSY")
    is_only_title = change.content is None and change.citations is None and change.status is None
    if is_only_title:
        return draft.status
    wanted = change.status or "editing"
    if wanted not in _TRANSITIONS[draft.status]:
        raise Conflict(
            f"A draft that is {draft.status} cannot become {wanted}.", code="INVALID_TRANSITION"
        )
    return wanted


def _citations(draft: Draft, wanted: list[Citation | int] | None) -> list[Citation]:
    if wanted is None:
        return draft.citations
    known = {citation.number: citation for citation in draft.citations}
    result = [known.get(item) if isinstance(item, int) else item for item in wanted]
    return [citation for citation in result if citation is not None]


def _clean(content: str) -> str:
    """Take out what no text has: lone surrogates, NUL and other control characters."""
    text = content.replace("\r\n", "\n").replace("\r", "\n")
    kept = "".join(c for c in text if c in "\n\t" or c >= " ")
    return kept.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").strip()


def describe(draft: Draft) -> dict[str, Any]:
    """Return a draft as the contract shows it."""
    fields = msgspec.structs.asdict(draft)
    del fields["owner_id"], fields["request"]
    fields["template_id"] = draft.document_type
    fields["citation_count"] = len(draft.citations)
    return fields
