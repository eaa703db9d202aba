"""Users: their names, their passwords' hashes, and whether they may sign in."""

import sqlite3

import msgspec

from engine.errors import Conflict, NotFound
from engine.storage.database import Connection
from engine.storage.rights import Reader
from engine.storage.rows import fetch_all, fetch_one, record
from engine.types import Id, new_id, utc_now

LOCAL_ADMINISTRATOR = "admin"


class User(Reader, frozen=True, kw_only=True):
    """Somebody who is signed in."""

    username: str
    is_admin: bool = False


class Account(msgspec.Struct, frozen=True):
    """A user as administrators see one; `is_external` signs in through a proxy or a provider."""

    id: Id
    username: str
    is_admin: bool
    is_disabled: bool
    has_password: bool
    is_external: bool
    created_at: str
    used_at: str | None


class Login(msgspec.Struct, frozen=True):
    """What signing in by password needs to know."""

    id: Id
    password_hash: str | None
    is_disabled: bool


async def local_administrator(tx: Connection) -> tuple[User, bool]:
    """Return the one local administrator, and whether it was made just now."""
    row = await fetch_one(
        tx, "select id, username, is_admin from users where username = ?", (LOCAL_ADMINISTRATOR,)
    )
    if row is not None:
        return record(row, User), False
    user_id = await create(tx, LOCAL_ADMINISTRATOR, is_admin=True)
    return User(id=user_id, username=LOCAL_ADMINISTRATOR, is_admin=True), True


async def create(
    tx: Connection,
    username: str,
    *,
    password_hash: str | None = None,
    subject: str | None = None,
    is_admin: bool = False,
) -> Id:
    """Add a user.

    Raises:
        Conflict: the name is taken.
    """
    user_id = new_id()
    try:
        await tx.execute_fetchall(
            "insert into users (id, username, password_hash, subject, is_admin, created_at)"
            " values (?, ?, ?, ?, ?, ?)",
            (user_id, username, password_hash, subject, is_admin, utc_now()),
        )
    except sqlite3.IntegrityError as error:
        raise Conflict(f"The name “{username}” is taken.", field="username") from error
    return user_id


async def get(connection: Connection, user_id: Id) -> User | None:
    """Return a user who may sign in, if there is one."""
    row = await fetch_one(
        connection,
        "select id, username, is_admin from users where id = ? and disabled_at is null",
        (user_id,),
    )
    return record(row, User) if row else None


async def of_subject(connection: Connection, subject: str) -> tuple[User, bool] | None:
    """Return who this is to a proxy or provider, and whether that user is disabled."""
    row = await fetch_one(
        connection,
        "select id, username, is_admin, disabled_at is not null as is_disabled from users"
        " where subject = ?",
        (subject,),
    )
    return (record(row, User), bool(row["is_disabled"])) if row else None


async def login_of(connection: Connection, username: str) -> Login | None:
    """Return what is needed to sign a user of this name in."""
    row = await fetch_one(
        connection,
        "select id, password_hash, disabled_at is not null as is_disabled from users"
        " where username = ?",
        (username,),
    )
    return record(row, Login) if row else None


async def login_by_id(connection: Connection, user_id: Id) -> Login | None:
    """Return what is needed to check a user's password."""
    row = await fetch_one(
        connection,
        "select id, password_hash, disabled_at is not null as is_disabled from users where id = ?",
        (user_id,),
    )
    return record(row, Login) if row else None


async def id_of(connection: Connection, username: str) -> Id:
    """Return the id of the user of this name.

    Raises:
        NotFound: there is none.
    """
    row = await fetch_one(connection, "select id from users where username = ?", (username,))
    if row is None:
        raise NotFound("There is no user of this name.", field="username")
    return str(row["id"])


async def is_name_taken(connection: Connection, username: str) -> bool:
    """Whether there is a user of this name."""
    row = await fetch_one(connection, "select 1 from users where username = ?", (username,))
    return row is not None


_ACCOUNT = """
select u.id, u.username, u.is_admin, u.disabled_at is not null as is_disabled,
    u.password_hash is not null as has_password, u.subject is not null as is_external, u.created_at,
    (select max(s.used_at) from sessions s where s.user_id = u.id) as used_at
from users u
"""


async def accounts(connection: Connection) -> list[Account]:
    """Return all users by name."""
    rows = await fetch_all(connection, _ACCOUNT + "order by u.username collate nocase")
    return [record(row, Account) for row in rows]


async def account(connection: Connection, user_id: Id) -> Account:
    """Return one user.

    Raises:
        NotFound: there is none.
    """
    row = await fetch_one(connection, _ACCOUNT + "where u.id = ?", (user_id,))
    if row is None:
        raise NotFound("There is no such user.")
    return record(row, Account)


async def set_password(tx: Connection, user_id: Id, password_hash: str | None) -> None:
    """Replace the hash of a user's password; None leaves no password to sign in with."""
    await tx.execute_fetchall(
        "update users set password_hash = ? where id = ?", (password_hash, user_id)
    )


async def set_disabled(tx: Connection, user_id: Id, *, disabled: bool) -> None:
    """Shut a user out, or let one in again."""
    await tx.execute_fetchall(
        "update users set disabled_at = ? where id = ?",
        (utc_now() if disabled else None, user_id),
    )


async def set_admin(tx: Connection, user_id: Id, *, is_admin: bool) -> None:
    """Make a user an administrator, or a plain user again."""
    await tx.execute_fetchall("update users set is_admin = ? where id = ?", (is_admin, user_id))


async def other_administrators(connection: Connection, user_id: Id) -> int:
    """Return how many other users could administer the server."""
    row = await fetch_one(
        connection,
        "select count(*) as n from users where is_admin and disabled_at is null and id <> ?",
        (user_id,),
    )
    return int(row["n"]) if row else 0


async def disabled_among(connection: Connection, user_ids: list[Id]) -> set[Id]:
    """Return which of these users are disabled."""
    rows = await fetch_all(
        connection,
        "select u.id from json_each(?) j join users u on u.id = j.value"
        " where u.disabled_at is not null",
        (msgspec.json.encode(user_ids).decode(),),
    )
    return {row["id"] for row in rows}
