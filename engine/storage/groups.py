"""Groups of users, made by administrators, to share knowledge bases with many at once."""

import sqlite3

import msgspec

from engine.errors import Conflict, NotFound
from engine.storage.database import Connection
from engine.storage.rows import fetch_all, fetch_one, record
from engine.types import Id, new_id, utc_now


class Group(msgspec.Struct, frozen=True):
    """A group with the names of its members."""

    id: Id
    name: str
    members: list[str]


async def create(tx: Connection, name: str) -> Id:
    """Add an empty group.

    Raises:
        Conflict: the name is taken.
    """
    group_id = new_id()
    try:
        await tx.execute_fetchall(
            "insert into groups (id, name, created_at) values (?, ?, ?)",
            (group_id, name, utc_now()),
        )
    except sqlite3.IntegrityError as error:
        raise Conflict(f"There is already a group called “{name}”.", field="name") from error
    return group_id


_GROUP = """
select g.id, g.name, (select json_group_array(u.username) from group_members m
    join users u on u.id = m.user_id where m.group_id = g.id) as members
from groups g
"""


async def list_all(connection: Connection) -> list[Group]:
    """Return all groups by name."""
    rows = await fetch_all(connection, _GROUP + "order by g.name collate nocase")
    return [record(row, Group, json=("members",)) for row in rows]


async def get(connection: Connection, group_id: Id) -> Group:
    """Return one group.

    Raises:
        NotFound: there is none.
    """
    row = await fetch_one(connection, _GROUP + "where g.id = ?", (group_id,))
    if row is None:
        raise NotFound("There is no such group.")
    return record(row, Group, json=("members",))


async def id_of(connection: Connection, name: str) -> Id:
    """Return the id of the group of this name.

    Raises:
        NotFound: there is none.
    """
    row = await fetch_one(connection, "select id from groups where name = ?", (name,))
    if row is None:
        raise NotFound("There is no group of this name.", field="group")
    return str(row["id"])


async def add_member(tx: Connection, group_id: Id, user_id: Id) -> None:
    """Put a user into a group; one who is in it stays."""
    await tx.execute_fetchall(
        "insert or ignore into group_members (group_id, user_id) values (?, ?)",
        (group_id, user_id),
    )


async def remove_member(tx: Connection, group_id: Id, user_id: Id) -> None:
    """Take a user out of a group."""
    await tx.execute_fetchall(
        "delete from group_members where group_id = ? and user_id = ?", (group_id, user_id)
    )


async def delete(tx: Connection, group_id: Id) -> None:
    """Remove a group and everything it was allowed."""
    await tx.execute_fetchall("delete from groups where id = ?", (group_id,))
