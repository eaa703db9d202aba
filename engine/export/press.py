"""Where files are written: in child processes, a few at a time, within bounds of time and memory.

Setting a long draft takes seconds of processor time, and a team's own Word file comes from outside:
both are kept away from the process that serves readers.
"""

import asyncio
import logging
from asyncio.subprocess import Process

import msgspec

from engine.errors import Invalid, LimitReached, TooLarge
from engine.export.manuscript import Order, Outcome, Written
from engine.ingest.confinement import end, start
from engine.ingest.limits import MIB, Limits

_CHILD = "engine.export.child"
_AT_ONCE = 2
_MOST_WAITING = 16
_RETRY_AFTER_S = 10
_LIMITS = Limits(memory_bytes=3 * 1024 * MIB, cpu_s=60, wall_s=60.0, max_files=512)
_log = logging.getLogger(__name__)


class Press:
    """Writes files, at most two at once; the next wait for their turn."""

    def __init__(self, limits: Limits = _LIMITS) -> None:
        """Give each file these limits."""
        self._limits = limits
        self._turns = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0

    async def write(self, order: Order) -> bytes:
        """Return the file that was ordered; its process is gone then, also when cancelled.

        Raises:
            Invalid: the Word file to build on cannot be used.
            TooLarge: the draft cannot be written in this format within the limits.
            LimitReached: too many files are waiting already.
        """
        if self._waiting >= _MOST_WAITING:
            raise LimitReached(
                "Many drafts are being exported just now. Try again in a moment.",
                retry_after_s=_RETRY_AFTER_S,
                code="RATE_LIMITED",
            )
        self._waiting += 1
        try:
            async with self._turns:
                return await self._write(order)
        finally:
            self._waiting -= 1

    async def _write(self, order: Order) -> bytes:
        child = await start(_CHILD, self._limits, reads=True)
        try:
            async with asyncio.timeout(self._limits.wall_s):
                data, _ = await child.communicate(msgspec.msgpack.encode(order))
        except TimeoutError as error:
            raise _too_large(order) from error
        finally:
            await end(child)
        return _file(child, data, order)


def _file(child: Process, data: bytes, order: Order) -> bytes:
    if child.returncode:
        _log.warning("writing %s ended with %s", order.format, child.returncode)
        raise _too_large(order)
    outcome = msgspec.msgpack.decode(data, type=Outcome)
    if isinstance(outcome, Written):
        return outcome.data
    raise Invalid(outcome.message, field=outcome.field)


def _too_large(order: Order) -> TooLarge:
    other = "the HTML file" if order.format == "markdown" else "Markdown"
    return TooLarge(
        f"This draft is too long to be written as {order.format}. Nothing is lost; try {other}.",
        field="format",
    )
