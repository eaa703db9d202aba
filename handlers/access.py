"""Who may call a route: declared on every row of the table, checked in one place."""

from collections.abc import Awaitable, Callable, Mapping
from enum import Enum
from typing import NamedTuple

from aiohttp import hdrs, web

from engine.errors import Forbidden
from engine.flows.identity import Grant
from engine.types import Level
from handlers.admission import admit
from handlers.keys import CLIENT, RATES, USER
from handlers.origin import refuse_foreign_origin
from handlers.rates import Rate, neighbourhood

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


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
    `level` and `is_wide` concern API keys: what one must allow, and whether one that is confined
    to a knowledge base is refused.
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
    level: Level | None = None
    is_wide: bool = False

    @property
    def reaches_far(self) -> bool:
        """Whether it concerns more than knowledge bases one by one."""
        return self.is_wide or self.access is Access.ADMIN

    @property
    def least(self) -> Level:
        """What an API key must allow to be used here: to read for a GET, else to write."""
        if self.level is not None:
            return self.level
        return Level.READ if self.method == hdrs.METH_GET else Level.WRITE


def guarded(route: Route) -> Handler:
    """Return the route's handler behind its access check."""

    async def check(request: web.Request) -> web.StreamResponse:
        if route.access is Access.PUBLIC:
            refuse_foreign_origin(request)
        else:
            _require(route, await admit(request))
        if route.rate is not None:
            request.app[RATES].spend(route.rate, _who(request))
        return await route.handler(request)

    return check


def _require(route: Route, grant: Grant) -> None:
    """Refuse what a user, or the key that was sent, may not do.

    Raises:
        Forbidden: says which of the two.
    """
    if route.access is Access.ADMIN and not grant.user.is_admin:
        raise Forbidden("Only an administrator may do this.")
    if grant.level < route.least or (route.reaches_far and grant.user.only_kb):
        raise Forbidden("This key does not allow that.")


def _who(request: web.Request) -> str:
    """Return whose requests are counted together: a user's, else those of one address."""
    user = request.get(USER)
    return user.id if user is not None else neighbourhood(request[CLIENT])
