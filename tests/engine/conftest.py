"""A real database, a journal and a runner for scripted flows."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.clock import Beat
from engine.runs.journal import Journal
from engine.storage.database import Database, open_database


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with open_database(tmp_path / "footnote.db") as opened:
        yield opened


@pytest.fixture
async def journal(database: Database) -> AsyncIterator[Journal]:
    opened = Journal(database, Beat(0.02, 0.02), chunk_words=10, patience_s=0.2)
    opened.start()
    yield opened
    await opened.close()
