"""A draft leaves the server as a file."""

from contextlib import suppress
from pathlib import Path

import msgspec

from engine.errors import Conflict, Forbidden, Invalid, NotFound
from engine.export.manuscript import (
    FILE_TYPES,
    FileType,
    Format,
    Manuscript,
    Order,
    Style,
    Verification,
    hash_key,
)
from engine.export.press import Press
from engine.flows.audit import Action, Audit
from engine.storage import drafts, exports, verifications
from engine.storage.database import Connection, Database
from engine.storage.drafts import Draft
from engine.storage.identities import User
from engine.types import Id, Level, utc_now


class ExportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What file is wanted; `template` names a Word file of the team to build on."""

    format: str
    citation_style: Style = "footnotes"
    template: str | None = None


class ExportedFile(msgspec.Struct, frozen=True):
    """A file, and the title of what is in it."""

    title: str
    type: FileType
    data: bytes


class Exporting:
    """Writes drafts as files. The team's own Word files are those in a folder of the operator."""

    def __init__(self, database: Database, audit: Audit, templates: Path) -> None:
        """Take Word files from `templates`, which need not exist."""
        self._database = database
        self._audit = audit
        self._templates = templates
        self._press = Press()

    def templates(self) -> list[str]:
        """Return the names of the team's Word files."""
        return sorted(self._found())

    async def export(
        self, user: User, draft_id: Id, request: ExportRequest, *, level: Level = Level.ADMIN
    ) -> ExportedFile:
        """Return a draft as a file; whoever may read it may have it.

        `level` is the most that may be done for this request: where it is not to write, the draft
        does not count as exported.

        Raises:
            NotFound: the draft is not the user's to see. Conflict: it is being written.
            Invalid: there is no such format or template, or the template cannot be used.
            TooLarge, LimitReached: as `Press.write` says.
        """
        format_ = _format(request.format)
        base = self._base(request.template)
        async with self._database.read() as connection:
            draft = await drafts.get(connection, user, draft_id)
            manuscript = await _manuscript(connection, draft)
        order = Order(
            manuscript=manuscript, format=format_, style=request.citation_style, base=base
        )
        data = await self._press.write(order)
        async with self._database.transaction() as tx:
            if level >= Level.WRITE and format_ != "evidence":
                await _mark(tx, user, draft)
            await self._note(tx, user, draft, format_)
        return ExportedFile(draft.title, FILE_TYPES[format_], data)

    async def _note(self, tx: Connection, user: User, draft: Draft, format_: Format) -> None:
        await self._audit.note(
            tx,
            Action.EXPORTED,
            user_id=user.id,
            kb_id=draft.kb_id,
            subject=draft.id,
            detail=format_,
        )

    def _base(self, name: str | None) -> str | None:
        """Return the path of a template; its name is looked up, never made into a path."""
        if name is None:
            return None
        found = self._found()
        if name not in found:
            raise Invalid(f"There is no template called “{name[:100]}”.", field="template")
        return str(found[name].resolve())

    def _found(self) -> dict[str, Path]:
        files = (path for path in self._templates.glob("*.docx") if path.is_file())
        return {path.stem: path for path in files if path.name[0] not in ".~"}


async def _mark(tx: Connection, user: User, draft: Draft) -> None:
    """Note on the draft that it was exported, if the user may change it."""
    with suppress(Forbidden, NotFound):
        await drafts.get(tx, user, draft.id, Level.WRITE)
        await exports.set_exported(tx, draft.id, draft.version)


def _format(name: str) -> Format:
    for known in FILE_TYPES:
        if known == name:
            return known
    raise Invalid(
        f"Invalid format. Choose one of {', '.join(FILE_TYPES)}.",
        code="INVALID_FORMAT",
        field="format",
    )


async def _manuscript(connection: Connection, draft: Draft) -> Manuscript:
    if draft.status == "streaming":
        raise Conflict("This draft is being written. Wait or stop it first.", code="DRAFT_BUSY")
    cited = {citation.document_id for citation in draft.citations}
    rows = await exports.hashes(connection, draft.kb_id, cited)
    ticks = await verifications.of_draft(connection, draft.id)
    return Manuscript(
        draft_id=draft.id,
        title=draft.title,
        content=draft.content,
        citations=draft.citations,
        status=draft.status,
        version=draft.version,
        author=draft.author,
        exported_at=utc_now(),
        hashes={hash_key(row.document_id, row.version): row.sha256 for row in rows},
        verified={
            citation.number: Verification(tick.username, tick.verified_at)
            for citation in draft.citations
            if (tick := ticks.get(citation.chunk_id))
        },
    )
