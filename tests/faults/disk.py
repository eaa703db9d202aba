"""An engine on a disk that fails at a chosen moment, without a server around it."""

import asyncio
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import engine as product
from engine import Engine, open_engine
from engine.config import Config
from engine.flows.draft_request import DraftRequest
from engine.runs import journal
from engine.runs.journal import Record
from engine.storage.database import StorageUnavailable
from engine.storage.journal import RunRow
from engine.writers.writer import Assignment, Finished, Piece, Text

PACE_S = 0.002
SETTINGS = {
    "sample": False, "coalesce_s": 0.001, "storage_patience_s": 0.05, "max_streams_per_user": 50,
}  # fmt: skip


class Crash(BaseException):
    """The process is dead: from here on nothing reaches the disk."""


class PacedWriter:
    """Writes a given text word by word and goes on where it was left."""

    model = "paced"

    def __init__(self, text: str, *, pace_s: float = PACE_S) -> None:
        self.text = text
        self.pace_s = pace_s
        self.calls = 0
        self.before_piece: Callable[[int], None] = lambda _: None
        """Called with the number of each piece; may raise."""
        self._pieces = 0

    async def write(self, assignment: Assignment) -> AsyncGenerator[Piece, None]:
        self.calls += 1
        rest = self.text[len(assignment.so_far) :]
        for number, word in enumerate(rest.split(" ")):
            self._pieces += 1
            self.before_piece(self._pieces)
            await asyncio.sleep(self.pace_s)
            yield Text(" " * (number > 0) + word)
        yield Finished("stop")

    async def close(self) -> None:
        """Nothing is open."""


class Disk:
    """Stands before the writer connection and fails as it is told."""

    def __init__(self, connection: Any) -> None:
        self.calls = 0
        self.is_dead = False
        self.rule: Callable[[int, str], None] = lambda _, __: None
        """Called with the number and the SQL of each call before it is done; may raise."""
        self.rule_after: Callable[[int, str], None] = lambda _, __: None
        """The same, after it is done."""
        for name in ("execute_fetchall", "executemany", "execute"):
            setattr(connection, name, self._guarded(getattr(connection, name)))

    def _guarded(self, original: Any) -> Any:
        async def call(sql: str, *arguments: Any) -> Any:
            self.calls += 1
            number = self.calls
            try:
                self.rule(number, sql)
                result = await original(sql, *arguments)
                self.rule_after(number, sql)
            except Crash:
                self.is_dead = True
                raise
            return result

        return call


def io_error(code: int = sqlite3.SQLITE_IOERR) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = code
    return error


def fail_at(first: int, last: int | None = None, code: int = sqlite3.SQLITE_IOERR) -> Any:
    """Return a rule that fails the calls of a range, or one call."""

    def rule(number: int, _: str) -> None:
        if first <= number <= (last or first):
            raise io_error(code)

    return rule


def crash_from(first: int) -> Any:
    """Return a rule after which nothing works any more."""

    def rule(number: int, _: str) -> None:
        if number >= first:
            raise Crash

    return rule


class Product:
    """An open engine, its disk, and the one user."""

    def __init__(self, engine: Engine, kb_id: str) -> None:
        self.engine = engine
        self.kb_id = kb_id
        self.disk = Disk(engine.database._writer)

    async def start(self, *, key: str | None = None, **fields: Any) -> RunRow:
        user, _ = await self.engine.identity.administrator()
        asked = {"kb_id": self.kb_id, "document_type": "custom", "context": "sign-in"} | fields
        return await self.engine.drafting.start(
            self.engine.runs, user, DraftRequest(**asked), key=key, body_hash="h"
        )

    async def start_at_last(self) -> RunRow:
        """Start a draft, asking again for as long as the disk refuses."""
        async with asyncio.timeout(10):
            while True:
                try:
                    return await self.start()
                except StorageUnavailable:
                    await asyncio.sleep(0.005)

    async def follow(self, run_id: str, seen: list[Record]) -> None:
        """Read on from what was seen, coming back after every error, to the end."""
        async with asyncio.timeout(10):
            while True:
                try:
                    after = seen[-1].seq if seen else 0
                    async with self.engine.runs.attach(run_id, after) as tail:
                        while (records := await tail.next(1.0)) is not None:
                            seen += records
                        return
                except StorageUnavailable:
                    await asyncio.sleep(0.005)


@asynccontextmanager
async def open_product(
    data: Path, monkeypatch: pytest.MonkeyPatch, writer: PacedWriter, **settings: Any
) -> AsyncIterator[Product]:
    """Open the engine on a folder with a knowledge base; after a Crash nothing is put in order."""
    monkeypatch.setattr(product, "make_writer", lambda *_: writer)
    monkeypatch.setattr(journal, "_RETRY_DELAY_S", 0.01)
    stack = AsyncExitStack()
    engine = await stack.enter_async_context(
        open_engine(Config(data=data, **(SETTINGS | settings)), owns_data=True)
    )
    try:
        async with engine.database.read() as connection:
            [row] = await connection.execute_fetchall("select id from knowledge_bases")
        opened = Product(engine, row["id"])
        yield opened
        if opened.disk.is_dead:
            for run in engine.runs._live.values():
                if run.task is not None:
                    run.task.cancel()
    finally:
        with suppress(Crash):
            await stack.aclose()
