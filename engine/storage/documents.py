"""Documents and their immutable versions."""

import msgspec

from engine.errors import NotFound
from engine.storage.database import Connection
from engine.storage.rights import READABLE, Reader, reading, require
from engine.storage.rows import containing, fetch_all, fetch_one, insert_all, record, to_json
from engine.types import Id, Level, new_id, utc_now

_LATEST = """
select d.id, d.kb_id, d.name, d.created_at, v.id as version_id, v.version, v.run_id, v.sha256,
    v.size, v.media_type, v.status, v.reason, v.warnings, v.title, v.characters, v.words, v.pages,
    v.created_at as updated_at
from documents d
join document_versions v on v.document_id = d.id
where v.version = (select max(version) from document_versions where document_id = d.id)
"""
_JSON = ("warnings", "pages")


class DocumentFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A document as its latest version stands; `reason` says why it could not be read."""

    id: Id
    kb_id: Id
    name: str
    version_id: Id
    version: int
    run_id: Id
    sha256: str
    size: int
    media_type: str
    status: str
    reason: str
    warnings: list[str]
    title: str
    characters: int
    words: int
    created_at: str
    updated_at: str


class Document(DocumentFacts, frozen=True, kw_only=True):
    """A document with (number, start, end) of its pages, for formats that have any.

    Positions count characters of the version's text.
    """

    pages: list[tuple[int, int, int]]


class NewVersion(msgspec.Struct, frozen=True):
    """What is known of an uploaded file before it is read."""

    name: str
    sha256: str
    size: int


class ChunkRow(msgspec.Struct, frozen=True):
    """A chunk with its text, as listed to a reader who picks sources."""

    chunk_id: Id
    page: int | None
    section: str | None
    char_start: int
    char_end: int
    text: str


async def add_version(tx: Connection, kb_id: Id, file: NewVersion, run_id: Id) -> Document:
    """Add the next version of the document of that name, made when it is new."""
    now = utc_now()
    document_id = await _document_id(tx, kb_id, file.name, now)
    await tx.execute_fetchall(
        "insert into document_versions (id, document_id, version, run_id, sha256, size, status,"
        " created_at) select :id, :document_id, coalesce(max(version), 0) + 1, :run_id, :sha256,"
        " :size, 'queued', :now from document_versions where document_id = :document_id",
        {
            "id": new_id(),
            "document_id": document_id,
            "run_id": run_id,
            "sha256": file.sha256,
            "size": file.size,
            "now": now,
        },
    )
    return await _get(tx, document_id)


async def _document_id(tx: Connection, kb_id: Id, name: str, now: str) -> Id:
    row = await fetch_one(
        tx, "select id from documents where kb_id = ? and name = ?", (kb_id, name)
    )
    if row is not None:
        return str(row["id"])
    document_id = new_id()
    await tx.execute_fetchall(
        "insert into documents (id, kb_id, name, created_at) values (?, ?, ?, ?)",
        (document_id, kb_id, name, now),
    )
    return document_id


async def find(connection: Connection, kb_id: Id, name: str) -> Document | None:
    """Return the document of that name, if any."""
    row = await fetch_one(connection, _LATEST + "and d.kb_id = ? and d.name = ?", (kb_id, name))
    return record(row, Document, json=_JSON) if row else None


class NamedDocument(msgspec.Struct, frozen=True):
    """A document as found by its name."""

    id: Id
    kb_id: Id
    name: str


async def list_named(
    connection: Connection, reader: Reader, words: str, limit: int
) -> list[NamedDocument]:
    """Return the documents a reader may see whose name holds these words."""
    rows = await fetch_all(
        connection,
        f"select d.id, d.kb_id, d.name from documents d join {READABLE} r on r.kb_id = d.kb_id"
        r" where d.name like :words escape '\' order by d.name limit :limit",
        {"words": containing(words), "limit": limit, **reading(reader)},
    )
    return [record(row, NamedDocument) for row in rows]


async def get(
    connection: Connection, reader: Reader, document_id: Id, least: Level = Level.READ
) -> Document:
    """Return a document.

    Raises:
        NotFound: there is none that the reader may see.
        Forbidden: the reader may see it, but has not the right `least` in its knowledge base.
    """
    row = await fetch_one(
        connection,
        f"select d.*, r.level from ({_LATEST}) d join {READABLE} r on r.kb_id = d.kb_id"
        " where d.id = :document_id",
        {"document_id": document_id, **reading(reader)},
    )
    if row is None:
        raise _missing()
    require(row["level"], least)
    return record(row, Document, json=_JSON)


async def _get(connection: Connection, document_id: Id) -> Document:
    row = await fetch_one(connection, _LATEST + "and d.id = ?", (document_id,))
    if row is None:
        raise _missing()
    return record(row, Document, json=_JSON)


async def of_run(connection: Connection, run_id: Id) -> Document | None:
    """Return the document whose latest version this run reads, if it still exists."""
    row = await fetch_one(connection, _LATEST + "and v.run_id = ?", (run_id,))
    return record(row, Document, json=_JSON) if row else None


async def list_all(connection: Connection, kb_id: Id) -> list[Document]:
    """Return the documents of a knowledge base by name."""
    rows = await fetch_all(
        connection, _LATEST + "and d.kb_id = ? order by d.name collate nocase", (kb_id,)
    )
    return [record(row, Document, json=_JSON) for row in rows]


async def set_status(tx: Connection, version_id: Id, status: str, reason: str = "") -> None:
    """Say how far the reading of a version is, and why it failed."""
    await tx.execute_fetchall(
        "update document_versions set status = ?, reason = ? where id = ?",
        (status, reason, version_id),
    )


async def start_over(tx: Connection, version_id: Id, run_id: Id) -> None:
    """Queue a version again, to be read by another run."""
    await tx.execute_fetchall(
        "update document_versions set status = 'queued', reason = '', run_id = ? where id = ?",
        (run_id, version_id),
    )


async def describe(
    tx: Connection,
    version_id: Id,
    *,
    media_type: str,
    title: str,
    text: str,
    words: int,
    pages: list[tuple[int, int, int]],
    warnings: list[str],
) -> None:
    """Store what reading a version brought to light."""
    await tx.execute_fetchall(
        "update document_versions set media_type = ?, title = ?, characters = ?, words = ?,"
        " pages = ?, warnings = ? where id = ?",
        (media_type, title, len(text), words, to_json(pages), to_json(warnings), version_id),
    )
    await tx.execute_fetchall(
        "insert or replace into document_texts (version_id, text) values (?, ?)",
        (version_id, text),
    )


async def text(
    connection: Connection,
    document_id: Id,
    *,
    version: int | None,
    start: int = 0,
    end: int | None = None,
) -> str:
    """Return characters [start, end) of a version's text, the latest readable one by default.

    Raises:
        NotFound: no such version, or it has no text.
    """
    row = await fetch_one(
        connection,
        "select substr(t.text, :start + 1, coalesce(:length, length(t.text))) as slice"
        " from document_texts t join document_versions v on v.id = t.version_id"
        " where v.document_id = :document_id and v.version = coalesce(:version,"
        " (select max(w.version) from document_versions w"
        " join document_texts x on x.version_id = w.id where w.document_id = :document_id))",
        {
            "document_id": document_id,
            "version": version,
            "start": start,
            "length": None if end is None else max(0, end - start),
        },
    )
    if row is None:
        raise NotFound("This version of the document has no text.", field="version")
    return str(row["slice"])


async def add_chunks(tx: Connection, rows: list[tuple[object, ...]]) -> list[int]:
    """Insert chunks of one version, in the order of the columns below; return their row ids."""
    await insert_all(
        tx,
        "insert into chunks (chunk_id, version_id, document_id, kb_id, ordinal, char_start,"
        " char_end, page, section)",
        rows,
    )
    last = await fetch_one(tx, "select max(id) as id from chunks")
    return list(range(last["id"] - len(rows) + 1, last["id"] + 1)) if last else []


async def list_chunks(connection: Connection, document_id: Id) -> list[ChunkRow]:
    """Return the chunks of a document's searchable version in order, with their text."""
    rows = await fetch_all(
        connection,
        "select c.version_id, c.chunk_id, c.page, c.section, c.char_start, c.char_end from chunks c"
        " join document_versions v on v.id = c.version_id"
        " where c.document_id = ? and v.status = 'ready' order by c.ordinal",
        (document_id,),
    )
    if not rows:
        return []
    stored = await fetch_one(
        connection, "select text from document_texts where version_id = ?", (rows[0]["version_id"],)
    )
    whole = stored["text"] if stored else ""
    return [
        ChunkRow(
            row["chunk_id"],
            row["page"],
            row["section"],
            row["char_start"],
            row["char_end"],
            whole[row["char_start"] : row["char_end"]],
        )
        for row in rows
    ]


async def remove_chunks(tx: Connection, version_id: Id) -> None:
    """Remove the chunks of a version; its passages must be gone from the index already."""
    await tx.execute_fetchall("delete from chunks where version_id = ?", (version_id,))


async def older_versions(connection: Connection, document_id: Id, version: int) -> list[Id]:
    """Return the ids of the versions before this one that still have chunks."""
    rows = await fetch_all(
        connection,
        "select distinct v.id from document_versions v join chunks c on c.version_id = v.id"
        " where v.document_id = ? and v.version < ?",
        (document_id, version),
    )
    return [row["id"] for row in rows]


async def delete(tx: Connection, document_id: Id) -> None:
    """Remove a document with all versions; its passages must be gone from the index already."""
    await tx.execute_fetchall(
        "delete from events where run_id in (select id from runs where document_id = ?)",
        (document_id,),
    )
    await tx.execute_fetchall("delete from runs where document_id = ?", (document_id,))
    await tx.execute_fetchall("delete from documents where id = ?", (document_id,))


async def hashes_in_use(connection: Connection) -> set[str]:
    """Return the content hashes of all versions."""
    rows = await fetch_all(connection, "select distinct sha256 from document_versions")
    return {row["sha256"] for row in rows}


def _missing() -> NotFound:
    return NotFound("This document does not exist.", field="document_id")
