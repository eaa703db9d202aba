"""Shares of knowledge bases: a user or a group, and what they may do there; and whose one is."""

import sqlite3

import msgspec

from engine.errors import Conflict, NotFound
from engine.storage.database import Connection
from engine.storage.identities import User
from engine.storage.rows import fetch_all, fetch_one, record
from engine.types import Id, Level, new_id, utc_now


class Permission(msgspec.Struct, frozen=True):
    """One share; either `username` or `group` is set."""

    id: Id
    username: str | None
    group: str | None
    level: str
    created_at: str


_PERMISSION = """
select p.id, u.username, g.name as "group", p.level, p.created_at from permissions p
left join users u on u.id = p.user_id left join groups g on g.id = p.group_id
"""


async def give(
    tx: Connection, kb_id: Id, level: Level, *, user_id: Id | None, group_id: Id | None
) -> Permission:
    """Share a knowledge base with a user or a group; a share that exists gets this level."""
    row = await fetch_one(
        tx,
        "update permissions set level = :level where kb_id = :kb_id"
        " and (user_id = :user_id or group_id = :group_id) returning id",
        {"level": level, "kb_id": kb_id, "user_id": user_id, "group_id": group_id},
    )
    if row is not None:
        return await get(tx, kb_id, row["id"])
    permission_id = new_id()
    await tx.execute_fetchall(
        "insert into permissions (id, kb_id, user_id, group_id, level, created_at)"
        " values (?, ?, ?, ?, ?, ?)",
        (permission_id, kb_id, user_id, group_id, level, utc_now()),
    )
    return await get(tx, kb_id, permission_id)


async def get(connection: Connection, kb_id: Id, permission_id: Id) -> Permission:
    """Return one share of a knowledge base.

    Raises:
        NotFound: there is none.
    """
    row = await fetch_one(
        connection, _PERMISSION + "where p.id = ? and p.kb_id = ?", (permission_id, kb_id)
    )
    if row is None:
        raise _missing()
    return record(row, Permission, level=Level(row["level"]).name)


async def list_all(connection: Connection, kb_id: Id) -> list[Permission]:
    """Return the shares of a knowledge base, users first, by name."""
    rows = await fetch_all(
        connection,
        _PERMISSION + "where p.kb_id = ? order by u.username is null,"
        " coalesce(u.username, g.name) collate nocase",
        (kb_id,),
    )
    return [record(row, Permission, level=Level(row["level"]).name) for row in rows]


async def change(tx: Connection, kb_id: Id, permission_id: Id, level: Level) -> Permission:
    """Give a share another level.

    Raises:
        NotFound: there is none.
    """
    await tx.execute_fetchall(
        "update permissions set level = ? where id = ? and kb_id = ?",
        (level, permission_id, kb_id),
    )
    return await get(tx, kb_id, permission_id)


async def take(tx: Connection, kb_id: Id, permission_id: Id) -> None:
    """Take a share away.

    Raises:
        NotFound: there is none.
    """
    row = await fetch_one(
        tx,
        "delete from permissions where id = ? and kb_id = ? returning id",
        (permission_id, kb_id),
    )
    if row is None:
        raise _missing()


async def owner(connection: Connection, kb_id: Id) -> User:
    """Return whose a knowledge base is.

    Raises:
        NotFound: there is no such knowledge base.
    """
    row = await fetch_one(
        connection,
        "select u.id, u.username, u.is_admin from knowledge_bases k"
        " join users u on u.id = k.owner_id where k.id = ?",
        (kb_id,),
    )
    if row is None:
        raise NotFound("This knowledge base does not exist.", field="kb_id")
    return record(row, User)


async def member(connection: Connection, kb_id: Id, username: str) -> Id:
    """Return the id of somebody who may use a knowledge base, whatever gives the right.

    Raises:
        NotFound: nobody of this name may, or that user is disabled.
    """
    row = await fetch_one(
        connection,
        "select u.id from rights r join users u on u.id = r.user_id"
        " where r.kb_id = ? and u.username = ? and u.disabled_at is null",
        (kb_id, username),
    )
    if row is None:
        raise NotFound("There is no member of this name.", field="username")
    return str(row["id"])


async def set_owner(tx: Connection, kb_id: Id, user_id: Id) -> None:
    """Make somebody the owner; a share of that user is not needed any more.

    Raises:
        Conflict: that user has a knowledge base of this name.
    """
    try:
        await tx.execute_fetchall(
            "update knowledge_bases set owner_id = ?, updated_at = ? where id = ?",
            (user_id, utc_now(), kb_id),
        )
    except sqlite3.IntegrityError as error:
        raise Conflict(
            "The new owner has a knowledge base of this name. Give this one another name first.",
            field="username",
        ) from error
    await tx.execute_fetchall(
        "delete from permissions where kb_id = ? and user_id = ?", (kb_id, user_id)
    )


def _missing() -> NotFound:
    return NotFound("There is no such permission.")
