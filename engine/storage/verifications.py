"""Which passages of a draft somebody has looked at."""

from collections.abc import Iterable

import msgspec

from engine.storage.database import Connection
from engine.storage.rows import fetch_all, insert_all, record, to_json
from engine.types import Id, utc_now


class Verification(msgspec.Struct, frozen=True):
    """A tick: who looked at a passage, and when."""

    chunk_id: Id
    username: str
    verified_at: str


async def of_draft(connection: Connection, draft_id: Id) -> dict[Id, Verification]:
    """Return the ticks of a draft by passage."""
    rows = await fetch_all(
        connection,
        "select v.chunk_id, v.verified_at,"
        " coalesce((select username from users where id = v.user_id), '') as username"
        " from verifications v where v.draft_id = ?",
        (draft_id,),
    )
    return {row["chunk_id"]: record(row, Verification) for row in rows}


async def tick(tx: Connection, draft_id: Id, user_id: Id, chunk_ids: Iterable[Id]) -> None:
    """Note that a user has looked at passages; who did first stays."""
    await insert_all(
        tx,
        "insert or ignore into verifications (draft_id, chunk_id, user_id, verified_at)",
        [(draft_id, chunk_id, user_id, utc_now()) for chunk_id in chunk_ids],
    )


async def untick(tx: Connection, draft_id: Id, chunk_ids: Iterable[Id]) -> None:
    """Take ticks away."""
    await tx.execute_fetchall(
        "delete from verifications where draft_id = ?"
        " and chunk_id in (select value from json_each(?))",
        (draft_id, to_json(list(chunk_ids))),
    )


async def copy(tx: Connection, from_id: Id, to_id: Id) -> None:
    """Give a draft the ticks of another."""
    await tx.execute_fetchall(
        "insert into verifications (draft_id, chunk_id, user_id, verified_at)"
        " select ?, chunk_id, user_id, verified_at from verifications where draft_id = ?",
        (to_id, from_id),
    )
