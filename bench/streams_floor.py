"""The floor: relays the bytes of a model's answer and does nothing else, with hand-written HTTP.

    python bench/streams_floor.py MODEL_PORT

Prints its port. Every POST becomes one request to the model; what comes back goes out as it is.
"""

import asyncio
import sys

_REQUEST = b"POST /v1/chat/completions HTTP/1.1\r\nhost: model\r\ncontent-length: 2\r\n\r\n{}"


class Upstream(asyncio.Protocol):
    """The connection to the model."""

    def __init__(self, reader: asyncio.Transport) -> None:
        self._reader = reader

    def connection_made(self, transport: asyncio.Transport) -> None:
        transport.write(_REQUEST)

    def data_received(self, data: bytes) -> None:
        self._reader.write(data)

    def connection_lost(self, error: Exception | None) -> None:
        self._reader.close()


class Downstream(asyncio.Protocol):
    """The connection of a reader."""

    upstream: asyncio.Transport | None = None

    def __init__(self, model_port: int) -> None:
        self._model_port = model_port
        self._received = b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        if b"\r\n\r\n" in self._received:
            self._received = b""
            self._task = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        self.upstream, _ = await loop.create_connection(
            lambda: Upstream(self._transport), "127.0.0.1", self._model_port
        )

    def pause_writing(self) -> None:
        if self.upstream:
            self.upstream.pause_reading()

    def resume_writing(self) -> None:
        if self.upstream:
            self.upstream.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        if self.upstream:
            self.upstream.abort()


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(
        lambda: Downstream(int(sys.argv[1])), "127.0.0.1", 0, backlog=2000
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
