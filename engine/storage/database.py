"""The database: one writer behind a lock, a few read-only readers, migrations in order.

SQLite in WAL mode. All writes go through `transaction()`, so two pieces of work never share one
transaction by accident and a cancelled task never leaves one open. Readers see only what is
committed.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiosqlite

from engine.errors import AppError, Unavailable

Connection = aiosqlite.Connection
SQLITE_VERSION = sqlite3.sqlite_version

_MIGRATIONS = Path(__file__).parent / "migrations"
_OUT_OF_ORDER = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
}
_CHECKPOINT_PAGES = 4000
"""Four times the usual: streams write the same few pages over and over, each checkpoint all."""

_SYNCHRONOUS = {True: "pragma synchronous=full", False: "pragma synchronous=normal"}


class StorageUnavailable(Unavailable):
    """The disk is full, or the database is locked or read-only just now."""


class StorageRefused(AppError):
    """The database cannot be opened at all; the message says why."""


class Database:
    """Access to the one database file."""

    def __init__(self, writer: Connection, readers: list[Connection]) -> None:
        """Take connections that are open and set up; use `open_database`."""
        self._writer = writer
        self._lock = asyncio.Lock()
        self._is_durable = False
        self._readers: asyncio.Queue[Connection] = asyncio.Queue()
        for reader in readers:
            self._readers.put_nowait(reader)

    @asynccontextmanager
    async def transaction(self, *, durable: bool = False) -> AsyncIterator[Connection]:
        """Hold the writer for one transaction; commit on success, roll back on anything else.

        `durable` waits until the disk has it (`synchronous=FULL`), else a power cut may take the
        last moments, while a killed process loses nothing.

        Raises:
            StorageUnavailable: the disk or the lock did not allow it; nothing was written.
        """
        async with self._lock:
            with _storage_errors():
                await self._set_durable(durable)
                try:
                    await self._writer.execute_fetchall("begin immediate")
                    yield self._writer
                    await self._writer.execute_fetchall("commit")
                except BaseException:
                    # Queued behind whatever the writer is still doing for a cancelled caller.
                    await asyncio.shield(self._writer.rollback())
                    raise

    async def _set_durable(self, durable: bool) -> None:
        """Choose before the transaction: an error after its commit would tell of a failure."""
        if durable != self._is_durable:
            await self._writer.execute_fetchall(_SYNCHRONOUS[durable])
            self._is_durable = durable

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Connection]:
        """Borrow a read-only connection.

        Raises:
            StorageUnavailable: the file cannot be read just now.
        """
        reader = await self._readers.get()
        try:
            with _storage_errors():
                yield reader
        finally:
            self._readers.put_nowait(reader)


class _storage_errors:
    """Translate the errors of a disk or a lock into one the product knows."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, sqlite3.Error) and _is_out_of_order(error):
            raise StorageUnavailable(
                "The server cannot use its disk just now. What you see is safe; try again soon."
            ) from error


def _is_out_of_order(error: sqlite3.Error) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and (code & 0xFF) in _OUT_OF_ORDER


@asynccontextmanager
async def open_database(path: Path, *, readers: int = 3) -> AsyncIterator[Database]:
    """Open or create the database at `path`, bring it up to date, close it at the end.

    Raises:
        StorageRefused: it is no database, cannot be written, or belongs to a newer version.
    """
    connections: list[Connection] = []
    try:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # A connection that fails to open leaves its thread behind, which complains at the end.
            sqlite3.connect(path).close()
            connections.append(await _connect(path))
            await _migrate(connections[0])
            for _ in range(readers):
                reader = await _connect(path)
                connections.append(reader)
                await reader.execute_fetchall("pragma query_only=on")
        except (sqlite3.Error, OSError) as error:
            raise StorageRefused(
                f"The database {path} cannot be used: {error}. "
                "Check that it is a Footnote database and that its folder can be written."
            ) from error
        yield Database(connections[0], connections[1:])
    finally:
        for connection in reversed(connections):
            await connection.close()


async def _connect(path: Path) -> Connection:
    connection = await aiosqlite.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        await connection.execute_fetchall("pragma busy_timeout=5000")
        await connection.execute_fetchall("pragma journal_mode=wal")
        await connection.execute_fetchall("pragma synchronous=normal")
        await connection.execute_fetchall(f"pragma wal_autocheckpoint={_CHECKPOINT_PAGES}")
        await connection.execute_fetchall("pragma foreign_keys=on")
    except BaseException:
        await connection.close()
        raise
    return connection


async def _migrate(connection: Connection) -> None:
    scripts = sorted(_MIGRATIONS.glob("[0-9]*.sql"))
    rows = await connection.execute_fetchall("pragma user_version")
    version = next(iter(rows))[0]
    if version > len(scripts):
        raise StorageRefused(
            "The data folder belongs to a newer version of Footnote. Use that version,"
            " or restore a backup."
        )
    for number, script in enumerate(scripts, start=1):
        if number > version:
            await _apply(connection, number, script.read_text())


async def _apply(connection: Connection, number: int, script: str) -> None:
    try:
        await connection.executescript(
            f"begin immediate;\n{script}\n;pragma user_version={number};\ncommit;"
        )
    except BaseException:
        with suppress(sqlite3.Error):
            await connection.execute_fetchall("rollback")
        raise
