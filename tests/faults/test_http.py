"""Broken and deceitful HTTP: refused or answered in order, and nothing is smuggled through."""

import asyncio
import json
import re
from contextlib import suppress
from pathlib import Path
from signal import SIGTERM

import pytest

from tests.faults.http_fuzz import fuzz
from tests.faults.nginx import needs_nginx, nginx
from tests.faults.test_cuts import port
from tests.faults.test_processes import serve
from tests.handlers.site import Site
from tests.test_process import token

STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
CHUNKED = "Transfer-Encoding: chunked"
LAST = b"0\r\n\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


async def statuses(to_port: int, data: bytes, *, expected: int) -> list[int]:
    """Send bytes; return the statuses of all answers once `expected` came or none is left."""
    reader, writer = await asyncio.open_connection("127.0.0.1", to_port)
    found = b""
    try:
        sending = asyncio.create_task(_send(writer, data))
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(10 if expected > 1 else 1):
                while len(STATUS.findall(found)) < expected and (more := await reader.read(65_536)):
                    found += more
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
    finally:
        writer.transport.abort()
    return [int(status) for status in STATUS.findall(found)]


async def _send(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(data)
    await writer.drain()


def post(*headers: str, body: bytes) -> bytes:
    lines = ["POST /healthz HTTP/1.1", "Host: x", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


DECEITFUL = {
    "CL and TE": post("Content-Length: 4", CHUNKED, body=LAST + SMUGGLED),
    "TE and CL": post(CHUNKED, "Content-Length: 64", body=LAST + SMUGGLED),
    "two lengths": post("Content-Length: 0", "Content-Length: 36", body=SMUGGLED),
    "a list of lengths": post("Content-Length: 0, 36", body=SMUGGLED),
    "a signed length": post("Content-Length: +0", body=SMUGGLED),
    "space before colon": post("Content-Length : 36", body=SMUGGLED),
    "unknown coding": post("Transfer-Encoding: xchunked", body=LAST + SMUGGLED),
    "hidden coding": post("Transfer-Encoding: \x0bchunked", body=LAST + SMUGGLED),
    "chunked not last": post("Transfer-Encoding: chunked, identity", body=LAST + SMUGGLED),
    "bad chunk size": post("Transfer-Encoding: chunked", body=b"0x0\r\n\r\n" + SMUGGLED),
    "bare LF": b"GET /healthz HTTP/1.1\nHost: x\nX: a\n b\n\n",
    "two hosts": b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\nX: y\r\n\r\n",
    "a folded line": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
    "a bare CR": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\rb: c\r\n\r\n",
    "a NUL": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
}  # fmt: skip


@pytest.mark.parametrize("kind", DECEITFUL)
async def test_a_deceitful_request_is_refused_and_what_follows_it_is_not_read(
    site: Site, kind: str
) -> None:
    assert await statuses(port(site), DECEITFUL[kind], expected=2) == [400]
    assert (await site.call("GET", "/healthz"))[0] == 200


@pytest.mark.parametrize("value", ["200-ok", "100-\xbfontinue", "\xff"])
@pytest.mark.parametrize("path", ["/healthz", "/nothing"])
async def test_what_cannot_be_expected_is_refused_in_the_one_shape(
    site: Site, path: str, value: str
) -> None:
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nExpect: {value}\r\n\r\n".encode("latin-1")
    reader, writer = await asyncio.open_connection("127.0.0.1", port(site))
    writer.write(request)
    async with asyncio.timeout(5):
        found = await reader.read()
    writer.transport.abort()
    assert found.startswith(b"HTTP/1.1 417 ")
    assert b"X-Content-Type-Options: nosniff" in found
    assert json.loads(found.partition(b"\r\n\r\n")[2])["error"]["code"] == "INVALID_REQUEST"


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("Content-Encoding: gzip\r\nContent-Length: 2", b"{}"),
        ("Content-Encoding: deflate\r\nContent-Length: 2", b"{}"),
        (CHUNKED, b"XX\r\n{}\r\n0\r\n\r\n"),
    ],
)
async def test_a_body_that_is_not_what_its_head_says_is_refused(
    site: Site, header: str, body: bytes
) -> None:
    head = f"POST /api/v1/kbs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{header}\r\n"
    bearer = f"Authorization: {site.session.headers['Authorization']}\r\n\r\n"
    assert await statuses(port(site), (head + bearer).encode() + body, expected=2) == [400]


@needs_nginx
async def test_nothing_is_smuggled_past_nginx(site: Site, tmp_path: Path) -> None:
    keep = 'proxy_http_version 1.1; proxy_set_header Connection "";'
    with nginx(tmp_path / "nginx", port(site), keep) as proxy:
        for kind, data in DECEITFUL.items():
            found = await statuses(proxy.port, data, expected=1)
            assert len(found) <= 1, kind
            assert 500 not in found, kind


async def test_a_thousand_requests_at_once_on_one_connection_are_answered_in_order(
    site: Site,
) -> None:
    pair = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /nothing HTTP/1.1\r\nHost: x\r\n\r\n"
    assert await statuses(port(site), pair * 500, expected=1000) == [200, 404] * 500


@pytest.mark.slow
async def test_malformed_requests_never_find_a_500_and_end_nothing(data: Path) -> None:
    async with serve(data, header_timeout_s=5) as server:
        secret = await token(data)
        found = await fuzz(int(server.base.rpartition(":")[2]), secret, seed=11, seconds=8)
        assert server.running.returncode is None
        status, errors = await server.end(SIGTERM)
    assert status == 0
    assert "Traceback" not in errors
    assert found.total() > 200
    assert {b"200", b"400", b"404"} < set(found)
