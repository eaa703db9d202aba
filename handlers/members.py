"""Who may do what in a knowledge base."""

from typing import Annotated, Literal

import msgspec
from aiohttp import web
from msgspec import Meta

from engine.types import Level
from handlers.answers import Permissions
from handlers.inputs import path_id, read_json
from handlers.keys import ENGINE, USER
from handlers.responses import json_response, no_content

LevelName = Literal["READ", "WRITE", "ADMIN"]
Name = Annotated[str, Meta(min_length=1, max_length=200)]


class Share(msgspec.Struct, frozen=True):
    """A user or a group, and what they may do."""

    level: LevelName
    username: Name | None = None
    group: Name | None = None


class LevelChange(msgspec.Struct, frozen=True):
    """What somebody may do from now on."""

    level: LevelName


class NewOwner(msgspec.Struct, frozen=True):
    """The member whose it is to be."""

    username: Name


async def list_permissions(request: web.Request) -> web.Response:
    """GET /api/v1/kbs/{id}/permissions."""
    found = await request.app[ENGINE].sharing.permissions(request[USER], path_id(request))
    return json_response(Permissions(permissions=found, total=len(found)))


async def give_permission(request: web.Request) -> web.Response:
    """POST /api/v1/kbs/{id}/permissions: share, or change a share that exists."""
    given = await read_json(request, Share)
    permission = await request.app[ENGINE].sharing.give(
        request[USER],
        path_id(request),
        Level[given.level],
        username=given.username,
        group=given.group,
    )
    return json_response(permission, 201)


async def change_permission(request: web.Request) -> web.Response:
    """PATCH /api/v1/kbs/{id}/permissions/{permission_id}."""
    given = await read_json(request, LevelChange)
    permission = await request.app[ENGINE].sharing.change(
        request[USER], path_id(request), path_id(request, "permission_id"), Level[given.level]
    )
    return json_response(permission)


async def take_permission(request: web.Request) -> web.Response:
    """DELETE /api/v1/kbs/{id}/permissions/{permission_id}."""
    await request.app[ENGINE].sharing.take(
        request[USER], path_id(request), path_id(request, "permission_id")
    )
    return no_content()


async def hand_over(request: web.Request) -> web.Response:
    """PUT /api/v1/kbs/{id}/owner: make a member the owner, by the owner or an administrator."""
    given = await read_json(request, NewOwner)
    await request.app[ENGINE].sharing.hand_over(request[USER], path_id(request), given.username)
    return no_content()
