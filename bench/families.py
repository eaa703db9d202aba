"""Five families at once: what a token costs and how late it is, and answers that need no model.

    python bench/families.py [--users 10 --rate 50 --seconds 10]

First a model that never stops: one stream of generate for each user, five times as many of generate
alone for comparison, then one stream of every family for each user. Limits of streams are lifted,
and all users have one account. Then a server without a model: kept chat answers, quick search.
"""

import argparse
import asyncio
import gc
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

sys.path.insert(0, str(Path(__file__).parent.parent))

from streams import Contender, Footnote, Model, _command, _percentile, _process, _window, prepare
from streams_readers import Log, call, open_readers, request_of

from engine import samples

_BENCH = Path(__file__).parent
_QUESTION = "How does sign-in work, and which second factor do staff accounts need?"
_NOTES = "Sign-in uses OAuth 2.0 with PKCE. Staff accounts need a second factor. " * 20
_SETTLE_S = 2.0
_TIMES = 100
_TYPED = ("secu", "authent", "recov", "pric", "north", "incident resp", "staff acc", "password")


def requests_of(kb_id: str, token: str) -> dict[str, bytes]:
    """Return the request that opens a stream of each family."""
    headers = {"Authorization": token, "Accept": "text/event-stream"}
    draft = {"kb_id": kb_id, "document_type": "custom", "context": _QUESTION}
    bodies = {
        "generate": ("/api/v1/generate", draft),
        "query": ("/query/stream", {"query": _QUESTION}),
        "chat": ("/api/chat/stream", {"query": _QUESTION, "corpus_id": kb_id}),
        "search": ("/api/v1/search", {"query": _QUESTION}),
        "pipeline": ("/run/stream?tokens=1", {"content_type": "MCQ", "input_text": _NOTES}),
    }
    return {
        family: request_of("POST", path, body, headers) for family, (path, body) in bodies.items()
    }


class Families(Footnote):
    """Runs Footnote with settings that let everybody start as much as they like."""

    def __init__(self, data: Path, token: str, model_port: int) -> None:
        super().__init__(data, token, model_port, "generate")
        self._settings["FOOTNOTE_PIPELINE_STARTS_PER_MINUTE"] = "1000000"

    async def kb_id(self, port: int) -> str:
        """Return the knowledge base that is asked."""
        found = await call(port, "GET", "/api/v1/kbs", Authorization=self._token)
        return str(found["kbs"][0]["id"])

    @property
    def token(self) -> str:
        """The Authorization header."""
        return self._token


async def streaming(
    model: Model, footnote: Families, families: Sequence[str], options: argparse.Namespace
) -> None:
    """Print what tokens of these streams cost, and how late they are."""
    gc.collect()
    await model.pace(options.rate)
    async with footnote.run() as server:
        requests = requests_of(await footnote.kb_id(server.port), footnote.token)
        logs = {family: Log() for family in families}
        readers = []
        for family in families:
            number = options.users * families.count(family)
            if not any(reader[0] == family for reader in readers):
                opened = await open_readers(server.port, requests[family], number, logs[family])
                readers += [(family, reader) for reader in opened]
        await asyncio.sleep(_SETTLE_S)
        cpu_s = await _counted(server, logs, options.seconds)
        for _, reader in readers:
            reader.leave()
    tokens = sum(log.tokens for log in logs.values())
    title = " + ".join(f"{options.users * families.count(f)} {f}" for f in logs)
    print(f"{title}: CPU per token {cpu_s / tokens * 1e6:.1f} µs")
    for family, log in logs.items():
        late = [_percentile(log.lateness_ns, p) / 1e6 for p in (50, 99)]
        print(f"  {family:<9} late p50 {late[0]:.1f} ms, p99 {late[1]:.1f} ms", flush=True)


async def _counted(server: Contender, logs: dict[str, Log], seconds: float) -> float:
    for log in logs.values():
        log.is_open = True
    cpu_s = await _window(server, Log(), seconds)
    for log in logs.values():
        log.is_open = False
    return cpu_s


@asynccontextmanager
async def without_model(folder: Path) -> AsyncIterator[tuple[int, str]]:
    """Run a server on the sample's documents; yield its port and the Authorization header."""
    data = str(folder / "plain")
    token = f"Bearer {(await _command('token', '--data', data)).strip()}"
    await _command("ingest", "--data", data, "--kb", "Sample", *map(str, samples.paths()))
    command = (sys.executable, "server.py", "serve", "--port", "0", "--data", data)
    settings = {"FOOTNOTE_EXTRACTIVE_WORDS_PER_S": "0", "FOOTNOTE_COSTLY_PER_MINUTE": "1000000"}
    async with _process(*command, **settings) as (_, base):
        yield int(base.rpartition(":")[2]), token


async def kept_answers(port: int, token: str) -> None:
    """Print how soon a kept answer comes, streamed and as JSON."""
    kbs = (await call(port, "GET", "/api/v1/kbs", Authorization=token))["kbs"]
    body = {"query": _QUESTION, "corpus_id": kbs[0]["id"]}
    await call(port, "POST", "/api/chat", body, Authorization=token)
    stream = request_of("POST", "/api/chat/stream", body, {"Authorization": token})
    streamed = [await _until(port, stream, b"event: token") for _ in range(_TIMES)]
    _tell("kept chat answer, first token", streamed, "goal 20")
    twin = request_of("POST", "/api/chat", body, {"Authorization": token})
    _tell(
        "kept chat answer, JSON", [await _until(port, twin, b"run_id") for _ in range(_TIMES)], ""
    )
    served = [
        (await call(port, "POST", "/api/chat", body, Authorization=token))["latency_ms"]
        for _ in range(_TIMES)
    ]
    _tell("kept chat answer, JSON, in the flow", served, "goal 10")


async def quick_searches(port: int, token: str) -> None:
    """Print how long quick search takes on the sample."""
    headers = {"Authorization": token}
    times = []
    for n in range(_TIMES):
        body = {"query": _TYPED[n % len(_TYPED)]}
        request = request_of("POST", "/api/v1/search/quick", body, headers)
        times.append(await _until(port, request, b'"conversations"'))
    _tell("quick search", times, "goal 100")


async def _until(port: int, request: bytes, wanted: bytes) -> float:
    """Return the milliseconds from a request to some bytes of its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        began = perf_counter()
        writer.write(request)
        seen = b""
        async with asyncio.timeout(10):
            while wanted not in seen:
                chunk = await reader.read(65_536)
                if not chunk:
                    raise RuntimeError(seen.decode())
                seen += chunk
        return (perf_counter() - began) * 1000
    finally:
        writer.close()


def _tell(what: str, times_ms: Sequence[float], goal: str) -> None:
    p50, p99 = statistics.median(times_ms), _percentile(times_ms, 99)
    print(
        f"{what}: p50 {p50:.1f} ms, p99 {p99:.1f} ms{f' ({goal} ms)' if goal else ''}", flush=True
    )


async def main(options: argparse.Namespace) -> None:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        token = await prepare(folder)
        async with _process(sys.executable, str(_BENCH / "streams_model.py")) as (_, port):
            footnote = Families(folder / "data", token, int(port))
            every = ["generate", "query", "chat", "search", "pipeline"]
            for families in (["generate"], ["generate"] * len(every), every):
                await streaming(Model(int(port)), footnote, families, options)
        async with without_model(folder) as (plain_port, plain_token):
            await kept_answers(plain_port, plain_token)
            await quick_searches(plain_port, plain_token)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--users", type=int, default=10)
    parser.add_argument("--rate", type=float, default=50, help="tokens per second of each stream")
    parser.add_argument("--seconds", type=float, default=10, help="length of a window")
    gc.disable()
    asyncio.run(main(parser.parse_args()))
