"""Who may call a route: declared on every row of the table, checked in one place."""

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import NamedTuple

from aiohttp import hdrs, web

from engine.errors import Forbidden, Unauthenticated
from handlers.keys import CLIENT, ENGINE, RATES, SECRET, USER
from handlers.origin import refuse_foreign_origin, require_own_origin
from handlers.rates import Rate, neighbourhood

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SESSION_COOKIE = "footnote_session"


class Access(Enum):
    """Who may call a route."""

    PUBLIC = "public"
    USER = "user"
    ADMIN = "admin"


JSON = ("application/json",)


class Route(NamedTuple):
    """One row of the HTTP surface; the fields after `access` are what the API's description says.

    `body` is the type of a JSON body, `query` names the parameters with their JSON types, `ok` are
    the statuses of success, `answers` their media types. A page is not described.
    """

    method: str
    path: str
    handler: Handler
    access: Access
    body: type | None = None
    query: Mapping[str, str] = {}
    ok: tuple[int, ...] = (200,)
    answers: tuple[str, ...] = JSON
    takes_files: bool = False
    is_page: bool = False
    rate: Rate | None = None


def guarded(route: Route) -> Handler:
    """Return the route's handler behind its access check."""

    async def check(request: web.Request) -> web.StreamResponse:
        if route.access is Access.PUBLIC:
            refuse_foreign_origin(request)
        else:
            await _identify(request)
            if route.access is Access.ADMIN and not request[USER].is_admin:
                raise Forbidden("Only an administrator may do this.")
        if route.rate is not None:
            request.app[RATES].spend(route.rate, _who(request))
        return await route.handler(request)

    return check


def _who(request: web.Request) -> str:
    """Return whose requests are counted together: a user's, else those of one address."""
    user = request.get(USER)
    return user.id if user is not None else neighbourhood(request[CLIENT])


async def _identify(request: web.Request) -> None:
    """Find out who is asking, by bearer token or by session cookie.

    Raises:
        Unauthenticated: nobody we know.
        Forbidden: a write by cookie that does not come from our own page.
    """
    secret = _bearer(request)
    if secret is None:
        secret = request.cookies.get(SESSION_COOKIE)
        if secret:
            require_own_origin(request)
    user = await request.app[ENGINE].identity.who(secret) if secret else None
    if user is None or secret is None:
        raise Unauthenticated("Sign in first.")
    request[USER] = user
    request[SECRET] = secret


def _bearer(request: web.Request) -> str | None:
    scheme, _, secret = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None
