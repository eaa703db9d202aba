"""The rows of runs and their events. The rules of the journal are in `engine/runs/journal.py`."""

from collections.abc import Sequence

import msgspec

from engine.storage.database import Connection
from engine.storage.rights import READABLE, Reader, reading
from engine.storage.rows import fetch_all, fetch_one, insert_all, record, to_json
from engine.types import Id, utc_now

_SELECT = "select * from runs "
_JSON = ("usage", "kb_ids")
_VISIBLE = f"""
from runs r where (r.user_id = :user_id or r.draft_id is not null or r.document_id is not null)
    and (r.kb_id is null or r.kb_id in (select kb_id from {READABLE}))
    and not exists (select 1 from json_each(r.kb_ids) j
        where j.value not in (select kb_id from {READABLE}))
    and (:only_kb is null or r.kb_id is not null or r.kb_ids <> '[]')
"""
"""A run is its user's; the writing of a draft and the reading of a document also those readers'
who may see its knowledge base. Nobody sees one of what they may not see any more."""


class RunRow(msgspec.Struct, frozen=True, kw_only=True):
    """A run as stored. `state` is running, completed, failed or cancelled.

    It belongs to one knowledge base, `kb_id`, or looks into all of `kb_ids`, or needs none.
    """

    id: Id
    family: str
    user_id: Id
    state: str
    request: bytes
    request_hash: str
    created_at: str
    kb_id: Id | None = None
    kb_ids: list[Id] = []
    draft_id: Id | None = None
    document_id: Id | None = None
    idempotency_key: str | None = None
    keep_going: bool = False
    model: str = ""
    usage: dict[str, int] = {}
    error: str | None = None
    first_event_at: str | None = None
    first_text_at: str | None = None
    ended_at: str | None = None


async def insert_run(tx: Connection, run: RunRow) -> None:
    """Store a new run."""
    await tx.execute_fetchall(
        "insert into runs (id, family, user_id, kb_id, kb_ids, draft_id, document_id, state,"
        " request, request_hash, idempotency_key, keep_going, model, created_at)"
        " values (:id, :family, :user_id, :kb_id, :kb_ids, :draft_id, :document_id, :state,"
        " :request, :request_hash, :idempotency_key, :keep_going, :model, :created_at)",
        msgspec.structs.asdict(run) | {"kb_ids": to_json(run.kb_ids)},
    )


async def get_run(connection: Connection, run_id: Id) -> RunRow | None:
    """Return a run, if it exists."""
    row = await fetch_one(connection, _SELECT + "where id = ?", (run_id,))
    return record(row, RunRow, json=_JSON) if row else None


async def find_run(connection: Connection, reader: Reader, run_id: Id) -> RunRow | None:
    """Return a run that the reader may see, if there is one."""
    row = await fetch_one(
        connection,
        f"select r.* {_VISIBLE} and r.id = :run_id",
        {"run_id": run_id, **reading(reader)},
    )
    return record(row, RunRow, json=_JSON) if row else None


async def run_of_key(connection: Connection, user_id: Id, key: str) -> RunRow | None:
    """Return the run a user started with this idempotency key, if any."""
    row = await fetch_one(
        connection, _SELECT + "where user_id = ? and idempotency_key = ?", (user_id, key)
    )
    return record(row, RunRow, json=_JSON) if row else None


async def list_runs(
    connection: Connection, reader: Reader, *, state: str | None, family: str | None, limit: int
) -> list[RunRow]:
    """Return a user's own runs, newest first."""
    rows = await fetch_all(
        connection,
        f"select r.* {_VISIBLE} and r.user_id = :user_id"
        " and (:state is null or r.state = :state) and (:family is null or r.family = :family)"
        " order by r.created_at desc limit :limit",
        {"state": state, "family": family, "limit": limit, **reading(reader)},
    )
    return [record(row, RunRow, json=_JSON) for row in rows]


async def running(connection: Connection) -> list[RunRow]:
    """Return every run that has no terminal event."""
    rows = await fetch_all(connection, _SELECT + "where state = 'running' order by created_at")
    return [record(row, RunRow, json=_JSON) for row in rows]


async def mark_first(tx: Connection, run_ids: Sequence[Id], *, text: bool) -> None:
    """Note when the first event, or the first text, of runs was written."""
    column = "first_text_at" if text else "first_event_at"
    await tx.execute_fetchall(
        f"update runs set {column} = ? where {column} is null"
        " and id in (select value from json_each(?))",
        (utc_now(), to_json(run_ids)),
    )


async def end_run(
    tx: Connection, run_id: Id, *, state: str, error: str | None, usage: dict[str, int]
) -> None:
    """Close a run."""
    await tx.execute_fetchall(
        "update runs set state = ?, error = ?, usage = ?, ended_at = ? where id = ?",
        (state, error, to_json(usage), utc_now(), run_id),
    )


async def forget_request(tx: Connection, run_id: Id) -> None:
    """Remove what a run was asked to do, once nothing needs it any more."""
    await tx.execute_fetchall("update runs set request = ? where id = ?", (b"{}", run_id))


async def forget_requests(tx: Connection, family: str, draft_id: Id, ended_before: str) -> None:
    """Remove what the runs of a family were asked to do with a draft, once they are long over."""
    await tx.execute_fetchall(
        "update runs set request = ? where family = ? and draft_id = ? and ended_at < ?",
        (b"{}", family, draft_id, ended_before),
    )


async def append(tx: Connection, rows: Sequence[tuple[Id, int, bytes]]) -> None:
    """Insert events (run_id, seq, JSON)."""
    await insert_all(tx, "insert into events (run_id, seq, data)", rows)


async def read(
    connection: Connection, run_id: Id, after: int, limit: int
) -> list[tuple[int, bytes]]:
    """Return the next events (seq, JSON) of a run after a cursor, in order."""
    rows = await fetch_all(
        connection,
        "select seq, data from events where run_id = ? and seq > ? order by seq limit ?",
        (run_id, after, limit),
    )
    return [(row["seq"], row["data"]) for row in rows]


async def read_all(connection: Connection, run_id: Id, until: int | None) -> list[bytes]:
    """Return all events (JSON) of a run, or those up to a cursor, in order."""
    rows = await fetch_all(
        connection,
        "select data from events where run_id = :run_id and (:until is null or seq <= :until)"
        " order by seq",
        {"run_id": run_id, "until": until},
    )
    return [row["data"] for row in rows]


async def last_seq(connection: Connection, run_id: Id) -> int:
    """Return the number of the last event of a run, 0 when it has none."""
    row = await fetch_one(
        connection, "select coalesce(max(seq), 0) as seq from events where run_id = ?", (run_id,)
    )
    return int(row["seq"]) if row else 0


async def prune(tx: Connection, ended_before: str, limit: int) -> int:
    """Remove the events of some runs that ended before a time; return how many runs.

    The events of a run whose draft was never settled are all there is of its text: they stay.
    """
    rows = await fetch_all(
        tx,
        "select r.id from runs r where r.ended_at < ? and exists"
        " (select 1 from events e where e.run_id = r.id) and not exists (select 1 from drafts d"
        " where d.run_id = r.id and d.status = 'streaming') limit ?",
        (ended_before, limit),
    )
    await tx.execute_fetchall(
        "delete from events where run_id in (select value from json_each(?))",
        (to_json([row["id"] for row in rows]),),
    )
    return len(rows)
