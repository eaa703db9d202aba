"""What a draft was before: listed, compared, named, brought back."""

from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from engine.errors import Invalid, NotFound
from engine.storage.versions import Facts, Version
from handlers.drafts import shown
from handlers.inputs import path_id, read_json
from handlers.keys import ENGINE, USER
from handlers.responses import json_response


class VersionName(msgspec.Struct, frozen=True):
    """How a version is called; empty for no name."""

    name: Annotated[str, Meta(max_length=100)]


class Restore(msgspec.Struct, frozen=True):
    """Which version of the draft the caller knows."""

    version: int | None = None


async def list_versions(request: web.Request) -> web.Response:
    """GET /api/v1/drafts/{id}/versions: newest first."""
    found = await request.app[ENGINE].versions.list_all(request[USER], path_id(request))
    return json_response({"versions": [_facts(one) for one in found], "total": len(found)})


async def get_version(request: web.Request) -> web.Response:
    """GET /api/v1/drafts/{id}/versions/{n}: with its text."""
    found = await request.app[ENGINE].versions.get(
        request[USER], path_id(request), _number(request)
    )
    return json_response(_whole(found))


async def diff_version(request: web.Request) -> web.Response:
    """GET /api/v1/drafts/{id}/versions/{n}/diff: what differs, by words, from another version."""
    number, to = _number(request), request.query.get("to", "current")
    other = None if to == "current" else _whole_number(to)
    if to != "current" and other is None:
        raise Invalid("to: must be the number of a version, or current.", field="to")
    found = await request.app[ENGINE].versions.diff(request[USER], path_id(request), number, other)
    ends = {"from": number, "to": to if other is None else other}
    return json_response(ends | msgspec.structs.asdict(found))


async def restore_version(request: web.Request) -> web.Response:
    """POST /api/v1/drafts/{id}/versions/{n}/restore: the draft says again what it said then."""
    wanted = await read_json(request, Restore)
    draft = await request.app[ENGINE].editing.restore_version(
        request[USER], path_id(request), _number(request), wanted.version
    )
    return json_response(shown(draft))


async def name_version(request: web.Request) -> web.Response:
    """PATCH /api/v1/drafts/{id}/versions/{n}: give it a name, which keeps it."""
    wanted = await read_json(request, VersionName)
    found = await request.app[ENGINE].versions.rename(
        request[USER], path_id(request), _number(request), wanted.name
    )
    return json_response(_facts(found))


async def keep_version(request: web.Request) -> web.Response:
    """POST /api/v1/drafts/{id}/versions: keep what the draft says now under a name."""
    wanted = await read_json(request, VersionName)
    found = await request.app[ENGINE].versions.keep_as(request[USER], path_id(request), wanted.name)
    return json_response(_facts(found), 201)


def _number(request: web.Request) -> int:
    number = _whole_number(request.match_info["n"])
    if number is None:
        raise NotFound("This version is not kept.")
    return number


def _whole_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _facts(version: Facts) -> dict[str, Any]:
    fields = msgspec.structs.asdict(version)
    hidden = {"draft_id", "author_id", "is_open", "title", "content", "citations"}
    return {name: value for name, value in fields.items() if name not in hidden}


def _whole(version: Version) -> dict[str, Any]:
    text = {"title": version.title, "content": version.content, "citations": version.citations}
    return _facts(version) | text
