"""Whatever the network does to a reader, it ends with the same bytes and the run is not harmed."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from engine.writers.sse import ServerSentEvent
from tests.fake_model import ENDING, FakeModel, Pause, Say, Signal, Stall, Wait
from tests.faults import ledger
from tests.faults.proxy import FaultProxy, Faults
from tests.faults.reader import Dechunker, Reader, Refused, seqs
from tests.faults.waiting import until
from tests.handlers.site import Site, open_site, with_model

ASK = {"document_type": "custom", "context": "How does sign-in work?"}
TEXT = "Sign-in uses OAuth [1] — ünïcödé 😀 — and the log is kept. Done"


def words(text: str, *, gap_s: float = 0.0) -> list[Any]:
    steps: list[Any] = []
    for word in text.split(" "):
        steps.append(Say(word if not steps else " " + word))
        if gap_s:
            steps.append(Pause(gap_s))
    return [*steps, *ENDING]


async def reader_of(site: Site, base: str | None = None, **fields: Any) -> Reader:
    """Return a reader who asks for a draft from one passage, so that the stream is short."""
    _, listed = await site.call("GET", f"/api/v1/kbs/{site.topics}/documents")
    first = listed["documents"][0]["id"]
    _, found = await site.call("GET", f"/api/v1/documents/{first}/chunks")
    body = {"kb_id": site.topics, **ASK, "selected_sources": [found["chunks"][0]["chunk_id"]]}
    return Reader(base or site.base, token(site), "/api/v1/generate", body | fields)


def token(site: Site) -> str:
    return str(site.session.headers["Authorization"]).removeprefix("Bearer ")


def port(site: Site) -> int:
    return int(site.base.rpartition(":")[2])


def replay(reader: Reader, base: str) -> Reader:
    """Return a reader of the same run in the page's own vocabulary."""
    return Reader(base, reader._token, f"/api/v1/runs/{reader.run_id}/events")


@pytest.mark.parametrize("dialect", ["generate", "native"])
async def test_from_a_cut_at_every_byte_the_rest_is_exactly_the_rest(
    modelled: Site, model: FakeModel, dialect: str
) -> None:
    model.default = words(TEXT)
    first = await reader_of(modelled)
    await first.read()
    path = f"/api/v1/runs/{first.run_id}/events?dialect={dialect}"
    whole = Reader(modelled.base, token(modelled), path)
    await whole.read()
    rests: dict[str, list[ServerSentEvent]] = {}
    for place in range(len(whole.raw)):
        cut = Reader(modelled.base, token(modelled), path)
        cut.take(whole.raw[:place])
        seen, cursor = list(cut.events), cut.last_id
        if cursor not in rests:
            await cut.read()
            rests[cursor] = cut.events[len(seen) :]
        assert numbered(seen) + numbered(rests[cursor]) == numbered(whole.events), place
    assert len(rests) == len(numbered(whole.events)) + 1
    assert len(model.calls) == 1


def numbered(events: list[ServerSentEvent]) -> list[ServerSentEvent]:
    return [event for event in events if event.id]


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_a_live_stream_cut_anywhere_is_one_run_and_one_text(
    data: Path, model: FakeModel, ending: Any
) -> None:
    model.default = words(TEXT, gap_s=0.003)
    settings = with_model(model, max_streams_per_user=100, coalesce_s=0.005)
    at_once = asyncio.Semaphore(10)
    async with open_site(data, **settings) as site:
        whole = await reader_of(site)
        await whole.read()

        async def cut_at(place: int) -> None:
            reader = await reader_of(site)
            faults = Faults(cut_after=place, ending=ending)
            async with at_once, FaultProxy(port(site), faults) as proxy:
                reader.base = proxy.base
                await reader.read()
                proxy.faults = Faults()
                await reader.read_to_end()
            assert reader.text == whole.text, place
            assert seqs(reader.events) == sorted(set(seqs(reader.events)))
            assert reader.frames[-1]["event"] == "generation_complete"

        places = range(0, len(whole.raw), 53)
        await asyncio.gather(*map(cut_at, places))
        assert len(model.calls) == 1 + len(places)
        assert site.engine.runs.open_count() == 0
    ledger.check(data)


async def test_an_event_cut_by_a_reset_is_not_applied(modelled: Site, model: FakeModel) -> None:
    gate, said = asyncio.Event(), asyncio.Event()
    model.script(Say("one "), Say("two "), Signal(said), Wait(gate), Say("three"), *ENDING)
    async with FaultProxy(port(modelled)) as proxy:
        whole = await reader_of(modelled)
        await whole.read(enough=3)
        cut = replay(whole, proxy.base)
        cut.path += "?dialect=generate"
        proxy.faults = Faults(cut_after=len(whole.raw) - 10, ending="reset")
        await cut.read()
        assert 0 < len(cut.events) < 3
        proxy.faults = Faults()
        gate.set()
        await cut.read_to_end()
    assert cut.text == "one two three"
    assert len(model.calls) == 1


async def test_bytes_that_come_one_by_one_make_the_same_text(
    modelled: Site, model: FakeModel
) -> None:
    model.default = words(TEXT)
    faults = Faults(slice_bytes=1, slice_delay_s=0.0001)
    async with FaultProxy(port(modelled), faults) as proxy:
        reader = await reader_of(modelled, proxy.base)
        await reader.read()
    whole = replay(reader, modelled.base)
    whole.path += "?dialect=generate"
    await whole.read()
    assert reader.events == whole.events


async def test_a_slow_line_changes_nothing(modelled: Site, model: FakeModel) -> None:
    model.default = words(TEXT)
    faults = Faults(latency_s=0.05, jitter_s=0.05, bytes_per_s=20_000, linger_s=0.2)
    async with FaultProxy(port(modelled), faults) as proxy:
        reader = await reader_of(modelled, proxy.base)
        await reader.read()
    assert reader.frames[-1]["event"] == "generation_complete"
    assert reader.text == (await modelled.draft(str(reader.draft_id)))["content"]


@pytest.mark.parametrize("ending", ["close", "reset"])
async def test_a_server_that_cannot_be_reached_for_a_while_is_found_again(
    modelled: Site, model: FakeModel, ending: Any
) -> None:
    gate = asyncio.Event()
    model.script(Say("one "), Wait(gate), Say("two"), *ENDING)
    async with FaultProxy(port(modelled), Faults(ending=ending)) as proxy:
        reader = await reader_of(modelled, proxy.base)
        await reader.read(enough=3)
        await proxy.go_down()
        with pytest.raises(OSError):
            await reader.read()
        gate.set()
        await proxy.come_up()
        await reader.read_to_end()
    assert reader.text == "one two"
    assert len(model.calls) == 1


# Readers that do not read


async def unread(base: str, request: bytes) -> socket.socket:
    """Send a request on a socket with small buffers, and never read the answer."""
    connection = socket.socket()
    connection.setblocking(False)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, ("127.0.0.1", int(base.rpartition(":")[2])))
    await loop.sock_sendall(connection, request)
    return connection


def in_flight(site: Site) -> int:
    """Return how many bytes the server holds for readers that have not taken them."""
    connections = site.runner.server.connections if site.runner.server else []
    return sum(c.transport.get_write_buffer_size() for c in connections if c.transport)


@pytest.mark.parametrize("dialect", ["generate", "native"])
async def test_a_reader_who_never_reads_is_cut_and_harms_nobody(
    data: Path, model: FakeModel, dialect: str
) -> None:
    gate = asyncio.Event()
    model.script(Say("word " * 40_000), Wait(gate), Say("end"), *ENDING)
    settings = with_model(model, write_timeout_s=0.5)
    async with open_site(data, **settings) as site:
        other = await reader_of(site)
        reading = asyncio.create_task(other.read())
        await until(lambda: other.run_id)
        lazy = replay(other, site.base)
        lazy.path += f"?dialect={dialect}"
        connection = await unread(site.base, lazy._request())
        try:
            run = site.engine.runs._live[other.run_id]
            held = [0]
            await until(lambda: run.readers == 2)
            await until(lambda: held.append(in_flight(site)) or run.readers == 1)
            assert 10_000 < max(held) < 500_000
            gate.set()
            await reading
        finally:
            connection.close()
        assert other.frames[-1]["event"] == "generation_complete"
        await lazy.read_to_end()
        assert lazy.text == other.text


async def test_a_reader_who_is_too_slow_is_cut_and_may_come_back(
    data: Path, model: FakeModel
) -> None:
    model.script(Say("word " * 30_000), *ENDING)
    settings = with_model(model, write_timeout_s=0.3)
    slow = Faults(bytes_per_s=1000, receive_buffer=4096)
    async with open_site(data, **settings) as site:
        async with FaultProxy(port(site), slow) as proxy:
            reader = await reader_of(site, proxy.base)
            slowly = asyncio.create_task(reader.read())
            await until(lambda: reader.run_id)
            quick = replay(reader, site.base)
            await quick.read_to_end()
            assert quick.frames[-1]["event"] == "completed"
            assert not reader.is_ended
            slowly.cancel()
            await asyncio.gather(slowly, return_exceptions=True)
        reader.base = site.base
        await reader.read_to_end()
        assert reader.text == quick.text


async def test_a_reader_behind_a_dead_line_is_let_go(data: Path, model: FakeModel) -> None:
    model.script(Say("word " * 2_000), Stall())
    settings = with_model(model, write_timeout_s=0.5, heartbeat_s=0.05, grace_s=0.1)
    hole = Faults(receive_buffer=4096, bytes_per_s=1)
    async with open_site(data, **settings) as site:
        async with FaultProxy(port(site), hole) as proxy:
            reader = await reader_of(site, proxy.base)
            waiting = asyncio.create_task(reader.read())
            call = await model.call(0)
            async with asyncio.timeout(10):
                await call.closed.wait()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await until(lambda: site.engine.runs.open_count() == 0)


# One run, many hands


@pytest.mark.parametrize("place", [0, 1, 17, 60, 200])
async def test_an_answer_lost_before_its_head_is_asked_for_again_and_is_the_same_run(
    modelled: Site, model: FakeModel, place: int
) -> None:
    model.default = words(TEXT)
    async with FaultProxy(port(modelled), Faults(cut_after=place)) as proxy:
        reader = await reader_of(modelled, proxy.base)
        await reader.read()
        assert reader.run_id is None
        assert reader.events == []
        reader.base = modelled.base
        await reader.read_to_end()
    assert len(model.calls) == 1
    assert (await modelled.call("GET", "/api/v1/drafts"))[1]["total"] == 1


async def test_ten_answers_lost_at_once_are_one_run(modelled: Site, model: FakeModel) -> None:
    model.default = words(TEXT)
    reader = await reader_of(modelled)
    async with FaultProxy(port(modelled), Faults(cut_after=5)) as proxy:
        reader.base = proxy.base
        await asyncio.gather(*(reader.read() for _ in range(10)))
    reader.base = modelled.base
    await reader.read_to_end()
    assert len(model.calls) == 1
    assert (await modelled.call("GET", "/api/v1/drafts"))[1]["total"] == 1


async def test_two_devices_see_the_same_and_a_stop_on_one_ends_both(
    modelled: Site, model: FakeModel
) -> None:
    model.script(Say("both see this"), Stall())
    first = await reader_of(modelled)
    reading = asyncio.create_task(first.read())
    await until(lambda: len(first.events) == 3)
    second = replay(first, modelled.base)
    second.path += "?dialect=generate"
    joined = asyncio.create_task(second.read())
    await until(lambda: len(second.events) == 3)
    status, _ = await modelled.call("POST", f"/api/v1/runs/{first.run_id}/cancel")
    assert status == 200
    await asyncio.gather(reading, joined)
    assert first.events == second.events
    assert first.frames[-1]["code"] == "CANCELLED"
    assert first.text == "both see this"


async def test_a_key_used_for_another_body_starts_nothing(modelled: Site, model: FakeModel) -> None:
    model.default = words(TEXT)
    first = await reader_of(modelled)
    await first.read()
    second = await reader_of(modelled, context="something else")
    second._key = first._key
    with pytest.raises(Refused) as refused:
        await second.read()
    assert refused.value.status == 422
    assert len(model.calls) == 1


def test_the_reader_takes_chunks_apart_wherever_they_are_cut() -> None:
    body = b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    for cut in range(len(body)):
        dechunker = Dechunker()
        assert dechunker.feed(body[:cut]) + dechunker.feed(body[cut:]) == b"hello world"
        assert dechunker.is_ended
