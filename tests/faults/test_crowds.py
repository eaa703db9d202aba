"""Many at once, and whoever hogs the machine: the streams of all go on."""

import asyncio
import io
import logging
import re
import resource
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGKILL, SIGTERM

import aiohttp
import pytest

from tests.fake_model import ENDING, FakeModel, Pause, Say, Stall
from tests.faults import ledger
from tests.faults.reader import Reader, seqs
from tests.faults.test_cuts import reader_of
from tests.faults.test_processes import (
    BODY,
    WORDS,
    knowledge_base,
    paced,
    serve,
    with_model,
)
from tests.faults.waiting import until
from tests.handlers import site as sites
from tests.process import ROOT
from tests.test_process import token

pytestmark = pytest.mark.slow

PATH = "/api/v1/generate?dialect=native"


def resident_kb(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


@asynccontextmanager
async def model_process(words: int, rate: int) -> AsyncIterator[str]:
    """Run a model server that says so many words, so many a second; give its address."""
    running = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fake_model", "--text", "word"),
        *("--repeat", str(words), "--tokens-per-s", str(rate)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert running.stdout is not None
        async with asyncio.timeout(20):
            yield (await running.stdout.readline()).decode().strip()
    finally:
        running.kill()
        await running.wait()
        running._transport.close()  # type: ignore[attr-defined] # else it warns at exit


async def test_a_hundred_streams_have_no_gap_and_memory_stays_flat(data: Path) -> None:
    secret, kb_id = await token(data), knowledge_base(data)
    seconds, rate, count = 5, 20, 100
    words = seconds * rate
    async with model_process(words, rate) as url:
        settings = {"llm_provider": "openai", "llm_url": url, "llm_model": "fake"}
        async with serve(data, **settings) as server:
            body = {"kb_id": kb_id, **BODY}
            readers = [Reader(server.base, secret, PATH, body) for _ in range(count)]
            reading = [asyncio.create_task(reader.read(timeout_s=60)) for reader in readers]
            await until(lambda: all(reader.text for reader in readers), 30)
            memory_kb = resident_kb(server.running.pid)
            await asyncio.gather(*reading)
            assert resident_kb(server.running.pid) < memory_kb * 1.1
            await server.end(SIGTERM)
    for reader in readers:
        assert reader.text == " ".join(["word"] * words)
        assert reader.events[-1].event == "completed"
        assert seqs(reader.events) == list(range(1, len(seqs(reader.events)) + 1))
    ledger.check(data)


@pytest.fixture
def many_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 4096 if most == resource.RLIM_INFINITY else min(4096, most)
    if wanted < 4096:
        pytest.skip("this system allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


@pytest.mark.usefixtures("many_files")
async def test_five_hundred_readers_who_come_back_at_once_are_one_call_for_each_run(
    data: Path, model: FakeModel
) -> None:
    secret, kb_id = await token(data), knowledge_base(data)
    runs, each = 20, 25
    paced(model, 0.1)
    async with serve(data, **with_model(model)) as server:
        first = [Reader(server.base, secret, PATH, {"kb_id": kb_id, **BODY}) for _ in range(runs)]
        reading = [asyncio.create_task(reader.read()) for reader in first]
        await until(lambda: all(reader.text for reader in first), 15)
        await server.end(SIGKILL)
        await asyncio.gather(*reading, return_exceptions=True)
    assert len(model.calls) == runs
    async with serve(data, **with_model(model)) as server:
        crowd = [
            _follower(reader, server.base, secret, place)
            for reader in first
            for place in range(each)
        ]
        async with asyncio.timeout(30):
            await asyncio.gather(*(reader.read_to_end() for reader in crowd))
        await server.end(SIGTERM)
    assert {reader.text for reader in crowd} == {" ".join(WORDS)}
    assert all(seqs(reader.events)[-1] == len(seqs(reader.events)) for reader in crowd)
    assert len(model.calls) == 2 * runs
    ledger.check(data)


def _follower(first: Reader, base: str, secret: str, place: int) -> Reader:
    """Return a reader of the same run who had come as far, or not so far, or nowhere."""
    reader = Reader(base, secret, f"/api/v1/runs/{first.run_id}/events")
    reader.run_id = first.run_id
    reader.events = first.events[: len(first.events) - place % (len(first.events) + 1)]
    return reader


async def test_a_large_document_is_indexed_beside_running_streams(
    data: Path, model: FakeModel
) -> None:
    model.default = [*(step for _ in range(400) for step in (Say("word "), Pause(0.02))), Stall()]
    section = "The service desk hands out keys on Mondays, and every key is written down. " * 40
    large = "".join(f"# Part {number}\n\n{section}\n\n" for number in range(300))
    async with sites.open_site(data, **sites.with_model(model, max_streams_per_user=50)) as site:
        readers = [await reader_of(site) for _ in range(20)]
        reading = [asyncio.create_task(reader.read(timeout_s=60)) for reader in readers]
        await until(lambda: all(reader.text for reader in readers), 15)
        before = [len(reader.events) for reader in readers]
        began = time.monotonic()
        hold = asyncio.create_task(_longest_hold())
        form = aiohttp.FormData()
        form.add_field("file", io.BytesIO(large.encode()), filename="large.md")
        path = f"{site.base}/api/v1/kbs/{site.topics}/documents"
        async with site.session.post(path, data=form) as response:
            [document] = (await response.json())["documents"]
        assert (await site.ready(document["id"]))["status"] == "ready"
        hold.cancel()
        grown = [len(r.events) - n for r, n in zip(readers, before, strict=True)]
        took_s = time.monotonic() - began
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
    assert min(grown) > 2 * took_s
    assert await hold < 0.05


async def _longest_hold() -> float:
    """Return, once cancelled, the most CPU seconds that went by between two turns of the loop."""
    longest_s, last_s = 0.0, time.thread_time()
    try:
        while True:
            await asyncio.sleep(0.001)
            now_s = time.thread_time()
            longest_s, last_s = max(longest_s, now_s - last_s), now_s
    except asyncio.CancelledError:
        return longest_s


async def test_a_loop_that_stands_still_is_noted_and_ends_no_stream(
    data: Path, model: FakeModel, caplog: pytest.LogCaptureFixture
) -> None:
    model.default = [*(step for word in WORDS for step in (Say(word + " "), Pause(0.1))), *ENDING]
    settings = sites.with_model(model, max_streams_per_user=50, heartbeat_s=1.0, grace_s=0.5)
    with caplog.at_level(logging.WARNING, "footnote.clock"):
        async with sites.open_site(data, **settings) as site:
            readers = [await reader_of(site) for _ in range(5)]
            reading = [asyncio.create_task(reader.read()) for reader in readers]
            await until(lambda: all(reader.text for reader in readers))
            time.sleep(3)  # the fault
            await asyncio.gather(*reading)
    assert {reader.text.strip() for reader in readers} == {" ".join(WORDS)}
    assert Counter(reader.frames[-1]["event"] for reader in readers) == {"generation_complete": 5}
    assert len(model.calls) == 5
    assert re.search(r"stood still for [23]\.\d seconds", caplog.text)
