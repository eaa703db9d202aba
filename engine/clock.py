"""The beat that all streams share, so that what is due goes together; and a look at who is late."""

import asyncio
import logging
import time
from collections.abc import Callable

_LOOK_EVERY_S = 0.5
_NOTABLE_S = 1.0

_BEAT_SHARE = 0.2
"""How much of the event loop's time its beats may take before they come less often."""

_HASTE = 0.2
"""How much of a change of the pause is made at each beat; one beat tells little."""

_LEAST_S = 1e-6

_logger = logging.getLogger("footnote.clock")


class Signal:
    """Wakes all who wait for it at that moment."""

    def __init__(self) -> None:
        """Start with nobody waiting."""
        self._waiters: list[asyncio.Future[None]] = []

    async def wait(self) -> None:
        """Return when the signal is given next."""
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def give(self) -> None:
        """Wake them, in the order they came."""
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)


class Beat:
    """The beat that all streams share: those who wait go first, then what they did is taken up.

    Every beat has a price for each stream, however little is due. When beats take more than a fixed
    share of the loop's time they come less often, so a busy server is a little late instead of
    later and later.
    """

    def __init__(self, every_s: float, busy_s: float) -> None:
        """Beat every `every_s` seconds, and under load as seldom as every `busy_s`."""
        self._every_s = every_s
        self._busy_s = max(busy_s, every_s)
        self._pause_s = every_s
        self._last = 0.0
        self._used_s = 0.0
        self._ring = Signal()
        self._then: dict[Callable[[], None], None] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self) -> None:
        """Return at the next beat."""
        self._arm()
        await self._ring.wait()

    def then(self, act: Callable[[], None]) -> None:
        """Call `act` once, after all who waited for the next beat have had their turn."""
        self._arm()
        self._then[act] = None

    def _arm(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._last + self._pause_s, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        self._pace(loop.time())
        self._ring.give()
        loop.call_soon(self._take_up)

    def _take_up(self) -> None:
        acts, self._then = self._then, {}
        for act in acts:
            act()

    def _pace(self, now: float) -> None:
        """Move the pause towards that at which beats so dear would take just their share."""
        used_s = time.thread_time()
        load = (used_s - self._used_s) / max(now - self._last, _LEAST_S)
        fitting_s = min(max(self._pause_s * load / _BEAT_SHARE, self._every_s), self._busy_s)
        self._pause_s += (fitting_s - self._pause_s) * _HASTE
        self._last, self._used_s = now, used_s


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
