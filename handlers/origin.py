"""Where a write comes from: a browser sends cookies along with what other sites make it send."""

from aiohttp import hdrs, web

from engine.errors import Forbidden
from handlers.keys import ENGINE

_SAFE_METHODS = {hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS}


def require_own_origin(request: web.Request) -> None:
    """Refuse a write that is not known to come from a page of this server.

    For whatever signs a request in without its sender's doing: a cookie, or a header of a proxy.

    Raises:
        Forbidden: it comes from elsewhere, or does not say where from.
    """
    if request.method not in _SAFE_METHODS and not _is_own(request):
        raise _foreign()


def refuse_foreign_origin(request: web.Request) -> None:
    """Refuse a write that says itself that another site sent it; for signing in.

    Raises:
        Forbidden: it comes from elsewhere.
    """
    says = request.headers.keys() & {"Sec-Fetch-Site", hdrs.ORIGIN}
    if says:
        require_own_origin(request)


def _is_own(request: web.Request) -> bool:
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get(hdrs.ORIGIN, "")
    host = origin.partition("://")[2]
    public_url = request.app[ENGINE].config.public_url.rstrip("/")
    return bool(host) and (host == request.host or origin == public_url)


def _foreign() -> Forbidden:
    return Forbidden("This request does not come from this server's own pages.")
