"""Conversations, their turns, and answers that can be given again."""

from typing import Any

import msgspec

from engine.errors import NotFound
from engine.storage.database import Connection
from engine.storage.rights import READABLE, Reader, reading
from engine.storage.rows import containing, fetch_all, fetch_one, insert_all, record, to_json
from engine.types import Id, utc_now


class Conversation(msgspec.Struct, frozen=True):
    """Turns that belong together, in one knowledge base."""

    id: Id
    kb_id: Id
    title: str
    turn_count: int
    created_at: str
    updated_at: str


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One message; `role` is user or assistant. `details` say how an answer came about."""

    role: str
    content: str
    created_at: str = ""
    sources: list[dict[str, Any]] = []
    details: dict[str, Any] = {}


class Answer(msgspec.Struct, frozen=True):
    """An answer given before; `verified` is the verdict of that time, if there was one."""

    answer: str
    sources: list[dict[str, Any]]
    verified: dict[str, Any] | None
    created_at: str


async def may_use(connection: Connection, reader: Reader, conversation_id: Id) -> bool:
    """Whether turns may be added: it is the reader's, or there is none of this id yet."""
    row = await fetch_one(
        connection,
        f"select c.user_id = :user_id and c.kb_id in (select kb_id from {READABLE}) as may"
        " from conversations c where c.id = :id",
        {"id": conversation_id, **reading(reader)},
    )
    return row is None or bool(row["may"])


_OWN = f"""
select c.id, c.kb_id, c.title, c.created_at, c.updated_at,
    (select count(*) from turns t where t.conversation_id = c.id) as turn_count
from conversations c join {READABLE} r on r.kb_id = c.kb_id
where c.user_id = :user_id and c.deleted_at is null
"""


async def get(connection: Connection, reader: Reader, conversation_id: Id) -> Conversation:
    """Return a conversation: nobody sees one of somebody else.

    Raises:
        NotFound: there is none, or the reader may not see its knowledge base any more.
    """
    row = await fetch_one(
        connection, _OWN + "and c.id = :id", {"id": conversation_id, **reading(reader)}
    )
    if row is None:
        raise _missing()
    return record(row, Conversation)


async def list_all(connection: Connection, reader: Reader, kb_id: Id | None) -> list[Conversation]:
    """Return a reader's conversations, the latest first."""
    rows = await fetch_all(
        connection,
        _OWN + "and (:kb_id is null or c.kb_id = :kb_id) order by c.updated_at desc limit 200",
        {"kb_id": kb_id, **reading(reader)},
    )
    return [record(row, Conversation) for row in rows]


async def list_named(
    connection: Connection, reader: Reader, words: str, limit: int
) -> list[Conversation]:
    """Return a reader's conversations whose title holds these words."""
    rows = await fetch_all(
        connection,
        _OWN + r"and c.title like :words escape '\' order by c.updated_at desc limit :limit",
        {"words": containing(words), "limit": limit, **reading(reader)},
    )
    return [record(row, Conversation) for row in rows]


async def turns(connection: Connection, conversation_id: Id, limit: int) -> list[Turn]:
    """Return the latest turns of a conversation, oldest first."""
    rows = await fetch_all(
        connection,
        "select role, content, created_at, sources, details from turns where conversation_id = ?"
        " order by id desc limit ?",
        (conversation_id, limit),
    )
    return [record(row, Turn, json=("sources", "details")) for row in reversed(rows)]


async def add_turns(
    tx: Connection,
    *,
    conversation_id: Id,
    user_id: Id,
    kb_id: Id,
    title: str,
    run_id: Id,
    new: list[Turn],
) -> None:
    """Append turns, and open the conversation with the first."""
    now = utc_now()
    await tx.execute_fetchall(
        "insert into conversations (id, user_id, kb_id, title, created_at, updated_at)"
        " values (?, ?, ?, ?, ?, ?)"
        " on conflict (id) do update set updated_at = excluded.updated_at",
        (conversation_id, user_id, kb_id, title, now, now),
    )
    await insert_all(
        tx,
        "insert into turns (conversation_id, role, content, sources, details, run_id, created_at)",
        [
            (
                conversation_id,
                turn.role,
                turn.content,
                to_json(turn.sources),
                to_json(turn.details),
                run_id,
                now,
            )
            for turn in new
        ],
    )


async def clear(tx: Connection, conversation_id: Id) -> None:
    """Remove all turns of a conversation."""
    await tx.execute_fetchall("delete from turns where conversation_id = ?", (conversation_id,))


async def rename(tx: Connection, conversation_id: Id, title: str) -> None:
    """Give a conversation another title."""
    await tx.execute_fetchall(
        "update conversations set title = ?, updated_at = ? where id = ?",
        (title, utc_now(), conversation_id),
    )


async def set_deleted(
    tx: Connection, reader: Reader, conversation_id: Id, *, deleted: bool
) -> None:
    """Take a conversation out of sight, or bring it back.

    Raises:
        NotFound: as for `get`.
    """
    row = await fetch_one(
        tx,
        "update conversations set deleted_at = :deleted_at where id = :id and user_id = :user_id"
        f" and kb_id in (select kb_id from {READABLE}) returning id",
        {
            "deleted_at": utc_now() if deleted else None,
            "id": conversation_id,
            **reading(reader),
        },
    )
    if row is None:
        raise _missing()


async def find_answer(connection: Connection, key: str) -> Answer | None:
    """Return the answer stored under a key."""
    row = await fetch_one(
        connection,
        "select answer, sources, coalesce(verified, 'null') as verified, created_at"
        " from answers where key = ?",
        (key,),
    )
    return record(row, Answer, json=("sources", "verified")) if row else None


async def store_answer(tx: Connection, key: str, kb_id: Id, answer: Answer) -> None:
    """Keep an answer under its key; the latest wins."""
    await tx.execute_fetchall(
        "insert into answers (key, kb_id, answer, sources, verified, created_at)"
        " values (?, ?, ?, ?, ?, ?) on conflict (key) do update set answer = excluded.answer,"
        " sources = excluded.sources, verified = excluded.verified,"
        " created_at = excluded.created_at",
        (
            key,
            kb_id,
            answer.answer,
            to_json(answer.sources),
            to_json(answer.verified) if answer.verified else None,
            utc_now(),
        ),
    )


def _missing() -> NotFound:
    return NotFound("This conversation does not exist.", field="session_id")
