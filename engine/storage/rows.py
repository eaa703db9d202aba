"""From rows to typed records."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import aiosqlite
import msgspec

T = TypeVar("T")

_AT_ONCE = 64
"""Rows of one statement; what SQLite prepares for more takes memory for good."""


async def fetch_all(
    connection: aiosqlite.Connection, sql: str, params: Mapping[str, Any] | Sequence[Any] = ()
) -> list[sqlite3.Row]:
    """Run a query and return all its rows."""
    return list(await connection.execute_fetchall(sql, params))


async def fetch_one(
    connection: aiosqlite.Connection, sql: str, params: Mapping[str, Any] | Sequence[Any] = ()
) -> sqlite3.Row | None:
    """Run a query and return its first row, or None."""
    rows = await fetch_all(connection, sql, params)
    return rows[0] if rows else None


async def insert_all(tx: aiosqlite.Connection, insert: str, rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows, many by one statement; `insert` goes up to the word "values".

    With a statement for each row, the database's thread would wait for the interpreter after each:
    five milliseconds a row, and every stream with it, while the event loop is busy. Their numbers
    are powers of two, so that there are few statements to prepare.
    """
    start = 0
    while left := len(rows) - start:
        count = 1 << (min(left, _AT_ONCE).bit_length() - 1)
        some = rows[start : start + count]
        marks = ",".join([f"({','.join('?' * len(some[0]))})"] * count)
        await tx.execute_fetchall(f"{insert} values {marks}", [v for row in some for v in row])
        start += count


def record(row: sqlite3.Row, kind: type[T], *, json: Sequence[str] = (), **given: Any) -> T:
    """Convert a row to a struct; columns named in `json` hold JSON text, `given` values win."""
    values = dict(row) | given
    for column in json:
        values[column] = msgspec.json.decode(values[column])
    return msgspec.convert(values, kind, strict=False)


def to_json(value: object) -> str:
    """Encode a value for a JSON column."""
    return msgspec.json.encode(value).decode()


def containing(words: str) -> str:
    """Return the pattern of `like … escape '\\'` for texts that hold these words in this order."""
    escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{'%'.join(escaped.split())}%"
