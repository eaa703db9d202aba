"""What a draft was before: a checkpoint whenever a machine ends a text or a person saves one.

Autosaves come every few seconds, so those of one person within a short time are one checkpoint. An
explicit save closes such a session; without one it is a checkpoint of its own.
"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Literal

import msgspec

from engine.citations.markers import count_words
from engine.errors import Conflict
from engine.flows.comparison import Diff, compare
from engine.storage import drafts, versions
from engine.storage.database import Connection, Database
from engine.storage.drafts import Draft
from engine.storage.identities import User
from engine.storage.versions import Facts, Version
from engine.types import Id, Level

Maker = Literal["human", "machine"]

_PAUSE = timedelta(minutes=10)
_LONGEST = timedelta(hours=1)


class Versions:
    """Keeps and compares versions."""

    def __init__(self, database: Database) -> None:
        """Keep them in `database`."""
        self._database = database

    # Keep

    async def keep_written(self, tx: Connection, draft_id: Id, user_id: Id, text: Draft) -> None:
        """Keep what a run has written, if it wrote anything."""
        if text.content:
            words = count_words(text.content)
            text = msgspec.structs.replace(text, id=draft_id, word_count=words)
            await self.keep(tx, text, user_id, made_by="machine", reason="generated")

    async def keep_first(self, tx: Connection, draft: Draft) -> None:
        """Keep the text a draft has before its first change, where nobody has done so."""
        if draft.content and await versions.latest(tx, draft.id) is None:
            made_by: Maker = "human" if draft.status in ("editing", "exported") else "machine"
            await self.keep(tx, draft, draft.owner_id, made_by=made_by, reason="generated")

    async def keep(
        self,
        tx: Connection,
        draft: Draft,
        user_id: Id,
        *,
        made_by: Maker = "human",
        reason: str,
        is_autosave: bool = False,
    ) -> None:
        """Keep a draft as it reads now, unless its last version says the same."""
        last = await versions.latest(tx, draft.id)
        is_open = is_autosave and made_by == "human"
        if last is not None and reason == "edited" and _joins(last, user_id, made_by):
            await versions.replace(tx, draft, last.number, is_open=is_open)
            return
        if last is not None and reason != "restored" and _says_the_same(last, draft):
            return
        number = last.number + 1 if last else 1
        await versions.insert(tx, draft, number, user_id, made_by, reason, is_open)

    # Read

    async def list_all(self, user: User, draft_id: Id) -> list[Facts]:
        """Return the versions of a draft, newest first.

        Raises:
            NotFound: no such draft.
        """
        async with self._database.read() as connection:
            await drafts.get(connection, user, draft_id)
            return await versions.list_all(connection, draft_id)

    async def get(self, user: User, draft_id: Id, number: int) -> Version:
        """Return a version.

        Raises:
            NotFound: no such draft, or version.
        """
        async with self._database.read() as connection:
            await drafts.get(connection, user, draft_id)
            return await versions.get(connection, draft_id, number)

    async def diff(self, user: User, draft_id: Id, number: int, to: int | None) -> Diff:
        """Compare a version by words with another, or with what the draft says now.

        Raises:
            NotFound: no such draft, or version.
        """
        async with self._database.read() as connection:
            draft = await drafts.get(connection, user, draft_id)
            before = await versions.get(connection, draft_id, number)
            after = draft if to is None else await versions.get(connection, draft_id, to)
        # In a thread: long texts take a part of a second, in which others are served.
        return await asyncio.to_thread(compare, before.content, after.content)

    # Name

    async def rename(self, user: User, draft_id: Id, number: int, name: str) -> Version:
        """Give a version a name, or take it away.

        Raises:
            NotFound, Forbidden: no such version, or not to be changed by this user.
        """
        async with self._database.transaction() as tx:
            await drafts.get(tx, user, draft_id, Level.WRITE)
            await versions.get(tx, draft_id, number)
            await versions.rename(tx, draft_id, number, name.strip())
            return await versions.get(tx, draft_id, number)

    async def keep_as(self, user: User, draft_id: Id, name: str) -> Version:
        """Give what a draft says now a name.

        Raises:
            NotFound, Forbidden: no such draft, or not to be changed by this user.
            Conflict: it is being written.
        """
        async with self._database.transaction() as tx:
            draft = await drafts.get(tx, user, draft_id, Level.WRITE)
            if draft.status == "streaming":
                raise Conflict("This draft is being written. Stop it first.", code="DRAFT_BUSY")
            await self.keep(tx, draft, user.id, reason="edited")
            last = await versions.latest(tx, draft_id)
            if last is None:
                raise Conflict("This draft has no text yet.", code="INVALID_TRANSITION")
            await versions.rename(tx, draft_id, last.number, name.strip())
            return await versions.get(tx, draft_id, last.number)


def _joins(last: Version, user_id: Id, made_by: Maker) -> bool:
    """Whether a save belongs to the session of autosaves that the last version holds."""
    is_same_session = last.is_open and last.author_id == user_id and made_by == "human"
    return is_same_session and not last.name and _is_recent(last)


def _is_recent(version: Facts) -> bool:
    now = datetime.now(UTC)
    return (
        now - datetime.fromisoformat(version.updated_at) < _PAUSE
        and now - datetime.fromisoformat(version.created_at) < _LONGEST
    )


def _says_the_same(version: Version, draft: Draft) -> bool:
    return version.content == draft.content and version.citations == draft.citations
