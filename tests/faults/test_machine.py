"""Readers, cuts, stops, restarts and crashes in whatever order: the invariants hold."""

import asyncio
import logging
import shutil
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

import engine as product
from engine.runs import journal
from tests.faults import ledger
from tests.faults.disk import Crash, Disk, PacedWriter, crash_from, fail_at
from tests.faults.reader import Reader, Refused, seqs
from tests.faults.waiting import until
from tests.handlers.site import Site, open_site

TEXT = "Sign-in uses OAuth [1] and a reader who has seen a word of this will see it again."
SETTINGS = {
    "max_streams_per_user": 100, "coalesce_s": 0.002, "grace_s": 60, "storage_patience_s": 0.05,
    "shutdown_s": 0.5,
}  # fmt: skip
MOST_READERS = 8
pick = st.integers(0, 10**6)


class FaultsOfOurs(logging.Handler):
    """Remembers whatever the product logs as broken: recovering from it must not hide it."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.found.append(f"{record.getMessage()}: {record.exc_info[1]!r}")


class Readers(RuleBasedStateMachine):
    """Some readers and one server that comes and goes."""

    prepared: Path

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.Runner()
        self.data = Path(shutil.copytree(self.prepared, Path(mkdtemp()) / "data"))
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(product, "make_writer", lambda *_: PacedWriter(TEXT))
        self.patch.setattr(journal, "_RETRY_DELAY_S", 0.01)
        self.patch.setattr(journal, "_IN_MEMORY", 2)  # so that old events come from the database
        self.patch.setattr(journal, "_PAGE", 3)
        self.faults = FaultsOfOurs()
        for name in ("footnote.journal", "footnote.runs", "footnote.http"):
            logging.getLogger(name).addHandler(self.faults)
        self.readers: list[Reader] = []
        self.history: dict[str, list[dict[str, Any]]] = {}
        self.site: Site
        self.loop.run(self.open())

    async def open(self) -> None:
        self.stack = AsyncExitStack()
        self.site = await self.stack.enter_async_context(open_site(self.data, **SETTINGS))
        for reader in self.readers:
            reader.base = self.site.base
        self.disk = Disk(self.site.engine.database._writer)
        self.has_refused = False

    async def close(self) -> None:
        with suppress(Crash):
            await self.stack.aclose()

    def reader(self, number: int) -> Reader:
        return self.readers[number % len(self.readers)]

    async def read(self, reader: Reader, enough: int) -> None:
        """Read some events; a disk that refuses makes the server say so, and nothing is begun."""
        try:
            await reader.read(enough=enough)
        except Refused as refusal:
            assert refusal.status == 503

    @rule(enough=st.integers(0, 12))
    def post(self, enough: int) -> None:
        """Ask for a draft, and lose the line after some events."""
        if len(self.readers) == MOST_READERS:
            return
        body = {"kb_id": self.site.topics, "document_type": "custom", "context": "sign-in"}
        token = str(self.site.session.headers["Authorization"]).removeprefix("Bearer ")
        reader = Reader(self.site.base, token, "/api/v1/generate?dialect=native", body)
        self.readers.append(reader)
        self.loop.run(self.read(reader, enough))

    @rule(number=pick, more=st.integers(1, 12))
    def come_back(self, number: int, more: int) -> None:
        """Read on, and lose the line again."""
        if self.readers:
            reader = self.reader(number)
            self.loop.run(self.read(reader, len(reader.events) + more))

    @rule(number=pick)
    def read_to_end(self, number: int) -> None:
        if self.readers:
            self.loop.run(self.reader(number).read_to_end())

    @rule(number=pick)
    def ask_again_with_the_same_key(self, number: int) -> None:
        if not self.readers:
            return
        first = self.reader(number)
        again = Reader(first.base, first._token, first.path)
        again._body, again._key = first._body, first._key
        self.loop.run(self.read(again, 3))
        if again.run_id is not None:
            assert first.run_id in (None, again.run_id)
            first.run_id = again.run_id

    @rule(number=pick)
    def stop(self, number: int) -> None:
        if self.readers and self.reader(number).run_id:
            path = f"/api/v1/runs/{self.reader(number).run_id}/cancel"
            status, run = self.loop.run(self.site.call("POST", path))
            assert status == 200
            assert run["state"] in ledger.TERMINAL or self.has_refused

    @rule(enough=st.integers(1, 10))
    def stop_in_the_middle(self, enough: int) -> None:
        if len(self.readers) < MOST_READERS:
            self.post(enough)
            self.stop(len(self.readers) - 1)

    @rule(number=pick)
    def stop_as_it_ends(self, number: int) -> None:
        """Ask for a stop in the very moment in which the end is written."""

        async def stop() -> None:
            reader, runs = self.reader(number), self.site.engine.runs
            reading = asyncio.create_task(self.read(reader, 10_000))
            while not reading.done() and not reader.run_id:
                await asyncio.sleep(0)
            run = runs._live.get(reader.run_id or "")
            while not reading.done() and run is not None and not run.is_ending:
                await asyncio.sleep(0)
            await runs.cancel(reader.run_id or "")
            await reading

        if self.readers:
            self.loop.run(stop())

    @rule(seconds=st.sampled_from([0.001, 0.005, 0.01, 0.03]))
    def time_passes(self, seconds: float) -> None:
        self.loop.run(asyncio.sleep(seconds))

    @rule(calls=st.integers(0, 8), refused=st.integers(1, 4))
    def disk_refuses(self, calls: int, refused: int) -> None:
        """Let some later calls of the disk fail."""
        first = self.disk.calls + 1 + calls
        self.disk.rule = fail_at(first, first + refused - 1)
        self.has_refused = True

    @rule(number=pick, calls=st.integers(0, 8))
    def disk_is_full(self, number: int, calls: int) -> None:
        """Read on while the disk refuses for longer than runs wait for it."""
        if self.readers:
            self.disk.rule = fail_at(self.disk.calls + 1 + calls, 10**9)
            self.loop.run(self.read(self.reader(number), 10_000))
            self.disk.rule = lambda _, __: None

    @rule()
    def restart(self) -> None:
        self.loop.run(self.close())
        self.loop.run(self.open())

    @rule(calls=st.integers(0, 8))
    def crash(self, calls: int) -> None:
        """Let the process die at some later call of the disk, or now."""

        async def die() -> None:
            self.disk.rule = crash_from(self.disk.calls + 1 + calls)
            with suppress(TimeoutError):
                await until(lambda: self.disk.is_dead, 0.05)
            self.disk.rule = crash_from(0)
            for run in self.site.engine.runs._live.values():
                if run.task is not None:
                    run.task.cancel()
            await self.close()

        self.loop.run(die())
        self.loop.run(self.open())

    @invariant()
    def nothing_is_lost(self) -> None:
        assert self.faults.found == []
        stored = ledger.events(self.data)
        for run_id, before in self.history.items():
            assert stored[run_id][: len(before)] == before
        for history in stored.values():
            ends = [event for event in history if event["event"] in ledger.TERMINAL]
            assert ends == [] or ends == history[-1:]
        for reader in self.readers:
            shown = [event for event in reader.events if event.id]
            assert seqs(reader.events) == list(range(1, len(shown) + 1))
            log = stored.get(reader.run_id or "", [])
            assert [event["event"] for event in log[: len(shown)]] == [e.event for e in shown]
            assert ledger.text_of(log).startswith(reader.text)
            assert TEXT.startswith(reader.text)
        self.history = stored

    def teardown(self) -> None:
        try:
            for reader in self.readers:
                self.loop.run(reader.read_to_end())
                assert reader.frames[-1]["event"] in ("completed", "cancelled")
                assert reader.text == TEXT or reader.frames[-1]["event"] == "cancelled"
            self.loop.run(until(lambda: self.site.engine.runs.open_count() == 0))
            self.nothing_is_lost()
            assert len({reader.run_id for reader in self.readers}) == len(self.readers)
            ledger.check(self.data)
        finally:
            self.loop.run(self.close())
            self.loop.close()
            self.patch.undo()
            for name in ("footnote.journal", "footnote.runs", "footnote.http"):
                logging.getLogger(name).removeHandler(self.faults)
            shutil.rmtree(self.data.parent)


@pytest.mark.slow
def test_readers_cuts_stops_restarts_and_crashes_in_any_order(prepared: Path) -> None:
    machine = type("Machine", (Readers,), {"prepared": prepared})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=15,
            stateful_step_count=14,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
