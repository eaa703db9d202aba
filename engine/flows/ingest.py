"""Documents: taken in, read in a child process, indexed, replaced by newer versions, removed."""

import asyncio
import unicodedata
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from uuid import NAMESPACE_OID, uuid5

import msgspec

from engine.errors import Conflict, NotFound
from engine.ingest.parsed import Chunk, Parsed
from engine.ingest.sandbox import Limits, parse
from engine.runs.events import Cancelled, Completed, Event, Failed, Stage, Started, Terminal
from engine.runs.runner import Run, Runs
from engine.storage import documents, knowledge, passages
from engine.storage.database import Connection, Database
from engine.storage.documents import Document, NewVersion
from engine.storage.files import FileStore
from engine.storage.identities import User
from engine.storage.journal import RunRow
from engine.types import Id, Level, new_id, utc_now

FAMILY = "ingest"
_BATCH = 200
_NAME_CHARS = 200


class Arrived(msgspec.Struct, frozen=True):
    """A file that was received whole; `path` is where it waits."""

    name: str
    path: Path
    sha256: str
    size: int


class Library:
    """Takes documents into knowledge bases and out of them."""

    def __init__(self, database: Database, files: FileStore, limits: Limits) -> None:
        """Keep files in `files` and read them within `limits`."""
        self._database = database
        self._files = files
        self._limits = limits

    async def add(self, runs: Runs, user: User, kb_id: Id, arrived: Arrived) -> Document:
        """Take in a file and start reading it; the same bytes again change nothing.

        Raises:
            NotFound: no such knowledge base. Unavailable: the server is shutting down.
        """
        name = display_name(arrived.name)
        async with self._database.read() as connection:
            await knowledge.get(connection, user, kb_id, Level.WRITE)
            known = await documents.find(connection, kb_id, name)
        if known is not None and known.sha256 == arrived.sha256 and known.status != "failed":
            arrived.path.unlink(missing_ok=True)
            return known
        self._files.adopt(arrived.path, arrived.sha256)
        file = NewVersion(name, arrived.sha256, arrived.size)

        async def build(tx: Connection) -> RunRow:
            run_id = new_id()
            document = await documents.add_version(tx, kb_id, file, run_id)
            return _row(user, document, run_id)

        row = await runs.start(FAMILY, user.id, build)
        return await self._get(user, str(row.document_id))

    async def retry(self, runs: Runs, user: User, document_id: Id) -> Document:
        """Read a failed document again.

        Raises:
            Conflict: it has not failed.
        """
        document = await self._get(user, document_id)
        if document.status != "failed":
            raise Conflict("Only a failed document can be read again.", code="INVALID_TRANSITION")

        async def build(tx: Connection) -> RunRow:
            run_id = new_id()
            await documents.start_over(tx, document.version_id, run_id)
            return _row(user, document, run_id)

        await runs.start(FAMILY, user.id, build)
        return await self._get(user, document_id)

    async def _get(self, user: User, document_id: Id) -> Document:
        async with self._database.read() as connection:
            return await documents.get(connection, user, document_id, Level.WRITE)

    async def remove(self, runs: Runs, user: User, document_id: Id) -> None:
        """Remove a document, its versions and its passages.

        Raises:
            NotFound: no such document.
        """
        document = await self._get(user, document_id)
        await runs.cancel(document.run_id)
        async with self._database.transaction() as tx:
            await passages.remove_document(tx, document_id)
            await documents.delete(tx, document_id)
            await knowledge.index_changed(tx, document.kb_id)
        await self._drop_unused_files()

    async def remove_kb(self, runs: Runs, user: User, kb_id: Id) -> None:
        """Remove a knowledge base with all that is in it.

        Raises:
            NotFound: no such knowledge base.
        """
        async with self._database.read() as connection:
            await knowledge.get(connection, user, kb_id, Level.ADMIN)
        await runs.cancel_all(kb_id)
        async with self._database.transaction() as tx:
            await passages.remove_kb(tx, kb_id)
            await knowledge.delete(tx, kb_id)
        await runs.cancel_all(kb_id)  # those that began to read it meanwhile
        await self._drop_unused_files()

    async def _drop_unused_files(self) -> None:
        async with self._database.read() as connection:
            used = await documents.hashes_in_use(connection)
        self._files.keep_only(used)

    async def flow(self, run: Run) -> AsyncGenerator[Event, None]:
        """Read the file and make its passages searchable."""
        document = await self._document(run.row.id)
        if not run.is_continued:
            yield Started(FAMILY, document_id=document.id, title=document.name)
        yield Stage("parsing", "Reading the file", 5)
        await self._set_status(document, "processing")
        path = self._files.path(document.sha256)
        parsed = await parse(path, name=document.name, limits=self._limits)
        yield Stage("indexing", "Making it searchable", 60)
        words = await asyncio.to_thread(_words, parsed)
        await self._describe(document, parsed, words)
        count = len(parsed.chunks)
        for start in range(0, count, _BATCH):
            await self._index(document, parsed, start)
            yield Stage("indexing", "Making it searchable", 60 + 39 * start // count)
        yield Completed(word_count=words, warnings=parsed.warnings)

    async def _document(self, run_id: Id) -> Document:
        async with self._database.read() as connection:
            document = await documents.of_run(connection, run_id)
        if document is None:
            raise NotFound("The document was removed or replaced.")
        return document

    async def _set_status(self, document: Document, status: str) -> None:
        async with self._database.transaction() as tx:
            await documents.set_status(tx, document.version_id, status)

    async def _describe(self, document: Document, parsed: Parsed, words: int) -> None:
        """Store the text, and clear what an interrupted attempt has left."""
        async with self._database.transaction() as tx:
            await passages.remove_version(tx, document.version_id)
            await documents.remove_chunks(tx, document.version_id)
            await documents.describe(
                tx,
                document.version_id,
                media_type=parsed.media_type,
                title=parsed.title or "",
                text=parsed.text,
                words=words,
                pages=[(page.number, page.start, page.end) for page in parsed.pages],
                warnings=parsed.warnings,
            )

    async def _index(self, document: Document, parsed: Parsed, start: int) -> None:
        chunks = parsed.chunks[start : start + _BATCH]
        rows = list(_chunk_rows(document, chunks, start))
        made = await asyncio.to_thread(_passages, document, parsed, chunks)
        async with self._database.transaction() as tx:
            await passages.add(tx, await documents.add_chunks(tx, rows), made)

    async def settle(self, tx: Connection, row: RunRow, terminal: Terminal) -> None:
        """Put the new version in the place of the old one, or take away what is half done."""
        document = await documents.of_run(tx, row.id)
        if document is None:
            return
        match terminal:
            case Completed():
                for version_id in await documents.older_versions(tx, document.id, document.version):
                    await passages.remove_version(tx, version_id)
                    await documents.remove_chunks(tx, version_id)
                await documents.set_status(tx, document.version_id, "ready")
                await knowledge.index_changed(tx, document.kb_id)
            case Failed(message=reason):
                await self._undo(tx, document, reason)
            case Cancelled():
                await self._undo(tx, document, "Reading this file was stopped.")

    async def _undo(self, tx: Connection, document: Document, reason: str) -> None:
        await passages.remove_version(tx, document.version_id)
        await documents.remove_chunks(tx, document.version_id)
        await documents.set_status(tx, document.version_id, "failed", reason)


def display_name(name: str) -> str:
    """Return a file's name as it is shown: the last part of a path, without control characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    text = "".join(c for c in unicodedata.normalize("NFC", last) if _is_printable(c)).strip()
    if len(text) <= _NAME_CHARS:
        return text or "Untitled"
    stem, dot, suffix = text.rpartition(".")
    if dot and len(suffix) <= 10:
        return stem[: _NAME_CHARS - len(suffix) - 1] + dot + suffix
    return text[:_NAME_CHARS]


def _is_printable(character: str) -> bool:
    """Whether a character may stand in a shown name: no controls, no direction marks, no halves."""
    return not unicodedata.category(character).startswith("C")


def _row(user: User, document: Document, run_id: Id) -> RunRow:
    return RunRow(
        id=run_id,
        family=FAMILY,
        user_id=user.id,
        state="running",
        request=b"{}",
        request_hash="",
        created_at=utc_now(),
        kb_id=document.kb_id,
        document_id=document.id,
        keep_going=True,
    )


def _chunk_rows(
    document: Document, chunks: list[Chunk], first: int
) -> Iterator[tuple[object, ...]]:
    for ordinal, chunk in enumerate(chunks, start=first):
        place = f"{document.version_id}:{chunk.char_start}-{chunk.char_end}"
        yield (
            str(uuid5(NAMESPACE_OID, place)),
            document.version_id,
            document.id,
            document.kb_id,
            ordinal,
            chunk.char_start,
            chunk.char_end,
            chunk.page,
            chunk.section,
        )


def _passages(document: Document, parsed: Parsed, chunks: list[Chunk]) -> list[passages.Passage]:
    title = parsed.title or document.name
    return [
        passages.make_passage(
            document.kb_id,
            title,
            chunk.section or "",
            parsed.text[chunk.char_start : chunk.char_end],
        )
        for chunk in chunks
    ]


def _words(parsed: Parsed) -> int:
    return len(parsed.text.split())
