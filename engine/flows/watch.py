"""Notices that rights were taken away, whichever process did it, so that open streams end soon.

The database counts them (migration 0004). One look a second serves all streams: each compares a
number, and only when it has changed looks again at what it was let in by.
"""

import asyncio
import logging

from engine.flows.identity import Identity
from engine.runs.runner import Runs
from engine.storage import identities, sessions
from engine.storage.database import Database, StorageUnavailable

_logger = logging.getLogger("footnote.identity")

_LOOK_EVERY_S = 1.0
_NOTE_EVERY = 60


class Watch:
    """Looks for revocations for as long as the server runs."""

    def __init__(self, database: Database, identity: Identity, runs: Runs) -> None:
        """Stop those of `runs` whose user is disabled."""
        self._database = database
        self._identity = identity
        self._runs = runs
        self._task: asyncio.Task[None] | None = None
        self.number = 0

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._look_forever(), name="revocations")

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            await self._identity.note_used()

    async def _look_forever(self) -> None:
        looks = 0
        while True:
            looks += 1
            try:
                await self._look()
                if looks % _NOTE_EVERY == 0:
                    await self._identity.note_used()
            except StorageUnavailable:
                _logger.warning("revoked rights could not be looked for; trying again")
            await asyncio.sleep(_LOOK_EVERY_S)

    async def _look(self) -> None:
        async with self._database.read() as connection:
            number = await sessions.revocations(connection)
            if number == self.number:
                return
            disabled = await identities.disabled_among(connection, self._runs.users())
        self.number = number
        self._runs.wake_readers()
        await self._runs.cancel_of(disabled)
