"""A family whose runs are counted and timed; the flow itself knows nothing of it."""

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from engine.metrics import Metrics
from engine.runs.events import CacheHit, Delta, Event, Retrieved, Terminal, Token
from engine.runs.journal import state_of
from engine.runs.runner import Family, Run
from engine.storage.database import Connection
from engine.storage.journal import RunRow


def measured(family: Family, metrics: Metrics) -> Family:
    """Return the family with its flow and its end observed."""

    async def flow(run: Run) -> AsyncGenerator[Event, None]:
        began = time.monotonic()
        has_text = run.is_continued
        with metrics.run(family.name):
            try:
                async with aclosing(family.flow(run)) as events:
                    async for event in events:
                        if not has_text and isinstance(event, Delta | Token):
                            has_text = True
                            metrics.first_text(family.name, time.monotonic() - began)
                        if isinstance(event, CacheHit | Retrieved):
                            metrics.answered(is_kept=isinstance(event, CacheHit))
                        yield event
            finally:
                metrics.used(family.name, run.usage)

    async def settle(tx: Connection, row: RunRow, terminal: Terminal) -> None:
        await family.settle(tx, row, terminal)
        metrics.ended(family.name, state_of(terminal))

    return replace(family, flow=flow, settle=settle)
