"""A TCP proxy that behaves badly on purpose.

    async with FaultProxy(port) as proxy:
        proxy.faults = Faults(cut_after=700, ending="reset")
        … talk to proxy.base …

Faults act on what the server sends. They are read when a connection is made, so a change holds for
the connections after it; `black_hole` and `go_down` act at once on all.
"""

import asyncio
import random
import socket
import struct
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal, Self

_CHUNK_BYTES = 65_536


@dataclass(frozen=True)
class Faults:
    """What happens to the bytes of the server; the default is nothing."""

    latency_s: float = 0.0
    jitter_s: float = 0.0
    bytes_per_s: float = 0.0
    """Bandwidth; 0 is unlimited."""
    slice_bytes: int = 0
    """Pass on pieces of this size, each a packet of its own; 0 leaves them whole."""
    slice_delay_s: float = 0.0
    cut_after: int | None = None
    """End the connection after so many bytes of the server."""
    ending: Literal["close", "reset"] = "close"
    linger_s: float = 0.0
    """Wait so long before passing on that the server has closed."""
    receive_buffer: int = 0
    """Size of the buffer towards the server; 0 leaves the system's own."""


class FaultProxy:
    """Listens on a free port of 127.0.0.1 and passes on to another; an async context manager."""

    def __init__(self, target_port: int, faults: Faults | None = None, *, seed: int = 1) -> None:
        """Pass on to `target_port` of 127.0.0.1."""
        self.faults = faults or Faults()
        self.port = 0
        self.connections = 0
        self.bytes_passed = 0
        self._target_port = target_port
        self._chance = random.Random(seed)
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._listener: asyncio.Server | None = None
        self._pairs: set[asyncio.Task[None]] = set()

    @property
    def base(self) -> str:
        """The address to talk to."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        """Listen."""
        await self.come_up()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Break off whatever is left."""
        await self.go_down()

    async def come_up(self) -> None:
        """Listen, on the same port as before if there was one."""
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def go_down(self) -> None:
        """Refuse connections and break off those there are."""
        if self._listener is not None:
            self._listener.close()
        for pair in self._pairs:
            pair.cancel()
        await asyncio.gather(*self._pairs, return_exceptions=True)

    def black_hole(self, is_on: bool = True) -> None:
        """Swallow nothing and pass on nothing, with every connection left open."""
        if is_on:
            self._flowing.clear()
        else:
            self._flowing.set()

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        pair = asyncio.create_task(self._join(reader, writer, self.faults))
        self._pairs.add(pair)
        pair.add_done_callback(self._pairs.discard)
        pair.add_done_callback(lambda _: writer.close())  # also when it never began

    async def _join(self, reader: StreamReader, writer: StreamWriter, faults: Faults) -> None:
        try:
            towards = await _connect(self._target_port, faults.receive_buffer)
        except OSError:
            writer.transport.abort()
            return
        asking = asyncio.create_task(self._pass(reader, towards[1], Faults()))
        answering = asyncio.create_task(self._pass(towards[0], writer, faults))
        try:
            await asyncio.wait((asking, answering), return_when=asyncio.FIRST_COMPLETED)
        finally:
            asking.cancel()
            answering.cancel()
            await asyncio.gather(asking, answering, return_exceptions=True)
            towards[1].transport.abort()
            _end(writer, faults.ending)

    async def _pass(self, reader: StreamReader, writer: StreamWriter, faults: Faults) -> None:
        left = faults.cut_after
        with suppress(ConnectionError):
            while left != 0:
                await self._flowing.wait()
                chunk = await reader.read(_CHUNK_BYTES if left is None else min(left, _CHUNK_BYTES))
                if not chunk:
                    break
                if left is not None:
                    left -= len(chunk)
                await self._forward(chunk, writer, faults)
            await asyncio.sleep(faults.linger_s)

    async def _forward(self, chunk: bytes, writer: StreamWriter, faults: Faults) -> None:
        delay_s = max(0.0, faults.latency_s + faults.jitter_s * self._chance.uniform(-1, 1))
        if faults.bytes_per_s:
            delay_s += len(chunk) / faults.bytes_per_s
        if delay_s:
            await asyncio.sleep(delay_s)
        size = faults.slice_bytes or len(chunk)
        for start in range(0, len(chunk), size):
            await self._flowing.wait()
            writer.write(chunk[start : start + size])
            await writer.drain()
            self.bytes_passed += len(chunk[start : start + size])
            if faults.slice_bytes:
                await asyncio.sleep(faults.slice_delay_s)


async def _connect(port: int, receive_buffer: int) -> tuple[StreamReader, StreamWriter]:
    towards = socket.socket()
    towards.setblocking(False)
    if receive_buffer:
        towards.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    try:
        await asyncio.get_running_loop().sock_connect(towards, ("127.0.0.1", port))
    except BaseException:
        towards.close()
        raise
    return await asyncio.open_connection(sock=towards, limit=receive_buffer or _CHUNK_BYTES)


def _end(writer: StreamWriter, ending: str) -> None:
    if ending == "reset":
        connection = writer.get_extra_info("socket")
        with suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()
