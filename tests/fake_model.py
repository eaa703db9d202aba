"""A model server that does what a test tells it: good answers, bad ones, silence, cuts.

    async with FakeModel() as model:
        model.script(Say("Hello"), Wait(gate), Say(" there"), *ENDING)
        … send a request to model.url …
        call = await model.call(0)
        await call.closed.wait()

Each `script` serves one request, in order; `model.default` (steps, or a function from the request
body to steps) serves the rest. It speaks `POST /v1/chat/completions` over a real socket, and
`GET /v1/models`, which `model.listing` (steps as well) serves.
`python -m tests.fake_model --help` runs it alone.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web


@dataclass(frozen=True)
class Say:
    """A delta with text; None stands for a null content."""

    text: str | None


@dataclass(frozen=True)
class Think:
    """A delta with reasoning, under the name the server gives it."""

    text: str
    name: str = "reasoning_content"


@dataclass(frozen=True)
class Finish:
    """The chunk that says why the model stopped."""

    reason: str = "stop"


@dataclass(frozen=True)
class Usage:
    """The chunk without choices that counts tokens."""

    prompt_tokens: int = 11
    completion_tokens: int = 7


@dataclass(frozen=True)
class Done:
    """The sentinel `[DONE]`."""


@dataclass(frozen=True)
class Fail:
    """An error object inside the stream."""

    message: str = "internal: secret detail"


@dataclass(frozen=True)
class Comment:
    """A heartbeat that is no event."""

    text: str = "keep-alive"


@dataclass(frozen=True)
class Raw:
    """These bytes in one HTTP chunk, or cut into pieces of `piece` bytes."""

    data: bytes
    piece: int = 0


@dataclass(frozen=True)
class Wait:
    """Go on when the event is set."""

    gate: asyncio.Event


@dataclass(frozen=True)
class Signal:
    """Set the event, so that a test knows how far the script is."""

    event: asyncio.Event


@dataclass(frozen=True)
class Pause:
    """Go on after some seconds; for runs by hand and benchmarks, not for tests."""

    seconds: float


@dataclass(frozen=True)
class Stall:
    """Send nothing more and keep the connection open until the client closes it."""


@dataclass(frozen=True)
class Heartbeats:
    """Send comments for ever, `every_s` apart."""

    every_s: float = 0.01


@dataclass(frozen=True)
class Cut:
    """Break the connection off: in the body, or before the headers when it is the first step."""


@dataclass(frozen=True)
class Answer:
    """Not a stream but this answer; must be the only step besides waiting ones before it."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(frozen=True)
class Headers:
    """Extra headers of the stream; the first step if used."""

    headers: dict[str, str]


Step = (
    Say | Think | Finish | Usage | Done | Fail | Comment | Raw | Wait | Signal
    | Pause | Stall | Heartbeats | Cut | Answer | Headers
)  # fmt: skip

ENDING: tuple[Step, ...] = (Finish(), Usage(), Done())
"""How a good answer ends."""


def busy(retry_after: str | None = None) -> Answer:
    """Return a 429, with a Retry-After if one is given."""
    headers = {"Retry-After": retry_after} if retry_after is not None else {}
    return Answer(429, '{"error": {"message": "secret detail"}}', headers)


def page(status: int = 200) -> Answer:
    """Return an HTML page, as a proxy or a wrong address would."""
    return Answer(status, "<!doctype html><title>Sign in</title>", content_type="text/html")


def models(*names: str) -> Answer:
    """Return the list of models, which `listing` holds."""
    return Answer(200, json.dumps({"data": [{"id": name, "object": "model"} for name in names]}))


def answer(text: str, *, tokens_per_s: float = 0.0) -> list[Step]:
    """Return a good answer, a word per delta, evenly paced when a speed is given."""
    steps: list[Step] = []
    for word in _words(text):
        steps.append(Say(word))
        if tokens_per_s:
            steps.append(Pause(1 / tokens_per_s))
    return [*steps, *ENDING]


@dataclass
class Call:
    """One request as it came in, and what became of it."""

    body: dict[str, Any]
    headers: dict[str, str]
    path: str
    client_port: int
    arrived_at: float
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    """The connection was closed before the script was through."""
    closed_at: float | None = None
    """Time of that on the event loop's clock."""
    served: asyncio.Event = field(default_factory=asyncio.Event)
    """The script was played to its end."""


Reply = Sequence[Step] | Callable[[dict[str, Any]], Sequence[Step]]


class FakeModel:
    """The server; an async context manager."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Take where to listen; port 0 lets the system choose."""
        self.default: Reply = answer("This is a fake answer.")
        self.listing: Sequence[Step] = [models("fake")]
        self.calls: list[Call] = []
        self.url = ""
        self._host = host
        self._port = port
        self._scripts: list[Sequence[Step]] = []
        self._news = asyncio.Condition()
        self._runner = web.AppRunner(self._app(), handler_cancellation=True, shutdown_timeout=0.1)

    async def __aenter__(self) -> Self:
        """Listen; `url` is the base address with `/v1` from here on."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._host, self._port).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening and close every connection."""
        await self._runner.cleanup()

    def script(self, *steps: Step) -> None:
        """Say what the next request without a script yet gets."""
        self._scripts.append(steps)

    async def call(self, index: int) -> Call:
        """Return a request by number, from 0, when it has arrived."""
        async with self._news:
            await self._news.wait_for(lambda: len(self.calls) > index)
        return self.calls[index]

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=64 << 20)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._models)
        return app

    async def _models(self, request: web.Request) -> web.StreamResponse:
        return await _play(self.listing, request)

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        call = await self._record(request)
        steps = self._next_steps(call.body)
        try:
            response = await _play(steps, request)
            await response.write_eof()
            call.served.set()
            return response
        except (asyncio.CancelledError, ConnectionError):
            call.closed_at = asyncio.get_running_loop().time()
            call.closed.set()
            raise

    async def _record(self, request: web.Request) -> Call:
        body = await request.json()
        now = asyncio.get_running_loop().time()
        assert request.transport is not None
        client_port = request.transport.get_extra_info("peername")[1]
        call = Call(body, dict(request.headers), request.path, client_port, now)
        async with self._news:
            self.calls.append(call)
            self._news.notify_all()
        return call

    def _next_steps(self, body: dict[str, Any]) -> Sequence[Step]:
        if self._scripts:
            return self._scripts.pop(0)
        return self.default(body) if callable(self.default) else self.default


async def _play(steps: Iterable[Step], request: web.Request) -> web.StreamResponse:
    """Act the steps out; the response is begun by the first step that sends."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    for step in steps:
        match step:
            case Wait(gate):
                await gate.wait()
            case Signal(event):
                event.set()
            case Pause(seconds):
                await asyncio.sleep(seconds)
            case Cut():
                await _cut(request)
            case Headers(headers):
                response.headers.update(headers)
            case Answer():
                return await _plain(step, request)
            case _:
                await _send(step, await _begun(response, request))
    return await _begun(response, request)


async def _begun(response: web.StreamResponse, request: web.Request) -> web.StreamResponse:
    if not response.prepared:
        await response.prepare(request)
    return response


async def _plain(step: Answer, request: web.Request) -> web.StreamResponse:
    response = web.Response(
        status=step.status,
        text=step.body,
        headers=step.headers,
        content_type=step.content_type,
    )
    await response.prepare(request)
    return response


async def _send(step: Step, response: web.StreamResponse) -> None:
    match step:
        case Stall():
            await asyncio.Event().wait()
        case Heartbeats(every_s):
            while True:
                await response.write(b": keep-alive\n\n")
                await asyncio.sleep(every_s)
        case Raw(data, piece):
            piece = piece or len(data) or 1
            for start in range(0, len(data), piece):
                await response.write(data[start : start + piece])
        case _:
            await response.write(wire(step))


async def _cut(request: web.Request) -> None:
    assert request.transport is not None
    request.transport.close()
    await asyncio.Event().wait()


def wire(*steps: Step) -> bytes:
    """Return the bytes of steps that are events or comments, to be put together in one `Raw`."""
    return b"".join(_wire(step) for step in steps)


def _wire(step: Step) -> bytes:
    match step:
        case Say(text):
            return _chunk(choices=[_choice({"content": text})])
        case Think(text, name):
            return _chunk(choices=[_choice({name: text, "content": None})])
        case Finish(reason):
            return _chunk(choices=[_choice({}, reason)])
        case Usage(prompt, completion):
            counts = {"prompt_tokens": prompt, "completion_tokens": completion}
            return _chunk(choices=[], usage=counts | {"total_tokens": prompt + completion})
        case Fail(message):
            return _event({"error": {"message": message, "type": "server_error"}})
        case Done():
            return b"data: [DONE]\n\n"
        case Comment(text):
            return b": " + text.encode() + b"\n\n"
        case Raw(data, _):
            return data
    raise TypeError(f"{step} is not made of bytes")


def _choice(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}


def _chunk(**fields: Any) -> bytes:
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "fake"}
    return _event(frame | fields)


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def _words(text: str) -> list[str]:
    """Cut text before each space, so that the parts join to the text."""
    first, *rest = text.split(" ")
    return [part for part in [first, *(" " + word for word in rest)] if part]


_STEPS_BY_NAME: dict[str, Callable[..., Step]] = {
    "say": Say, "think": Think, "finish": Finish, "usage": Usage, "done": Done, "fail": Fail,
    "comment": Comment, "pause": Pause, "stall": Stall, "heartbeats": Heartbeats, "cut": Cut,
    "answer": Answer,
}  # fmt: skip


def steps_from_json(script: list[dict[str, Any]]) -> list[Step]:
    """Return steps from entries like `{"say": {"text": "a"}}` or `{"stall": {}}`."""
    return [
        _STEPS_BY_NAME[name](**arguments) for entry in script for name, arguments in entry.items()
    ]


async def serve(port: int, reply: Reply) -> None:
    """Print the address, then answer every request with `reply` until cancelled."""
    async with FakeModel(port=port) as model:
        model.default = reply
        print(model.url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Run alone: print the address, then serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m tests.fake_model", description=main.__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 lets the system choose")
    parser.add_argument("--text", default="This is a fake answer [1].")
    parser.add_argument("--repeat", type=int, default=1, help="say the text so many times")
    parser.add_argument("--tokens-per-s", type=float, default=0.0, help="0 is as fast as it can")
    parser.add_argument("--script", help="a JSON file with a list of steps, instead of --text")
    options = parser.parse_args()
    if options.script:
        with open(options.script, encoding="utf-8") as file:
            reply = steps_from_json(json.load(file))
    else:
        text = " ".join([options.text] * options.repeat)
        reply = answer(text, tokens_per_s=options.tokens_per_s)
    try:
        asyncio.run(serve(options.port, reply))
    except KeyboardInterrupt:
        sys.exit(0)


if __name__ == "__main__":
    main()
