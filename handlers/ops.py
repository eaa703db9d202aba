"""Whether the server lives, and whether it may be used."""

from aiohttp import web

from engine.errors import Unavailable
from handlers.keys import ENGINE, STOPPING
from handlers.responses import json_response


async def healthz(request: web.Request) -> web.Response:
    """GET /healthz: the process answers."""
    return json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """GET /readyz: 200 when it may be used."""
    if request.app[STOPPING].is_set():
        raise Unavailable("The server is shutting down.")
    async with request.app[ENGINE].database.read() as connection:
        await connection.execute_fetchall("select 1")
    return json_response({"status": "ready"})
