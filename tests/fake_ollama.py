"""An Ollama that does what a test tells it, by the steps of `tests.fake_model`.

    async with FakeOllama() as ollama:
        ollama.script(say("Hello"), Wait(gate), say(" there"), end())

It speaks `POST /api/chat` and `GET /api/tags` at `ollama.url`.
"""

import json
from collections.abc import Sequence
from typing import Any, Self

from aiohttp import web

from tests.fake_model import Answer, FakeModel, Headers, Raw, Step

_NDJSON = Headers({"Content-Type": "application/x-ndjson"})


class FakeOllama(FakeModel):
    """The server; `url` is without a path."""

    def __init__(self) -> None:
        super().__init__()
        self.default = [say("This is a fake"), say(" answer."), end()]
        self.listing = [tags("fake:latest")]

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.url = self.url.removesuffix("/v1")
        return self

    def _app(self) -> web.Application:
        app = super()._app()
        app.router.add_post("/api/chat", self._complete)
        app.router.add_get("/api/tags", self._models)
        return app

    def _next_steps(self, body: dict[str, Any]) -> Sequence[Step]:
        return [_NDJSON, *super()._next_steps(body)]


def say(text: str | None, **fields: Any) -> Raw:
    """Return a line with text."""
    return line(message={"role": "assistant", "content": text}, done=False, **fields)


def think(text: str) -> Raw:
    """Return a line with a thought."""
    return line(message={"role": "assistant", "content": "", "thinking": text}, done=False)


def end(reason: str | None = "stop", prompt: int | None = 11, text: int | None = 7) -> Raw:
    """Return the last line of an answer; what is None is left out."""
    fields = {"done_reason": reason, "prompt_eval_count": prompt, "eval_count": text}
    given = {name: value for name, value in fields.items() if value is not None}
    message = {"role": "assistant", "content": ""}
    return line(message=message, done=True, total_duration=5_000_000, **given)


def fail(message: str = "internal: secret detail") -> Raw:
    """Return a line with an error."""
    return line(error=message)


def line(**fields: Any) -> Raw:
    """Return one line; what Ollama always says is added, except to errors."""
    known = {} if "error" in fields else {"model": "fake", "created_at": "2025-01-01T00:00:00Z"}
    return Raw(json.dumps(known | fields).encode() + b"\n")


def tags(*names: str, **capabilities: list[str]) -> Answer:
    """Return the list of models, those given by keyword with what they are capable of."""
    found: list[dict[str, Any]] = [{"name": name, "model": name} for name in names]
    found += [{"name": name, "capabilities": able} for name, able in capabilities.items()]
    return Answer(200, json.dumps({"models": found}), content_type="application/json")
