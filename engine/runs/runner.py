"""The life of a run: started within limits, driven, read, left, stopped, suspended, ended.

    running ── flow ends ──▶ completed | failed
       │ └──── cancel ─────▶ cancelled (stopped; abandoned when nobody reads for the grace time)
       └ server or disk goes away ─▶ suspended ── a reader comes ──▶ running, from where it was
                                         └── nobody comes ──▶ cancelled (abandoned)

The run owns the work. A reader only has a cursor; whoever leaves starts the grace clock, no more.
Every run ends with exactly one terminal event, committed with the final state of what it wrote.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Mapping,
)
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from engine.errors import (
    AppError,
    Conflict,
    Gone,
    Invalid,
    LimitReached,
    ProviderFailed,
    Unavailable,
)
from engine.runs.events import Cancelled, Completed, Event, Failed, Stage, Terminal
from engine.runs.journal import Journal, Log, Tail, state_of
from engine.storage import journal as rows
from engine.storage.database import Connection, Database, StorageUnavailable
from engine.storage.journal import RunRow
from engine.storage.rights import Reader
from engine.types import Id

_logger = logging.getLogger("footnote.runs")

_FIRST_READER_S = 1.0
_STOP_WAIT_S = 0.5
_PRUNE_EVERY_S = 30.0
_PRUNE_RUNS = 50
_MOST_FAULTS = 3


@dataclass(frozen=True, slots=True)
class Family:
    """What the runner must know of a kind of run.

    `flow` yields events and ends with `Completed`; `settle` stores the outcome in the transaction
    of the terminal event, from the journal alone, since the flow may be long gone. `limit` is the
    number of open runs for each user, None for no limit. A family that cannot be continued fails
    as INTERRUPTED when the server was restarted.
    """

    name: str
    flow: "Callable[[Run], AsyncGenerator[Event, None]]"
    settle: Callable[[Connection, RunRow, Terminal], Awaitable[None]]
    grace_s: float
    timeout_s: float
    limit: int | None
    can_continue: bool = True


@dataclass(eq=False, slots=True)
class Run:
    """A run that has no terminal event yet. Without a task it is suspended."""

    row: RunRow
    family: Family
    log: Log
    is_continued: bool = False
    usage: dict[str, int] = field(default_factory=dict)
    readers: int = 0
    percent: int = 0
    task: asyncio.Task[None] | None = None
    clock: asyncio.TimerHandle | None = None
    stop_reason: str | None = None
    is_ending: bool = False
    faults: int = 0
    """How often what it wrote could not be stored through a fault of ours, not of the disk."""


Build = Callable[[Connection], Awaitable[RunRow]]
"""Makes the row of a run and whatever belongs to it, in one transaction."""

OnStart = Callable[[Connection, RunRow], Awaitable[None]]


class Runs:
    """All runs of this server."""

    def __init__(
        self,
        database: Database,
        journal: Journal,
        families: Mapping[str, Family],
        *,
        max_open: int,
        retention_s: float,
        on_start: OnStart,
    ) -> None:
        """Drive runs of the given families, at most `max_open` at a time.

        `on_start` is done in the transaction that stores a new run.
        """
        self.journal = journal
        self._database = database
        self._families = families
        self._max_open = max_open
        self._retention_s = retention_s
        self._on_start = on_start
        self._live: dict[Id, Run] = {}
        self._open: Counter[tuple[Id, str]] = Counter()
        self._is_closing = False
        self._pruner: asyncio.Task[None] | None = None

    # Start

    async def start(
        self, family: str, user_id: Id, build: Build, *, key: str | None = None, body_hash: str = ""
    ) -> RunRow:
        """Start a run, or join the one that was started with the same idempotency key.

        Raises:
            LimitReached: too many runs are open for the user.
            Invalid: the key was used with another body.
            Unavailable: the server has too many open runs, or is shutting down.
        """
        if self._is_closing:
            raise Unavailable("The server is restarting. Try again in a few seconds.")
        if key is not None:
            async with self._database.read() as connection:
                known = await _known(connection, user_id, key, body_hash)
            if known is not None:
                return known
        self._reserve(family, user_id)
        try:
            row, is_new = await self._store(user_id, build, key, body_hash)
        except BaseException:
            self._release(family, user_id)
            raise
        if not is_new:
            self._release(family, user_id)
            return row
        self._launch(self._hold(row, 0))
        return row

    async def _store(
        self, user_id: Id, build: Build, key: str | None, body_hash: str
    ) -> tuple[RunRow, bool]:
        async with self._database.transaction() as tx:
            if key is not None:
                known = await _known(tx, user_id, key, body_hash)
                if known is not None:
                    return known, False
            row = await build(tx)
            await rows.insert_run(tx, row)
            await self._on_start(tx, row)
            return row, True

    def _reserve(self, family: str, user_id: Id) -> None:
        limit = self._families[family].limit
        if limit is None:
            return
        if self._open[user_id, family] >= limit:
            raise LimitReached(
                f"You have {limit} of these open already. Wait for one to finish, or stop one.",
                retry_after_s=5,
            )
        if self._open.total() >= self._max_open:
            raise Unavailable("The server is busy. Try again in a few seconds.")
        self._open[user_id, family] += 1

    def _release(self, family: str, user_id: Id) -> None:
        if self._families[family].limit is None:
            return
        self._open[user_id, family] -= 1
        if self._open[user_id, family] <= 0:
            del self._open[user_id, family]

    def _hold(self, row: RunRow, seq: int) -> Run:
        run = Run(row, self._families[row.family], Log(row.id, seq), is_continued=seq > 0)
        self._live[row.id] = run
        return run

    def _launch(self, run: Run) -> None:
        run.task = asyncio.create_task(self._drive(run), name=f"run {run.row.id}")
        if run.readers == 0:
            self._start_clock(run, max(run.family.grace_s, _FIRST_READER_S))

    # Drive

    async def _drive(self, run: Run) -> None:
        terminal = await self._follow(run)
        run.is_ending = True
        if terminal is None:
            await self._suspend(run)
            return
        try:
            await self.journal.end(run.log, terminal, lambda tx: self._settle(tx, run, terminal))
        except StorageUnavailable:
            await self._suspend(run)
            return
        self._forget(run)

    async def _follow(self, run: Run) -> Terminal | None:
        """Pass on the flow's events and return how it ended; None when it must go on later."""
        try:
            async with asyncio.timeout(run.family.timeout_s):
                return await self._pump(run)
        except TimeoutError:
            return Failed(
                "STREAM_TIMEOUT",
                "This took longer than is allowed. Try again, or ask for less.",
                retryable=True,
                recovery=["resume", "retry"],
            )
        except asyncio.CancelledError:
            return Cancelled(run.stop_reason) if run.stop_reason else None
        except StorageUnavailable:
            return None
        except AppError as error:
            return _failure(error)
        except Exception:
            _logger.exception("run %s broke", run.row.id)
            return Failed(
                "GENERATION_ERROR",
                "Something went wrong on the server. Try again in a moment.",
                retryable=True,
                recovery=["resume", "retry"],
            )

    async def _pump(self, run: Run) -> Terminal:
        async with aclosing(run.family.flow(run)) as events:
            async for event in events:
                if isinstance(event, Completed | Failed | Cancelled):
                    return event
                self.journal.append(run.log, self._forward(run, event))
                await self.journal.room(run.log)
        raise AppError("The work ended without a result. Try again.", code="GENERATION_ERROR")

    def _forward(self, run: Run, event: Event) -> Event:
        """Keep the percentage from going back."""
        if not isinstance(event, Stage):
            return event
        run.percent = max(run.percent, event.percent)
        if event.percent == run.percent:
            return event
        return msgspec.structs.replace(event, percent=run.percent)

    async def _settle(self, tx: Connection, run: Run, terminal: Terminal) -> None:
        error = terminal.code if isinstance(terminal, Failed) else None
        await rows.end_run(
            tx, run.row.id, state=state_of(terminal), error=error, usage=dict(run.usage)
        )
        if run.faults <= _MOST_FAULTS:
            await run.family.settle(tx, run.row, terminal)

    async def _suspend(self, run: Run) -> None:
        """Leave a run without a task, to go on from its last committed event."""
        if self._is_closing:
            return
        await self.journal.break_off(run.log)
        run.faults += run.log.is_faulty
        run.task = None
        run.is_continued = True
        run.is_ending = False
        run.log = Log(run.row.id, run.log.committed)
        if run.faults >= _MOST_FAULTS:
            self._give_up(run)
        elif run.stop_reason is not None:  # it was stopped, and that could not be written yet
            self._end_at_once(run, Cancelled(run.stop_reason))
        elif run.readers == 0:
            self._start_clock(run, run.family.grace_s)

    def _give_up(self, run: Run) -> None:
        """End a run that a fault of ours meets each time: with its draft, else without, else so."""
        if run.faults > _MOST_FAULTS + 1:
            self._forget(run)
            return
        terminal = Failed(
            "INTERNAL",
            "Something goes wrong on the server each time. Ask the administrator to read its log.",
        )
        self._end_at_once(run, terminal)

    def _forget(self, run: Run) -> None:
        self._stop_clock(run)
        self._live.pop(run.row.id, None)
        self._release(run.family.name, run.row.user_id)
        run.log.changed.give()

    # Read and leave

    async def find(self, reader: Reader, run_id: Id) -> RunRow | None:
        """Return a run that this reader may see, if there is one."""
        async with self._database.read() as connection:
            return await rows.find_run(connection, reader, run_id)

    def is_kept(self, row: RunRow) -> bool:
        """Whether a run can still be read: it is live, or ended not too long ago."""
        if row.id in self._live:
            return True
        return row.ended_at is not None and row.ended_at >= _ago(self._retention_s)

    def is_live(self, run_id: Id) -> bool:
        """Whether the run has no terminal event yet."""
        return run_id in self._live

    def is_suspended(self, run_id: Id) -> bool:
        """Whether the run waits for a reader to go on."""
        run = self._live.get(run_id)
        return run is not None and run.task is None

    @asynccontextmanager
    async def attach(self, run_id: Id, after: int) -> AsyncIterator[Tail]:
        """Read a run from a cursor for as long as the context lasts; a suspended run goes on.

        Raises:
            Gone: the run ended longer ago than finished runs are kept.
            Conflict: the cursor is ahead of everything that was ever written.
        """
        run = self._live.get(run_id)
        if run is None:
            await self._check_retention(run_id, after)
            yield Tail(self.journal, run_id, None, after)
            return
        if after > run.log.committed:
            raise _unavailable()
        run.readers += 1
        self._stop_clock(run)
        if run.task is None:
            self._launch(run)
        try:
            yield Tail(self.journal, run_id, run.log, after)
        finally:
            run.readers -= 1
            if run.readers == 0 and self.is_live(run_id):
                self._start_clock(run, run.family.grace_s)

    def touch(self, run_id: Id) -> None:
        """Count a poll as reading: the grace time starts again, and a suspended run goes on."""
        run = self._live.get(run_id)
        if run is None:
            return
        if run.task is None:
            self._launch(run)
        elif run.readers == 0:
            self._start_clock(run, max(run.family.grace_s, _FIRST_READER_S))

    async def _check_retention(self, run_id: Id, after: int) -> None:
        async with self._database.read() as connection:
            row = await rows.get_run(connection, run_id)
            last = await rows.last_seq(connection, run_id)
        if row is None or not self.is_kept(row):
            raise Gone("This run is no longer kept. What it wrote is still in its draft.")
        if after > last:
            raise _unavailable()

    def _start_clock(self, run: Run, delay_s: float) -> None:
        """After the delay, end a run that nobody reads; one that is to finish unread goes on."""
        self._stop_clock(run)
        if self._is_closing:
            return
        loop = asyncio.get_running_loop()
        if not run.row.keep_going:
            run.clock = loop.call_later(delay_s, self._stop, run, "abandoned")
        elif run.task is None:
            run.clock = loop.call_later(max(delay_s, _FIRST_READER_S), self._launch, run)

    def _stop_clock(self, run: Run) -> None:
        if run.clock is not None:
            run.clock.cancel()
            run.clock = None

    # Stop

    async def cancel(self, run_id: Id) -> None:
        """Stop a run because its reader said so; one that has ended stays as it is."""
        run = self._live.get(run_id)
        if run is None:
            return
        self._stop(run, "stopped")
        try:
            async with asyncio.timeout(_STOP_WAIT_S):
                while self.is_live(run_id):
                    await run.log.changed.wait()
        except TimeoutError:
            _logger.warning("run %s takes long to stop", run_id)

    def open_count(self) -> int:
        """Return how many runs count towards the limits."""
        return self._open.total()

    def wake_readers(self) -> None:
        """Let every reader look up, for instance because the server is going down."""
        for run in self._live.values():
            run.log.changed.give()

    async def cancel_all(self, kb_id: Id) -> None:
        """Stop all runs of a knowledge base, and those that look into it."""
        await self._cancel(lambda row: kb_id in (row.kb_id, *row.kb_ids))

    async def cancel_of(self, user_ids: Collection[Id]) -> None:
        """Stop all runs of some users."""
        await self._cancel(lambda row: row.user_id in user_ids)

    async def _cancel(self, is_meant: Callable[[RunRow], bool]) -> None:
        run_ids = [run.row.id for run in self._live.values() if is_meant(run.row)]
        await asyncio.gather(*(self.cancel(run_id) for run_id in run_ids))

    def users(self) -> list[Id]:
        """Return whose runs are live."""
        return list({run.row.user_id for run in self._live.values()})

    def _stop(self, run: Run, reason: str) -> None:
        if run.stop_reason is not None or run.is_ending:
            return
        run.stop_reason = reason
        if run.task is not None:
            run.task.cancel()
        else:
            self._end_at_once(run, Cancelled(reason))

    def _end_at_once(self, run: Run, terminal: Terminal) -> None:
        """End a run that has no task."""
        run.is_ending = True
        run.task = asyncio.create_task(self._end_suspended(run, terminal))

    async def _end_suspended(self, run: Run, terminal: Terminal) -> None:
        try:
            await self.journal.end(run.log, terminal, lambda tx: self._settle(tx, run, terminal))
        except StorageUnavailable:
            await self._suspend(run)
            return
        self._forget(run)

    # Server start and end

    async def recover(self) -> None:
        """Take up the runs that the last process left: suspend, go on, or end them."""
        async with self._database.read() as connection:
            left = await rows.running(connection)
            seqs = {row.id: await rows.last_seq(connection, row.id) for row in left}
        for row in left:
            if row.family not in self._families:
                continue
            run = self._hold(row, seqs[row.id])
            run.is_continued = True
            self._count(run)
            if not run.family.can_continue:
                terminal = Failed("INTERRUPTED", "The server was restarted. Ask again.", True)
                self._end_at_once(run, terminal)
            elif row.keep_going:
                self._launch(run)
            else:
                self._start_clock(run, run.family.grace_s)
        self._pruner = asyncio.create_task(self._prune_forever(), name="prune")

    def _count(self, run: Run) -> None:
        if run.family.limit is not None:
            self._open[run.row.user_id, run.family.name] += 1

    async def close(self) -> None:
        """Leave all runs suspended and stop their work."""
        self._is_closing = True
        tasks = [run.task for run in self._live.values() if run.task is not None]
        tasks += [self._pruner] if self._pruner is not None else []
        for run in self._live.values():
            self._stop_clock(run)
            if run.task is not None and not run.is_ending:
                run.task.cancel()
        if self._pruner is not None:
            self._pruner.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _prune_forever(self) -> None:
        while True:
            await asyncio.sleep(min(_PRUNE_EVERY_S, max(self._retention_s, 1.0)))
            try:
                async with self._database.transaction() as tx:
                    await rows.prune(tx, _ago(self._retention_s), _PRUNE_RUNS)
            except StorageUnavailable:
                _logger.warning("old events could not be removed; trying again later")


async def _known(connection: Connection, user_id: Id, key: str, body_hash: str) -> RunRow | None:
    row = await rows.run_of_key(connection, user_id, key)
    if row is not None and row.request_hash != body_hash:
        raise Invalid(
            "This Idempotency-Key was used with another request. Use a new key.",
            code="VALIDATION_ERROR",
            field="Idempotency-Key",
        )
    return row


def _failure(error: AppError) -> Failed:
    if isinstance(error, ProviderFailed):
        recovery = ["resume", "retry"] if error.retryable else []
        return Failed(error.code, error.message, error.retryable, error.retry_after_s, recovery)
    return Failed(error.code, error.message)


def _unavailable() -> Conflict:
    return Conflict(
        "This stream cannot be continued from there. Load the draft again.",
        code="RESUME_UNAVAILABLE",
    )


def _ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat(timespec="microseconds")
