"""How the server is, and whether what lies between it and a browser lets streams through."""

import asyncio

from aiohttp import hdrs, web

from engine.runs.framing import frame
from handlers.account_pages import render
from handlers.keys import ENGINE
from handlers.responses import json_response

_BEATS = 5
_BEAT_S = 0.2


async def page(request: web.Request) -> web.Response:
    """GET /admin/doctor: what is well and what is not, with what to do."""
    return render(request, "doctor")


async def report(request: web.Request) -> web.Response:
    """GET /api/v1/admin/doctor: what the server finds at itself."""
    return json_response(await request.app[ENGINE].doctor.examine())


async def beats(request: web.Request) -> web.StreamResponse:
    """GET /admin/doctor/stream: five frames, a fifth of a second apart."""
    headers = {
        hdrs.CONTENT_TYPE: "text/event-stream; charset=utf-8",
        hdrs.CACHE_CONTROL: "no-cache",
        "X-Accel-Buffering": "no",
    }
    response = web.StreamResponse(headers=headers)
    await response.prepare(request)
    for number in range(_BEATS):
        if number > 0:
            await asyncio.sleep(_BEAT_S)
        await response.write(frame(b'{"number":%d}' % number, event="beat"))
    await response.write_eof()
    return response
