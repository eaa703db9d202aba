"""Whether the server lives, whether it may be used, and what it counts and times."""

from aiohttp import hdrs, web

from engine.errors import Unavailable
from engine.metrics import CONTENT_TYPE
from handlers.answers import Health, MetricList
from handlers.keys import ENGINE, STOPPING
from handlers.responses import json_response


async def healthz(request: web.Request) -> web.Response:
    """GET /healthz: the process answers."""
    return json_response(Health(status="ok"))


async def readyz(request: web.Request) -> web.Response:
    """GET /readyz: 200 when it may be used."""
    if request.app[STOPPING].is_set():
        raise Unavailable("The server is shutting down.")
    async with request.app[ENGINE].database.read() as connection:
        await connection.execute_fetchall("select 1")
    return json_response(Health(status="ready"))


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics: everything the server counts and times, in the text format of Prometheus."""
    body = request.app[ENGINE].metrics.exposition()
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: CONTENT_TYPE})


async def metrics_json(request: web.Request) -> web.Response:
    """GET /api/v1/metrics: the same as JSON."""
    return json_response(MetricList(metrics=request.app[ENGINE].metrics.samples()))
