"""Knowledge bases."""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from engine.storage import knowledge
from engine.types import Level
from handlers.inputs import path_id, read_json
from handlers.keys import ENGINE, USER
from handlers.responses import json_response, no_content


class Named(msgspec.Struct, frozen=True):
    """Body that gives a knowledge base its name."""

    name: Annotated[str, Meta(min_length=1, max_length=120, pattern=r"^\S(.*\S)?$")]


async def list_kbs(request: web.Request) -> web.Response:
    """GET /api/v1/kbs."""
    async with request.app[ENGINE].database.read() as connection:
        found = await knowledge.list_all(connection, request[USER])
    return json_response({"kbs": found, "total": len(found)})


async def create_kb(request: web.Request) -> web.Response:
    """POST /api/v1/kbs."""
    body = await read_json(request, Named)
    async with request.app[ENGINE].database.transaction() as tx:
        kb_id = await knowledge.create(tx, request[USER].id, body.name)
        created = await knowledge.get(tx, request[USER], kb_id)
    return json_response(created, 201)


async def get_kb(request: web.Request) -> web.Response:
    """GET /api/v1/kbs/{id}."""
    async with request.app[ENGINE].database.read() as connection:
        return json_response(await knowledge.get(connection, request[USER], path_id(request)))


async def rename_kb(request: web.Request) -> web.Response:
    """PATCH /api/v1/kbs/{id}."""
    body = await read_json(request, Named)
    async with request.app[ENGINE].database.transaction() as tx:
        found = await knowledge.get(tx, request[USER], path_id(request), Level.ADMIN)
        await knowledge.rename(tx, found.id, body.name)
        renamed = await knowledge.get(tx, request[USER], found.id)
    return json_response(renamed)


async def delete_kb(request: web.Request) -> web.Response:
    """DELETE /api/v1/kbs/{id}, with everything in it."""
    engine = request.app[ENGINE]
    await engine.library.remove_kb(engine.runs, request[USER], path_id(request))
    return no_content()
