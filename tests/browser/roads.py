"""Roads between browser and server that the tests can break, watch or clog.

The browser's own loop is not asyncio's, so they run in a thread of their own.
"""

import asyncio
import threading
from asyncio import StreamWriter
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

import aiohttp
from aiohttp import web

from tests.faults.proxy import FaultProxy, Faults

T = TypeVar("T")

_HOP_BY_HOP = {"connection", "content-length", "content-encoding", "transfer-encoding", "date"}


class Road(FaultProxy):
    """A proxy that counts what is asked for, and may be broken from another thread."""

    def __init__(self, target_port: int) -> None:
        super().__init__(target_port)
        self.asked: Counter[str] = Counter()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def come_up(self) -> None:
        self._loop = asyncio.get_running_loop()
        await super().come_up()

    def cut(self) -> None:
        """Break off every connection, and take new ones at once."""
        self._wait_for(self._cut())

    def close(self) -> None:
        """Break off every connection, and take no more."""
        self._wait_for(self.go_down())

    def reopen(self) -> None:
        self._wait_for(self.come_up())

    def swallow(self, is_on: bool) -> None:
        """Let nothing through, with every connection left open."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self.black_hole, is_on)

    def streams(self, run_id: str) -> int:
        """How often a stream of this run was asked for."""
        return sum(self.asked[path] for path in self.asked if f"{run_id}/events?after=" in path)

    def polls(self, run_id: str) -> int:
        """How often this run was polled."""
        return sum(self.asked[path] for path in self.asked if f"{run_id}/events?poll=1" in path)

    async def _cut(self) -> None:
        await self.go_down()
        await self.come_up()

    def _wait_for(self, work: "asyncio.Future[None] | object") -> None:
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)  # type: ignore[arg-type]

    async def _forward(self, chunk: bytes, writer: StreamWriter, faults: Faults) -> None:
        method, _, rest = chunk[:500].partition(b" ")
        if method in (b"GET", b"POST"):
            self.asked[f"{method.decode()} {rest.partition(b' ')[0].decode()}"] += 1
        await super()._forward(chunk, writer, faults)


class BufferingProxy:
    """Passes on the body of an answer when it has come to its end, and not before."""

    def __init__(self, target_port: int, *, holds_headers: bool) -> None:
        self.base = ""
        self._target = f"http://127.0.0.1:{target_port}"
        self._holds_headers = holds_headers

    async def __aenter__(self) -> "BufferingProxy":
        self._session = aiohttp.ClientSession(auto_decompress=False)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        headers = {k: v for k, v in request.headers.items() if k.lower() not in _HOP_BY_HOP}
        async with self._session.request(
            request.method,
            self._target + request.path_qs,
            headers=headers,
            data=await request.read(),
            allow_redirects=False,
        ) as upstream:
            kept = [(k, v) for k, v in upstream.headers.items() if k.lower() not in _HOP_BY_HOP]
            response = web.StreamResponse(status=upstream.status)
            response.headers.extend(kept)
            if not self._holds_headers:
                await response.prepare(request)
            body = await upstream.read()
            await response.prepare(request)
            await response.write(body)
            await response.write_eof()
            return response


@contextmanager
def in_thread(context: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Enter an asynchronous context on a loop in another thread, and leave it at the end."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        entered = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(timeout=10)
        try:
            yield entered
        finally:
            leaving = context.__aexit__(None, None, None)
            asyncio.run_coroutine_threadsafe(leaving, loop).result(timeout=10)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=10)
        loop.close()
