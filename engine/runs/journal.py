"""The journal: what every reader of a run reads, and nothing else.

An event is sent only after it is committed, so no reader ever knows more than the disk does. To
make that cheap, the events of all runs that are due go into one transaction. Openings and endings
are due at once; text is due at the beat that all runs share, once their models were read: what has
come meanwhile is joined and cut into portions of at most `chunk_words` words.

A reader has a cursor (`Tail`). Replay and live are one loop: read after the cursor, from memory if
it is still there, else from the database; when nothing is left, wait for the log to change.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import NamedTuple

import msgspec

from engine.clock import Beat, Signal
from engine.runs.events import (
    Cancelled,
    Cited,
    Completed,
    Delta,
    Event,
    Failed,
    Terminal,
    Token,
)
from engine.storage import journal as rows
from engine.storage.database import Connection, Database, StorageUnavailable
from engine.types import Id

_logger = logging.getLogger("footnote.journal")

Settle = Callable[[Connection], Awaitable[None]]
"""Writes the final state of a run's draft or document, in the transaction of its terminal event."""

_PAGE = 500
_IN_MEMORY = 512
_ROOM_CHARS = 8_192
_RETRY_DELAY_S = 0.2

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Event).decode


class Record(NamedTuple):
    """A committed event: its number in the run, its value and its JSON."""

    seq: int
    event: Event
    data: bytes


class Log:
    """The live end of one run: what waits to be written, and what was written lately."""

    def __init__(self, run_id: Id, seq: int) -> None:
        """Go on after event `seq`."""
        self.run_id = run_id
        self.committed = seq
        self.ended = False
        self.error: StorageUnavailable | None = None
        self.is_faulty = False
        self.changed = Signal()
        self.pending: list[Event | list[str]] = []
        self.pending_chars = 0
        self.unwritten: list[Record] = []
        self.recent: list[Record] = []
        self.has_text = seq > 0
        self.spoke = seq > 0
        self.settle: Settle | None = None

    def push(self, event: Event) -> None:
        """Queue an event; text joins the text before it."""
        if not isinstance(event, Delta | Token):
            self.pending.append(event)
            return
        self.pending_chars += len(event.text)
        if isinstance(event, Token):
            self.pending.append(event)
        elif self.pending and isinstance(self.pending[-1], list):
            self.pending[-1].append(event.text)
        else:
            self.pending.append([event.text])

    def number(self, chunk_words: int) -> list[Record]:
        """Turn what is queued into numbered records; those of a failed write come again."""
        seq = self.unwritten[-1].seq if self.unwritten else self.committed
        for item in self.pending:
            for event in _events(item, chunk_words):
                seq += 1
                self.unwritten.append(Record(seq, event, _encode(event)))
        self.pending.clear()
        self.pending_chars = 0
        return self.unwritten

    def publish(self) -> None:
        """Let readers see what has been committed."""
        written, self.unwritten = self.unwritten, []
        self.recent += written
        if len(self.recent) > 2 * _IN_MEMORY:
            del self.recent[:-_IN_MEMORY]
        self.spoke = self.spoke or _speaks(written)
        self.committed = written[-1].seq
        self.ended = isinstance(written[-1].event, Terminal)
        self.changed.give()


def _events(item: Event | list[str], chunk_words: int) -> Sequence[Event]:
    if isinstance(item, list):
        return [Delta(text) for text in portions("".join(item), chunk_words)]
    return [item]


def portions(text: str, words: int) -> list[str]:
    """Cut text into pieces of at most `words` words; joined they are the text."""
    pieces = re.findall(rf"(?:\s*\S+){{1,{words}}}", text)
    rest = text[sum(map(len, pieces)) :]
    if rest:
        pieces[-1:] = [(pieces[-1] if pieces else "") + rest]
    return pieces


class Journal:
    """Appends to the logs of all runs, in groups, and reads them."""

    def __init__(
        self, database: Database, beat: Beat, *, chunk_words: int, patience_s: float
    ) -> None:
        """Write to `database`; a disk that refuses for `patience_s` breaks the logs that wait."""
        self._database = database
        self._beat = beat
        self._chunk_words = chunk_words
        self._patience_s = patience_s
        self._due: dict[Log, None] = {}
        self._at_beat: dict[Log, None] = {}
        self._wake = asyncio.Event()
        self._writing = asyncio.Lock()
        self._writer: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start writing."""
        self._writer = asyncio.create_task(self._write_forever(), name="journal")

    async def close(self) -> None:
        """Write what is due, then stop."""
        self._on_beat()
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        if self._due:
            await self._write(self._due)

    def append(self, log: Log, event: Event) -> None:
        """Queue an event of a run.

        Raises:
            StorageUnavailable: the log is broken; the run must stop and may go on later.
        """
        if log.error is not None:
            raise log.error
        log.push(event)
        is_text = isinstance(event, Delta)
        if isinstance(event, Cited | Token) or (is_text and log.has_text):
            self._write_at_beat(log)
        else:
            self._due[log] = None
            self._wake.set()
        log.has_text = log.has_text or is_text

    async def room(self, log: Log) -> None:
        """Wait until a fast writer's text has been taken."""
        while log.pending_chars > _ROOM_CHARS and log.error is None:
            await log.changed.wait()

    async def end(self, log: Log, terminal: Terminal, settle: Settle) -> None:
        """Append the terminal event, and commit it together with what `settle` writes.

        Raises:
            StorageUnavailable: it could not be written; the run is not ended.
        """
        log.settle = settle
        self.append(log, terminal)
        while not log.ended:
            if log.error is not None:
                raise log.error
            await log.changed.wait()

    async def break_off(self, log: Log) -> None:
        """Write nothing more of a log, and tell its readers; its last number is certain then."""
        self._refuse(log, StorageUnavailable("This is interrupted for a moment. Come back soon."))
        async with self._writing:
            pass

    async def read(self, run_id: Id, after: int, limit: int = _PAGE) -> list[Record]:
        """Return the next committed events after a cursor."""
        async with self._database.read() as connection:
            found = await rows.read(connection, run_id, after, limit)
        return [Record(seq, _decode(data), data) for seq, data in found]

    async def history(self, run_id: Id, until: int | None = None) -> list[Event]:
        """Return all committed events of a run, or those up to a cursor."""
        async with self._database.read() as connection:
            return await self.history_in(connection, run_id, until=until)

    async def history_in(
        self, connection: Connection, run_id: Id, *, until: int | None = None
    ) -> list[Event]:
        """Return the same as `history`, as this connection sees it."""
        stored = await rows.read_all(connection, run_id, until)
        return [_decode(data) for data in stored]

    def _write_at_beat(self, log: Log) -> None:
        self._at_beat[log] = None
        self._beat.then(self._on_beat)

    def _on_beat(self) -> None:
        self._due |= self._at_beat
        self._at_beat.clear()
        self._wake.set()

    async def _write_forever(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            logs, self._due = self._due, {}
            await self._write(logs)

    async def _write(self, logs: dict[Log, None]) -> None:
        try:
            await self._write_patiently(logs)
        except Exception:
            if len(logs) > 1:  # one log at fault must not hold up the others
                for log in logs:
                    await self._write({log: None})
                return
            _logger.exception("a log cannot be written")
            for log in logs:
                log.is_faulty = True
                await self.break_off(log)

    async def _write_patiently(self, logs: dict[Log, None]) -> None:
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + self._patience_s
        while True:
            try:
                async with self._writing:
                    for log in await self._commit(logs):
                        log.publish()
                return
            except StorageUnavailable as error:
                if loop.time() >= give_up_at:
                    _logger.error("storage refuses writes; %d runs wait", len(logs))
                    for log in logs:
                        self._refuse(log, error)
                    return
                await asyncio.sleep(_RETRY_DELAY_S)

    async def _commit(self, logs: dict[Log, None]) -> list[Log]:
        numbered = {log: log.number(self._chunk_words) for log in logs if log.error is None}
        written = [log for log, records in numbered.items() if records]
        if not written:
            return []
        ending = [log for log in written if isinstance(log.unwritten[-1].event, Terminal)]
        async with self._database.transaction(durable=bool(ending)) as tx:
            await rows.append(
                tx, [(log.run_id, r.seq, r.data) for log in written for r in log.unwritten]
            )
            await self._note_firsts(tx, written)
            for log in ending:
                assert log.settle is not None
                await log.settle(tx)
        return written

    async def _note_firsts(self, tx: Connection, written: list[Log]) -> None:
        opened = [log.run_id for log in written if log.committed == 0]
        if opened:
            await rows.mark_first(tx, opened, text=False)
        speaking = [log.run_id for log in written if not log.spoke and _speaks(log.unwritten)]
        if speaking:
            await rows.mark_first(tx, speaking, text=True)

    def _refuse(self, log: Log, error: StorageUnavailable) -> None:
        log.error = log.error or error
        log.changed.give()


def _speaks(records: Sequence[Record]) -> bool:
    return any(isinstance(record.event, Delta) for record in records)


class Tail:
    """One reader's cursor in a run."""

    def __init__(self, journal: Journal, run_id: Id, log: Log | None, after: int) -> None:
        """Read after event `after`; `log` is None when the run has ended."""
        self._journal = journal
        self._run_id = run_id
        self._log = log
        self._clock: asyncio.TimerHandle | None = None
        self.after = after

    @property
    def is_caught_up(self) -> bool:
        """Whether everything committed so far has been read, and more may come."""
        log = self._log
        return log is not None and self.after >= log.committed and not log.ended

    async def next(self, timeout_s: float) -> list[Record] | None:
        """Return the next events, at once if there are any; None at the end.

        Without any for `timeout_s`, or when the log changes in another way, [] is returned. It may
        also come early, up to the last call's timeout: a clock is not set anew for each event.

        Raises:
            StorageUnavailable: the run's log is broken off for now.
        """
        log = self._log
        if log is None:
            return self._move(await self._journal.read(self._run_id, self.after)) or None
        if self.after < log.committed:
            return self._move(await self._fetch(log))
        if log.ended:
            return None
        if log.error is not None:
            raise log.error
        self._look_up_within(timeout_s, log)
        await log.changed.wait()
        return self._move(await self._fetch(log)) if self.after < log.committed else []

    def _look_up_within(self, timeout_s: float, log: Log) -> None:
        at = monotonic() + timeout_s
        if self._clock is not None and self._clock.when() > at:
            self._clock.cancel()
            self._clock = None
        if self._clock is None:
            self._clock = asyncio.get_running_loop().call_at(at, self._look_up, log)

    def _look_up(self, log: Log) -> None:
        self._clock = None
        log.changed.give()

    async def _fetch(self, log: Log) -> list[Record]:
        recent = log.recent
        if recent and recent[0].seq <= self.after + 1:
            return recent[self.after + 1 - recent[0].seq :]
        return await self._journal.read(self._run_id, self.after)

    def _move(self, records: list[Record]) -> list[Record]:
        if records:
            self.after = records[-1].seq
        return records


def state_of(terminal: Terminal) -> str:
    """Return the stored state that a terminal event leads to."""
    match terminal:
        case Completed():
            return "completed"
        case Failed():
            return "failed"
        case Cancelled():
            return "cancelled"
