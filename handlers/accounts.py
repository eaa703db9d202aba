"""Users, invitations and groups, for administrators."""

from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from handlers.answers import (
    Accounts,
    Groups,
    Invites,
    MadeAccount,
    MadeInvite,
    SignInLink,
)
from handlers.inputs import path_id, read_json
from handlers.keys import ENGINE, USER
from handlers.responses import json_response, no_content

Name = Annotated[str, Meta(min_length=1, max_length=200)]


class NewAccount(msgspec.Struct, frozen=True):
    """An account for somebody; without a password a one-use sign-in link is made for it."""

    username: Name
    password: Annotated[str, Meta(max_length=4096)] | None = None
    is_admin: bool = False


class AccountChange(msgspec.Struct, frozen=True):
    """What is to be different."""

    is_admin: bool | None = None
    is_disabled: bool | None = None


class NewGroup(msgspec.Struct, frozen=True):
    """A group's name."""

    name: Annotated[str, Meta(min_length=1, max_length=120, pattern=r"^\S(.*\S)?$")]


class Member(msgspec.Struct, frozen=True):
    """Somebody to put into a group."""

    username: Name


async def list_users(request: web.Request) -> web.Response:
    """GET /api/v1/admin/users."""
    found = await request.app[ENGINE].accounts.all()
    return json_response(Accounts(users=found, total=len(found)))


async def create_user(request: web.Request) -> web.Response:
    """POST /api/v1/admin/users."""
    engine = request.app[ENGINE]
    given = await read_json(request, NewAccount)
    account = await engine.accounts.create(
        request[USER], given.username, given.password, is_admin=given.is_admin
    )
    link = None
    if given.password is None:
        link = _sign_in_address(request, await engine.identity.new_link(account.id))
    return json_response(MadeAccount(**msgspec.structs.asdict(account), link=link), 201)


async def change_user(request: web.Request) -> web.Response:
    """PATCH /api/v1/admin/users/{id}: disable, enable, make an administrator or a plain user."""
    accounts, by, user_id = request.app[ENGINE].accounts, request[USER], path_id(request)
    given = await read_json(request, AccountChange)
    account = await accounts.get(user_id)
    if given.is_admin is not None:
        account = await accounts.set_admin(by, user_id, is_admin=given.is_admin)
    if given.is_disabled is not None:
        account = await accounts.set_disabled(by, user_id, disabled=given.is_disabled)
    return json_response(account)


async def reset_user(request: web.Request) -> web.Response:
    """POST /api/v1/admin/users/{id}/reset: a one-use link in the place of the password."""
    secret = await request.app[ENGINE].accounts.reset(request[USER], path_id(request))
    return json_response(SignInLink(link=_sign_in_address(request, secret)))


async def list_invites(request: web.Request) -> web.Response:
    """GET /api/v1/admin/invites."""
    found = await request.app[ENGINE].accounts.invitations()
    return json_response(Invites(invites=found, total=len(found)))


async def make_invite(request: web.Request) -> web.Response:
    """POST /api/v1/admin/invites."""
    made = await request.app[ENGINE].accounts.invite(request[USER])
    link = _address(request, "register?invite=", made.secret)
    answer = MadeInvite(id=made.id, invite=made.secret, link=link, expires_at=made.expires_at)
    return json_response(answer, 201)


async def take_invite_back(request: web.Request) -> web.Response:
    """DELETE /api/v1/admin/invites/{id}."""
    await request.app[ENGINE].accounts.take_back(request[USER], path_id(request))
    return no_content()


async def list_groups(request: web.Request) -> web.Response:
    """GET /api/v1/admin/groups."""
    found = await request.app[ENGINE].sharing.groups()
    return json_response(Groups(groups=found, total=len(found)))


async def make_group(request: web.Request) -> web.Response:
    """POST /api/v1/admin/groups."""
    given = await read_json(request, NewGroup)
    return json_response(
        await request.app[ENGINE].sharing.make_group(request[USER], given.name), 201
    )


async def remove_group(request: web.Request) -> web.Response:
    """DELETE /api/v1/admin/groups/{id}."""
    await request.app[ENGINE].sharing.remove_group(request[USER], path_id(request))
    return no_content()


async def add_member(request: web.Request) -> web.Response:
    """POST /api/v1/admin/groups/{id}/members."""
    given = await read_json(request, Member)
    sharing = request.app[ENGINE].sharing
    return json_response(await sharing.join(request[USER], path_id(request), given.username))


async def remove_member(request: web.Request) -> web.Response:
    """DELETE /api/v1/admin/groups/{id}/members/{username}."""
    sharing, name = request.app[ENGINE].sharing, request.match_info["username"]
    return json_response(await sharing.leave(request[USER], path_id(request), name))


def _sign_in_address(request: web.Request, secret: str) -> str:
    return _address(request, "login?link=", secret)


def _address(request: web.Request, path: str, secret: str) -> str:
    """Return the address to send to somebody."""
    config = request.app[ENGINE].config
    base = config.public_url.rstrip("/") or f"{request.scheme}://{request.host}"
    return f"{base}/{path}{secret}"
