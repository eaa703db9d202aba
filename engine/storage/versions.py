"""Checkpoints of drafts: the last ones, and those that have a name."""

import msgspec

from engine.errors import NotFound
from engine.storage.database import Connection
from engine.storage.drafts import Draft
from engine.storage.rows import fetch_all, fetch_one, record, to_json
from engine.types import Citation, Id, utc_now

KEPT = 50
"""How many versions without a name are kept of a draft."""

_FACTS = (
    "v.draft_id, v.number, v.made_by, v.reason, v.name, v.author_id, v.word_count, v.is_open,"
    " v.created_at, v.updated_at, json_array_length(v.citations) as citation_count,"
    " coalesce((select username from users where id = v.author_id), '') as author"
)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a list says of a version; `is_current` is set for the one the draft reads like now."""

    draft_id: Id
    number: int
    made_by: str
    reason: str
    name: str
    author_id: Id
    author: str
    word_count: int
    citation_count: int
    is_open: bool
    is_current: bool = False
    created_at: str
    updated_at: str


class Version(Facts, frozen=True, kw_only=True):
    """A version with its text."""

    title: str
    content: str
    citations: list[Citation]


async def latest(connection: Connection, draft_id: Id) -> Version | None:
    """Return the newest version of a draft, if it has any."""
    row = await fetch_one(
        connection,
        f"select {_FACTS}, v.title, v.content, v.citations from draft_versions v"
        " where v.draft_id = ? order by v.number desc limit 1",
        (draft_id,),
    )
    return record(row, Version, json=("citations",)) if row else None


async def get(connection: Connection, draft_id: Id, number: int) -> Version:
    """Return a version.

    Raises:
        NotFound: it does not exist, or is no longer kept.
    """
    row = await fetch_one(
        connection,
        f"select {_FACTS}, v.title, v.content, v.citations, v.content = d.content as is_current"
        " from draft_versions v join drafts d on d.id = v.draft_id"
        " where v.draft_id = ? and v.number = ?",
        (draft_id, number),
    )
    if row is None:
        raise NotFound("This version is not kept.", field="number")
    return record(row, Version, json=("citations",))


async def list_all(connection: Connection, draft_id: Id) -> list[Facts]:
    """Return the versions of a draft, newest first."""
    rows = await fetch_all(
        connection,
        f"select {_FACTS}, v.content = d.content and v.number = (select max(number)"
        " from draft_versions where draft_id = v.draft_id) as is_current"
        " from draft_versions v join drafts d on d.id = v.draft_id"
        " where v.draft_id = ? order by v.number desc",
        (draft_id,),
    )
    return [record(row, Facts) for row in rows]


async def insert(
    tx: Connection,
    draft: Draft,
    number: int,
    author_id: Id,
    made_by: str,
    reason: str,
    is_open: bool,
) -> None:
    """Store a draft's text as a version, and forget the oldest of those without a name."""
    now = utc_now()
    await tx.execute_fetchall(
        "insert into draft_versions (draft_id, number, made_by, reason, author_id, title, content,"
        " citations, word_count, is_open, created_at, updated_at)"
        " values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            draft.id,
            number,
            made_by,
            reason,
            author_id,
            draft.title,
            draft.content,
            to_json(draft.citations),
            draft.word_count,
            is_open,
            now,
            now,
        ),
    )
    await tx.execute_fetchall(
        "delete from draft_versions where draft_id = :id and name = '' and number not in"
        " (select number from draft_versions where draft_id = :id and name = ''"
        " order by number desc limit :kept)",
        {"id": draft.id, "kept": KEPT},
    )


async def replace(tx: Connection, draft: Draft, number: int, *, is_open: bool) -> None:
    """Let a draft's text take the place of that of a version."""
    await tx.execute_fetchall(
        "update draft_versions set title = ?, content = ?, citations = ?, word_count = ?,"
        " is_open = ?, updated_at = ? where draft_id = ? and number = ?",
        (
            draft.title,
            draft.content,
            to_json(draft.citations),
            draft.word_count,
            is_open,
            utc_now(),
            draft.id,
            number,
        ),
    )


async def rename(tx: Connection, draft_id: Id, number: int, name: str) -> None:
    """Give a version a name, or take it away; nothing joins it any more."""
    await tx.execute_fetchall(
        "update draft_versions set name = ?, is_open = 0 where draft_id = ? and number = ?",
        (name, draft_id, number),
    )
