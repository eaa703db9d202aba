"""A disk that fails at any moment costs time, never a word that was shown."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from engine.errors import ProviderFailed
from engine.runs import journal
from engine.runs.events import Cancelled, Completed, Delta, Failed
from engine.runs.journal import Record
from engine.storage import drafts
from engine.storage import journal as rows
from engine.storage.database import StorageUnavailable
from engine.types import utc_now
from tests.faults import ledger
from tests.faults.disk import (
    Crash,
    PacedWriter,
    Product,
    crash_from,
    fail_at,
    io_error,
    open_product,
)
from tests.faults.waiting import until

pytestmark = pytest.mark.slow

TEXT = "Sign-in uses OAuth [1] and every word is kept ."
MOST_CALLS = 200


def text_of(seen: list[Record]) -> str:
    return "".join(record.event.text for record in seen if isinstance(record.event, Delta))


def check(seen: list[Record], kind: type = Completed) -> None:
    assert [record.seq for record in seen] == list(range(1, len(seen) + 1))
    assert isinstance(seen[-1].event, kind)
    assert text_of(seen) == TEXT


async def every_call(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: Callable[[int], Any]
) -> int:
    """Draft with the n-th call of the disk failing, for every n, and return how many there are."""
    for number in range(1, MOST_CALLS):
        data = Path(copytree(prepared, tmp_path / str(number)))
        writer = PacedWriter(TEXT)
        async with open_product(data, monkeypatch, writer) as product:
            product.disk.rule = rule(number)
            seen: list[Record] = []
            run = await product.start_at_last()
            await product.follow(run.id, seen)
            check(seen)
            await until(lambda p=product: p.engine.runs.open_count() == 0)
            calls = product.disk.calls
            await can_still_write(product)
        ledger.check(data)
        if calls < number:
            return number
    raise AssertionError("there is no end of calls")


async def can_still_write(product: Product) -> None:
    product.disk.rule = lambda _, __: None
    seen: list[Record] = []
    await product.follow((await product.start()).id, seen)
    check(seen)


async def test_an_error_at_any_one_call_of_the_disk_is_got_over(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await every_call(prepared, tmp_path, monkeypatch, fail_at) > 20


async def test_a_disk_that_is_full_for_a_while_from_any_call_on_is_got_over(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(number: int) -> Any:
        return fail_at(number, number + 2, sqlite3.SQLITE_FULL)

    assert await every_call(prepared, tmp_path, monkeypatch, full) > 20


@pytest.mark.parametrize("moment", ["rule", "rule_after"])
async def test_a_crash_at_any_call_of_the_disk_loses_nothing_that_was_shown(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    for number in range(1, MOST_CALLS):
        data = Path(copytree(prepared, tmp_path / f"{moment}{number}"))
        seen: list[Record] = []
        run_id, is_over = await read_until_crash(data, monkeypatch, moment, number, seen)
        ledger.check(data)
        async with open_product(data, monkeypatch, PacedWriter(TEXT)) as product:
            again = await product.start(key="one")
            assert run_id in ("", again.id)
            await product.follow(again.id, seen)
            check(seen)
            await until(lambda p=product: p.engine.runs.open_count() == 0)
        ledger.check(data)
        if is_over:
            assert number > 20
            return
    raise AssertionError("there is no end of calls")


async def read_until_crash(
    data: Path, monkeypatch: pytest.MonkeyPatch, moment: str, number: int, seen: list[Record]
) -> tuple[str, bool]:
    """Read a draft while the n-th call of the disk is the last; say whether it came so far."""
    run_id = ""
    async with open_product(data, monkeypatch, PacedWriter(TEXT)) as product:
        setattr(product.disk, moment, crash_from(number))
        with suppress(Crash):
            run_id = (await product.start(key="one")).id
            reading = asyncio.create_task(product.follow(run_id, seen))
            await until(lambda: product.disk.is_dead or reading.done())
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        return run_id, not product.disk.is_dead


async def test_a_writer_that_breaks_at_any_word_leaves_the_text_before_it(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = PacedWriter(TEXT)
    async with open_product(data, monkeypatch, writer) as product:
        for number in range(len(TEXT.split())):
            for error in (ProviderFailed("The model broke."), RuntimeError("secret"), OSError()):
                broken = writer._pieces + number + 1

                def before(piece: int, broken: int = broken, error: Exception = error) -> None:
                    if piece == broken:
                        raise error

                writer.before_piece = before
                seen: list[Record] = []
                await product.follow((await product.start()).id, seen)
                assert isinstance(seen[-1].event, Failed)
                assert "secret" not in seen[-1].event.message
                whole = " ".join(TEXT.split()[:number])
                assert whole.startswith(text_of(seen))
                assert text_of(seen) == whole or not isinstance(error, ProviderFailed)
        await until(lambda: product.engine.runs.open_count() == 0)
    ledger.check(data)


async def test_readers_of_a_dead_disk_are_told_and_come_back_to_the_same_text(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_product(data, monkeypatch, PacedWriter(TEXT, pace_s=0.2), grace_s=5) as product:
        runs = [await product.start() for _ in range(5)]
        seen: list[list[Record]] = [[] for _ in runs]

        def refuse(_: int, __: str) -> None:
            raise io_error(sqlite3.SQLITE_FULL)

        async def read(place: int) -> None:
            async with product.engine.runs.attach(runs[place].id, len(seen[place])) as tail:
                while (records := await tail.next(1.0)) is not None:
                    seen[place] += records

        reading = [asyncio.create_task(read(place)) for place in range(5)]
        await until(lambda: all(text_of(found) for found in seen))
        product.disk.rule = refuse
        for task in reading:
            with pytest.raises(StorageUnavailable):
                async with asyncio.timeout(5):
                    await task
        with pytest.raises(StorageUnavailable):
            await product.start()
        product.disk.rule = lambda _, __: None
        await asyncio.gather(
            *(product.follow(run.id, found) for run, found in zip(runs, seen, strict=True))
        )
        for found in seen:
            check(found)
        await until(lambda: product.engine.runs.open_count() == 0)
    ledger.check(data)


async def test_one_draft_that_cannot_be_kept_does_not_stop_the_others(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_product(data, monkeypatch, PacedWriter(TEXT)) as product:
        family = product.engine.runs._families["generate"]
        bad = await product.start()

        async def settle(tx: Any, row: Any, terminal: Any) -> None:
            if row.id == bad.id:
                raise RuntimeError("a fault of ours")
            await product.engine.drafting.settle(tx, row, terminal)

        object.__setattr__(family, "settle", settle)
        others = [await product.start() for _ in range(3)]
        for run in others:
            seen: list[Record] = []
            await product.follow(run.id, seen)
            check(seen)
        object.__setattr__(family, "settle", product.engine.drafting.settle)
        found: list[Record] = []
        await product.follow(bad.id, found)
        check(found)


async def test_a_stop_that_the_disk_refuses_is_carried_out_when_it_can_be(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_product(data, monkeypatch, PacedWriter(TEXT, pace_s=0.1)) as product:
        run, seen = await product.start(), list[Record]()
        reading = asyncio.create_task(product.follow(run.id, seen))
        await until(lambda: text_of(seen))

        def refuse(_: int, __: str) -> None:
            raise io_error(sqlite3.SQLITE_FULL)

        product.disk.rule = refuse
        await product.engine.runs.cancel(run.id)
        assert ledger.states(data)[run.id] == "running"
        product.disk.rule = lambda _, __: None
        await reading
        assert seen[-1].event == Cancelled("stopped")
        await until(lambda: product.engine.runs.open_count() == 0)
    ledger.check(data)


async def test_a_stop_in_the_moment_in_which_the_end_is_written_changes_nothing(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_product(data, monkeypatch, PacedWriter(TEXT)) as product:
        runs, seen, stops = product.engine.runs, list[Record](), list[str]()
        run = await product.start()

        def stop(_: int, sql: str) -> None:
            if sql.startswith("update runs set state"):
                stops.append(sql)
                runs._stop(runs._live[run.id], "stopped")

        product.disk.rule = stop
        await product.follow(run.id, seen)
        check(seen)
        await until(lambda: runs.open_count() == 0)
        assert len(stops) == 1
        assert not runs.is_live(run.id)
    ledger.check(data)


@pytest.mark.parametrize(
    ("kinds", "status"), [((Completed,), "partial"), ((Completed, Failed), "streaming")]
)
async def test_a_draft_that_can_never_be_kept_fails_after_a_few_tries(
    data: Path, monkeypatch: pytest.MonkeyPatch, kinds: tuple[type, ...], status: str
) -> None:
    writer = PacedWriter(TEXT)
    async with open_product(data, monkeypatch, writer, run_retention_s=0.1) as product:
        family = product.engine.runs._families["generate"]

        async def settle(tx: Any, row: Any, terminal: Any) -> None:
            if isinstance(terminal, kinds):
                raise ValueError("a fault of ours")
            await product.engine.drafting.settle(tx, row, terminal)

        object.__setattr__(family, "settle", settle)
        run = await product.start()
        seen: list[Record] = []
        await product.follow(run.id, seen)
        end = seen[-1].event
        assert isinstance(end, Failed)
        assert (end.code, end.retryable) == ("INTERNAL", False)
        assert text_of(seen) == TEXT.removesuffix(" .")  # the last word came with the end
        assert writer.calls <= 3
        await until(lambda: product.engine.runs.open_count() == 0)
        assert ledger.states(data)[run.id] == "failed"
        async with product.engine.database.transaction() as tx:
            await rows.prune(tx, utc_now(), 10)
            draft = await drafts.of_run(tx, run.id)
        assert draft is not None
        assert draft.status == status
        assert (await product.engine.drafting.now(draft)).draft.content == text_of(seen)


async def test_an_event_that_cannot_be_stored_ends_its_run_after_a_few_tries(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = journal._encode

    def encode(event: Any) -> bytes:
        if "kept" in getattr(event, "text", ""):
            raise ValueError("a fault of ours")
        return original(event)

    monkeypatch.setattr(journal, "_encode", encode)
    writer = PacedWriter(TEXT)
    async with open_product(data, monkeypatch, writer) as product:
        run, seen = await product.start(), list[Record]()
        await product.follow(run.id, seen)
        end = seen[-1].event
        assert isinstance(end, Failed)
        assert end.code == "INTERNAL"
        assert TEXT.partition(" kept")[0].startswith(text_of(seen))
        assert 1 <= writer.calls <= 3
        await until(lambda: product.engine.runs.open_count() == 0)
    ledger.check(data)


async def test_recovery_repeated_gives_the_same_state(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Record] = []
    async with open_product(data, monkeypatch, PacedWriter(TEXT)) as product:
        run = await product.start()
        reading = asyncio.create_task(product.follow(run.id, seen))
        await until(lambda: text_of(seen))
        product.disk.rule = crash_from(0)
        await until(lambda: product.disk.is_dead)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    before = ledger.events(data)
    for _ in range(5):
        async with open_product(data, monkeypatch, PacedWriter(TEXT)) as product:
            assert product.engine.runs.is_suspended(run.id)
            assert product.engine.runs.open_count() == 1
            product.disk.is_dead = True
            product.disk.rule = crash_from(0)
        assert ledger.events(data) == before
    async with open_product(data, monkeypatch, PacedWriter(TEXT)) as product:
        await product.follow(run.id, seen)
        check(seen)
