"""Load: what a stream costs, how late its words are, and how that compares.

    python bench/streams.py [--streams 100 --rate 50 --seconds 10 --repeat 3] [--only cpu,memory]

A model server, each server under test, and the readers are processes of their own; servers are
started afresh for every measurement, since a saturated one may not recover. Every round measures
Footnote (native and generate dialect, journal on), the reference stack and a floor that only relays
bytes, one after the other; medians of the rounds are printed. The reference runs in a virtual
environment with `bench/requirements.txt` (`make bench` makes it).
"""

import argparse
import asyncio
import gc
import os
import resource
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic_ns

from streams_readers import Log, Reader, call, open_readers, request_of, until

_BENCH = Path(__file__).parent
_ROOT = _BENCH.parent
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_KB = os.sysconf("SC_PAGE_SIZE") / 1000
_SETTLE_S = 1.5
_MANY = 500

_DOCUMENT = """# Sign-in

Sign-in uses OAuth 2.0 with PKCE for every web client since 2021.

# Second factor

Staff accounts need a phishing-resistant second factor. Keys are handed out by the service desk.

# Audit

Every sign-in is written to an audit log, which is kept for 400 days in two data centres.
"""


@dataclass
class Contender:
    """A server under test and the request that opens a stream."""

    name: str
    pid: int
    port: int
    request: bytes
    token: str = ""

    def cpu_s(self) -> float:
        """Return the seconds of CPU that all its threads have used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _TICK_S

    def memory_kb(self) -> float:
        """Return its resident memory."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * _PAGE_KB

    async def stop(self, reader: Reader) -> None:
        """Stop a stream the way its users do."""
        if not reader.run_id:
            reader.leave()
            return
        path = f"/api/v1/runs/{reader.run_id}/cancel"
        await call(self.port, "POST", path, Authorization=self.token)


class Model:
    """The model server, told how to speak."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def pace(self, rate: float, *, is_silent: bool = False) -> None:
        """Set the pace of streams to come, once all others have ended."""
        for _ in range(600):
            if (await call(self.port, "GET", "/state"))["open"] == 0:
                break
            await asyncio.sleep(0.1)
        else:
            raise TimeoutError("streams to the model stay open")
        await call(self.port, "PUT", "/pace", {"rate": rate, "is_silent": is_silent})

    async def speak(self, rate: float) -> None:
        """Let the streams that are silent speak."""
        await call(self.port, "PUT", "/pace", {"rate": rate, "is_silent": False})

    async def closed(self) -> dict[int, int]:
        """Return when streams were closed, by number."""
        found = (await call(self.port, "GET", "/state"))["closed"]
        return {int(number): at_ns for number, at_ns in found.items()}


Figures = dict[str, float]
Measurement = Callable[[Model, Contender, argparse.Namespace], Awaitable[Figures]]


async def measure_memory(model: Model, server: Contender, options: argparse.Namespace) -> Figures:
    """Streams that have begun and wait: what each one more takes."""
    await model.pace(1, is_silent=True)
    log = Log()
    readers = await open_readers(server.port, server.request, options.streams, log)
    await asyncio.sleep(_SETTLE_S)
    few_kb = server.memory_kb()
    readers += await open_readers(server.port, server.request, 4 * options.streams, log)
    await asyncio.sleep(_SETTLE_S)
    each_kb = (server.memory_kb() - few_kb) / (4 * options.streams)
    _leave(readers)
    return {"memory per idle stream, KB": each_kb}


async def measure_cpu(model: Model, server: Contender, options: argparse.Namespace) -> Figures:
    """Paced streams: CPU per token."""
    await model.pace(options.rate, is_silent=True)
    log = Log()
    readers = await open_readers(server.port, server.request, options.streams, log)
    await model.speak(options.rate)
    await asyncio.sleep(_SETTLE_S)
    cpu_s = await _window(server, log, options.seconds)
    _leave(readers)
    return {
        "CPU per token, µs": cpu_s / log.tokens * 1e6,
        "lateness p50, ms": _percentile(log.lateness_ns, 50) / 1e6,
        "lateness p99, ms": _percentile(log.lateness_ns, 99) / 1e6,
    }


async def measure_sustained(
    model: Model, server: Contender, options: argparse.Namespace
) -> Figures:
    """As fast as it goes: tokens per second."""
    await model.pace(0, is_silent=True)
    log = Log()
    readers = await open_readers(server.port, server.request, options.streams, log)
    await model.speak(0)
    await asyncio.sleep(_SETTLE_S)
    began = monotonic_ns()
    await _window(server, log, options.seconds / 2)
    seconds = (monotonic_ns() - began) / 1e9
    _leave(readers)
    return {"tokens/s sustained": log.tokens / seconds}


async def measure_lateness(model: Model, server: Contender, options: argparse.Namespace) -> Figures:
    """Many paced streams: how late words are."""
    await model.pace(options.rate, is_silent=True)
    log = Log()
    readers = await open_readers(server.port, server.request, _MANY, log)
    await model.speak(options.rate)
    await asyncio.sleep(2 * _SETTLE_S)
    await _window(server, log, options.seconds)
    _leave(readers)
    return {
        f"lateness p50 at {_MANY} streams, ms": _percentile(log.lateness_ns, 50) / 1e6,
        f"lateness p99 at {_MANY} streams, ms": _percentile(log.lateness_ns, 99) / 1e6,
    }


async def measure_first_text(
    model: Model, server: Contender, options: argparse.Namespace
) -> Figures:
    """Time to first text beyond the model's own: all at once, and one more when all speak."""
    await model.pace(options.rate)
    log = Log()
    readers = await open_readers(server.port, server.request, options.streams, log)
    at_once_s = [reader.first_text_s for reader in readers]
    await asyncio.sleep(_SETTLE_S)
    one_more_s = []
    for _ in range(20):
        more = await open_readers(server.port, server.request, 1, log)
        one_more_s.append(more[0].first_text_s)
        readers += more
        await asyncio.sleep(0.05)
    _leave(readers)
    return {
        "first text, all at once, p50, ms": _percentile(at_once_s, 50) * 1e3,
        "first text, all at once, p99, ms": _percentile(at_once_s, 99) * 1e3,
        "first text, one more, p50, ms": _percentile(one_more_s, 50) * 1e3,
        "first text, one more, p99, ms": _percentile(one_more_s, 99) * 1e3,
    }


async def measure_stop(model: Model, server: Contender, options: argparse.Namespace) -> Figures:
    """Stop while streaming: until the connection to the model is closed."""
    await model.pace(options.rate)
    readers = await open_readers(server.port, server.request, options.streams, Log())
    await asyncio.sleep(_SETTLE_S)
    stopped_ns = {}
    for reader in readers:
        stopped_ns[reader.stream] = monotonic_ns()
        await server.stop(reader)
        await asyncio.sleep(0.01)
    closed_ns = await model.closed()
    for _ in range(100):
        if stopped_ns.keys() <= closed_ns.keys():
            break
        await asyncio.sleep(0.1)
        closed_ns = await model.closed()
    else:
        raise TimeoutError("stopped streams stay open")
    _leave(readers)
    waits_ns = [closed_ns[number] - at_ns for number, at_ns in stopped_ns.items()]
    return {"Stop to upstream closed p99, ms": _percentile(waits_ns, 99) / 1e6}


async def measure_growth(model: Model, server: Contender, options: argparse.Namespace) -> Figures:
    """Long drafts: CPU per token of words 18,000 to 20,000 over that of words 200 to 2,200."""
    await model.pace(500)
    log = Log()
    readers = await open_readers(server.port, server.request, 20, log)
    costs = []
    for first, last in ((200, 2_200), (18_000, 20_000)):
        await until(lambda first=first: readers[0].tokens >= first, "words")
        cpu_s, before = server.cpu_s(), sum(reader.tokens for reader in readers)
        await until(lambda last=last: readers[0].tokens >= last, "words")
        tokens = max(1, sum(reader.tokens for reader in readers) - before)
        costs.append((server.cpu_s() - cpu_s) / tokens)
    _leave(readers)
    return {"CPU at word 20,000 ÷ at word 200": costs[1] / costs[0]}


MEASUREMENTS: dict[str, tuple[Measurement, int]] = {
    "memory": (measure_memory, 1),
    "cpu": (measure_cpu, 0),
    "sustained": (measure_sustained, 0),
    "first_text": (measure_first_text, 0),
    "lateness": (measure_lateness, 0),
    "stop": (measure_stop, 1),
    "growth": (measure_growth, 1),
}
"""By name, with the number of rounds; 0 stands for `--repeat`."""


async def _window(server: Contender, log: Log, seconds: float) -> float:
    """Let tokens be counted for some time; return the CPU seconds used meanwhile."""
    cpu_s = server.cpu_s()
    log.is_open = True
    await asyncio.sleep(seconds)
    log.is_open = False
    return server.cpu_s() - cpu_s


def _leave(readers: Sequence[Reader]) -> None:
    for reader in readers:
        reader.leave()


def _percentile(values: Sequence[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)]


# Processes


@asynccontextmanager
async def _process(*command: str, **settings: str) -> AsyncIterator[tuple[int, str]]:
    """Run a server; yield its process id and the first line it prints."""
    given = {k: v for k, v in os.environ.items() if not k.startswith("FOOTNOTE_")}
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=_ROOT,
        env=given | settings,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(30):
            line = (await process.stdout.readline()).decode().strip()
        yield process.pid, line
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


class Footnote:
    """Runs Footnote with one small knowledge base, and asks it in one dialect."""

    def __init__(self, data: Path, token: str, model_port: int, dialect: str) -> None:
        self.name = dialect
        self._data = data
        self._token = f"Bearer {token}"
        self._settings = {
            "FOOTNOTE_LLM_PROVIDER": "openai",
            "FOOTNOTE_LLM_URL": f"http://127.0.0.1:{model_port}/v1",
            "FOOTNOTE_MAX_STREAMS": "5000",
            "FOOTNOTE_MAX_STREAMS_PER_USER": "5000",
            "FOOTNOTE_COSTLY_PER_MINUTE": "1000000",
            "FOOTNOTE_LOG_LEVEL": "ERROR",
        }

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Contender]:
        """Start it afresh."""
        shutil.rmtree(self._data, ignore_errors=True)
        shutil.copytree(self._data.with_name("prepared"), self._data)
        command = (sys.executable, "server.py", "serve", "--port", "0", "--data", str(self._data))
        async with _process(*command, **self._settings) as (pid, base):
            port = int(base.rpartition(":")[2])
            request = await self._request(port)
            yield Contender(self.name, pid, port, request, self._token)

    async def _request(self, port: int) -> bytes:
        found = await call(port, "GET", "/api/v1/kbs", Authorization=self._token)
        kb_id = next(kb["id"] for kb in found["kbs"] if kb["name"] == "Bench")
        body = {"kb_id": kb_id, "document_type": "custom", "context": "How does sign-in work?"}
        headers = {"Authorization": self._token, "Accept": "text/event-stream"}
        return request_of("POST", f"/api/v1/generate?dialect={self.name}", body, headers)


class Other:
    """Runs the reference stack or the floor."""

    def __init__(self, name: str, python: str, script: str, model_port: int) -> None:
        self.name = name
        self._command = (python, str(_BENCH / script), str(model_port))

    @asynccontextmanager
    async def run(self) -> AsyncIterator[Contender]:
        """Start it afresh."""
        request = request_of("POST", "/generate", {"context": "How does sign-in work?"})
        async with _process(*self._command) as (pid, port):
            yield Contender(self.name, pid, int(port), request)


async def prepare(folder: Path) -> str:
    """Make a data folder with one small knowledge base; return a token for it."""
    document = folder / "sign-in.md"
    document.write_text(_DOCUMENT)
    data = str(folder / "prepared")
    token = await _command("token", "--data", data)
    await _command("ingest", "--data", data, "--kb", "Bench", str(document))
    return token.strip()


async def _command(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "server.py", *arguments, cwd=_ROOT, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    if process.returncode:
        raise SystemExit(f"server.py {arguments[0]} failed")
    return out.decode()


# Rounds and table


async def measure(options: argparse.Namespace) -> dict[str, dict[str, float]]:
    """Return the median of every figure, by figure and contender."""
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    model_script = str(_BENCH / "streams_model.py")
    with tempfile.TemporaryDirectory() as folder:
        token = await prepare(Path(folder))
        async with _process(sys.executable, model_script) as (_, port):
            model = Model(int(port))
            contenders = _contenders(options, Path(folder) / "data", token, model.port)
            for name in options.only:
                run, rounds = MEASUREMENTS[name]
                for _ in range(rounds or options.repeat):
                    for contender in contenders:
                        gc.collect()
                        await _measure_one(run, model, contender, options, values)
    return {
        figure: {name: statistics.median(found) for name, found in by_name.items()}
        for figure, by_name in values.items()
    }


def _contenders(
    options: argparse.Namespace, data: Path, token: str, model_port: int
) -> list[Footnote | Other]:
    everybody = [
        Footnote(data, token, model_port, "generate"),
        Footnote(data, token, model_port, "native"),
        Other("reference", str(options.reference), "reference_server.py", model_port),
        Other("floor", sys.executable, "streams_floor.py", model_port),
    ]
    return [contender for contender in everybody if contender.name in options.contenders]


async def _measure_one(
    run: Measurement,
    model: Model,
    contender: Footnote | Other,
    options: argparse.Namespace,
    values: dict[str, dict[str, list[float]]],
) -> None:
    try:
        async with contender.run() as server:
            figures = await run(model, server, options)
    except (RuntimeError, TimeoutError, OSError) as error:
        print(f"  {contender.name}: {run.__name__} failed, {error!r}", file=sys.stderr)
        return
    for figure, value in figures.items():
        values[figure][contender.name].append(value)
    shown = ", ".join(f"{figure} {value:.4g}" for figure, value in figures.items())
    print(f"  {contender.name}: {shown}", file=sys.stderr)


def show(figures: dict[str, dict[str, float]], contenders: Sequence[str]) -> None:
    """Print the table, each figure of Footnote with its ratio to the reference."""
    print(f"| {'measure':<36} |" + "".join(f" {name:>18} |" for name in contenders))
    print(f"|{'-' * 38}|" + f"{'-' * 19}:|" * len(contenders))
    for figure, by_name in figures.items():
        cells = (_cell(by_name, name) for name in contenders)
        print(f"| {figure:<36} |" + "".join(f" {cell:>18} |" for cell in cells))


def _cell(by_name: dict[str, float], name: str) -> str:
    if name not in by_name:
        return "–"
    value, reference = by_name[name], by_name.get("reference")
    shown = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    is_ratio = reference and name != "reference"
    return f"{shown} ({value / reference:.2f}×)" if is_ratio else shown


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--streams", type=int, default=100)
    parser.add_argument("--rate", type=float, default=50, help="tokens per second of each stream")
    parser.add_argument("--seconds", type=float, default=10, help="length of a window")
    parser.add_argument("--repeat", type=int, default=3, help="rounds")
    names = "generate,native,reference,floor"
    parser.add_argument("--contenders", type=lambda raw: raw.split(","), default=names.split(","))
    parser.add_argument("--only", type=lambda raw: raw.split(","), default=list(MEASUREMENTS))
    parser.add_argument(
        "--reference",
        type=Path,
        default=_ROOT / ".tools/reference/bin/python",
        help="interpreter that has the packages of bench/requirements.txt",
    )
    options = parser.parse_args()
    if not options.reference.exists():
        print(f"{options.reference} is missing: measuring without the reference", file=sys.stderr)
        options.contenders.remove("reference")
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    gc.disable()
    show(asyncio.run(measure(options)), options.contenders)


if __name__ == "__main__":
    main()
