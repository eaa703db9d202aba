"""JSON answers."""

from typing import Any

import msgspec
from aiohttp import web


def json_response(value: Any, status: int = 200) -> web.Response:
    """Return a value as JSON in UTF-8."""
    return web.Response(
        status=status, body=msgspec.json.encode(value), content_type="application/json"
    )


def no_content() -> web.Response:
    """Return an empty answer: done, and nothing to say."""
    return web.Response(status=204)
