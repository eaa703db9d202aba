"""aiohttp as the transport of the SDK's client: its parser, in C, costs a fraction of h11's.

A read returns all that has arrived, however many chunks of HTTP the server made of it. Nothing is
followed, kept, unpacked or taken from the environment here.

A connection may be read on a beat. Its socket is then paused, and read without the event loop when
the beat comes: to let the loop watch it again costs more than all else that a token needs.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from typing import cast

import aiohttp
import httpx2
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from engine.clock import Beat

_KEEP_ALIVE_S = 5.0
_MAX_HEADER_BYTES = 65_536
_READ_BYTES = 16_384


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """Sends requests with a session of its own, which begins with the first of them."""

    def __init__(self, connect_timeout_s: float) -> None:
        """Take the time a connection may take; nothing else has a clock."""
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout_s)
        self._tls = httpx2.create_ssl_context(trust_env=False)
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the response as soon as its head is there; its extension `body` is a `Body`.

        Raises:
            ConnectTimeout, ConnectError, RemoteProtocolError: there is none.
        """
        self._session = self._session or self._new_session()
        with _translated():
            response = await self._session.request(
                request.method,
                URL(str(request.url), encoded=True),
                headers=list(request.headers.items()),
                data=request.content,
                allow_redirects=False,
                timeout=self._timeout,
            )
        body = Body(response)
        return httpx2.Response(
            response.status,
            headers=response.raw_headers,
            stream=body,
            request=request,
            extensions={"body": body},
        )

    def _new_session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_ALIVE_S, ssl=self._tls),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_field_size=_MAX_HEADER_BYTES,
        )

    async def aclose(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()


class Body(httpx2.AsyncByteStream):
    """The body of an answer that has begun."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        """Take a response whose body was not touched."""
        self._response = response
        self._held: _Held | None = None

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        """Yield what has arrived."""
        while data := await self.read():
            yield data

    async def read(self) -> bytes:
        """Return what has arrived, `b""` at the end.

        Raises:
            ConnectionError: the body was cut.
        """
        self._release()
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError) as error:
            raise ConnectionError(type(error).__name__) from None

    async def gather(self, beat: Beat) -> bytes:
        """Leave what arrives with the kernel until the next beat, then return it.

        A peer that is faster than that is read at once, a little each time the loop comes round.
        `b""` when there was nothing, or nothing that can be had at once; read on as usual then.
        """
        held = self._held = self._held or self._hold()
        if held is None:
            return b""
        await (asyncio.sleep(0) if held.has_more else beat.wait())
        content = self._response.content
        is_fed = held.feed() and content.exception() is None
        data = content.read_nowait() if is_fed else b""
        if not data or content.is_eof():
            self._release()
        return data

    def _hold(self) -> "_Held | None":
        connection = self._response.connection
        if connection is None or connection.protocol is None or connection.transport is None:
            return None
        is_plain = connection.transport.get_extra_info("sslcontext") is None
        return _Held(connection.protocol, connection.transport) if is_plain else None

    def _release(self) -> None:
        if self._held is not None:
            self._held.release()
            self._held = None

    async def aclose(self) -> None:
        """Give the connection back when the body was read to its end, else close it."""
        self._release()
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


class _Held:
    """A connection that the event loop does not watch for the time being.

    It stands in for the transport, so that the protocol's own flow control does not wake it.
    """

    def __init__(self, protocol: ResponseHandler, transport: asyncio.Transport) -> None:
        self._protocol = protocol
        self._transport = transport
        self._socket = transport.get_extra_info("socket")
        self.has_more = False
        transport.pause_reading()
        protocol.transport = cast(asyncio.Transport, self)

    def feed(self) -> bool:
        """Do what the loop would do with what has come; ends and errors are left for it to meet."""
        if self._transport.is_closing():  # its number may be another connection's soon
            return False
        try:
            received = os.read(self._socket.fileno(), _READ_BYTES)
        except OSError:
            return False
        self.has_more = len(received) == _READ_BYTES
        if received:
            self._protocol.data_received(received)
        return bool(received)

    def release(self) -> None:
        """Let the loop watch it again."""
        if self._protocol.transport is cast(asyncio.Transport, self):
            self._protocol.transport = self._transport
        self._transport.resume_reading()

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def __getattr__(self, name: str) -> object:
        return getattr(self._transport, name)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except aiohttp.ConnectionTimeoutError as error:
        raise httpx2.ConnectTimeout(str(error)) from error
    except aiohttp.ClientConnectionError as error:
        raise httpx2.ConnectError(str(error)) from error
    except (aiohttp.ClientError, aiohttp.http.HttpProcessingError) as error:
        raise httpx2.RemoteProtocolError(str(error)) from error
