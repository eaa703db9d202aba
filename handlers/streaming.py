"""From a run's tail to a response: headers, frames, heartbeats, departures, and the end.

The response never owns the work. It follows a cursor, writes what the dialect makes of each event,
and goes when the run has ended, the reader has left or stops reading, or the server shuts down.
"""

import asyncio
import logging
import socket
from collections.abc import Sequence
from time import monotonic

import msgspec
from aiohttp import hdrs, web

from engine.errors import AppError, Unavailable
from engine.runs.dialects import CAUGHT_UP, Dialect
from engine.runs.framing import HEARTBEAT, RETRY, RETRY_AFTER_RESTART, frame
from engine.runs.journal import Record, Tail
from engine.storage.journal import RunRow
from handlers.admission import require_still
from handlers.keys import ENGINE, REQUEST_ID, STOPPING

_logger = logging.getLogger("footnote.streams")

_LOOK_EVERY_S = 1.0
_SEND_BUFFER_BYTES = 32_768


async def stream(
    request: web.Request, run: RunRow, after: int, dialect: Dialect, *, is_native: bool
) -> web.StreamResponse:
    """Send a run from a cursor until it ends."""
    async with request.app[ENGINE].runs.attach(run.id, after) as tail:
        response = web.StreamResponse(headers=_headers(request, run))
        heartbeat_s = request.app[ENGINE].config.heartbeat_of(run.family)
        sender = _Sender(request, response, run, dialect, heartbeat_s, is_native=is_native)
        try:
            await response.prepare(request)
            _bound_connection(request)
            await sender.follow(tail)
        except (ConnectionError, TimeoutError) as error:
            _logger.info("reader of run %s is gone: %s", run.id, type(error).__name__)
            _cut(request)
    return response


def _headers(request: web.Request, run: RunRow) -> dict[str, str]:
    headers = {
        hdrs.CONTENT_TYPE: "text/event-stream; charset=utf-8",
        hdrs.CACHE_CONTROL: "no-cache",
        "X-Accel-Buffering": "no",
        "X-Run-Id": run.id,
        "X-Request-Id": request[REQUEST_ID],
    }
    if run.draft_id is not None:
        headers["X-Draft-Id"] = run.draft_id
    if request.version >= (1, 1):
        headers[hdrs.CONNECTION] = "keep-alive"
    return headers


def _bound_connection(request: web.Request) -> None:
    """Keep little in flight, so that a slow reader costs little memory and is noticed.

    A reader behind a dead line acknowledges nothing, and heartbeats alone would take hours to fill
    the buffers; the kernel closes such a connection after the same time as a write of ours.
    """
    transport = request.transport
    if transport is None:
        return
    transport.set_write_buffer_limits(high=_SEND_BUFFER_BYTES)
    connection = transport.get_extra_info("socket")
    if connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6):
        timeout_ms = round(request.app[ENGINE].config.write_timeout_s * 1000)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, timeout_ms)


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


class _Sender:
    """Writes one response."""

    def __init__(
        self,
        request: web.Request,
        response: web.StreamResponse,
        run: RunRow,
        dialect: Dialect,
        heartbeat_s: float,
        *,
        is_native: bool,
    ) -> None:
        config = request.app[ENGINE].config
        self._request = request
        self._response = response
        self._run = run
        self._dialect = dialect
        self._tells_caught_up = is_native
        self._heartbeat_s = heartbeat_s
        self._write_timeout_s = config.write_timeout_s
        self._stopping = request.app[STOPPING]
        self._silent_since = 0.0

    async def follow(self, tail: Tail) -> None:
        """Write until the run ends.

        Raises:
            ConnectionError: the reader left. TimeoutError: it takes nothing.
        """
        await self._write(RETRY)
        try:
            while (records := await tail.next(self._wait_s())) is not None:
                self._check_reader()
                await require_still(self._request, self._run)
                if self._stopping.is_set():
                    await self._write(RETRY_AFTER_RESTART)
                    break
                await self._send(records, tail)
        except AppError as error:
            await self._write(_error_frame(error))
        await self._response.write_eof()

    async def _send(self, records: Sequence[Record], tail: Tail) -> None:
        data = b"".join(map(self._dialect, records))
        if self._tells_caught_up and tail.is_caught_up:
            self._tells_caught_up = False
            data += CAUGHT_UP
        if data:
            await self._write(data)
        elif self._silence_s() >= self._heartbeat_s:
            await self._write(HEARTBEAT)

    def _wait_s(self) -> float:
        return max(0.0, min(_LOOK_EVERY_S, self._heartbeat_s - self._silence_s()))

    def _silence_s(self) -> float:
        return monotonic() - self._silent_since

    def _check_reader(self) -> None:
        transport = self._request.transport
        if transport is None or transport.is_closing():
            raise ConnectionResetError

    async def _write(self, data: bytes) -> None:
        if self._has_room(len(data)):
            await self._response.write(data)
        else:
            async with asyncio.timeout(self._write_timeout_s):
                await self._response.write(data)
        self._silent_since = monotonic()

    def _has_room(self, size: int) -> bool:
        """Whether a write so large cannot have to wait, and so needs no clock."""
        transport = self._request.transport
        return (
            transport is not None
            and size < _SEND_BUFFER_BYTES
            and transport.get_write_buffer_size() == 0
        )


def _error_frame(error: AppError) -> bytes:
    """Say why a stream breaks off though its run has not ended; without an id, nothing is lost."""
    fields = {
        "event": "error",
        "code": error.code,
        "message": error.message,
        "retryable": isinstance(error, Unavailable),
        "recovery": ["resume"],
    }
    return frame(msgspec.json.encode(fields), event="message")
