"""Drafts as stored. What a streaming draft says right now is stored text plus its run's journal."""

from typing import Any

import msgspec

from engine.errors import Conflict, Invalid, NotFound
from engine.storage.database import Connection
from engine.storage.rights import READABLE, Reader, reading, require
from engine.storage.rows import containing, fetch_all, fetch_one, record, to_json
from engine.types import Citation, Id, Level, utc_now

_COLUMNS = (
    "d.id, d.kb_id, d.owner_id, d.document_type, d.title, d.context, d.request, d.status,"
    " d.content, d.citations, d.confidence, d.word_count, d.sources_used, d.version,"
    " d.run_id, d.previous_draft_id, d.created_at, d.updated_at,"
    " (select username from users where id = d.owner_id) as author"
)
_JSON = ("citations", "request")
PAGE_SIZE = 50
_ORDERS = {
    "updated": "d.updated_at",
    "created": "d.created_at",
    "title": "lower(d.title)",
    "words": "d.word_count",
    "confidence": "d.confidence",
    "status": "d.status",
}


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A draft; `request` is the body it was asked for with, `author` the name of its owner."""

    id: Id
    kb_id: Id
    owner_id: Id
    author: str = ""
    document_type: str
    title: str
    context: str
    request: dict[str, Any]
    status: str
    content: str = ""
    citations: list[Citation] = []
    confidence: float = 0.0
    word_count: int = 0
    sources_used: int = 0
    version: int = 1
    run_id: Id | None = None
    previous_draft_id: Id | None = None
    created_at: str = ""
    updated_at: str = ""


async def insert(tx: Connection, draft: Draft) -> None:
    """Store a new draft."""
    now = utc_now()
    await tx.execute_fetchall(
        "insert into drafts (id, kb_id, owner_id, document_type, title, context, request, status,"
        " content, citations, confidence, word_count, sources_used, version, run_id,"
        " previous_draft_id, created_at, updated_at)"
        " values (:id, :kb_id, :owner_id, :document_type, :title, :context, :request,"
        " :status, :content, :citations, :confidence, :word_count, :sources_used, :version,"
        " :run_id, :previous_draft_id, :created_at, :updated_at)",
        msgspec.structs.asdict(draft)
        | {
            "request": to_json(draft.request),
            "citations": to_json(draft.citations),
            "created_at": now,
            "updated_at": now,
        },
    )


async def get(
    connection: Connection,
    reader: Reader,
    draft_id: Id,
    least: Level = Level.READ,
    *,
    with_deleted: bool = False,
) -> Draft:
    """Return a draft: whoever may read its knowledge base may read it, its owner may do all.

    One whose deletion can still be taken back is found only `with_deleted`.

    Raises:
        NotFound: there is none that the reader may see.
        Forbidden: it is another's, and the reader has not the right `least`.
    """
    row = await fetch_one(
        connection,
        f"select {_COLUMNS}, case when d.owner_id = :user_id then 3 else r.level end as level"
        f" from drafts d join {READABLE} r on r.kb_id = d.kb_id where d.id = :draft_id"
        " and (d.deleted_at is null or :with_deleted)",
        {"draft_id": draft_id, "with_deleted": with_deleted, **reading(reader)},
    )
    if row is None:
        raise NotFound("This draft does not exist.", field="draft_id")
    require(row["level"], least)
    return record(row, Draft, json=_JSON)


async def of_run(connection: Connection, run_id: Id) -> Draft | None:
    """Return the draft that this run writes, if it still exists."""
    row = await fetch_one(
        connection,
        f"select {_COLUMNS} from drafts d where d.run_id = ?",
        (run_id,),
    )
    return record(row, Draft, json=_JSON) if row else None


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """Which drafts to list, and how; a `sort` with a hyphen before it counts down."""

    kb_id: Id | None = None
    statuses: tuple[str, ...] = ()
    words: str = ""
    sort: str = "-updated"


async def list_page(
    connection: Connection, reader: Reader, wanted: Filter, page: int
) -> tuple[list[Draft], int]:
    """Return one page (from 1) of drafts, and how many there are in all.

    Raises:
        Invalid: there is no such order.
    """
    params = {
        "kb_id": wanted.kb_id,
        "statuses": to_json(wanted.statuses),
        "words": containing(wanted.words) if wanted.words else None,
        "limit": PAGE_SIZE,
        "offset": (page - 1) * PAGE_SIZE,
        **reading(reader),
    }
    where = (
        f"from drafts d join {READABLE} r on r.kb_id = d.kb_id where d.deleted_at is null"
        " and (:kb_id is null or d.kb_id = :kb_id)"
        " and (:statuses = '[]' or d.status in (select value from json_each(:statuses)))"
        r" and (:words is null or d.title like :words escape '\'"
        r" or d.context like :words escape '\' or d.content like :words escape '\')"
    )
    rows = await fetch_all(
        connection,
        f"select {_COLUMNS} {where} order by {_order(wanted.sort)}, d.id"
        " limit :limit offset :offset",
        params,
    )
    total = await fetch_one(connection, f"select count(*) as n {where}", params)
    return [record(row, Draft, json=_JSON) for row in rows], int(total["n"] if total else 0)


def _order(sort: str) -> str:
    column = _ORDERS.get(sort.removeprefix("-"))
    if column is None:
        raise Invalid(f"sort: must be one of {', '.join(_ORDERS)}.", field="sort")
    return f"{column} {'desc' if sort.startswith('-') else 'asc'}"


class Titled(msgspec.Struct, frozen=True):
    """A draft by its title."""

    id: Id
    kb_id: Id
    title: str
    status: str


async def list_named(
    connection: Connection, reader: Reader, words: str, limit: int
) -> list[Titled]:
    """Return the drafts a reader may see whose title holds these words."""
    rows = await fetch_all(
        connection,
        f"select d.id, d.kb_id, d.title, d.status from drafts d join {READABLE} r"
        r" on r.kb_id = d.kb_id where d.deleted_at is null and d.title like :words escape '\'"
        " order by d.updated_at desc limit :limit",
        {"words": containing(words), "limit": limit, **reading(reader)},
    )
    return [record(row, Titled) for row in rows]


async def set_streaming(tx: Connection, draft_id: Id, run_id: Id) -> None:
    """Hand a partial draft to a run that continues it.

    Raises:
        Conflict: it is not partial, so there is nothing to continue or somebody already does.
    """
    row = await fetch_one(
        tx,
        "update drafts set status = 'streaming', run_id = ?, version = version + 1, updated_at = ?"
        " where id = ? and status = 'partial' returning id",
        (run_id, utc_now(), draft_id),
    )
    if row is None:
        raise Conflict("Only a partial draft can be continued.", code="INVALID_TRANSITION")


async def finish(
    tx: Connection,
    draft_id: Id,
    run_id: Id,
    *,
    status: str,
    content: str,
    citations: list[Citation],
    confidence: float,
    word_count: int,
    sources_used: int,
) -> None:
    """Store what a run wrote, unless the draft has passed to another run meanwhile."""
    await tx.execute_fetchall(
        "update drafts set status = ?, content = ?, citations = ?, confidence = ?, word_count = ?,"
        " sources_used = ?, version = version + 1, updated_at = ?"
        " where id = ? and run_id = ? and status = 'streaming'",
        (
            status,
            content,
            to_json(citations),
            confidence,
            word_count,
            sources_used,
            utc_now(),
            draft_id,
            run_id,
        ),
    )


async def update(tx: Connection, draft: Draft, expected_version: int) -> None:
    """Store an edited draft under the next version.

    Raises:
        Conflict: it has changed since `expected_version`.
    """
    row = await fetch_one(
        tx,
        "update drafts set title = :title, status = :status, content = :content,"
        " citations = :citations, word_count = :word_count, sources_used = :sources_used,"
        " version = version + 1, updated_at = :now"
        " where id = :id and version = :expected returning version",
        {
            "id": draft.id,
            "title": draft.title,
            "status": draft.status,
            "content": draft.content,
            "citations": to_json(draft.citations),
            "word_count": draft.word_count,
            "sources_used": draft.sources_used,
            "now": utc_now(),
            "expected": expected_version,
        },
    )
    if row is None:
        raise Conflict("The draft was changed meanwhile.")


async def set_deleted(tx: Connection, draft_id: Id, at: str | None) -> None:
    """Take a draft out of sight, or bring it back."""
    await tx.execute_fetchall("update drafts set deleted_at = ? where id = ?", (at, draft_id))


async def purge(tx: Connection, deleted_before: str) -> None:
    """Remove the drafts that were deleted before a time, and what their runs wrote."""
    rows = await fetch_all(tx, "select id from drafts where deleted_at < ?", (deleted_before,))
    for row in rows:
        await delete(tx, row["id"])


async def delete(tx: Connection, draft_id: Id) -> None:
    """Remove a draft and what its runs wrote."""
    await tx.execute_fetchall(
        "delete from events where run_id in (select id from runs where draft_id = ?)", (draft_id,)
    )
    await tx.execute_fetchall("delete from runs where draft_id = ?", (draft_id,))
    await tx.execute_fetchall("delete from drafts where id = ?", (draft_id,))


async def exists(connection: Connection, draft_id: Id) -> bool:
    """Whether there is a draft of this id, whoever owns it."""
    return await fetch_one(connection, "select 1 from drafts where id = ?", (draft_id,)) is not None
