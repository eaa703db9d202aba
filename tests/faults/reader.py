"""A client that loses its connection and comes back, and keeps only what arrived whole."""

import asyncio
import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import msgspec

from engine.writers.sse import EventStreamDecoder, ServerSentEvent

ENDS = {"generation_complete", "error", "completed", "failed", "cancelled"}


class Refused(Exception):
    """The server answered with another status than 200."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status}: {body[:300]!r}")
        self.status = status
        self.body = body


class Reader:
    """One stream as a careful client sees it, over as many connections as it takes.

    Written on bare sockets, since a client library throws away what arrived just before a cut.
    """

    def __init__(
        self, base: str, token: str, path: str, body: dict[str, Any] | None = None
    ) -> None:
        """POST `body` to `path`, or GET it when there is no body."""
        self.base = base
        self.path = path
        self.events: list[ServerSentEvent] = []
        self.retry_hints = 0
        self.run_id: str | None = None
        self.draft_id: str | None = None
        self.raw: bytes
        """Everything of the last connection, head and body."""
        self._token = token
        self._body = b"" if body is None else json.dumps(body).encode()
        self._key = uuid4().hex
        self.begin()

    @property
    def last_id(self) -> str:
        """The cursor: the id of the last event that arrived whole."""
        return next((event.id for event in reversed(self.events) if event.id), "")

    @property
    def frames(self) -> list[dict[str, Any]]:
        """The data of all events."""
        return [msgspec.json.decode(event.data) for event in self.events]

    @property
    def text(self) -> str:
        """The draft as far as it was shown."""
        return "".join(frame.get("delta", frame.get("text", "")) for frame in self.frames)

    @property
    def is_ended(self) -> bool:
        """Whether a terminal event with an id has come."""
        return any(event.id and _kind(event) in ENDS for event in self.events[-2:])

    async def read(self, *, enough: int | None = None, timeout_s: float = 20.0) -> None:
        """Read one connection to its end, or until there are `enough` events in all.

        Raises:
            Refused: the answer is no stream. OSError: there is no connection.
        """
        address = urlsplit(self.base)
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
            try:
                writer.write(self._request())
                await self._take(reader, enough)
            finally:
                writer.transport.abort()

    async def read_to_end(self, *, tries: int = 50, pause_s: float = 0.05) -> None:
        """Come back after every cut or refusal until the end has been seen."""
        for _ in range(tries):
            with suppress(OSError):
                try:
                    await self.read()
                except Refused as refusal:
                    if refusal.status not in (429, 503):
                        raise
                    await asyncio.sleep(pause_s)
            if self.is_ended:
                return
            await asyncio.sleep(pause_s)
        raise AssertionError(f"no end after {tries} connections: {self.events[-3:]}")

    def _request(self) -> bytes:
        method = "POST" if self._body else "GET"
        lines = [
            f"{method} {self.path} HTTP/1.1",
            "Host: test",
            f"Authorization: Bearer {self._token}",
        ]
        if self._body:
            lines += [f"Content-Length: {len(self._body)}", "Content-Type: application/json"]
            lines += [f"Idempotency-Key: {self._key}"]
        if self.last_id:
            lines.append(f"Last-Event-ID: {self.last_id}")
        return "\r\n".join([*lines, "", ""]).encode() + self._body

    async def _take(self, reader: asyncio.StreamReader, enough: int | None) -> None:
        self.begin()
        while enough is None or len(self.events) < enough:
            try:
                chunk = await reader.read(65_536)
            except ConnectionError:
                return
            if not chunk or self.take(chunk):
                return

    def begin(self) -> None:
        """Forget what a connection left unfinished."""
        self.raw, self._seen_id = b"", ""
        self._dechunker, self._decoder = Dechunker(), EventStreamDecoder()

    def take(self, chunk: bytes) -> bool:
        """Take bytes of a connection; return whether the answer is whole.

        Raises:
            Refused: the answer is no stream.
        """
        begun = b"\r\n\r\n" in self.raw
        self.raw += chunk
        head, found, rest = self.raw.partition(b"\r\n\r\n")
        if not found:
            return False
        if not begun:
            self._open(head, rest)
            chunk = rest
        data = self._dechunker.feed(chunk)
        self.retry_hints += data.count(b"retry: 2000")
        self._keep(self._decoder.feed(data))
        return self._dechunker.is_ended

    def _keep(self, events: list[ServerSentEvent]) -> None:
        """Add events; one that brings no id of its own shows the id of the one before it."""
        for event in events:
            if event.event != "block":
                is_own = event.id != self._seen_id
                self.events.append(event if is_own else msgspec.structs.replace(event, id=""))
            self._seen_id = event.id

    def _open(self, head: bytes, rest: bytes) -> None:
        status = int(head.split(b" ", 2)[1])
        if status != 200:
            raise Refused(status, rest)
        for line in head.decode().split("\r\n")[1:]:
            name, _, value = line.partition(": ")
            if name == "X-Run-Id":
                assert self.run_id in (None, value), "one key, two runs"
                self.run_id = value
            elif name == "X-Draft-Id":
                self.draft_id = value


class Dechunker:
    """Takes the chunk lengths out of a body (RFC 9112, section 7.1), however it is cut."""

    def __init__(self) -> None:
        self.is_ended = False
        self._waiting = b""
        self._left = 0

    def feed(self, data: bytes) -> bytes:
        """Return what of the body is there."""
        self._waiting += data
        out = b""
        while self._waiting and not self.is_ended:
            if self._left > 2:
                piece = self._waiting[: self._left - 2]
                out += piece
                self._left -= len(piece)
                self._waiting = self._waiting[len(piece) :]
            elif self._left:
                dropped = min(self._left, len(self._waiting))
                self._left -= dropped
                self._waiting = self._waiting[dropped:]
            elif b"\r\n" not in self._waiting:
                break
            else:
                line, _, self._waiting = self._waiting.partition(b"\r\n")
                self._left = int(line, 16) + 2
                self.is_ended = self._left == 2
        return out


def _kind(event: ServerSentEvent) -> str:
    if event.event != "message":
        return event.event
    return str(msgspec.json.decode(event.data)["event"])


def seqs(events: list[ServerSentEvent]) -> list[int]:
    """Return the numbers of all events that have one."""
    return [int(event.id.partition(":")[2]) for event in events if event.id]
