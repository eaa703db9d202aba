"""Users and the fingerprints of their secrets."""

import msgspec

from engine.storage.database import Connection
from engine.storage.rows import fetch_one, record
from engine.types import Id, new_id, utc_now


class User(msgspec.Struct, frozen=True):
    """Somebody who may sign in."""

    id: Id
    username: str
    is_admin: bool


async def local_administrator(tx: Connection) -> tuple[User, bool]:
    """Return the one local administrator, and whether it was made just now."""
    row = await fetch_one(tx, "select id, username, is_admin from users where username = 'admin'")
    if row is not None:
        return record(row, User), False
    user = User(new_id(), "admin", True)
    await tx.execute_fetchall(
        "insert into users (id, username, is_admin, created_at) values (?, ?, 1, ?)",
        (user.id, user.username, utc_now()),
    )
    return user, True


async def add_credential(
    tx: Connection, user_id: Id, kind: str, fingerprint: str, expires_at: str
) -> None:
    """Remember the fingerprint of a secret of `kind` link, session or token."""
    await tx.execute_fetchall(
        "insert into credentials (fingerprint, user_id, kind, created_at, expires_at)"
        " values (?, ?, ?, ?, ?)",
        (fingerprint, user_id, kind, utc_now(), expires_at),
    )


async def holder(connection: Connection, fingerprint: str) -> User | None:
    """Return who holds the session or token with this fingerprint, if it is still good."""
    row = await fetch_one(
        connection,
        "select u.id, u.username, u.is_admin from credentials c join users u on u.id = c.user_id"
        " where c.fingerprint = ? and c.kind in ('session', 'token') and c.expires_at > ?",
        (fingerprint, utc_now()),
    )
    return record(row, User) if row else None


async def spend_link(tx: Connection, fingerprint: str) -> Id | None:
    """Use up a one-use link; return whose it was, or None when it is unknown, used or too old."""
    row = await fetch_one(
        tx,
        "update credentials set used_at = :now where fingerprint = :fingerprint and kind = 'link'"
        " and used_at is null and expires_at > :now returning user_id",
        {"now": utc_now(), "fingerprint": fingerprint},
    )
    return row["user_id"] if row else None


async def forget(tx: Connection, fingerprint: str) -> None:
    """Remove a credential."""
    await tx.execute_fetchall("delete from credentials where fingerprint = ?", (fingerprint,))


async def forget_expired(tx: Connection) -> None:
    """Remove credentials that nobody can use any more."""
    await tx.execute_fetchall(
        "delete from credentials where expires_at <= :now"
        " or (kind = 'link' and used_at is not null)",
        {"now": utc_now()},
    )
