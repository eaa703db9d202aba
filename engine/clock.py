"""The beat that all streams share, so that what is due goes together."""

import asyncio


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
