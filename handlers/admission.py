"""Who is asking: by bearer token or key, by session cookie, or by the word of a trusted proxy."""

from time import monotonic

from aiohttp import hdrs, web

from engine.errors import Forbidden, NotFound, Unauthenticated
from engine.flows.identity import Grant
from engine.storage.journal import RunRow
from handlers.keys import CHECKED, ENGINE, GRANT, PROXIES, UNTIL, USER
from handlers.origin import require_own_origin

SESSION_COOKIE = "footnote_session"


async def admit(request: web.Request) -> Grant:
    """Find out who is asking and note it on the request.

    Raises:
        Unauthenticated: nobody we know.
        Forbidden: a write by cookie or proxy that does not come from our own page, or a disabled
            account of a proxy's user.
    """
    checked = request.app[ENGINE].watch.number
    grant = await _grant(request)
    if grant is None:
        raise Unauthenticated("Sign in first.")
    request[GRANT] = grant
    request[USER] = grant.user
    request[CHECKED] = checked
    if grant.lasts_s is not None:
        request[UNTIL] = monotonic() + grant.lasts_s
    return grant


async def _grant(request: web.Request) -> Grant | None:
    identity = request.app[ENGINE].identity
    secret = _bearer(request)
    if secret is not None:
        return await identity.by_bearer(secret)
    name = _name_from_proxy(request)
    if name is not None:
        require_own_origin(request)
        return await identity.by_proxy(name)
    cookie = request.cookies.get(SESSION_COOKIE)
    if not cookie:
        return None
    require_own_origin(request)
    return await identity.by_cookie(cookie)


def _bearer(request: web.Request) -> str | None:
    scheme, _, secret = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else None


def _name_from_proxy(request: web.Request) -> str | None:
    """Return the name in the agreed header, which only a trusted proxy may set.

    Raises:
        Forbidden: the proxy let a second one through.
    """
    header = request.app[ENGINE].config.proxy_user_header
    if not header or not request.app[PROXIES].trusts(request.remote or ""):
        return None
    names = request.headers.getall(header, [])
    if len(names) > 1:
        raise Forbidden("The proxy named more than one user.")
    return names[0].strip() or None if names else None


async def require_still(request: web.Request, run: RunRow) -> None:
    """Make sure that a reader of a stream may go on: the sign-in lasts and the run is in sight.

    Cheap enough for every event: it looks closer only when some right was taken from somebody.

    Raises:
        Unauthenticated, NotFound: not any more.
    """
    if monotonic() >= request.get(UNTIL, float("inf")):
        raise Unauthenticated("Your sign-in has ended. Sign in again: nothing is lost.")
    engine = request.app[ENGINE]
    if request[CHECKED] == engine.watch.number:
        return
    grant = await admit(request)
    if await engine.runs.find(grant.user, run.id) is None:
        raise NotFound("This run does not exist.")
