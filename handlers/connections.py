"""Who may hold a connection: so many in all, and nobody for long who asks for nothing.

aiohttp watches idle connections and nothing else: one that is silent or sends its first head byte
by byte stays open for as long as a good one may rest, and there may be any number of them. So the
first request has a short time of its own, and a connection too many gets an answer and is closed.
"""

import asyncio
import logging
import resource
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import uuid4

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from handlers.responses import error_response

_logger = logging.getLogger("footnote.connections")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_CONTINUE = "100-continue"

_BUSY = "The server is busy. Try again in a few seconds."
_LINGER_S = 2.0
"""How long the rest of a refused body is read, so that its sender gets the answer."""


class Doorkeeper:
    """Lets connections in; its `admit` must be the outermost middleware."""

    def __init__(
        self, *, most: int, first_request_s: float, rest_s: float, headers: Mapping[str, str]
    ) -> None:
        """Hold `most` connections; the first head of each must come in `first_request_s`.

        A connection may rest for `rest_s` between two requests. `headers` go with the answers that
        are given here.
        """
        self._most = min(most, _affordable())
        self._first_request_s = first_request_s
        self._rest_s = rest_s
        self._headers = headers
        self._strangers: dict[object, asyncio.TimerHandle] = {}

    async def listen(
        self, server: web.Server, host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> asyncio.Server:
        """Accept connections for the server."""
        server.request_handler = self._expected(server.request_handler)
        return await asyncio.get_running_loop().create_server(
            lambda: self._open(server),
            host,
            port,
            ssl=tls,
            ssl_handshake_timeout=self._first_request_s if tls else None,
            reuse_address=True,
        )

    def _expected(self, answer: _Answer) -> _Answer:
        """Refuse what a request may not expect; aiohttp repeats it, and breaks where it cannot."""

        def handle(request: web.BaseRequest) -> Awaitable[web.StreamResponse]:
            is_plain = request.headers.get(hdrs.EXPECT, _CONTINUE).lower() == _CONTINUE
            return (answer if is_plain else refuse)(request)

        async def refuse(request: web.BaseRequest) -> web.StreamResponse:
            error = {"code": "INVALID_REQUEST", "message": "This cannot be expected here."}
            response = error_response(417, error, uuid4().hex)
            response.headers.update(self._headers)
            response.force_close()
            return response

        return handle

    def _open(self, server: web.Server) -> asyncio.Protocol:
        if len(server.connections) >= self._most:
            return _Refusal(self._headers)
        loop = asyncio.get_running_loop()
        connection = _Connection(server, self._headers, rest_s=self._rest_s, loop=loop)
        self._strangers[connection] = loop.call_later(
            self._first_request_s, self._show_out, connection
        )
        return connection

    def _show_out(self, connection: web.RequestHandler) -> None:
        del self._strangers[connection]
        connection.force_close()

    @web.middleware
    async def admit(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let the connection of a request stay."""
        timer = self._strangers.pop(request.protocol, None)
        if timer is not None:
            timer.cancel()
        return await handler(request)


class _Connection(web.RequestHandler):
    """A connection whose answer to what is no HTTP looks like all other answers."""

    __slots__ = ("_headers",)

    def __init__(
        self,
        server: web.Server,
        headers: Mapping[str, str],
        *,
        rest_s: float,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(
            server,
            loop=loop,
            access_log=None,  # type: ignore[arg-type]  # this is how aiohttp is told to write none
            keepalive_timeout=rest_s,
            lingering_time=_LINGER_S,
        )
        self._headers = headers

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Say that it was not understood, and repeat none of it."""
        super().handle_error(request, status, exc, message)  # logs
        sentence = "The request could not be understood."
        error = {"code": "INTERNAL" if status >= 500 else "INVALID_REQUEST", "message": sentence}
        response = error_response(status, error, uuid4().hex)
        response.headers.update(self._headers)
        response.force_close()
        return response

    def log_exception(self, *args: Any, **fields: Any) -> None:
        """Log our own faults; of what strangers send, no more than that it came."""
        fault = fields.get("exc_info")
        if isinstance(fault, HttpProcessingError | web.RequestPayloadError):
            _logger.info("a request that is no HTTP: %s", type(fault).__name__)
        else:
            super().log_exception(*args, **fields)


class _Refusal(asyncio.Protocol):
    """Says that the server is full, and hangs up."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._headers = headers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answer at once, whatever is asked."""
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(_full(self._headers))
        transport.close()


def _full(headers: Mapping[str, str]) -> bytes:
    error = {"code": "SERVICE_UNAVAILABLE", "message": _BUSY}
    response = error_response(503, error, uuid4().hex)
    body = response.body
    assert isinstance(body, bytes)
    lines = ["HTTP/1.1 503 Service Unavailable", "Retry-After: 5", "Connection: close"]
    lines += ["Content-Type: application/json; charset=utf-8", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _affordable() -> int:
    """Return how many connections the open files of this process allow: a stream takes two."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1_000_000 if soft == resource.RLIM_INFINITY else max(1, soft // 2)
