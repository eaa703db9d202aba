"""Many rows at once."""

import asyncio
import threading

import pytest

from engine.storage import journal as rows
from engine.storage.database import Database


@pytest.mark.parametrize("number", [0, 1, 2, 63, 64, 65, 1000])
async def test_every_row_is_written_once(database: Database, number: int) -> None:
    async with database.transaction() as tx:
        await rows.append(tx, [("run", seq, b"%d" % seq) for seq in range(1, number + 1)])
    async with database.read() as connection:
        found = await rows.read_all(connection, "run", None)
    assert found == [b"%d" % seq for seq in range(1, number + 1)]


async def test_a_busy_interpreter_does_not_hold_up_the_journal(database: Database) -> None:
    """A statement per row would wait for the interpreter a thousand times: for many seconds."""
    is_over = threading.Event()

    def spin() -> None:
        while not is_over.is_set():
            sum(range(100))

    spinning = threading.Thread(target=spin)
    spinning.start()
    try:
        async with asyncio.timeout(5), database.transaction() as tx:
            await rows.append(tx, [("run", seq, b"{}") for seq in range(1, 2001)])
    finally:
        is_over.set()
        spinning.join()
