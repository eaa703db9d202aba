"""The beat that all streams share, so that what is due goes together; and a look at who is late."""

import asyncio
import logging
from collections.abc import Callable

_LOOK_EVERY_S = 0.5
_NOTABLE_S = 1.0

_logger = logging.getLogger("footnote.clock")


class Beat:
    """Wakes all who wait for it at once, with one timer."""

    def __init__(self, every_s: float) -> None:
        """Beat at the multiples of `every_s` on the clock of the event loop."""
        self._every_s = every_s
        self._next: asyncio.Event | None = None

    async def wait(self) -> None:
        """Return at the next beat."""
        if self._next is None:
            self._next = asyncio.Event()
            loop = asyncio.get_running_loop()
            loop.call_at(next_beat(loop.time(), self._every_s), self._ring, self._next)
        await self._next.wait()

    def _ring(self, waited_for: asyncio.Event) -> None:
        self._next = None
        waited_for.set()


def next_beat(now: float, every_s: float) -> float:
    """Return the first beat after `now`."""
    return (now // every_s + 1) * every_s


async def warn_when_held_up(note: Callable[[float], None] = lambda late_s: None) -> None:
    """Log it whenever something keeps the event loop, and with it every stream, for a second.

    Each lateness is told to `note`, in seconds.
    """
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _LOOK_EVERY_S
        await asyncio.sleep(_LOOK_EVERY_S)
        late_s = loop.time() - due
        note(late_s)
        if late_s >= _NOTABLE_S:
            _logger.warning("everything stood still for %.1f seconds", late_s)
