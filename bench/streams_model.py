"""A model server for load: OpenAI's stream of chunks, raw asyncio, tokens paced without drift.

    python bench/streams_model.py

Prints its port. Each token is a word that carries the time it was sent, `t81273645127364 `, as
nanoseconds of the monotonic clock, which all processes of a machine share. The first one of a
stream, `t8127…c17w2400 `, also names the stream and how many nanoseconds the model itself took.
`PUT /pace` sets tokens per second (0: as fast as the reader takes them) and whether streams fall
silent after the first token; silent ones speak when it says so. `GET /state` tells what is open and
when streams closed.
"""

import asyncio
import json
import time
from itertools import count

_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
_CHUNK = (
    'data: {"id":"chatcmpl-9f2c51d07ab84e6d","object":"chat.completion.chunk",'
    '"created":1754000000,"model":"fake","choices":[{"index":0,"delta":{"content":"%s"},'
    '"logprobs":null,"finish_reason":null}]}\n\n'
)
_BLOCK_TOKENS = 50
_WORDS_PER_MARKER = 25
_WORDS_PER_PARAGRAPH = 100


class Pace:
    """Sends one token to each stream per period, the streams spread over it."""

    def __init__(self) -> None:
        self.rate = 50.0
        self.is_silent = False
        self._silent: dict[Stream, None] = {}
        self._slots: list[dict[Stream, None]] = [{}]
        self._next = 0
        self._run = 0

    def set(self, rate: float, is_silent: bool) -> None:
        self.rate, self.is_silent = rate, is_silent
        self._slots = [{} for _ in range(max(1, round(1000 / rate)) if rate else 1)]
        self._run += 1
        if rate:
            loop = asyncio.get_running_loop()
            loop.call_soon(self._tick, self._run, loop.time(), 0)
        if not is_silent:
            silent, self._silent = self._silent, {}
            for stream in silent:
                self.add(stream)

    def add(self, stream: "Stream") -> None:
        if self.is_silent:
            self._silent[stream] = None
        elif self.rate:
            self._next = (self._next + 1) % len(self._slots)
            self._slots[self._next][stream] = None
        else:
            stream.send_blocks()

    def remove(self, stream: "Stream") -> None:
        for slot in (self._silent, *self._slots):
            slot.pop(stream, None)

    def _tick(self, run: int, start: float, tick: int) -> None:
        if run != self._run:
            return
        for stream in list(self._slots[tick % len(self._slots)]):
            stream.send_token()
        tick += 1
        at = start + tick / (self.rate * len(self._slots))
        asyncio.get_running_loop().call_at(at, self._tick, run, start, tick)


class Stream(asyncio.Protocol):
    """One connection; one request at a time."""

    numbers = count(1)
    closed: dict[int, int] = {}
    open = 0

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._received = b""
        self._number = 0
        self._sent = 0
        self._asked_ns = 0
        self._block = b""
        self._is_paused = False

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        lower = head.lower()
        length = int(lower.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if not end or len(body) < length:
            return
        self._received = body[length:]
        self._answer(head.split(b" ")[1], body[:length])

    def _answer(self, path: bytes, body: bytes) -> None:
        if path == b"/state":
            self._answer_json({"open": Stream.open, "closed": Stream.closed})
        elif path == b"/pace":
            self._pace.set(**json.loads(body))
            self._answer_json({})
        else:
            self._begin()

    def _answer_json(self, value: object) -> None:
        body = json.dumps(value).encode()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
            b"content-length: %d\r\n\r\n%b" % (len(body), body)
        )
        self._transport.close()

    def _begin(self) -> None:
        self._asked_ns = time.monotonic_ns()
        self._number = next(Stream.numbers)
        self._sent = 0
        self._block = b""
        Stream.open += 1
        self._transport.write(_HEAD)
        self.send_token()
        self._pace.add(self)

    def send_token(self) -> None:
        if self._is_paused:
            return
        self._transport.write(self._chunk(self._sent))
        self._sent += 1

    def send_blocks(self) -> None:
        self._block = b"".join(map(self._chunk, range(1, _BLOCK_TOKENS + 1)))
        self._pump()

    def _chunk(self, index: int) -> bytes:
        now = time.monotonic_ns()
        word = f"t{now}" if index else f"t{now}c{self._number}w{now - self._asked_ns}"
        if index % _WORDS_PER_PARAGRAPH == _WORDS_PER_PARAGRAPH - 1:
            word += " [1].\\n\\n"
        elif index % _WORDS_PER_MARKER == _WORDS_PER_MARKER - 1:
            word += f" [{index % 3 + 1}]. "
        else:
            word += " "
        data = _CHUNK % word
        return f"{len(data):x}\r\n{data}\r\n".encode()

    def _pump(self) -> None:
        if not self._is_paused and not self._transport.is_closing():
            self._transport.write(self._block)
            asyncio.get_running_loop().call_soon(self._pump)

    def pause_writing(self) -> None:
        self._is_paused = True

    def resume_writing(self) -> None:
        self._is_paused = False
        if self._block:
            self._pump()

    def connection_lost(self, error: Exception | None) -> None:
        if self._number:
            Stream.closed[self._number] = time.monotonic_ns()
            Stream.open -= 1
            self._pace.remove(self)


async def main() -> None:
    pace = Pace()
    server = await asyncio.get_running_loop().create_server(
        lambda: Stream(pace), "127.0.0.1", 0, backlog=2000
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
