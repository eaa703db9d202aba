"""What an export asks of the store: the hashes of what is cited; and what it leaves there."""

from collections.abc import Iterable

import msgspec

from engine.storage.database import Connection
from engine.storage.rows import fetch_all, record, to_json
from engine.types import Id


class HashRow(msgspec.Struct, frozen=True):
    """The content hash (SHA-256, hexadecimal) of a document version."""

    document_id: Id
    version: int
    sha256: str


async def hashes(connection: Connection, kb_id: Id, document_ids: Iterable[Id]) -> list[HashRow]:
    """Return the hashes of all versions of these documents, as far as they are in `kb_id`."""
    rows = await fetch_all(
        connection,
        "select v.document_id, v.version, v.sha256 from document_versions v"
        " join documents d on d.id = v.document_id where d.kb_id = :kb_id"
        " and d.id in (select value from json_each(:document_ids))",
        {"kb_id": kb_id, "document_ids": to_json(sorted(set(document_ids)))},
    )
    return [record(row, HashRow) for row in rows]


async def set_exported(tx: Connection, draft_id: Id, version: int) -> None:
    """Note that this version of a draft was exported, where its state allows that.

    The text stays as it is, so its version does too.
    """
    await tx.execute_fetchall(
        "update drafts set status = 'exported'"
        " where id = ? and version = ? and status in ('complete', 'editing')",
        (draft_id, version),
    )
