"""What is read is what was committed: in order, without holes, once."""

import asyncio
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.runs.events import Completed, Delta, Stage, Started
from engine.runs.journal import Journal, Log, Record, Tail, portions
from engine.storage import journal as rows
from engine.storage.database import Connection, Database, StorageUnavailable


async def nothing(_: Connection) -> None:
    """Settle nothing."""


async def read_to_end(tail: Tail) -> list[Record]:
    found: list[Record] = []
    async with asyncio.timeout(5):
        while (records := await tail.next(1.0)) is not None:
            found += records
    return found


def text_of(records: list[Record]) -> str:
    return "".join(r.event.text for r in records if isinstance(r.event, Delta))


@given(st.text("ab \n", max_size=200), st.integers(1, 12))
def test_portions_are_the_text_in_few_words_each(text: str, words: int) -> None:
    pieces = portions(text, words)
    assert "".join(pieces) == text
    assert all(len(piece.split()) <= words for piece in pieces)


async def test_a_reader_gets_every_event_once_in_order(journal: Journal) -> None:
    log = Log("run", 0)
    reading = asyncio.create_task(read_to_end(Tail(journal, "run", log, 0)))
    journal.append(log, Started("generate"))
    for number in range(200):
        journal.append(log, Delta(f"word{number} "))
        if number % 7 == 0:
            await journal.room(log)
            await asyncio.sleep(0)
    await journal.end(log, Completed(), nothing)
    records = await reading
    assert [r.seq for r in records] == list(range(1, len(records) + 1))
    assert text_of(records) == "".join(f"word{n} " for n in range(200))
    assert isinstance(records[-1].event, Completed)


async def test_text_is_joined_and_cut_into_portions(journal: Journal) -> None:
    log = Log("run", 0)
    for _ in range(25):
        journal.append(log, Delta("a b "))
    await journal.end(log, Completed(), nothing)
    deltas = [r.event.text for r in await journal.read("run", 0) if isinstance(r.event, Delta)]
    assert max(len(text.split()) for text in deltas) <= 10
    assert len(deltas) <= 7


async def test_whatever_cursor_a_reader_has_it_gets_the_rest(journal: Journal) -> None:
    log = Log("run", 0)
    for number in range(40):
        journal.append(log, Stage("generating", str(number), number))
    await journal.end(log, Completed(), nothing)
    whole = await journal.read("run", 0)
    for after in range(len(whole)):
        assert await read_to_end(Tail(journal, "run", log, after)) == whole[after:]
        assert await read_to_end(Tail(journal, "run", None, after)) == whole[after:]


async def test_nothing_is_sent_before_it_is_committed(journal: Journal, database: Database) -> None:
    log = Log("run", 0)
    tail = Tail(journal, "run", log, 0)
    for number in range(30):
        journal.append(log, Stage("generating", str(number), number))
        async with asyncio.timeout(5):
            records = await tail.next(5.0)
        assert records
        async with database.read() as connection:
            assert await rows.last_seq(connection, "run") >= records[-1].seq


async def test_the_end_is_committed_with_what_it_settles(
    journal: Journal, database: Database
) -> None:
    log = Log("run", 0)

    async def settle(tx: Connection) -> None:
        await tx.execute_fetchall(
            "insert into users (id, username, created_at) values ('u', 'u', '')"
        )
        raise StorageUnavailable("the disk is full")

    with pytest.raises(StorageUnavailable):
        await journal.end(log, Completed(), settle)
    async with database.read() as connection:
        assert await rows.last_seq(connection, "run") == 0
        assert list(await connection.execute_fetchall("select * from users")) == []


async def test_a_reader_of_a_broken_log_is_told(journal: Journal, database: Database) -> None:
    log = Log("run", 0)
    tail = Tail(journal, "run", log, 0)
    async with database.transaction() as tx:
        await tx.execute_fetchall("drop table events")

    async def refuse(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    original, rows.append = rows.append, refuse  # type: ignore[assignment]
    try:
        journal.append(log, Started("generate"))
        with pytest.raises(StorageUnavailable):
            async with asyncio.timeout(5):
                while await tail.next(1.0) is not None:
                    pass
        with pytest.raises(StorageUnavailable):
            journal.append(log, Delta("more"))
    finally:
        rows.append = original


async def test_silence_is_told_as_an_empty_read(journal: Journal) -> None:
    assert await Tail(journal, "run", Log("run", 0), 0).next(0.01) == []
