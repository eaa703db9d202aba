"""The server as its own process, to be killed like one."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from tests.handlers.site import Site

ROOT = Path(__file__).parent.parent


def environment(**settings: Any) -> dict[str, str]:
    """Return the environment of a server with these settings and no others.

    What a test asks for in a minute is not counted, unless it says so.
    """
    settings = {"costly_per_minute": 1_000_000, "uploads_per_minute": 1_000_000} | settings
    given = {k: v for k, v in os.environ.items() if not k.startswith("FOOTNOTE_")}
    return given | {f"FOOTNOTE_{name.upper()}": str(value) for name, value in settings.items()}


async def run(*arguments: str, **settings: Any) -> tuple[int, str, str]:
    """Run one command of `server.py`; return exit status, output and errors."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "server.py",
        *arguments,
        cwd=ROOT,
        env=environment(**settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


class Server:
    """A running server process."""

    def __init__(self, process: asyncio.subprocess.Process, base: str, link: str) -> None:
        self.process = process
        self.base = base
        self.link = link

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        """Ask it to stop as a service manager would; return its exit status."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            return await self.process.wait()


@asynccontextmanager
async def serve(data: Path, *, port: int = 0, **settings: Any) -> AsyncIterator[Server]:
    """Run a server for as long as the context lasts."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "server.py",
        "serve",
        "--data",
        str(data),
        "--port",
        str(port),
        cwd=ROOT,
        env=environment(**settings),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        base = (await process.stdout.readline()).decode().strip()
        link = (await process.stdout.readline()).decode().split()[-1]
    try:
        yield Server(process, base, link)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined] # else it warns at exit


@asynccontextmanager
async def client(server: Server, token: str) -> AsyncIterator[Site]:
    """Return a client of a server process."""
    timeout = aiohttp.ClientTimeout(total=60)
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        yield Site(server.base, session, web.Application())
