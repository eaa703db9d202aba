"""Signing in and out: by password, by the one-use link, with tokens for programs."""

import re
from typing import Annotated, Any
from urllib.parse import parse_qsl

import aiohttp_jinja2
import msgspec
from aiohttp import hdrs, web
from msgspec import Meta

from engine.auth.names import normal_name
from engine.errors import AppError, Forbidden, Unauthenticated
from engine.flows.identity import SignedIn
from handlers.admission import SESSION_COOKIE
from handlers.inputs import decode, read_bytes, read_json
from handlers.keys import ENGINE, GRANT, RATES, USER
from handlers.rates import Rate
from handlers.responses import json_response

Secret = Annotated[str, Meta(max_length=4096)]
_OWN_PAGE = re.compile(r"/(?![/\\])[\x21-\x7e]*")
"""A path of this server: browsers take two slashes, or a backslash, for the start of a host."""
_FORM = "application/x-www-form-urlencoded"


class Credentials(msgspec.Struct, frozen=True):
    """A name and a password; `next` is the page of this server that a browser wanted."""

    username: Annotated[str, Meta(max_length=200)]
    password: Secret
    next: Annotated[str, Meta(max_length=2000)] = ""


class Registration(msgspec.Struct, frozen=True):
    """What a new account needs; `invite` where registration asks for one."""

    username: Annotated[str, Meta(max_length=200)]
    password: Secret
    invite: Annotated[str, Meta(max_length=200)] | None = None


class Refresh(msgspec.Struct, frozen=True):
    """A refresh token, to be exchanged for a new pair."""

    refresh_token: Secret


async def login_page(request: web.Request) -> web.StreamResponse:
    """GET /login: with ?link= sign in and go home, else ask."""
    link = request.query.get("link")
    if link:
        try:
            return to_page(request, await request.app[ENGINE].identity.redeem(link, agent(request)))
        except Unauthenticated as error:
            return sign_in_page(request, 401, error.message)
    return sign_in_page(request, 200)


async def login(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/auth/login: JSON or a form; a browser's form goes home, others get tokens."""
    try:
        given = await _read(request, Credentials)
        request.app[RATES].spend(Rate.SIGN_IN, f"name {normal_name(given.username)}")
        signed_in = await request.app[ENGINE].identity.by_password(
            given.username, given.password, agent(request)
        )
    except AppError as error:
        if _is_browser(request):
            return sign_in_page(request, 401, error.message)
        raise
    if _is_browser(request):
        return to_page(request, signed_in, given.next)
    return await _tokens(request, signed_in)


async def register_page(request: web.Request) -> web.Response:
    """GET /register?invite=."""
    return _register_page(request, 200, request.query.get("invite", ""))


async def register(request: web.Request) -> web.StreamResponse:
    """POST /api/v1/auth/register; a browser's form is signed in at once."""
    engine = request.app[ENGINE]
    given = await _read(request, Registration)
    try:
        user_id, name = await engine.accounts.register(
            given.username, given.password, given.invite or None
        )
    except AppError as error:
        if _is_browser(request):
            return _register_page(request, 400, given.invite or "", error.message)
        raise
    if _is_browser(request):
        signed_in = await engine.identity.by_password(name, given.password, agent(request))
        return to_page(request, signed_in)
    return json_response({"id": user_id, "username": name}, 201)


async def refresh(request: web.Request) -> web.Response:
    """POST /api/v1/auth/refresh: a new pair for a refresh token, which is worthless afterwards."""
    given = await read_json(request, Refresh)
    return json_response(await request.app[ENGINE].identity.refresh(given.refresh_token))


async def me(request: web.Request) -> web.Response:
    """GET /api/v1/auth/me."""
    user, grant = request[USER], request[GRANT]
    return json_response(
        {
            "id": user.id,
            "username": user.username,
            "is_admin": user.is_admin,
            "level": grant.level.name,
            "kb_id": user.only_kb,
        }
    )


async def check(request: web.Request) -> web.Response:
    """GET /api/auth/check: whether the caller is signed in, else 401."""
    return json_response({"authenticated": True, "username": request[USER].username})


async def logout(request: web.Request) -> web.Response:
    """POST /api/v1/auth/logout: this session with its tokens, or this key, is worthless then."""
    await request.app[ENGINE].identity.sign_out(request[GRANT])
    return _signed_out("You are signed out.")


async def logout_everywhere(request: web.Request) -> web.Response:
    """POST /api/v1/auth/logout-everywhere: all sessions of the user end; keys stay."""
    await request.app[ENGINE].identity.sign_out_everywhere(request[USER])
    return _signed_out("You are signed out everywhere.")


def _signed_out(message: str) -> web.Response:
    response = json_response({"message": message})
    response.del_cookie(SESSION_COOKIE)
    return response


def agent(request: web.Request) -> str:
    """Return what a browser says it is."""
    return request.headers.get(hdrs.USER_AGENT, "")


def to_page(request: web.Request, signed_in: SignedIn, wanted: str = "") -> web.Response:
    """Return the way to a page of this server, or home, with the cookie of a new session."""
    is_ours = _OWN_PAGE.fullmatch(wanted) is not None
    response = web.Response(status=303, headers={hdrs.LOCATION: wanted if is_ours else "/"})
    _set_cookie(request, response, signed_in)
    return response


def sign_in_page(request: web.Request, status: int, message: str = "") -> web.Response:
    """Return the page that asks who is there."""
    config = request.app[ENGINE].config
    context = {
        "user": None,
        "page": "login",
        "message": message,
        "next": request.query.get("next", ""),
        "registration": config.registration,
        "provider": config.oidc_name if config.oidc_issuer else "",
    }
    return aiohttp_jinja2.render_template("login.html", request, context, status=status)


def _register_page(
    request: web.Request, status: int, invite: str, message: str = ""
) -> web.Response:
    mode = request.app[ENGINE].config.registration
    if mode == "off":
        raise Forbidden("Nobody can register here. Ask an administrator for an account.")
    context = {
        "user": None,
        "page": "register",
        "message": message,
        "invite": invite,
        "needs_invite": mode == "invite",
    }
    return aiohttp_jinja2.render_template("register.html", request, context, status=status)


async def _tokens(request: web.Request, signed_in: SignedIn) -> web.Response:
    response = json_response(await request.app[ENGINE].identity.pair(signed_in))
    _set_cookie(request, response, signed_in)
    return response


def _set_cookie(request: web.Request, response: web.Response, signed_in: SignedIn) -> None:
    config = request.app[ENGINE].config
    response.set_cookie(
        SESSION_COOKIE,
        signed_in.cookie,
        max_age=int(config.session_s),
        httponly=True,
        samesite="Lax",
        secure=config.is_https,
    )


async def _read(request: web.Request, kind: type[Any]) -> Any:
    """Return the body, which a program sends as JSON and a page as a form."""
    if request.content_type != _FORM:
        return await read_json(request, kind)
    fields = dict(parse_qsl((await read_bytes(request)).decode("utf-8", "replace")))
    return decode(msgspec.json.encode(fields), kind, "INVALID_REQUEST")


def _is_browser(request: web.Request) -> bool:
    """Whether a form of a page was sent: its answer is a page."""
    return request.content_type == _FORM and "text/html" in request.headers.get(hdrs.ACCEPT, "")
