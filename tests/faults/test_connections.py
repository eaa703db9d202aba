"""Connections that ask for nothing, or for it a byte at a time, do not stay and stop nobody."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

import pytest

from tests.faults.waiting import until
from tests.handlers.site import Site, open_site

HEAD = (
    b"POST /api/v1/kbs HTTP/1.1\r\nHost: x\r\nAuthorization: %b\r\n"
    b"Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n"
)


async def is_closed(site: Site, begin: bytes, dribble: bytes = b"") -> bytes:
    """Open a connection, send `begin` and then bytes one by one; return all that came back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(site.base.rpartition(":")[2]))
    answer = asyncio.create_task(_read(reader))
    try:
        writer.write(begin)
        for byte in dribble:
            if answer.done():
                break
            writer.write(bytes([byte]))
            await asyncio.sleep(0.01)
        async with asyncio.timeout(10):
            return await answer
    finally:
        answer.cancel()
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader) -> bytes:
    found = b""
    with suppress(ConnectionError):
        while chunk := await reader.read(1000):
            found += chunk
    return found


@pytest.mark.parametrize(
    ("begin", "dribble"),
    [
        (b"", b""),
        (b"", b"GET /healthz HTTP/1.1\r\nX-Long: " + b"a" * 7000),
        (b"GET /healthz HTTP/1.1\r\n", b"".join(b"A%d: b\r\n" % n for n in range(900))),
    ],
    ids=["silent", "dribbled line", "dribbled head"],
)
async def test_a_connection_that_asks_nothing_is_closed(
    data: Path, begin: bytes, dribble: bytes
) -> None:
    async with open_site(data, header_timeout_s=0.3) as site:
        async with asyncio.timeout(5):
            assert await is_closed(site, begin, dribble) == b""


async def test_a_connection_that_rests_too_long_after_a_request_is_closed(data: Path) -> None:
    async with open_site(data, idle_timeout_s=0.3, header_timeout_s=0.2) as site:
        async with asyncio.timeout(5):
            answer = await is_closed(site, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200 ")
            answer = await is_closed(
                site, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /healthz" + b"z" * 500
            )
            assert answer.count(b"HTTP/1.1 200 ") == 1


async def test_a_stream_outlives_the_time_for_a_head(data: Path) -> None:
    settings = {"header_timeout_s": 0.1, "idle_timeout_s": 0.1, "extractive_words_per_s": 40}
    async with open_site(data, **settings) as site:
        found = await site.generate(site.topics)
    assert found[-1]["event"] == "generation_complete"


@pytest.mark.parametrize("dribble", [b"", b" " * 5000], ids=["silent", "dribbled"])
async def test_a_body_that_does_not_arrive_ends_the_request(data: Path, dribble: bytes) -> None:
    async with open_site(data, body_timeout_s=0.3) as site:
        bearer = str(site.session.headers["Authorization"]).encode()
        head = HEAD % bearer
        async with asyncio.timeout(20):
            answer = await is_closed(site, head, dribble)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"did not arrive in time" in answer


@pytest.mark.slow
async def test_five_hundred_silent_connections_stop_nobody(data: Path) -> None:
    async with open_site(data, header_timeout_s=6) as site:
        port = int(site.base.rpartition(":")[2])
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(500)]
        try:
            async with asyncio.timeout(5):
                found = await site.generate(site.topics)
            assert found[-1]["event"] == "generation_complete"
            server = site.runner.server
            assert server is not None
            assert len(server.connections) > 450
            await until(lambda: len(server.connections) < 5, 20)
        finally:
            for _, writer in opened:
                writer.transport.abort()


async def test_a_connection_too_many_is_told_and_closed_and_there_is_room_again(
    data: Path,
) -> None:
    async with open_site(data, max_connections=3) as site:
        port = int(site.base.rpartition(":")[2])
        opened = [await asyncio.open_connection("127.0.0.1", port) for _ in range(6)]
        answers = [opened[place][0] for place in (-1, -2, -3)]
        async with asyncio.timeout(5):
            for reader in answers:
                answer = await reader.read()
                assert answer.startswith(b"HTTP/1.1 503 ")
                assert b"Retry-After: 5" in answer
        for _, writer in opened:
            writer.transport.abort()
        assert (await site.call("GET", "/healthz"))[0] == 200
        server = site.runner.server
        assert server is not None
        await until(lambda: len(server.connections) == 1)
        assert (await site.call("GET", "/api/v1/kbs"))[0] == 200


async def test_whoever_leaves_in_the_middle_of_a_body_is_no_fault_of_ours(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_site(data) as site:
        bearer = str(site.session.headers["Authorization"]).encode()
        port = int(site.base.rpartition(":")[2])
        with caplog.at_level(logging.INFO, "footnote.http"):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HEAD % bearer + b" " * 100)
            await asyncio.sleep(0.05)  # until the body is waited for
            writer.transport.abort()
            await until(lambda: "has left" in caplog.text)
    assert all(record.levelno < logging.ERROR for record in caplog.records)
