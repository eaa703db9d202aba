"""Document types, which the API calls templates."""

from typing import Any

import msgspec
from aiohttp import web

from engine.errors import Invalid, NotFound
from engine.flows.document_types import DocumentType
from handlers.keys import ENGINE
from handlers.responses import json_response


async def list_templates(request: web.Request) -> web.Response:
    """GET /api/v1/templates."""
    found = [_describe(kind) for kind in request.app[ENGINE].catalogue.all()]
    return json_response({"templates": found, "total": len(found)})


async def get_template(request: web.Request) -> web.Response:
    """GET /api/v1/templates/{id}."""
    try:
        kind = request.app[ENGINE].catalogue.find(request.match_info["id"])
    except Invalid as error:
        raise NotFound("There is no document type of this name.") from error
    return json_response(_describe(kind))


def _describe(kind: DocumentType) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(kind)
    return fields | {"sections": [msgspec.to_builtins(section) for section in kind.sections]}
