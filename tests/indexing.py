"""Puts documents straight into the index, without files and parsing."""

from engine.storage import documents, identities, knowledge, passages
from engine.storage.database import Database
from engine.storage.documents import NewVersion
from engine.storage.passages import make_passage
from engine.storage.rights import Reader
from engine.types import Id, new_id


async def reader_of(database: Database) -> Reader:
    """Return who owns the knowledge bases made here."""
    async with database.transaction() as tx:
        return (await identities.local_administrator(tx))[0]


async def new_kb(database: Database, name: str) -> Id:
    """Add a knowledge base."""
    async with database.transaction() as tx:
        user, _ = await identities.local_administrator(tx)
        return await knowledge.create(tx, user.id, name)


async def put(
    database: Database, kb_id: Id, name: str, *texts: str, status: str = "ready"
) -> documents.Document:
    """Store a document's next version, each text one chunk."""
    async with database.transaction() as tx:
        document = await documents.add_version(tx, kb_id, NewVersion(name, name, 1), new_id())
        rows: list[tuple[object, ...]] = [
            (new_id(), document.version_id, document.id, kb_id, n, 0, len(text), 1, "Part")
            for n, text in enumerate(texts)
        ]
        ids = await documents.add_chunks(tx, rows)
        await passages.add(tx, ids, [make_passage(kb_id, name, "Part", text) for text in texts])
        await documents.set_status(tx, document.version_id, status)
    return document
