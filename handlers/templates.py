"""Document types, which the API calls templates: the shipped ones, and those of teams."""

from typing import Any

import msgspec
from aiohttp import web

from engine.flows.own_types import NewType, Template, TypeChange
from handlers.inputs import read_json
from handlers.keys import ENGINE, USER
from handlers.responses import json_response, no_content


async def list_templates(request: web.Request) -> web.Response:
    """GET /api/v1/templates: the shipped ones first, then a knowledge base's own."""
    kb_id = request.query.get("kb_id")
    found = await request.app[ENGINE].types.visible(request[USER], kb_id)
    return json_response({"templates": [describe(one) for one in found], "total": len(found)})


async def get_template(request: web.Request) -> web.Response:
    """GET /api/v1/templates/{id}: with its outline."""
    found = await request.app[ENGINE].types.template(request[USER], request.match_info["id"])
    return json_response(describe(found))


async def create_template(request: web.Request) -> web.Response:
    """POST /api/v1/templates: keep a team's own type."""
    new = await read_json(request, NewType)
    made = await request.app[ENGINE].types.create(request[USER], new)
    return json_response(describe(made), 201)


async def change_template(request: web.Request) -> web.Response:
    """PATCH /api/v1/templates/{id}: change a team's own type."""
    change = await read_json(request, TypeChange)
    changed = await request.app[ENGINE].types.change(
        request[USER], request.match_info["id"], change
    )
    return json_response(describe(changed))


async def delete_template(request: web.Request) -> web.Response:
    """DELETE /api/v1/templates/{id}: drafts made with it stay."""
    await request.app[ENGINE].types.delete(request[USER], request.match_info["id"])
    return no_content()


def describe(template: Template) -> dict[str, Any]:
    """Return a type with its outline, and whose it is."""
    kind, own = template.kind, template.own
    sections = [msgspec.to_builtins(section) for section in kind.sections]
    fields: dict[str, Any] = msgspec.to_builtins(kind)
    return fields | {
        "sections": sections,
        "total_words": sum(one["target_words"] for one in sections) or kind.target_words,
        "is_own": own is not None,
        "kb_id": own.kb_id if own else None,
        "created_by": own.author if own else None,
        "updated_at": own.updated_at if own else None,
    }
