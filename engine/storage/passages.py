"""Passages in a full-text index: the only file that knows FTS5.

A question reaches it as terms, never as text: each is quoted, so that no operator, quote or
bracket of a user's question has a meaning here. The scope of a search is part of the expression.
"""

import json
import sqlite3
from collections.abc import Collection, Sequence
from typing import NamedTuple

import msgspec

from engine.language.stems import passage_forms
from engine.storage.database import Connection
from engine.storage.rights import READABLE, Reader, reading
from engine.storage.rows import fetch_all, insert_all
from engine.types import Id, Source

_SOURCE = """
    c.chunk_id, c.document_id, d.name as document_name, v.version, c.kb_id, p.body as text,
    c.char_start, c.char_end, c.page, c.section
"""


class Passage(msgspec.Struct, frozen=True):
    """What is indexed of a chunk; `forms` are its words as questions are compared with them."""

    kb_id: Id
    title: str
    heading: str
    body: str
    forms: str


def make_passage(kb_id: Id, title: str, heading: str, body: str) -> Passage:
    """Return what is indexed of a chunk; a millisecond's work for each, so not for the loop."""
    forms = " ".join(passage_forms(f"{title}\n{heading}\n{body}"))
    return Passage(kb_id, title, heading, body, forms)


class Term(NamedTuple):
    """One word to look for: as it is written, or as a form of `engine.language.stems`."""

    text: str
    is_form: bool = False


class Hit(msgspec.Struct, frozen=True):
    """A passage found; `weight` is its bm25, more is better, comparable within one search only."""

    source: Source
    title: str
    heading: str
    forms: str
    weight: float


async def add(tx: Connection, rowids: Sequence[int], passages: Sequence[Passage]) -> None:
    """Index passages whose chunks are stored already, under these row ids of `chunks`."""
    await insert_all(
        tx,
        "insert into passages (rowid, scope, title, heading, body, forms)",
        [
            (rowid, _scope(one.kb_id), one.title, one.heading, one.body, one.forms)
            for rowid, one in zip(rowids, passages, strict=True)
        ],
    )


async def remove_version(tx: Connection, version_id: Id) -> None:
    """Take a version's passages out of the index, before its chunks go."""
    await tx.execute_fetchall(
        "delete from passages where rowid in (select id from chunks where version_id = ?)",
        (version_id,),
    )


async def remove_document(tx: Connection, document_id: Id) -> None:
    """Take the passages of all versions of a document out of the index, before its chunks go."""
    await tx.execute_fetchall(
        "delete from passages where rowid in (select c.id from chunks c"
        " join document_versions v on v.id = c.version_id where v.document_id = ?)",
        (document_id,),
    )


async def remove_kb(tx: Connection, kb_id: Id) -> None:
    """Take all passages of a knowledge base out of the index, before its chunks go."""
    await tx.execute_fetchall(
        "delete from passages where rowid in (select id from chunks where kb_id = ?)", (kb_id,)
    )


async def count(connection: Connection) -> int:
    """Return about how many passages there are, in constant time."""
    rows = await fetch_all(connection, "select coalesce(max(id), 0) as number from chunks")
    return int(rows[0]["number"])


async def frequencies(connection: Connection, terms: Sequence[Term]) -> dict[Term, int]:
    """Return in how many passages of the whole index each term occurs."""
    rows = await fetch_all(
        connection,
        "select (select count(*) from passages where passages match t.value) as number"
        " from json_each(:terms) t order by t.key",
        {"terms": json.dumps([_phrase(term) for term in terms])},
    )
    return {term: row["number"] for term, row in zip(terms, rows, strict=True)}


async def search(
    connection: Connection,
    reader: Reader,
    kb_ids: Sequence[Id],
    terms: Sequence[Term],
    limit: int,
) -> list[Hit]:
    """Return the passages of these knowledge bases that match best, best first.

    The scope in the index is for speed; who may read what is decided by the join with the rights.

    Passages of a version that is still being read are left out: the window grows until enough
    others are found.
    """
    if not kb_ids or not terms:
        return []
    return await _best(connection, reader, _match(kb_ids, terms), limit)


async def complete(
    connection: Connection,
    reader: Reader,
    kb_ids: Sequence[Id],
    words: Sequence[str],
    beginnings: Sequence[str],
    limit: int,
) -> list[Hit]:
    """Return the passages that have all `words` and one that begins with one of `beginnings`."""
    if not kb_ids or not beginnings:
        return []
    begun = " OR ".join(f"{_phrase(Term(beginning))} *" for beginning in beginnings)
    parts = [_scopes(kb_ids), *(_phrase(Term(word)) for word in words), f"({begun})"]
    return await _best(connection, reader, " AND ".join(parts), limit)


async def _best(connection: Connection, reader: Reader, match: str, limit: int) -> list[Hit]:
    window = limit
    while window > 0:
        rows, matched = await _search(connection, reader, match, window)
        if len(rows) >= limit or matched < window:
            return [_hit(row) for row in rows[:limit]]
        window *= 4
    return []


async def _search(
    connection: Connection, reader: Reader, match: str, window: int
) -> tuple[list[sqlite3.Row], int]:
    """Return the readable ones among the best `window` matches, and how many matches those were."""
    rows = await fetch_all(
        connection,
        # The weights: scope, title, heading, body, forms. Texts are fetched for the best alone.
        "with best as materialized (select rowid as id, bm25(passages, 0, 2, 2, 0.77, 1.5) as cost"
        " from passages where passages match :match order by cost limit :window)"
        " select p.title, p.heading, p.forms, -best.cost as weight, v.status = 'ready' as is_ready,"
        + _SOURCE
        + f" from best join chunks c on c.id = best.id join {READABLE} r on r.kb_id = c.kb_id"
        " join passages p on p.rowid = best.id join document_versions v on v.id = c.version_id"
        " join documents d on d.id = v.document_id order by best.cost, best.id",
        {"match": match, "window": window, **reading(reader)},
    )
    return [row for row in rows if row["is_ready"]], len(rows)


async def get(
    connection: Connection, reader: Reader, kb_id: Id, chunk_ids: Collection[Id]
) -> list[Source]:
    """Return passages of a knowledge base by their ids, in no order; missing ones are left out."""
    rows = await fetch_all(
        connection,
        f"select {_SOURCE} from json_each(:ids) j join chunks c on c.chunk_id = j.value"
        f" join {READABLE} r on r.kb_id = c.kb_id join passages p on p.rowid = c.id"
        " join document_versions v on v.id = c.version_id"
        " join documents d on d.id = v.document_id where c.kb_id = :kb_id and v.status = 'ready'",
        {"ids": json.dumps(list(chunk_ids)), "kb_id": kb_id, **reading(reader)},
    )
    return [_source(row) for row in rows]


async def number_in(connection: Connection, reader: Reader, kb_id: Id, most: int) -> int:
    """Return how many passages a knowledge base has; `most` ends the count."""
    rows = await fetch_all(
        connection,
        "select count(*) as number from (select 1 from chunks c"
        " cross join document_versions v on v.id = c.version_id"
        " where c.kb_id = :kb_id and v.status = 'ready'"
        f" and c.kb_id in (select kb_id from {READABLE}) limit :most)",
        {"kb_id": kb_id, "most": most, **reading(reader)},
    )
    return int(rows[0]["number"])


async def leading(
    connection: Connection, reader: Reader, kb_id: Id, limit: int, exclude: Collection[Id]
) -> list[Source]:
    """Return the first passages of a knowledge base, document by document in reading order."""
    rows = await fetch_all(
        connection,
        # The cross joins keep the order of the index on chunks, so that a limit ends the walk.
        "select " + _SOURCE + " from chunks c cross join document_versions v on v.id = c.version_id"
        " cross join documents d on d.id = v.document_id cross join passages p on p.rowid = c.id"
        " where c.kb_id = :kb_id and v.status = 'ready'"
        f" and c.kb_id in (select kb_id from {READABLE})"
        " and c.chunk_id not in (select value from json_each(:exclude))"
        " order by c.document_id, c.ordinal limit :limit",
        {
            "kb_id": kb_id,
            "limit": limit,
            "exclude": json.dumps(list(exclude)),
            **reading(reader),
        },
    )
    return [_source(row) for row in rows]


def _hit(row: sqlite3.Row) -> Hit:
    return Hit(_source(row), row["title"], row["heading"], row["forms"], row["weight"])


def _source(row: sqlite3.Row) -> Source:
    return Source(**{name: row[name] for name in Source.__struct_fields__ if name != "score"})


def _match(kb_ids: Sequence[Id], terms: Sequence[Term]) -> str:
    return f"{_scopes(kb_ids)} AND ({' OR '.join(map(_phrase, terms))})"


def _scopes(kb_ids: Sequence[Id]) -> str:
    return "scope:(" + " OR ".join(f'"{_scope(kb_id)}"' for kb_id in kb_ids) + ")"


def _phrase(term: Term) -> str:
    columns = "forms" if term.is_form else "{title heading body}"
    text = term.text.replace('"', '""').replace("\0", "")
    return f'{columns}:"{text}"'


def _scope(kb_id: Id) -> str:
    """Return an id as one word of the index; the last digit keeps the stemmer from its end."""
    return f"kb{kb_id.encode(errors='surrogatepass').hex()}0"
