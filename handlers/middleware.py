"""Around every request: an id, the client's address, and one shape for all errors."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import aiohttp_jinja2
from aiohttp import hdrs, web

from engine.errors import (
    AppError,
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    LimitReached,
    NotFound,
    ProviderFailed,
    TooLarge,
    Unauthenticated,
    Unavailable,
    Unsupported,
)
from engine.flows.audit import Asker, asker
from handlers.keys import CLIENT, PROXIES, REQUEST_ID, USER
from handlers.responses import error_response
from handlers.security import add_security_headers

_logger = logging.getLogger("footnote.http")

_FORM = "application/x-www-form-urlencoded"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_STATUS: dict[type[AppError], int] = {
    Invalid: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    Gone: 410,
    TooLarge: 413,
    Unsupported: 415,
    LimitReached: 429,
    Unavailable: 503,
    ProviderFailed: 503,
}
_STATUS_OF_CODE = {
    "VALIDATION_ERROR": 422,
    "VALIDATION_FAILED": 422,
    "RATE_LIMITED": 429,
    "INTERNAL": 500,
    "GENERATION_ERROR": 500,
}
_CODE_OF_STATUS = {
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
}
_TITLES = {
    400: "This request is not right",
    401: "Please sign in",
    403: "Not allowed",
    404: "Not found",
    405: "Not possible here",
    409: "This has changed",
    410: "No longer kept",
    413: "Too large",
    429: "Too many at once",
    503: "Not available just now",
}


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request an id, and turn whatever goes wrong into the one shape of an error."""
    request[REQUEST_ID] = uuid4().hex
    request[CLIENT] = request.app[PROXIES].client_of(request)
    asker.set(Asker(request[CLIENT], request[REQUEST_ID]))
    try:
        return await handler(request)
    except AppError as error:
        return _answer(request, error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return _answer_http(request, error)
    except web.RequestPayloadError:
        return _answer(request, Invalid("The body is not what the head says it is."))
    except ConnectionResetError:
        _logger.info("whoever sent request %s has left", request[REQUEST_ID])
        return _answer(request, Unavailable("The connection was lost."))
    except Exception:
        _logger.exception("request %s failed", request[REQUEST_ID])
        message = "Something went wrong on the server. It has been noted."
        return _render(request, 500, {"code": "INTERNAL", "message": message}, {})


def status_of(error: AppError) -> int:
    """Return the HTTP status of an error."""
    by_code = _STATUS_OF_CODE.get(error.code)
    if by_code is not None:
        return by_code
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 400)


def _answer(request: web.Request, error: AppError) -> web.StreamResponse:
    status = status_of(error)
    fields: dict[str, Any] = {"code": error.code, "message": error.message, **error.details}
    if error.field is not None:
        fields["field"] = error.field
    headers: dict[str, str] = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    return _render(request, status, fields, headers)


def _answer_http(request: web.Request, error: web.HTTPException) -> web.StreamResponse:
    messages = {
        404: "There is nothing at this address.",
        405: f"{request.method} is not possible here.",
    }
    code = _CODE_OF_STATUS.get(error.status, "INVALID_REQUEST")
    message = messages.get(error.status, "The request could not be understood.")
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    return _render(request, error.status, {"code": code, "message": message}, headers)


def _render(
    request: web.Request, status: int, error: dict[str, Any], headers: dict[str, str]
) -> web.StreamResponse:
    if _is_page(request):
        if status == 401:
            return web.Response(status=303, headers={hdrs.LOCATION: _door(request)})
        context = {
            "user": request.get(USER),
            "page": "error",
            "status": status,
            "title": _TITLES.get(status, "Something went wrong"),
            "message": error["message"],
            "request_id": request[REQUEST_ID],
        }
        response = aiohttp_jinja2.render_template("error.html", request, context, status=status)
        response.headers.update(headers)
        return response
    response = error_response(status, error, request[REQUEST_ID])
    response.headers.update(headers)
    return response


def _door(request: web.Request) -> str:
    """Return the address of the sign-in page, which leads on to the page that was wanted."""
    wanted = request.path_qs
    return "/login" if wanted == "/" else f"/login?next={quote(wanted, safe='/')}"


def _is_page(request: web.Request) -> bool:
    """Whether a browser shows the answer: it goes to a page, or sends a page's form."""
    if "text/html" not in request.headers.get(hdrs.ACCEPT, ""):
        return False
    if request.content_type == _FORM:
        return True
    is_visit = request.method in (hdrs.METH_GET, hdrs.METH_HEAD)
    return is_visit and not request.path.startswith(("/api/", "/static/"))


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the security headers and the request's id on every response before it is sent."""
    await add_security_headers(request, response)
    response.headers["X-Request-Id"] = request.get(REQUEST_ID, "")
    response.headers.setdefault(hdrs.CACHE_CONTROL, "no-store")
