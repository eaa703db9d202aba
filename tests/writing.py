"""What tests of writers share: an assignment, reading its text, and seeing upstreams close."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Iterator
from contextlib import ExitStack, aclosing, contextmanager

from engine.errors import ProviderFailed
from engine.writers.writer import Assignment, Message, Piece, Text, Writer
from tests.fake_model import FakeModel

ASSIGNMENT = Assignment(
    question="Who?",
    sections=(),
    sources=(),
    messages=(Message("system", "Be brief."), Message("user", "Who?")),
)


async def no_wait(_: float) -> None:
    """Stand in for sleep."""


async def collect(
    writer: Writer, assignment: Assignment = ASSIGNMENT
) -> tuple[list[Piece], ProviderFailed | None]:
    """Return the pieces and the failure that ended them, if one did."""
    pieces: list[Piece] = []
    try:
        async with asyncio.timeout(5), aclosing(writer.write(assignment)) as stream:
            async for piece in stream:
                pieces.append(piece)  # noqa: PERF401 - kept also when the stream fails
    except ProviderFailed as failure:
        return pieces, failure
    return pieces, None


async def failure_of(writer: Writer, assignment: Assignment = ASSIGNMENT) -> ProviderFailed:
    _, failure = await collect(writer, assignment)
    assert failure is not None
    return failure


def text_of(pieces: list[Piece]) -> str:
    return "".join(piece.text for piece in pieces if isinstance(piece, Text))


async def first_text(stream: AsyncGenerator[Piece, None]) -> str:
    async for piece in stream:
        if isinstance(piece, Text):
            return piece.text
    raise AssertionError("the stream ended without text")


class Sleeps:
    """Stands in for sleep and remembers."""

    def __init__(self) -> None:
        self.waits_s: list[float] = []

    async def __call__(self, delay_s: float) -> None:
        self.waits_s.append(delay_s)


async def closed(model: FakeModel, index: int = 0) -> None:
    """Wait until the server saw the client leave; a second at most."""
    async with asyncio.timeout(1):
        await (await model.call(index)).closed.wait()


async def no_tasks_but(before: set[asyncio.Task[object]]) -> None:
    """Wait until nothing runs that did not run before; a second at most."""
    async with asyncio.timeout(1):
        while asyncio.all_tasks() - before:
            await asyncio.sleep(0)


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextmanager
def full_backlog() -> Iterator[str]:
    """Yield the address of a server that never accepts, so that connecting to it hangs."""
    with ExitStack() as sockets:
        server = sockets.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            client = sockets.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}/v1"


async def next_pieces(stream: AsyncGenerator[Piece, None]) -> list[Piece]:
    return [piece async for piece in stream]
