"""The wall clock may jump; only time that passes ends anything."""

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.fake_model import ENDING, FakeModel, Say, Signal, Wait
from tests.faults import ledger
from tests.faults.waiting import until
from tests.handlers.site import frames, open_site, text_of, with_model

ASK = {"document_type": "custom", "context": "How does sign-in work?"}


def jump(monkeypatch: pytest.MonkeyPatch, hours: float) -> None:
    """Let the wall clock be wrong by so many hours, for every module that looks at it."""

    def utc_now() -> str:
        return (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="microseconds")

    replaced: Callable[[], str] = utc_now
    for name, module in list(sys.modules.items()):
        if name.startswith("engine.") and hasattr(module, "utc_now"):
            monkeypatch.setattr(module, "utc_now", replaced)


@pytest.mark.parametrize("hours", [-1, 1, 24 * 7])
async def test_a_clock_that_jumps_in_the_middle_of_a_run_ends_nothing(
    data: Path, model: FakeModel, monkeypatch: pytest.MonkeyPatch, hours: float
) -> None:
    said, gate = asyncio.Event(), asyncio.Event()
    model.script(Say("one "), Signal(said), Wait(gate), Say("two"), *ENDING)
    settings = with_model(model, run_timeout_s=60, llm_idle_timeout_s=20, grace_s=5)
    async with open_site(data, **settings) as site:
        body = {"kb_id": site.topics, **ASK}
        async with site.stream("/api/v1/generate", body) as stream:
            await stream.until(3)
            jump(monkeypatch, hours)
            run_id = stream.response.headers["X-Run-Id"]
            assert (await site.call("GET", f"/api/v1/runs/{run_id}"))[1]["state"] == "running"
            gate.set()
            found = frames(await stream.rest())
        assert text_of(found) == "one two"
        assert found[-1]["event"] == "generation_complete"
        await until(lambda: site.engine.runs.open_count() == 0)
    ledger.check(data)
