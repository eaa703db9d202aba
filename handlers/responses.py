"""JSON answers, and the one shape of an error."""

from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web


def json_response(value: Any, status: int = 200) -> web.Response:
    """Return a value as JSON in UTF-8."""
    return web.Response(
        status=status, body=msgspec.json.encode(value), content_type="application/json"
    )


def error_response(status: int, error: Mapping[str, Any], request_id: str) -> web.Response:
    """Return an error: its `code`, its `message`, and what else its fields say."""
    body = {"error": {**error, "request_id": request_id}, "detail": error["message"]}
    return json_response(body, status)


def no_content() -> web.Response:
    """Return an empty answer: done, and nothing to say."""
    return web.Response(status=204)
