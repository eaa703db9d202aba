"""Very long, very fast, very many: nothing is left behind, and the limits hold."""

import asyncio
import gc
import os
import random
from pathlib import Path
from typing import Any

import pytest

from tests.fake_model import ENDING, FakeModel, Pause, Raw, Say, Stall, wire
from tests.faults import ledger
from tests.faults.reader import Reader, Refused, seqs
from tests.faults.test_cuts import reader_of
from tests.faults.waiting import until
from tests.handlers.site import Site, open_site, with_model

pytestmark = pytest.mark.slow

ASK = {"document_type": "custom", "context": "How does sign-in work?"}


def held(site: Site) -> dict[str, int]:
    """Count what a leak would make more of."""
    gc.collect()
    server = site.runner.server
    return {
        "tasks": len([task for task in asyncio.all_tasks() if not task.done()]),
        "files": len(os.listdir("/proc/self/fd")),
        "connections": len(server.connections) if server else 0,
        "readers": site.engine.database._readers.qsize(),
        "runs": len(site.engine.runs._live),
        "open": site.engine.runs.open_count(),
    }


def resident_kb() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


async def settled(site: Site, before: dict[str, int]) -> None:
    """Wait until no more is held than before; resources kept for use again may be fewer."""
    await until(
        lambda: all(
            held(site)[name] <= count for name, count in before.items() if name != "readers"
        ),
        10,
    )
    assert held(site)["readers"] == before["readers"]


async def drop_after(reader: Reader, events: int) -> None:
    try:
        await reader.read(enough=events)
    except (Refused, OSError):
        return


async def test_five_hundred_streams_opened_and_dropped_leave_nothing(
    data: Path, model: FakeModel
) -> None:
    model.default = (Say("some text"), Stall())
    settings = with_model(model, max_streams_per_user=200, max_streams=200, grace_s=0.0)
    async with open_site(data, **settings) as site:

        async def wave(count: int) -> None:
            readers = [await reader_of(site) for _ in range(count)]
            await asyncio.gather(*(drop_after(reader, 3) for reader in readers))
            await until(lambda: site.engine.runs.open_count() == 0, 20)

        await wave(50)
        before, memory_kb = held(site), resident_kb()
        for _ in range(10):
            await wave(50)
        await settled(site, before)
        assert resident_kb() < memory_kb * 1.1
    ledger.check(data)


async def test_connections_made_and_broken_off_at_random_leave_nothing(
    data: Path, model: FakeModel
) -> None:
    chance = random.Random(5)
    model.default = (Say("some text"), Stall())
    settings = with_model(model, max_streams_per_user=50, grace_s=0.0, header_timeout_s=0.5)
    async with open_site(data, **settings) as site:
        port = int(site.base.rpartition(":")[2])
        example = await reader_of(site)
        await drop_after(example, 3)
        await until(lambda: site.engine.runs.open_count() == 0)
        before = held(site)

        async def churn() -> None:
            for _ in range(60):
                request = Reader(site.base, example._token, example.path)._request()
                body = example._request()
                request = body if chance.random() < 0.3 else request
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(request[: chance.randrange(len(request) + 1)])
                await asyncio.sleep(chance.random() * 0.01)
                writer.transport.abort()

        await asyncio.gather(*(churn() for _ in range(10)))
        await settled(site, before)
    ledger.check(data)


async def test_at_the_limit_the_count_is_exact_through_ends_stops_and_departures(
    data: Path, model: FakeModel
) -> None:
    chance = random.Random(3)
    counts: list[int] = []
    settings = with_model(model, max_streams_per_user=3, grace_s=0.0)
    async with open_site(data, **settings) as site:

        def reply(_: dict[str, Any]) -> list[Any]:
            counts.append(site.engine.runs.open_count())
            return [Say("text"), *(ENDING if chance.random() < 0.5 else [Stall()])]

        model.default = reply

        async def one() -> int:
            reader = await reader_of(site)
            try:
                await reader.read(enough=3)
            except Refused as refused:
                return refused.status
            if reader.run_id and chance.random() < 0.5:
                await site.call("POST", f"/api/v1/runs/{reader.run_id}/cancel")
            return 200

        for _ in range(5):
            statuses = await asyncio.gather(*(one() for _ in range(20)))
            assert set(statuses) <= {200, 429}
            await until(lambda: site.engine.runs.open_count() == 0, 10)
        assert max(counts) <= 3
    ledger.check(data)


async def test_a_very_long_answer_reaches_its_reader_whole(data: Path, model: FakeModel) -> None:
    count = 200_000
    pieces = [wire(*(Say("word ") for _ in range(1000)))] * (count // 1000)
    model.script(*map(Raw, pieces), Say("end"), *ENDING)
    async with open_site(data, **with_model(model)) as site:
        memory_kb = resident_kb()
        reader = await reader_of(site)
        await reader.read(timeout_s=90)
        assert reader.frames[-1]["event"] == "generation_complete"
        assert reader.text == "word " * count + "end"
        assert seqs(reader.events) == sorted(set(seqs(reader.events)))
        assert max(len(f["delta"].split()) for f in reader.frames if "delta" in f) <= 10
        assert resident_kb() - memory_kb < 400_000
    ledger.check(data)


async def test_a_very_fast_model_is_sent_in_few_writes(data: Path, model: FakeModel) -> None:
    steps: list[Any] = []
    for _ in range(100):
        steps += [Raw(wire(*(Say("w ") for _ in range(50)))), Pause(0.01)]
    model.script(*steps, Say("end"), *ENDING)
    async with open_site(data, **with_model(model, coalesce_s=0.05)) as site:
        commits = 0
        original = site.engine.journal._commit

        async def counted(logs: Any) -> Any:
            nonlocal commits
            commits += 1
            return await original(logs)

        site.engine.journal._commit = counted  # type: ignore[method-assign]
        loop = asyncio.get_running_loop()
        began = loop.time()
        reader = await reader_of(site)
        await reader.read()
        took_s = loop.time() - began
        assert reader.text == "w " * 5000 + "end"
        assert commits < took_s / 0.05 + 10


async def test_when_the_server_is_full_its_health_still_answers(
    data: Path, model: FakeModel
) -> None:
    model.default = (Say("text"), Stall())
    settings = with_model(model, max_streams_per_user=10, max_streams=5)
    async with open_site(data, **settings) as site:
        readers = [await reader_of(site) for _ in range(5)]
        reading = [asyncio.create_task(reader.read()) for reader in readers]
        await until(lambda: all(reader.text for reader in readers))
        late = await reader_of(site)
        with pytest.raises(Refused) as refused:
            await late.read()
        assert refused.value.status == 503
        assert b"Try again in a few seconds" in refused.value.body
        async with asyncio.timeout(1):
            assert (await site.call("GET", "/healthz"))[0] == 200
        for task in reading:
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)
