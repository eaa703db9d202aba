"""API keys: secrets for programs, with less than all the rights of their user."""

import msgspec

from engine.errors import NotFound
from engine.storage.database import Connection
from engine.storage.identities import User
from engine.storage.rows import fetch_all, fetch_one, record, to_json
from engine.types import Id, Level, new_id, utc_now


class ApiKey(msgspec.Struct, frozen=True):
    """A key as its user sees it; the secret itself is not kept."""

    id: Id
    name: str
    level: str
    kb_id: Id | None
    created_at: str
    expires_at: str | None
    used_at: str | None


class KeyHolder(msgspec.Struct, frozen=True):
    """Who holds a key, what it allows at most, and until when."""

    key_id: Id
    user: User
    level: Level
    expires_at: str | None


async def add(
    tx: Connection,
    user_id: Id,
    fingerprint: str,
    *,
    name: str,
    level: Level,
    kb_id: Id | None,
    expires_at: str | None,
) -> ApiKey:
    """Store a new key."""
    key = ApiKey(new_id(), name, level.name, kb_id, utc_now(), expires_at, None)
    await tx.execute_fetchall(
        "insert into api_keys (id, user_id, name, fingerprint, level, kb_id, created_at,"
        " expires_at) values (:id, :user_id, :name, :fingerprint, :level, :kb_id,"
        " :created_at, :expires_at)",
        msgspec.structs.asdict(key)
        | {"user_id": user_id, "fingerprint": fingerprint, "level": level},
    )
    return key


async def holder(connection: Connection, fingerprint: str) -> KeyHolder | None:
    """Return who holds the key with this fingerprint, while it is good."""
    row = await fetch_one(
        connection,
        "select k.id as key_id, k.level, k.expires_at, k.kb_id as only_kb, u.id, u.username,"
        " u.is_admin from api_keys k join users u on u.id = k.user_id"
        " where k.fingerprint = :fingerprint and u.disabled_at is null"
        " and (k.expires_at is null or k.expires_at > :now)",
        {"fingerprint": fingerprint, "now": utc_now()},
    )
    if row is None:
        return None
    return KeyHolder(row["key_id"], record(row, User), Level(row["level"]), row["expires_at"])


async def list_all(connection: Connection, user_id: Id) -> list[ApiKey]:
    """Return a user's keys, the newest first."""
    rows = await fetch_all(
        connection,
        "select id, name, level, kb_id, created_at, expires_at, used_at from api_keys"
        " where user_id = ? order by created_at desc",
        (user_id,),
    )
    return [record(row, ApiKey, level=Level(row["level"]).name) for row in rows]


async def revoke(tx: Connection, user_id: Id, key_id: Id) -> None:
    """Make a key of a user worthless.

    Raises:
        NotFound: there is none, or it is somebody else's.
    """
    row = await fetch_one(
        tx, "delete from api_keys where id = ? and user_id = ? returning id", (key_id, user_id)
    )
    if row is None:
        raise NotFound("There is no such key.")


async def note_used(tx: Connection, key_ids: list[Id]) -> None:
    """Note that keys were used just now."""
    await tx.execute_fetchall(
        "update api_keys set used_at = ? where id in (select value from json_each(?))",
        (utc_now(), to_json(key_ids)),
    )


async def revoke_all(tx: Connection, user_id: Id) -> None:
    """Make all keys of a user worthless."""
    await tx.execute_fetchall("delete from api_keys where user_id = ?", (user_id,))
