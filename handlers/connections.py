"""Who may hold a connection: so many in all, and nobody for long who asks for nothing.

aiohttp watches idle connections and nothing else: one that is silent or sends its first head byte
by byte stays open for as long as a good one may rest, and there may be any number of them. So the
first request has a short time of its own, and a connection too many gets an answer and is closed.
"""

import asyncio
import resource
from collections.abc import Awaitable, Callable

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_MESSAGE = b"The server is busy. Try again in a few seconds.\n"
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Retry-After: 5\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\n"
    b"Connection: close\r\n\r\n%b"
) % (len(_MESSAGE), _MESSAGE)


class Doorkeeper:
    """Lets connections in; its `admit` must be the outermost middleware."""

    def __init__(self, *, most: int, first_request_s: float) -> None:
        """Hold `most` connections; the first head of each must come in `first_request_s`."""
        self._most = min(most, _affordable())
        self._first_request_s = first_request_s
        self._strangers: dict[object, asyncio.TimerHandle] = {}

    async def listen(self, server: web.Server, host: str, port: int) -> asyncio.Server:
        """Accept connections for the server."""
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: self._open(server), host, port, reuse_address=True)

    def _open(self, server: web.Server) -> asyncio.Protocol:
        if len(server.connections) >= self._most:
            return _Refusal()
        connection = server()
        loop = asyncio.get_running_loop()
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


class _Refusal(asyncio.Protocol):
    """Says that the server is full, and hangs up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Answer at once, whatever is asked."""
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(_FULL)
        transport.close()


def _affordable() -> int:
    """Return how many connections the open files of this process allow: a stream takes two."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1_000_000 if soft == resource.RLIM_INFINITY else max(1, soft // 2)
