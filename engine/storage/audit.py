"""The audit log: entries are added, found and, when they are old, removed. Nothing changes them."""

import msgspec

from engine.storage.database import Connection
from engine.storage.rows import fetch_all, record
from engine.types import Id


class Entry(msgspec.Struct, frozen=True):
    """One thing that was done; `subject` names what it was done to, `detail` how, in a word.

    No entry holds text of a document, a draft or a question. `address` and `request_id` are empty
    for what was done at the command line.
    """

    id: int
    at: str
    action: str
    user_id: Id | None
    username: str
    kb_id: Id | None
    subject: str
    detail: str
    address: str
    request_id: str


class Filter(msgspec.Struct, frozen=True):
    """Which entries are wanted: `user` is a name or an id, `since` counts and `until` does not."""

    user: str | None = None
    action: str | None = None
    since: str | None = None
    until: str | None = None


async def add(tx: Connection, entry: Entry) -> int:
    """Add an entry, whose `id` is given by the table; a name left empty is that of the user."""
    rows = await tx.execute_fetchall(
        "insert into audit"
        " (at, action, user_id, username, kb_id, subject, detail, address, request_id)"
        " values (:at, :action, :user_id,"
        " coalesce(nullif(:username, ''),"
        "  (select username from users where id = :user_id), ''),"
        " :kb_id, :subject, :detail, :address, :request_id) returning id",
        msgspec.structs.asdict(entry),
    )
    return int(next(iter(rows))[0])


async def find(
    connection: Connection, wanted: Filter, *, before: int | None, limit: int
) -> list[Entry]:
    """Return the newest entries that fit, below the id `before`."""
    rows = await fetch_all(
        connection,
        "select * from audit where id < coalesce(:before, id + 1)"
        " and action = coalesce(:action, action)"
        " and (:user is null or username = :user or user_id = :user)"
        " and at >= coalesce(:since, at) and (:until is null or at < :until)"
        " order by id desc limit :limit",
        msgspec.structs.asdict(wanted) | {"before": before, "limit": limit},
    )
    return [record(row, Entry) for row in rows]


async def forget_before(tx: Connection, at: str) -> None:
    """Remove the entries before a time, which lies a day ago at least."""
    await tx.execute_fetchall("update audit_kept_since set at = max(at, :at)", {"at": at})
    await tx.execute_fetchall("delete from audit where at < :at", {"at": at})
