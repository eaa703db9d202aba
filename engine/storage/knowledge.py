"""Knowledge bases: a name, an owner, and an index that counts its changes.

Nothing here is found by who has no right to read it.
"""

import sqlite3

import msgspec

from engine.errors import Conflict, NotFound
from engine.storage.database import Connection
from engine.storage.rights import READABLE, Reader, reading, require
from engine.storage.rows import containing, fetch_all, fetch_one, record
from engine.types import Id, Level, new_id, utc_now

_READABLE = f"""
select k.id, k.name, k.index_version, k.created_at, k.updated_at, r.level, o.username as owner,
    (select count(*) from documents d where d.kb_id = k.id) as document_count,
    (select count(*) from drafts d where d.kb_id = k.id and d.deleted_at is null)
        as draft_count
from {READABLE} r join knowledge_bases k on k.id = r.kb_id join users o on o.id = k.owner_id
"""


class KnowledgeBase(msgspec.Struct, frozen=True):
    """One collection of documents with its drafts; `level` is what its reader may do."""

    id: Id
    name: str
    owner: str
    level: str
    index_version: int
    document_count: int
    draft_count: int
    created_at: str
    updated_at: str


async def create(tx: Connection, owner_id: Id, name: str) -> Id:
    """Add an empty knowledge base.

    Raises:
        Conflict: the owner has one of that name.
    """
    kb_id, now = new_id(), utc_now()
    try:
        await tx.execute_fetchall(
            "insert into knowledge_bases (id, owner_id, name, created_at, updated_at)"
            " values (?, ?, ?, ?, ?)",
            (kb_id, owner_id, name, now, now),
        )
    except sqlite3.IntegrityError as error:
        raise _taken(name) from error
    return kb_id


async def get(
    connection: Connection, reader: Reader, kb_id: Id, least: Level = Level.READ
) -> KnowledgeBase:
    """Return a knowledge base.

    Raises:
        NotFound: there is none that the reader may see.
        Forbidden: the reader may see it, but has not the right `least`.
    """
    row = await fetch_one(
        connection, _READABLE + "where k.id = :kb_id", {"kb_id": kb_id, **reading(reader)}
    )
    if row is None:
        raise NotFound("This knowledge base does not exist.", field="kb_id")
    require(row["level"], least)
    return _record(row)


async def find(connection: Connection, reader: Reader, name: str) -> KnowledgeBase | None:
    """Return the knowledge base of that name, the reader's own before a shared one."""
    row = await fetch_one(
        connection,
        _READABLE + "where k.name = :name order by k.owner_id <> :user_id, r.level desc, k.id",
        {"name": name, **reading(reader)},
    )
    return _record(row) if row else None


async def list_all(connection: Connection, reader: Reader) -> list[KnowledgeBase]:
    """Return the knowledge bases of a reader by name."""
    rows = await fetch_all(
        connection, _READABLE + "order by k.name collate nocase, k.id", reading(reader)
    )
    return [_record(row) for row in rows]


async def list_named(
    connection: Connection, reader: Reader, words: str, limit: int
) -> list[KnowledgeBase]:
    """Return the knowledge bases of a reader whose name holds these words."""
    rows = await fetch_all(
        connection,
        _READABLE + r"where k.name like :words escape '\' order by k.name limit :limit",
        {"words": containing(words), "limit": limit, **reading(reader)},
    )
    return [_record(row) for row in rows]


async def rename(tx: Connection, kb_id: Id, name: str) -> None:
    """Give a knowledge base another name.

    Raises:
        Conflict: the name is taken.
    """
    try:
        await tx.execute_fetchall(
            "update knowledge_bases set name = ?, updated_at = ? where id = ?",
            (name, utc_now(), kb_id),
        )
    except sqlite3.IntegrityError as error:
        raise _taken(name) from error


async def delete(tx: Connection, kb_id: Id) -> None:
    """Remove a knowledge base with its documents and drafts; its passages must be gone already."""
    await tx.execute_fetchall(
        "delete from events where run_id in (select id from runs where kb_id = :kb_id or exists"
        " (select 1 from json_each(kb_ids) j where j.value = :kb_id))",
        {"kb_id": kb_id},
    )
    await tx.execute_fetchall("delete from runs where kb_id = ?", (kb_id,))
    await tx.execute_fetchall("delete from knowledge_bases where id = ?", (kb_id,))


async def index_changed(tx: Connection, kb_id: Id) -> None:
    """Count one more change of what can be found in a knowledge base; drop answers from before."""
    await tx.execute_fetchall("delete from answers where kb_id = ?", (kb_id,))
    await tx.execute_fetchall(
        "update knowledge_bases set index_version = index_version + 1, updated_at = ? where id = ?",
        (utc_now(), kb_id),
    )


def _record(row: sqlite3.Row) -> KnowledgeBase:
    return record(row, KnowledgeBase, level=Level(row["level"]).name)


def _taken(name: str) -> Conflict:
    return Conflict(f"There is already a knowledge base called “{name}”.", field="name")
