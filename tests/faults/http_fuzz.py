"""Requests that are almost right, made by a grammar with mistakes in it, against a running server.

    python -m tests.faults.http_fuzz --seconds 600 --seed 7

starts a server of its own, sends for so long, and prints how the server answered. The same seed
makes the same requests in the same order.
"""

import argparse
import asyncio
import random
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path

_PATHS = (
    "/", "/healthz", "/api/v1/kbs", "/api/v1/generate", "/api/v1/runs/x/events", "/api/v1/drafts",
    "/static/js/main.js", "/static/../server.py", "/api/v1/documents/%00", "/kb/%ff%fe", "*",
    "//evil.test/", "http://evil.test/healthz", "/api/v1/kbs?page=-1&page=x", "/%2e%2e/%2e%2e/etc",
    "/a;b=c#d", "/\u00fc", "/api/v1/runs?limit=99999999999999999999", "?", "/api/v1/search", "",
)  # fmt: skip
_METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get")
_VERSIONS = ("HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.1 ", "HTTP/11", "http/1.1", "")
_ENDS = (b"\r\n", b"\n", b"\r", b"\r\r\n", b"\n\r", b"")
_HEADERS = (
    "Host: x", "Host: x", "Host:", "Host: a\r\nHost: b", "Content-Length: 5", "Content-Length: -1",
    "Content-Length: 99999999999999999999", "Content-Length: 5, 5", "Content-Length: +5",
    "Transfer-Encoding: chunked", "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: \x0bchunked", "Transfer-Encoding : chunked", "Connection: close",
    "Connection: keep-alive, upgrade", "Upgrade: websocket", "Upgrade: h2c", "Expect: 100-continue",
    "Expect: 200-ok", "Content-Type: application/json", "Content-Type: multipart/form-data",
    "Content-Type: multipart/form-data; boundary=b", "Content-Type: \xff/\xfe",
    "Content-Type: text/plain; charset=utf-99", "Content-Encoding: gzip", "Content-Encoding: br",
    "Accept: text/html", "Accept: text/event-stream", "Accept: */*;q=x",
    "Cookie: footnote_session",
    "Cookie: a=\"b; c=\x00", "Authorization: Bearer", "Authorization: Basic %%%",
    "Range: bytes=9-1",
    "Last-Event-ID: x:-1", "Idempotency-Key: " + "k" * 5000, "If-None-Match: \"",
    "X: " + "y" * 9000,
    "If-Modified-Since: Thu, 99 Jan 99999 00:00:00 GMT", " folded: yes", "\tfolded", "no colon",
    ":", "Origin: null", "Sec-Fetch-Site: cross-site",
    "X-Forwarded-For: ,,,::,\x7f", "Prefer: \u2028",
)  # fmt: skip
_BODIES = (
    b"", b"{}", b"[]", b"{", b"nul", b"12345", b'{"kb_id": 1}',
    b'{"name": "\\ud800"}',
    b"\x00" * 50,
    b"[" * 5000, b'{"a":' * 2000, b'"' + b"9" * 5000, b"\x1f\x8b\x08broken",
    b"--b\r\n\r\nx\r\n--b--",
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n', b"--b--",
    b"a=b&c=%zz",
    b"5\r\nhello\r\n0\r\n\r\n", b"FFFFFFFFFFFFFFFFF\r\nx",
    b"5;x=" + b"y" * 500 + b"\r\nhello\r\n0\r\n\r\n",
    b"-1\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
)  # fmt: skip


def request(chance: random.Random, token: str) -> bytes:
    """Return one request; most have a mistake or two, some have none."""
    method = chance.choice(_METHODS if chance.random() < 0.3 else ("GET", "POST"))
    path = chance.choice(_PATHS)
    version = chance.choice(_VERSIONS) if chance.random() < 0.2 else "HTTP/1.1"
    lines = [f"{method} {path} {version}".encode("latin-1", "replace")]
    headers = ["Host: x", *chance.choices(_HEADERS, k=chance.choice((0, 0, 0, 1, 1, 4)))]
    if chance.random() < 0.5:
        headers.append(f"Authorization: Bearer {token}")
    body = chance.choice(_BODIES)
    if chance.random() < 0.5:
        headers.append(f"Content-Length: {len(body)}")
    if chance.random() < 0.2:
        chance.shuffle(headers)
    lines += [header.encode("latin-1", "replace") for header in headers]
    end = chance.choice(_ENDS) if chance.random() < 0.1 else b"\r\n"
    return _spoilt(chance, end.join([*lines, b"", body]))


def _spoilt(chance: random.Random, data: bytes) -> bytes:
    """Return the bytes, now and then with a few changed, lost, doubled or cut off."""
    for _ in range(chance.choice((0, 0, 0, 0, 0, 1, 3))):
        start, end = sorted((chance.randrange(len(data) + 1), chance.randrange(len(data) + 1)))
        match chance.randrange(4):
            case 0:
                data = data[:start] + bytes([chance.randrange(256)]) + data[start + 1 :]
            case 1:
                data = data[:start] + data[min(end, start + 20) :]
            case 2:
                data = data[:end] + data[start:]
            case _:
                data = data[:end]
    return data


async def answer(port: int, data: bytes, patience_s: float) -> bytes:
    """Send bytes; return the beginning of what comes back, b"" when it is nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        with suppress(ConnectionError, TimeoutError):
            writer.write(data)
            async with asyncio.timeout(patience_s):
                return await reader.read(16)
        return b""
    finally:
        writer.transport.abort()


async def fuzz(
    port: int, token: str, *, seed: int, seconds: float, at_once: int = 20
) -> Counter[bytes]:
    """Send requests for so long; return how often each status came, b"" for none.

    Raises:
        AssertionError: the server said 500; the message has the request.
    """
    chance, found = random.Random(seed), Counter[bytes]()
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds

    async def send() -> None:
        while loop.time() < end:
            data = request(chance, token)
            status = (await answer(port, data, 0.5))[9:12]
            assert status != b"500", data
            found[status] += 1

    async with asyncio.timeout(seconds + 30):
        await asyncio.gather(*(send() for _ in range(at_once)))
    return found


async def _run(seed: int, seconds: float) -> None:
    from tests.process import serve
    from tests.test_process import token

    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        async with serve(data, sample="false") as server:
            secret, port = await token(data), int(server.base.rpartition(":")[2])
            found = await fuzz(port, secret, seed=seed, seconds=seconds)
            assert server.process.returncode is None, "the server has ended"
    shown = ", ".join(f"{count} {status.decode() or 'nothing'}" for status, count in found.items())
    print(f"{found.total()} requests, the same process at the end; answers: {shown}")


def main() -> None:
    """Run alone."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.http_fuzz")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    asyncio.run(_run(options.seed, options.seconds))


if __name__ == "__main__":
    sys.exit(main())
