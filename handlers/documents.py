"""Documents: uploaded straight to disk, read, listed, opened, removed."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import BodyPartReader, MultipartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from engine.errors import Invalid, TooLarge, Unsupported
from engine.flows.ingest import Arrived
from engine.storage import documents, knowledge
from engine.storage.documents import Document
from engine.types import Level, new_id
from handlers.inputs import integer, path_id, seconds_for_body
from handlers.keys import ENGINE, USER
from handlers.responses import json_response, no_content

_CHUNK_BYTES = 1 << 18
_MAX_FILES = 100


async def upload(request: web.Request) -> web.Response:
    """POST /api/v1/kbs/{id}/documents: multipart, field `file`, one or many."""
    engine = request.app[ENGINE]
    kb_id = path_id(request)
    async with engine.database.read() as connection:
        await knowledge.get(connection, request[USER], kb_id, Level.WRITE)
    added = []
    async for arrived in _receive_all(request):
        try:
            document = await engine.library.add(engine.runs, request[USER], kb_id, arrived)
        finally:
            arrived.path.unlink(missing_ok=True)
        added.append(_describe(document))
    if not added:
        raise Invalid("Send at least one file in the field “file”.", field="file")
    return json_response({"documents": added}, 202)


async def _receive_all(request: web.Request) -> AsyncIterator[Arrived]:
    if not request.content_type.startswith("multipart/"):
        raise Unsupported("Send files as multipart/form-data, in the field “file”.")
    try:
        reader = await request.multipart()
        for _ in range(_MAX_FILES):
            part = await _in_time(request, reader)
            if part is None:
                return
            if isinstance(part, BodyPartReader) and part.name == "file" and part.filename:
                yield await _receive(request, part, part.filename)
    except (ValueError, AssertionError, HttpProcessingError) as error:
        raise Invalid("The multipart body is not well formed.", field="file") from error
    raise Invalid(f"Send at most {_MAX_FILES} files at once.", field="file")


async def _in_time(
    request: web.Request, reader: MultipartReader
) -> MultipartReader | BodyPartReader | None:
    try:
        async with asyncio.timeout(request.app[ENGINE].config.body_timeout_s):
            return await reader.next()
    except TimeoutError as error:
        raise Invalid("The file did not arrive in time.", field="file") from error


async def _receive(request: web.Request, part: BodyPartReader, name: str) -> Arrived:
    path = request.app[ENGINE].files.incoming / new_id()
    try:
        return await _write(request, part, name, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


async def _write(request: web.Request, part: BodyPartReader, name: str, path: Path) -> Arrived:
    config = request.app[ENGINE].config
    digest = hashlib.sha256()
    size = 0
    began = asyncio.get_running_loop().time()
    with path.open("xb") as file:
        while True:
            try:
                async with asyncio.timeout_at(began + seconds_for_body(request, size)):
                    chunk = await part.read_chunk(_CHUNK_BYTES)
            except TimeoutError as error:
                raise Invalid("The file did not arrive in time.", field="file") from error
            if not chunk:
                break
            size += len(chunk)
            if size > config.max_upload_bytes:
                raise TooLarge(
                    f"“{name}” is larger than {config.max_upload_bytes // 1_048_576} MB.",
                    field="file",
                )
            digest.update(chunk)
            await asyncio.to_thread(file.write, chunk)
    return Arrived(name, path, digest.hexdigest(), size)


async def list_documents(request: web.Request) -> web.Response:
    """GET /api/v1/kbs/{id}/documents."""
    async with request.app[ENGINE].database.read() as connection:
        kb = await knowledge.get(connection, request[USER], path_id(request))
        found = await documents.list_all(connection, kb.id)
    return json_response({"documents": [_describe(d) for d in found], "total": len(found)})


async def get_document(request: web.Request) -> web.Response:
    """GET /api/v1/documents/{id}."""
    return json_response(_describe(await _own(request)))


async def delete_document(request: web.Request) -> web.Response:
    """DELETE /api/v1/documents/{id}."""
    engine = request.app[ENGINE]
    await engine.library.remove(engine.runs, request[USER], path_id(request))
    return no_content()


async def retry_document(request: web.Request) -> web.Response:
    """POST /api/v1/documents/{id}/retry: read a failed document again."""
    engine = request.app[ENGINE]
    document = await engine.library.retry(engine.runs, request[USER], path_id(request))
    return json_response(_describe(document), 202)


async def get_content(request: web.Request) -> web.Response:
    """GET /api/v1/documents/{id}/content?version=&start=&end=: the exact slice of the text."""
    document = await _own(request)
    start = integer(request, "start", 0)
    end = integer(request, "end", -1)
    version = integer(request, "version", 0, least=1)
    if 0 <= end < start:
        raise Invalid("end: must not be before start.", code="INVALID_RANGE", field="end")
    async with request.app[ENGINE].database.read() as connection:
        text = await documents.text(
            connection,
            document.id,
            version=version or None,
            start=start,
            end=None if end < 0 else end,
        )
    return web.Response(text=text, content_type="text/plain", charset="utf-8")


async def list_chunks(request: web.Request) -> web.Response:
    """GET /api/v1/documents/{id}/chunks: what may be picked as a source."""
    document = await _own(request)
    async with request.app[ENGINE].database.read() as connection:
        chunks = await documents.list_chunks(connection, document.id)
    return json_response({"chunks": chunks})


async def get_page(request: web.Request) -> web.Response:
    """GET /api/v1/documents/{id}/pages/{n}: the text of one page."""
    document = await _own(request)
    number = request.match_info["n"]
    page = next((page for page in document.pages if str(page[0]) == number), None)
    if page is None:
        raise Invalid("This document has no such page.", code="INVALID_RANGE", field="n")
    _, start, end = page
    async with request.app[ENGINE].database.read() as connection:
        text = await documents.text(
            connection, document.id, version=document.version, start=start, end=end
        )
    return json_response({"page": page[0], "char_start": start, "char_end": end, "text": text})


async def _own(request: web.Request) -> Document:
    async with request.app[ENGINE].database.read() as connection:
        return await documents.get(connection, request[USER], path_id(request))


def _describe(document: Document) -> dict[str, Any]:
    fields = msgspec.structs.asdict(document)
    fields["page_count"] = len(fields.pop("pages"))
    return fields
