"""A whole server on a real socket, with its local administrator signed in."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from aiohttp import web

from engine import Engine
from engine.config import Config
from engine.writers.sse import EventStreamDecoder, ServerSentEvent
from handlers.keys import DOORKEEPER, ENGINE
from server import build_app, make_runner
from tests.fake_model import FakeModel

TOPICS = {
    "oauth.md": "# Sign-in\n\nSign-in uses OAuth 2.0 with PKCE for every web client since 2021.\n",
    "mfa.md": "# Second factor\n\nStaff accounts need a phishing-resistant second factor.\n",
    "audit.md": "# Audit\n\nEvery sign-in is written to an audit log kept for 400 days.\n",
    "hosting.md": "# Hosting\n\nThe service runs in two data centres in the same country.\n",
    "price.md": "# Price\n\nThe yearly fee for one agency is 48,000 dollars including support.\n",
}


class Site:
    """A running server and a signed-in client."""

    runner: web.AppRunner

    def __init__(self, base: str, session: aiohttp.ClientSession, app: web.Application) -> None:
        self.base = base
        self.session = session
        self.app = app

    topics = ""

    @property
    def engine(self) -> Engine:
        return self.app[ENGINE]

    async def call(
        self, method: str, path: str, body: Any = None, **options: Any
    ) -> tuple[int, Any]:
        """Return status and decoded JSON (or text) of one request."""
        async with asyncio.timeout(10):
            async with self.session.request(
                method, self.base + path, json=body, **options
            ) as response:
                raw = await response.read()
                is_json = response.content_type == "application/json"
                return response.status, msgspec.json.decode(raw) if is_json else raw.decode()

    async def kb(self, name: str, files: dict[str, str | bytes] | None = None) -> str:
        """Create a knowledge base with documents that are ready."""
        status, created = await self.call("POST", "/api/v1/kbs", {"name": name})
        assert status == 201, created
        if files:
            for document in await self.upload(created["id"], files):
                assert (await self.ready(document["id"]))["status"] == "ready"
        return str(created["id"])

    async def upload(self, kb_id: str, files: dict[str, str | bytes]) -> list[dict[str, Any]]:
        form = aiohttp.FormData(quote_fields=False)
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            form.add_field("file", data, filename=name)
        async with self.session.post(
            f"{self.base}/api/v1/kbs/{kb_id}/documents", data=form
        ) as response:
            body = await response.json()
            assert response.status == 202, body
            return list(body["documents"])

    async def ready(self, document_id: str) -> dict[str, Any]:
        """Return a document once it has been read."""
        _, document = await self.call("GET", f"/api/v1/documents/{document_id}")
        if document["status"] in ("queued", "processing"):
            await self.read(f"/api/v1/runs/{document['run_id']}/events", method="GET")
            _, document = await self.call("GET", f"/api/v1/documents/{document_id}")
        return dict(document)

    @asynccontextmanager
    async def stream(
        self, path: str, body: Any = None, *, method: str = "POST", **options: Any
    ) -> AsyncIterator["Stream"]:
        async with self.session.request(method, self.base + path, json=body, **options) as response:
            yield Stream(response)

    async def read(
        self, path: str, body: Any = None, *, method: str = "POST", **options: Any
    ) -> list[ServerSentEvent]:
        """Return all events of a stream."""
        async with self.stream(path, body, method=method, **options) as stream:
            assert stream.response.status == 200, await stream.response.text()
            return await stream.rest()

    async def generate(self, kb_id: str, **fields: Any) -> list[dict[str, Any]]:
        """Return all frames of a generate stream, decoded."""
        body = {"kb_id": kb_id, "document_type": "custom", "context": "How does sign-in work?"}
        return frames(await self.read("/api/v1/generate", body | fields))

    async def draft(self, draft_id: str) -> dict[str, Any]:
        _, draft = await self.call("GET", f"/api/v1/drafts/{draft_id}")
        return dict(draft)


class Stream:
    """An open event stream, read as far as a test wants."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.response = response
        self.raw = b""
        self.events: list[ServerSentEvent] = []
        self._decoder = EventStreamDecoder()

    async def until(self, count: int) -> list[ServerSentEvent]:
        """Read until there are so many events."""
        async with asyncio.timeout(10):
            while len(self.events) < count:
                await self._more()
        return self.events

    async def until_text(self, text: bytes) -> None:
        """Read until these bytes have come."""
        async with asyncio.timeout(10):
            while text not in self.raw:
                await self._more()

    async def rest(self) -> list[ServerSentEvent]:
        """Read to the end."""
        async with asyncio.timeout(20):
            async for chunk in self.response.content.iter_any():
                self._take(chunk)
        return self.events

    async def _more(self) -> None:
        chunk = await self.response.content.readany()
        assert chunk, "the stream ended early"
        self._take(chunk)

    def _take(self, chunk: bytes) -> None:
        self.raw += chunk
        self.events += self._decoder.feed(chunk)


def frames(events: list[ServerSentEvent]) -> list[dict[str, Any]]:
    return [msgspec.json.decode(event.data) for event in events]


def kinds(found: list[dict[str, Any]]) -> list[str]:
    return [frame["event"] for frame in found]


def text_of(found: list[dict[str, Any]]) -> str:
    return "".join(frame["delta"] for frame in found if frame["event"] == "content_chunk")


@asynccontextmanager
async def open_site(data: Path, **settings: Any) -> AsyncIterator[Site]:
    """Run a server on a free port."""
    defaults = {"sample": False, "extractive_words_per_s": 0, "coalesce_s": 0.01, "shutdown_s": 1.0}
    defaults |= {"costly_per_minute": 1_000_000, "uploads_per_minute": 1_000_000}
    config = Config(data=data, **(defaults | settings))
    app = build_app(config)
    runner = make_runner(app, config)
    await runner.setup()
    try:
        assert runner.server is not None
        listener = await app[DOORKEEPER].listen(runner.server, "127.0.0.1", 0)
        with closing(listener):
            base = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
            token = await app[ENGINE].identity.new_token()
            headers = {"Authorization": f"Bearer {token}"}
            timeout = aiohttp.ClientTimeout(total=30)
            async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
                site_ = Site(base, session, app)
                site_.runner = runner
                _, found = await site_.call("GET", "/api/v1/kbs")
                site_.topics = next((kb["id"] for kb in found["kbs"] if kb["name"] == "Topics"), "")
                yield site_
    finally:
        await runner.cleanup()


def with_model(model: FakeModel, **settings: Any) -> dict[str, Any]:
    """Return the settings of a server that asks this model."""
    return {"llm_provider": "openai", "llm_url": model.url, "llm_model": "fake", **settings}
