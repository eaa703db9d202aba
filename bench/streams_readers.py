"""Readers for load: raw sockets that note when each token arrives and how late it is."""

import asyncio
import json
import re
import time
from array import array
from collections.abc import Callable
from typing import Any

_TOKEN = re.compile(rb"\bt([0-9]{9,})(?:c([0-9]+)w([0-9]+))?")
_FRAME_END = re.compile(rb"\n\n|\r\n\r\n")
_RUN_ID = re.compile(rb"\r\nx-run-id: ([^\r]+)", re.IGNORECASE)
_PATIENCE_S = 60


class Log:
    """What all readers of a measurement have seen."""

    def __init__(self) -> None:
        self.tokens = 0
        self.lateness_ns = array("q")
        self.is_open = False


class Reader(asyncio.Protocol):
    """Sends one request and reads its stream until it is closed."""

    def __init__(self, request: bytes, log: Log) -> None:
        self._request = request
        self._log = log
        self._rest = b""
        self._is_status_known = False
        self.run_id = ""
        self.stream = 0
        self.first_text_s = 0.0
        self.tokens = 0
        self.began: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._asked_ns = time.monotonic_ns()
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        *frames, self._rest = _FRAME_END.split(self._rest + data)
        for frame in frames:
            if b"event: block" in frame:  # the native dialect repeats the text as HTML
                continue
            for found in _TOKEN.finditer(frame):
                self._take(now, found)
            if not self._is_status_known:
                self._read_head(frame)

    def _read_head(self, head: bytes) -> None:
        self._is_status_known = True
        if not head.startswith(b"HTTP/1.1 200"):
            self.began.set_exception(RuntimeError(head.decode()))
        if match := _RUN_ID.search(head):
            self.run_id = match[1].decode()

    def _take(self, now: int, found: re.Match[bytes]) -> None:
        self.tokens += 1
        if self._log.is_open:
            self._log.tokens += 1
            self._log.lateness_ns.append(now - int(found[1]))
        if found[2] and not self.began.done():
            self.stream = int(found[2])
            self.first_text_s = (now - self._asked_ns - int(found[3])) / 1e9
            self.began.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        if not self.began.done():
            self.began.set_exception(RuntimeError("closed before the first text"))

    def leave(self) -> None:
        self._transport.abort()


async def open_readers(port: int, request: bytes, number: int, log: Log) -> list[Reader]:
    """Open so many streams at once; return when each has its first text."""
    loop = asyncio.get_running_loop()

    async def read() -> Reader:
        _, reader = await loop.create_connection(lambda: Reader(request, log), "127.0.0.1", port)
        await reader.began
        return reader

    async with asyncio.timeout(_PATIENCE_S):
        return await asyncio.gather(*(read() for _ in range(number)))


def request_of(
    method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
) -> bytes:
    """Return the bytes of a request."""
    data = b"" if body is None else json.dumps(body).encode()
    fields = {"Host": "127.0.0.1", "Content-Type": "application/json", **(headers or {})}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(data)}", "", ""]).encode() + data


async def call(port: int, method: str, path: str, body: Any = None, **headers: str) -> Any:
    """Return the JSON that a request is answered with."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request_of(method, path, body, {"Connection": "close", **headers}))
        async with asyncio.timeout(_PATIENCE_S):
            answer = await reader.read()
    finally:
        writer.close()
    head, _, data = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 2"):
        raise RuntimeError(answer.decode())
    return json.loads(data)


async def until(is_true: Callable[[], bool], what: str) -> None:
    """Wait, but not for ever."""
    give_up_at = time.monotonic() + _PATIENCE_S
    while not is_true():
        if time.monotonic() > give_up_at:
            raise TimeoutError(what)
        await asyncio.sleep(0.01)
