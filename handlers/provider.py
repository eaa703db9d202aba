"""Signing in with the company's identity provider: away, and back again."""

from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from engine.errors import AppError, NotFound, Unauthenticated
from handlers.auth import agent, sign_in_page, to_page
from handlers.keys import ENGINE
from handlers.middleware import status_of

if TYPE_CHECKING:
    from engine.auth.provider import Provider

_COOKIE = "footnote_sign_in"
_PATH = "/login/provider"
_COOKIE_S = 600


async def leave(request: web.Request) -> web.Response:
    """GET /login/provider: to the provider, with what must be remembered in a cookie."""
    engine = request.app[ENGINE]
    try:
        address, started = await _provider(request).begin()
    except AppError as error:
        return sign_in_page(request, status_of(error), error.message)
    response = web.Response(status=303, headers={hdrs.LOCATION: address})
    response.set_cookie(
        _COOKIE,
        engine.tokens.sign_in(started),
        max_age=_COOKIE_S,
        path=_PATH,
        httponly=True,
        samesite="Lax",
        secure=engine.config.is_https,
    )
    return response


async def come_back(request: web.Request) -> web.Response:
    """GET /login/provider/callback: the provider's answer becomes a session."""
    try:
        response = await _signed_in(request)
    except AppError as error:
        response = sign_in_page(request, status_of(error), error.message)
    response.del_cookie(_COOKIE, path=_PATH)
    return response


async def _signed_in(request: web.Request) -> web.Response:
    engine = request.app[ENGINE]
    started = engine.tokens.read_sign_in(request.cookies.get(_COOKIE, ""))
    if started is None:
        raise Unauthenticated("This sign-in was not begun in this browser, or too long ago.")
    person = await _provider(request).finish(started, request.query)
    signed_in = await engine.identity.by_subject(person.subject, person.name, agent(request))
    return to_page(request, signed_in)


def _provider(request: web.Request) -> "Provider":
    provider = request.app[ENGINE].provider
    if provider is None:
        raise NotFound("There is nothing at this address.")
    return provider
