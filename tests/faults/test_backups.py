"""A copy made while drafts are written is whole, and readers who saw more are told to look anew."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from signal import SIGKILL

import pytest

from tests.fake_model import FakeModel
from tests.faults import ledger
from tests.faults.reader import Reader, Refused, seqs
from tests.faults.test_processes import (
    WORDS,
    knowledge_base,
    paced,
    serve,
    streaming,
    with_model,
)
from tests.faults.waiting import until
from tests.process import client
from tests.process import serve as serve_again
from tests.test_process import token

pytestmark = pytest.mark.slow


def back_up(data: Path, to: Path) -> Path:
    """Copy a data folder whose server is running."""
    shutil.copytree(data, to, ignore=shutil.ignore_patterns("footnote.db*", "server.lock"))
    with (
        closing(sqlite3.connect(data / "footnote.db")) as source,
        closing(sqlite3.connect(to / "footnote.db")) as target,
    ):
        source.backup(target)
    return to


async def test_a_backup_made_while_streaming_is_whole_and_later_cursors_are_refused(
    data: Path, model: FakeModel, tmp_path: Path
) -> None:
    secret, kb_id = await token(data), knowledge_base(data)
    paced(model, 0.1)
    async with serve(data, **with_model(model)) as server:
        async with streaming(server, secret, kb_id, 5) as (readers, _):
            await until(lambda: all(len(reader.text) > 20 for reader in readers))
            restored = await asyncio.to_thread(back_up, data, tmp_path / "restored")
            saved = {run_id: len(log) for run_id, log in ledger.events(restored).items()}
            await until(lambda: all(seqs(r.events)[-1] > saved[r.run_id or ""] for r in readers))
            await server.end(SIGKILL)
    ledger.check(restored)
    for run_id, log in ledger.events(restored).items():
        assert ledger.events(data)[run_id][: len(log)] == log
    paced(model, 0.0)
    async with serve_again(restored, **with_model(model)) as server, client(server, secret) as site:
        for reader in readers:
            late = Reader(server.base, secret, f"/api/v1/runs/{reader.run_id}/events")
            late.events = [event for event in reader.events if event.id][-1:]
            with pytest.raises(Refused) as refused:
                await late.read()
            assert refused.value.status == 409
            assert b"RESUME_UNAVAILABLE" in refused.value.body
            draft = await site.draft(str(reader.draft_id))
            assert draft["content"]
            assert reader.text.startswith(draft["content"])
            late.events = []
            await late.read_to_end()
            assert late.text == " ".join(WORDS)
            assert (await site.draft(str(reader.draft_id)))["content"] == " ".join(WORDS)
    ledger.check(restored)
