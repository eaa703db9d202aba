"""Document types that a team made: each belongs to a knowledge base."""

from typing import Any

import msgspec

from engine.errors import NotFound
from engine.storage.database import Connection
from engine.storage.rights import READABLE, Reader, reading, require
from engine.storage.rows import fetch_all, fetch_one, record, to_json
from engine.types import Id, Level, utc_now

_COLUMNS = (
    "t.id, t.kb_id, t.name, t.definition, t.created_at, t.updated_at,"
    " coalesce((select username from users where id = t.author_id), '') as author"
)


class OwnType(msgspec.Struct, frozen=True, kw_only=True):
    """A type as stored; `definition` are the fields of a document type without id and name."""

    id: Id
    kb_id: Id
    author: str
    name: str
    definition: dict[str, Any]
    created_at: str
    updated_at: str


async def insert(
    tx: Connection, own_id: Id, kb_id: Id, author_id: Id, name: str, definition: object
) -> None:
    """Store a new type."""
    now = utc_now()
    await tx.execute_fetchall(
        "insert into own_document_types (id, kb_id, author_id, name, definition, created_at,"
        " updated_at) values (?, ?, ?, ?, ?, ?, ?)",
        (own_id, kb_id, author_id, name, to_json(definition), now, now),
    )


async def update(tx: Connection, own_id: Id, name: str, definition: object) -> None:
    """Store a changed type."""
    await tx.execute_fetchall(
        "update own_document_types set name = ?, definition = ?, updated_at = ? where id = ?",
        (name, to_json(definition), utc_now(), own_id),
    )


async def delete(tx: Connection, own_id: Id) -> None:
    """Take a type out of sight; drafts made with it still find it by its id."""
    await tx.execute_fetchall(
        "update own_document_types set deleted_at = ? where id = ?", (utc_now(), own_id)
    )


async def visible(connection: Connection, reader: Reader, kb_id: Id | None) -> list[OwnType]:
    """Return the types of a knowledge base, or of all that the reader may see, by name."""
    rows = await fetch_all(
        connection,
        f"select {_COLUMNS} from own_document_types t join {READABLE} r on r.kb_id = t.kb_id"
        " where t.deleted_at is null and (:kb_id is null or t.kb_id = :kb_id)"
        " order by lower(t.name), t.id",
        {"kb_id": kb_id, **reading(reader)},
    )
    return [record(row, OwnType, json=("definition",)) for row in rows]


async def get(
    connection: Connection, reader: Reader, own_id: Id, least: Level = Level.READ
) -> OwnType:
    """Return a type that has not been deleted.

    Raises:
        NotFound: there is none that the reader may see.
        Forbidden: the reader has not the right `least` where it belongs.
    """
    row = await fetch_one(
        connection,
        f"select {_COLUMNS}, r.level from own_document_types t join {READABLE} r"
        " on r.kb_id = t.kb_id where t.deleted_at is null and t.id = :id",
        {"id": own_id, **reading(reader)},
    )
    if row is None:
        raise NotFound("There is no document type of this name.")
    require(row["level"], least)
    return record(row, OwnType, json=("definition",))


async def find(connection: Connection, own_id: Id) -> OwnType | None:
    """Return a type by its id, also one that has been deleted."""
    row = await fetch_one(
        connection, f"select {_COLUMNS} from own_document_types t where t.id = ?", (own_id,)
    )
    return record(row, OwnType, json=("definition",)) if row else None
