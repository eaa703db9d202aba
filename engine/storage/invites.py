"""Invitations: one-use secrets with which somebody may make an account."""

import msgspec

from engine.errors import NotFound
from engine.storage.database import Connection
from engine.storage.rows import fetch_all, fetch_one, record
from engine.types import Id, new_id, utc_now


class Invite(msgspec.Struct, frozen=True):
    """An invitation as administrators see it."""

    id: Id
    created_at: str
    expires_at: str
    created_by: str | None
    used_by: str | None


async def add(tx: Connection, user_id: Id, fingerprint: str, expires_at: str) -> Id:
    """Store a new invitation."""
    invite_id = new_id()
    await tx.execute_fetchall(
        "insert into invites (id, fingerprint, created_by, created_at, expires_at)"
        " values (?, ?, ?, ?, ?)",
        (invite_id, fingerprint, user_id, utc_now(), expires_at),
    )
    return invite_id


async def spend(tx: Connection, fingerprint: str) -> Id | None:
    """Use up an invitation; return its id, or None when it is unknown, used or too old."""
    row = await fetch_one(
        tx,
        "update invites set used_at = :now where fingerprint = :fingerprint and used_at is null"
        " and expires_at > :now returning id",
        {"now": utc_now(), "fingerprint": fingerprint},
    )
    return row["id"] if row else None


async def note_user(tx: Connection, invite_id: Id, user_id: Id) -> None:
    """Note whose account an invitation made."""
    await tx.execute_fetchall("update invites set used_by = ? where id = ?", (user_id, invite_id))


async def list_all(connection: Connection) -> list[Invite]:
    """Return the invitations that are open or were used, the newest first."""
    rows = await fetch_all(
        connection,
        "select i.id, i.created_at, i.expires_at, c.username as created_by, u.username as used_by"
        " from invites i left join users c on c.id = i.created_by"
        " left join users u on u.id = i.used_by"
        " where i.used_at is not null or i.expires_at > ? order by i.created_at desc limit 200",
        (utc_now(),),
    )
    return [record(row, Invite) for row in rows]


async def revoke(tx: Connection, invite_id: Id) -> None:
    """Take an invitation back.

    Raises:
        NotFound: there is none that is still open.
    """
    row = await fetch_one(
        tx, "delete from invites where id = ? and used_at is null returning id", (invite_id,)
    )
    if row is None:
        raise NotFound("There is no such open invitation.")
