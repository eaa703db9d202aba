"""aiohttp as the transport of the SDK's client: its parser, in C, costs a fraction of h11's.

A read returns all that has arrived, however many chunks of HTTP the server made of it. Nothing is
followed, kept, unpacked or taken from the environment here.
"""

from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager

import aiohttp
import httpx2
from yarl import URL

from engine.clock import Beat

_KEEP_ALIVE_S = 5.0
_MAX_HEADER_BYTES = 65_536


class AiohttpTransport(httpx2.AsyncBaseTransport):
    """Sends requests with a session of its own, which begins with the first of them."""

    def __init__(self, connect_timeout_s: float) -> None:
        """Take the time a connection may take; nothing else has a clock."""
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout_s)
        self._tls = httpx2.create_ssl_context(trust_env=False)
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the response as soon as its head is there; its extension `hold` is `Body.hold`.

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
            extensions={"hold": body.hold},
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
    """The body of a response."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        """Take a response whose body was not touched."""
        self._response = response

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        """Yield what has arrived."""
        with _translated():
            while data := await self._response.content.readany():
                yield data

    async def hold(self, beat: Beat) -> None:
        """Leave what arrives with the kernel until the next beat, so that one read takes it all."""
        connection = self._response.connection
        transport = connection.transport if connection is not None else None
        if transport is None:
            return
        transport.pause_reading()
        try:
            await beat.wait()
        finally:
            transport.resume_reading()

    async def aclose(self) -> None:
        """Give the connection back when the body was read to its end, else close it."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()


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
