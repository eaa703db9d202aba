"""Knowledge bases: a name, an owner, and an index that counts its changes."""

import sqlite3

import msgspec

from engine.errors import Conflict, NotFound
from engine.storage.database import Connection
from engine.storage.rows import containing, fetch_all, fetch_one, record
from engine.types import Id, new_id, utc_now

_COLUMNS = """
select k.id, k.name, k.index_version, k.created_at, k.updated_at,
    (select count(*) from documents d where d.kb_id = k.id) as document_count,
    (select count(*) from drafts d where d.kb_id = k.id) as draft_count
from knowledge_bases k
"""


class KnowledgeBase(msgspec.Struct, frozen=True):
    """One collection of documents with its drafts."""

    id: Id
    name: str
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


async def get(connection: Connection, owner_id: Id, kb_id: Id) -> KnowledgeBase:
    """Return a knowledge base of this owner.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    row = await fetch_one(
        connection, _COLUMNS + "where k.id = ? and k.owner_id = ?", (kb_id, owner_id)
    )
    if row is None:
        raise NotFound("This knowledge base does not exist.", field="kb_id")
    return record(row, KnowledgeBase)


async def find(connection: Connection, owner_id: Id, name: str) -> KnowledgeBase | None:
    """Return the owner's knowledge base of that name, if any."""
    row = await fetch_one(
        connection, _COLUMNS + "where k.name = ? and k.owner_id = ?", (name, owner_id)
    )
    return record(row, KnowledgeBase) if row else None


async def list_all(connection: Connection, owner_id: Id) -> list[KnowledgeBase]:
    """Return the owner's knowledge bases by name."""
    rows = await fetch_all(
        connection, _COLUMNS + "where k.owner_id = ? order by k.name collate nocase", (owner_id,)
    )
    return [record(row, KnowledgeBase) for row in rows]


async def list_named(
    connection: Connection, owner_id: Id, words: str, limit: int
) -> list[KnowledgeBase]:
    """Return the owner's knowledge bases whose name holds these words."""
    rows = await fetch_all(
        connection,
        _COLUMNS + r"where k.owner_id = ? and k.name like ? escape '\' order by k.name limit ?",
        (owner_id, containing(words), limit),
    )
    return [record(row, KnowledgeBase) for row in rows]


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
        "delete from events where run_id in (select id from runs where kb_id = ?)", (kb_id,)
    )
    await tx.execute_fetchall("delete from runs where kb_id = ?", (kb_id,))
    await tx.execute_fetchall("delete from knowledge_bases where id = ?", (kb_id,))


async def index_changed(tx: Connection, kb_id: Id) -> None:
    """Count one more change of what can be found in a knowledge base."""
    await tx.execute_fetchall(
        "update knowledge_bases set index_version = index_version + 1, updated_at = ? where id = ?",
        (utc_now(), kb_id),
    )


def _taken(name: str) -> Conflict:
    return Conflict(f"There is already a knowledge base called “{name}”.", field="name")
