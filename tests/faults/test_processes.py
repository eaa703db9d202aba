"""A server process that is killed, stopped, paused and starved: nothing shown is ever lost."""

import asyncio
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any

import pytest

from tests import process
from tests.fake_model import ENDING, FakeModel, Pause, Say, Stall
from tests.faults import ledger
from tests.faults.reader import Reader, Refused, seqs
from tests.faults.test_cuts import unread
from tests.faults.waiting import until
from tests.process import ROOT, environment
from tests.test_process import token

pytestmark = pytest.mark.slow

READERS = 20
KILLS = 5
SETTINGS = {
    "sample": "false",
    "max_streams_per_user": 200,
    "coalesce_s": 0.02,
    "log_level": "WARNING",
}
WORDS = "Sign-in uses OAuth [1] and nobody who has read a word of this shall ever miss it".split()
BODY = {"document_type": "custom", "context": "How does sign-in work?"}


class Process:
    """A server process with its errors kept."""

    def __init__(self, running: asyncio.subprocess.Process, base: str) -> None:
        self.running = running
        self.base = base
        self._errors = asyncio.create_task(self._read_errors())

    async def _read_errors(self) -> bytes:
        """Read all the time: a full pipe would hold up the server."""
        assert self.running.stderr is not None
        return await self.running.stderr.read()

    async def end(self, by: signal.Signals) -> tuple[int, str]:
        """Send a signal; return the exit status and what was written to standard error."""
        with suppress(ProcessLookupError):
            self.running.send_signal(by)
        async with asyncio.timeout(15):
            return await self.running.wait(), (await self._errors).decode()


@asynccontextmanager
async def serve(
    data: Path, *, port: int = 0, before: Callable[[], None] | None = None, **settings: Any
) -> AsyncIterator[Process]:
    """Run a server process; `before` is done in the child before it starts."""
    running = await asyncio.create_subprocess_exec(
        sys.executable, "server.py", "serve", "--data", str(data), "--port", str(port),
        cwd=ROOT,
        env=environment(**(SETTINGS | settings)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=before,
    )  # fmt: skip
    server = None
    try:
        assert running.stdout is not None
        async with asyncio.timeout(30):
            base = (await running.stdout.readline()).decode().strip()
            await running.stdout.readline()
        server = Process(running, base)
        yield server
    finally:
        if running.returncode is None:
            running.kill()
        await running.wait()
        if server is not None:
            await server._errors
        running._transport.close()  # type: ignore[attr-defined] # else it warns at exit


def knowledge_base(data: Path) -> str:
    with closing(sqlite3.connect(data / "footnote.db")) as connection:
        return str(connection.execute("select id from knowledge_bases").fetchone()[0])


def with_model(model: FakeModel) -> dict[str, Any]:
    return {"llm_provider": "openai", "llm_url": model.url, "llm_model": "fake"}


def paced(model: FakeModel, gap_s: float) -> None:
    """Let the model write the words, and on being asked to go on, the words that are missing."""

    def reply(body: dict[str, Any]) -> list[Any]:
        asked = " ".join(str(message["content"]) for message in body["messages"])
        have = max((n for n in range(4, len(WORDS) + 1) if " ".join(WORDS[:n]) in asked), default=0)
        steps: list[Any] = []
        for place, word in enumerate(WORDS[have:], start=have):
            steps += [Say(word if place == 0 else " " + word), Pause(gap_s)]
        return [*steps, *ENDING]

    model.default = reply


def is_prefix_of_log(reader: Reader, stored: dict[str, list[dict[str, Any]]]) -> bool:
    """Whether everything a reader was shown is stored, under the number it was shown with."""
    history = stored.get(reader.run_id or "", [])
    shown = [(int(e.id.partition(":")[2]), e.event) for e in reader.events if e.id]
    return all(seq <= len(history) and history[seq - 1]["event"] == name for seq, name in shown)


async def test_killed_at_random_moments_of_many_runs_nothing_is_lost_or_doubled(
    data: Path, model: FakeModel
) -> None:
    chance = random.Random(20)
    secret, kb_id = await token(data), knowledge_base(data)
    paced(model, 0.02)
    path, body = "/api/v1/generate?dialect=native", {"kb_id": kb_id, **BODY}
    readers: list[Reader] = []
    for kill in range(KILLS):
        new = [Reader("", secret, path, body) for _ in range(READERS)]
        readers += new
        async with serve(data, **with_model(model)) as server:
            going = [reader for reader in readers if not reader.is_ended]
            reading = [asyncio.create_task(_read(reader, server.base)) for reader in going]
            await asyncio.sleep(chance.uniform(0.05, 0.6))  # the moment, not a wait for something
            await server.end(signal.SIGKILL)
            await asyncio.gather(*reading)
        ledger.check(data)
        stored = ledger.events(data)
        assert all(is_prefix_of_log(reader, stored) for reader in readers), kill
    async with serve(data, **with_model(model)) as server:
        for reader in readers:
            reader.base = server.base
        await asyncio.gather(*(reader.read_to_end() for reader in readers if not reader.is_ended))
    ledger.check(data)
    for reader in readers:
        numbered = [event for event in reader.events if event.id]
        assert seqs(reader.events) == list(range(1, len(numbered) + 1))
        assert numbered[-1].event == "completed"
        assert reader.text == " ".join(WORDS)
    assert len({reader.run_id for reader in readers}) == len(readers)


async def _read(reader: Reader, base: str) -> None:
    reader.base = base
    with suppress(OSError, Refused):
        await reader.read()


@asynccontextmanager
async def streaming(
    server: Process, secret: str, kb_id: str, count: int
) -> AsyncIterator[tuple[list[Reader], list[asyncio.Task[None]]]]:
    """Have readers that have all seen some text."""
    readers = [
        Reader(server.base, secret, "/api/v1/generate?dialect=native", {"kb_id": kb_id, **BODY})
        for _ in range(count)
    ]
    reading = [asyncio.create_task(_read(reader, server.base)) for reader in readers]
    await until(lambda: all(reader.text for reader in readers), 15)
    yield readers, reading
    await asyncio.gather(*reading)


@pytest.mark.parametrize(
    "signals",
    [[signal.SIGTERM, signal.SIGTERM], [signal.SIGINT]],
    ids=["twice", "by keyboard"],
)
async def test_asked_to_stop_with_twenty_streams_it_says_so_and_they_go_on_later(
    data: Path, model: FakeModel, signals: list[signal.Signals]
) -> None:
    secret, kb_id = await token(data), knowledge_base(data)
    paced(model, 0.1)
    async with serve(data, **with_model(model)) as server:
        async with streaming(server, secret, kb_id, READERS) as (readers, _):
            began = asyncio.get_running_loop().time()
            for one in signals[:-1]:
                server.running.send_signal(one)
            status, errors = await server.end(signals[-1])
            took_s = asyncio.get_running_loop().time() - began
    assert (status, errors) == (0, "")
    assert took_s < 5
    assert all(reader.retry_hints == 1 and not reader.is_ended for reader in readers)
    paced(model, 0.0)
    async with serve(data, **with_model(model)) as server:
        for reader in readers:
            reader.base = server.base
        await asyncio.gather(*(reader.read_to_end() for reader in readers))
    ledger.check(data)
    assert {reader.text for reader in readers} == {" ".join(WORDS)}


async def test_it_stops_in_time_though_a_reader_takes_nothing(data: Path, model: FakeModel) -> None:
    secret, kb_id = await token(data), knowledge_base(data)
    model.default = (Say("word " * 40_000), Stall())
    async with serve(data, **with_model(model)) as server:
        reader = Reader(server.base, secret, "/api/v1/generate", {"kb_id": kb_id, **BODY})
        stuck = await unread(server.base, reader._request())
        other = Reader(server.base, secret, "/api/v1/generate", {"kb_id": kb_id, **BODY})
        other._key = reader._key
        await other.read(enough=1000)
        began = asyncio.get_running_loop().time()
        status, errors = await server.end(signal.SIGTERM)
        took_s = asyncio.get_running_loop().time() - began
        stuck.close()
    assert (status, errors) == (0, "")
    assert took_s < 5
    ledger.check(data)


async def test_interrupted_while_it_starts_it_goes_without_a_word(data: Path) -> None:
    for delay_s in (0.05, 0.3, 0.6, 0.9):
        running = await asyncio.create_subprocess_exec(
            sys.executable, "server.py", "serve", "--data", str(data), "--port", "0",
            cwd=ROOT,
            env=environment(**SETTINGS),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        await asyncio.sleep(delay_s)  # the moment, not a wait for something
        running.send_signal(signal.SIGTERM)
        async with asyncio.timeout(15):
            _, errors = await running.communicate()
        assert b"Traceback" not in errors
        ledger.check(data)


async def test_paused_and_continued_the_streams_go_on(data: Path, model: FakeModel) -> None:
    secret, kb_id = await token(data), knowledge_base(data)
    paced(model, 0.05)
    settings = {"grace_s": 0.5, "heartbeat_s": 0.5, "llm_idle_timeout_s": 5}
    async with serve(data, **settings, **with_model(model)) as server:
        async with streaming(server, secret, kb_id, 5) as (readers, _):
            server.running.send_signal(signal.SIGSTOP)
            await asyncio.sleep(2)  # longer than the grace and the heartbeat
            server.running.send_signal(signal.SIGCONT)
        assert {reader.text for reader in readers} == {" ".join(WORDS)}
        assert all(reader.is_ended for reader in readers)
        await server.end(signal.SIGTERM)
    ledger.check(data)


def few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


async def test_with_few_open_files_too_many_are_refused_and_it_recovers(
    data: Path, model: FakeModel
) -> None:
    secret, kb_id = await token(data), knowledge_base(data)
    model.default = (Say("some text"), Stall())
    async with serve(data, before=few_files, **with_model(model)) as server:
        readers = [
            Reader(server.base, secret, "/api/v1/generate", {"kb_id": kb_id, **BODY})
            for _ in range(100)
        ]
        port = int(server.base.rpartition(":")[2])
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(60)]
        reading = [asyncio.create_task(reader.read()) for reader in readers]
        await until(lambda: sum(task.done() for task in reading) > 50, 30)
        refused = [task.exception() for task in reading if task.done()]
        assert all(isinstance(error, Refused | OSError) for error in refused)
        assert {error.status for error in refused if isinstance(error, Refused)} <= {503}
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
        for _, writer in idle:
            writer.transport.abort()
        model.default = (Say("some text"), *ENDING)
        last = Reader(server.base, secret, "/api/v1/generate", {"kb_id": kb_id, **BODY})
        await last.read_to_end()
        assert last.text == "some text"
        await server.end(signal.SIGTERM)
    ledger.check(data)


# Disks


@pytest.fixture
def small_disk(tmp_path: Path, data: Path) -> Any:
    """A data folder on a file system of its own with little room."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1500k", "none", str(place)], capture_output=True
    )
    if made.returncode:
        pytest.skip("no file system may be mounted here")
    shutil.copytree(data, place / "data")
    yield place / "data"
    subprocess.run(["umount", "-l", str(place)], check=True)


async def test_a_full_disk_is_told_in_words_and_when_there_is_room_it_goes_on(
    small_disk: Path, model: FakeModel
) -> None:
    secret, kb_id = await token(small_disk), knowledge_base(small_disk)
    paced(model, 0.1)
    settings = {"storage_patience_s": 0.3, "grace_s": 30}
    async with serve(small_disk, **settings, **with_model(model)) as server:
        async with streaming(server, secret, kb_id, 5) as (readers, reading):
            filler = small_disk / "filler"
            with suppress(OSError), filler.open("wb", buffering=0) as file:
                while True:
                    file.write(b"x" * 1024)
            await asyncio.gather(*reading)
            late = Reader(server.base, secret, "/api/v1/generate", {"kb_id": kb_id, **BODY})
            with pytest.raises(Refused) as refused:
                await late.read()
            assert refused.value.status == 503
            assert b"cannot use its disk" in refused.value.body
            for reader in readers:
                assert not reader.is_ended
                assert reader.frames[-1]["code"] == "SERVICE_UNAVAILABLE"
                assert "What you see is safe" in reader.frames[-1]["message"]
            assert server.running.returncode is None
            filler.unlink()
            await asyncio.gather(*(reader.read_to_end() for reader in readers))
        assert {reader.text for reader in readers} == {" ".join(WORDS)}
        await server.end(signal.SIGTERM)
    ledger.check(small_disk)


async def test_a_database_locked_by_somebody_else_is_waited_for(
    data: Path, model: FakeModel
) -> None:
    secret, kb_id = await token(data), knowledge_base(data)
    paced(model, 0.05)
    settings = {"storage_patience_s": 0.3}
    async with serve(data, **settings, **with_model(model)) as server:
        async with streaming(server, secret, kb_id, 5) as (readers, reading):
            with closing(sqlite3.connect(data / "footnote.db", isolation_level=None)) as other:
                other.execute("begin immediate")
                await asyncio.gather(*reading)
                assert all(reader.frames[-1]["code"] == "SERVICE_UNAVAILABLE" for reader in readers)
                other.execute("rollback")
            await asyncio.gather(*(reader.read_to_end() for reader in readers))
        assert {reader.text for reader in readers} == {" ".join(WORDS)}
        await server.end(signal.SIGTERM)
    ledger.check(data)


@pytest.mark.parametrize("kind", ["a file", "a folder as database", "read-only", "garbage"])
async def test_a_data_folder_that_cannot_be_used_is_refused_in_one_sentence(
    tmp_path: Path, kind: str
) -> None:
    place = tmp_path / "place"
    mounted = False
    if kind == "a file":
        place.write_text("no folder")
    elif kind == "a folder as database":
        (place / "footnote.db").mkdir(parents=True)
    elif kind == "garbage":
        place.mkdir()
        (place / "footnote.db").write_bytes(random.Random(1).randbytes(50_000))
    else:
        place.mkdir()
        made = subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", str(place)])
        if made.returncode:
            pytest.skip("no file system may be mounted here")
        mounted = True
    try:
        status, _, errors = await process.run("serve", "--port", "0", "--data", str(place))
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(place)], check=True)
    assert status == 1
    assert errors.startswith("footnote: The data")
    assert "Traceback" not in errors
    assert errors.count("\n") == 1


async def test_a_torn_log_of_the_database_opens_as_a_prefix(
    data: Path, model: FakeModel, tmp_path: Path
) -> None:
    secret, kb_id = await token(data), knowledge_base(data)
    paced(model, 0.01)
    async with serve(data, **with_model(model)) as server:
        async with streaming(server, secret, kb_id, 5) as (readers, _):
            await until(lambda: any(reader.is_ended for reader in readers), 15)
            await server.end(signal.SIGKILL)
    log = (data / "footnote.db-wal").read_bytes()
    whole = ledger.events(Path(shutil.copytree(data, tmp_path / "whole")))
    chance = random.Random(11)
    for place in [0, 1, 31, 32, 33, len(log) - 1, *(chance.randrange(len(log)) for _ in range(40))]:
        torn = Path(shutil.copytree(data, tmp_path / "torn"))
        (torn / "footnote.db-wal").write_bytes(log[:place])
        ledger.check(torn)
        for run_id, history in ledger.events(torn).items():
            assert history == whole[run_id][: len(history)]
        shutil.rmtree(torn)
    torn = Path(shutil.copytree(data, tmp_path / "torn"))
    (torn / "footnote.db-wal").write_bytes(log[: len(log) * 2 // 3])
    async with serve(torn, grace_s=0.1, **with_model(model)) as server:
        async with asyncio.timeout(15):
            while "running" in ledger.states(torn).values():
                await asyncio.sleep(0.05)
        await server.end(signal.SIGTERM)
    ledger.check(torn)
