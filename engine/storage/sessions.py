"""Sign-ins: a cookie, access tokens and refresh tokens that live and die together.

Every secret is stored as a fingerprint only.
"""

import msgspec

from engine.errors import NotFound
from engine.storage.database import Connection
from engine.storage.identities import User
from engine.storage.rows import fetch_all, fetch_one, record, to_json
from engine.types import Id, new_id, utc_now


class Session(msgspec.Struct, frozen=True):
    """A sign-in as its user sees it."""

    id: Id
    agent: str
    created_at: str
    used_at: str
    expires_at: str


class Holder(msgspec.Struct, frozen=True):
    """Who holds a session, and until when it lasts."""

    session_id: Id
    user: User
    expires_at: str


async def add(tx: Connection, user_id: Id, fingerprint: str, agent: str, expires_at: str) -> Id:
    """Store a new session; `fingerprint` is that of its cookie."""
    session_id, now = new_id(), utc_now()
    await tx.execute_fetchall(
        "insert into sessions (id, user_id, fingerprint, agent, created_at, expires_at, used_at)"
        " values (?, ?, ?, ?, ?, ?, ?)",
        (session_id, user_id, fingerprint, agent, now, expires_at, now),
    )
    return session_id


_HOLDER = """
select s.id as session_id, s.expires_at, u.id, u.username, u.is_admin
from sessions s join users u on u.id = s.user_id
where u.disabled_at is null and s.expires_at > :now
"""


async def of_cookie(connection: Connection, fingerprint: str) -> Holder | None:
    """Return who holds the session with this cookie, while it lasts."""
    return await _holder(connection, "and s.fingerprint = :given", fingerprint)


async def of_id(connection: Connection, session_id: Id) -> Holder | None:
    """Return who holds this session, while it lasts."""
    return await _holder(connection, "and s.id = :given", session_id)


async def _holder(connection: Connection, which: str, given: str) -> Holder | None:
    row = await fetch_one(connection, _HOLDER + which, {"now": utc_now(), "given": given})
    return Holder(row["session_id"], record(row, User), row["expires_at"]) if row else None


async def list_all(connection: Connection, user_id: Id) -> list[Session]:
    """Return a user's sessions that last, the latest used first."""
    rows = await fetch_all(
        connection,
        "select id, agent, created_at, used_at, expires_at from sessions"
        " where user_id = ? and expires_at > ? order by used_at desc",
        (user_id, utc_now()),
    )
    return [record(row, Session) for row in rows]


async def end(tx: Connection, user_id: Id, session_id: Id) -> None:
    """End one session of a user.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    row = await fetch_one(
        tx,
        "delete from sessions where id = ? and user_id = ? returning id",
        (session_id, user_id),
    )
    if row is None:
        raise NotFound("There is no such session.")


async def end_all(tx: Connection, user_id: Id, *, but: Id | None = None) -> None:
    """End all sessions of a user, or all but one."""
    await tx.execute_fetchall(
        "delete from sessions where user_id = :user_id and (:but is null or id <> :but)",
        {"user_id": user_id, "but": but},
    )


async def note_used(tx: Connection, session_ids: list[Id]) -> None:
    """Note that sessions were used just now."""
    await tx.execute_fetchall(
        "update sessions set used_at = ? where id in (select value from json_each(?))",
        (utc_now(), to_json(session_ids)),
    )


async def add_refresh_token(tx: Connection, session_id: Id, fingerprint: str) -> None:
    """Store a refresh token of a session."""
    await tx.execute_fetchall(
        "insert into refresh_tokens (fingerprint, session_id, created_at) values (?, ?, ?)",
        (fingerprint, session_id, utc_now()),
    )


async def spend_refresh_token(tx: Connection, fingerprint: str) -> tuple[Id, bool] | None:
    """Use a refresh token up; return its session, and whether it had been used before."""
    row = await fetch_one(
        tx,
        "select session_id, spent_at from refresh_tokens where fingerprint = ?",
        (fingerprint,),
    )
    if row is None:
        return None
    await tx.execute_fetchall(
        "update refresh_tokens set spent_at = coalesce(spent_at, ?) where fingerprint = ?",
        (utc_now(), fingerprint),
    )
    return str(row["session_id"]), row["spent_at"] is not None


async def revoke(tx: Connection, session_id: Id) -> None:
    """End a session, whoever's it is."""
    await tx.execute_fetchall("delete from sessions where id = ?", (session_id,))


async def add_link(tx: Connection, user_id: Id, fingerprint: str, expires_at: str) -> None:
    """Store a one-use sign-in link."""
    await tx.execute_fetchall(
        "insert into links (fingerprint, user_id, created_at, expires_at) values (?, ?, ?, ?)",
        (fingerprint, user_id, utc_now(), expires_at),
    )


async def spend_link(tx: Connection, fingerprint: str) -> Id | None:
    """Use up a one-use link; return whose it was, or None when it is unknown, used or too old."""
    row = await fetch_one(
        tx,
        "update links set used_at = :now where fingerprint = :fingerprint and used_at is null"
        " and expires_at > :now and user_id in (select id from users where disabled_at is null)"
        " returning user_id",
        {"now": utc_now(), "fingerprint": fingerprint},
    )
    return row["user_id"] if row else None


async def drop_links(tx: Connection, user_id: Id) -> None:
    """Make the sign-in links of a user worthless."""
    await tx.execute_fetchall("delete from links where user_id = ?", (user_id,))


async def forget_expired(tx: Connection) -> None:
    """Remove the sessions and links that nobody can use any more."""
    now = utc_now()
    await tx.execute_fetchall("delete from sessions where expires_at <= ?", (now,))
    await tx.execute_fetchall(
        "delete from links where expires_at <= ? or used_at is not null", (now,)
    )


async def revocations(connection: Connection) -> int:
    """Return how often a right was taken away so far: a change means that some were."""
    row = await fetch_one(connection, "select number from revocations")
    return int(row["number"]) if row else 0
