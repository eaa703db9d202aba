"""Who did what: one line for each thing an administrator may have to account for.

An entry is written in the transaction of what it tells of, so there is never one without the other.
Where a request came from is known to everything done for it without being handed down.
"""

from collections.abc import Iterable
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from engine.storage import audit
from engine.storage.audit import Entry, Filter
from engine.storage.database import Connection, Database
from engine.storage.journal import RunRow
from engine.types import Id, utc_now

_PRUNE_EVERY = 256
_MAX_CHARS = 200


class Action(StrEnum):
    """What can be accounted for."""

    GENERATED = "generated"
    UPLOADED = "uploaded"
    EXPORTED = "exported"
    SHARED = "shared"
    UNSHARED = "unshared"
    HANDED_OVER = "handed_over"
    DELETED = "deleted"
    REGISTERED = "registered"
    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGNED_OUT = "signed_out"
    TOKEN_REUSED = "token_reused"
    PASSWORD_CHANGED = "password_changed"
    KEY_MADE = "key_made"
    KEY_REVOKED = "key_revoked"
    USER_CHANGED = "user_changed"
    USER_DISABLED = "user_disabled"
    USER_ENABLED = "user_enabled"


class Asker(msgspec.Struct, frozen=True):
    """Where a request came from."""

    address: str = ""
    request_id: str = ""


_COMMAND_LINE = Asker()
asker: ContextVar[Asker] = ContextVar("asker", default=_COMMAND_LINE)
"""Who asked for what is being done; set once for each request."""


class Audit:
    """Writes the audit log, reads it, and keeps it for as long as is set."""

    def __init__(self, database: Database, *, keep_days: int) -> None:
        """Keep entries for so many days, one at least."""
        self._database = database
        self._keep_days = keep_days

    async def note(
        self,
        tx: Connection,
        action: Action,
        *,
        user_id: Id | None = None,
        username: str = "",
        kb_id: Id | None = None,
        subject: str = "",
        detail: str = "",
    ) -> None:
        """Add an entry in the transaction of what it tells of.

        `username` is for those who are no user, for instance a failed sign-in. `subject` is the id
        or name of what it was done to, `detail` a word about it; neither may be text of a document.
        """
        came_from = asker.get()
        number = await audit.add(
            tx,
            Entry(
                id=0,
                at=utc_now(),
                action=action,
                user_id=user_id,
                username=_bounded(username),
                kb_id=kb_id,
                subject=_bounded(subject),
                detail=_bounded(detail),
                address=came_from.address,
                request_id=came_from.request_id,
            ),
        )
        if number % _PRUNE_EVERY == 0:
            await self._forget_old(tx)

    async def record(self, action: Action, *, user_id: Id | None = None, **facts: str) -> None:
        """Add an entry about something that has no transaction of its own; see `note`."""
        async with self._database.transaction() as tx:
            await self.note(tx, action, user_id=user_id, **facts)

    async def note_run(self, tx: Connection, run: RunRow) -> None:
        """Add the entry of a run that starts."""
        is_upload = run.family == "ingest"
        await self.note(
            tx,
            Action.UPLOADED if is_upload else Action.GENERATED,
            user_id=run.user_id,
            kb_id=run.kb_id,
            subject=run.draft_id or run.document_id or run.id,
            detail="" if is_upload else run.family,
        )

    async def page(self, wanted: Filter, *, before: int | None, limit: int) -> list[Entry]:
        """Return the newest entries that fit, below the id `before`."""
        async with self._database.read() as connection:
            return await audit.find(connection, wanted, before=before, limit=limit)

    async def prune(self) -> None:
        """Remove what is older than is kept."""
        async with self._database.transaction() as tx:
            await self._forget_old(tx)

    async def _forget_old(self, tx: Connection) -> None:
        oldest = datetime.now(UTC) - timedelta(days=self._keep_days)
        await audit.forget_before(tx, oldest.isoformat(timespec="microseconds"))


def _bounded(text: str) -> str:
    """Return a name as one short line, whatever was typed."""
    return "".join(_printable(text[:_MAX_CHARS]))


def _printable(text: str) -> Iterable[str]:
    return (char if char.isprintable() else "\ufffd" for char in text)
