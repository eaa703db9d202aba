"""The beat that all streams share, so that what is due goes together; and a look at who is late."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable

_LOOK_EVERY_S = 0.5
_NOTABLE_S = 1.0

_SHARE = 0.18
"""How much of its time the event loop may use before streams take turns."""

_HASTE = 0.1
"""How much of a change is made at each beat; one beat tells little."""

_LEAST_S = 1e-6

_logger = logging.getLogger("footnote.clock")


class Signal:
    """Wakes all who wait for it at that moment."""

    __slots__ = ("_waiters",)

    def __init__(self) -> None:
        """Start with nobody waiting."""
        self._waiters: list[asyncio.Future[None]] = []

    def waiting(self) -> int:
        """Return how many wait."""
        return len(self._waiters)

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

    A turn has its price for each stream, however little is due. When the event loop has more to do
    than a fixed share of its time, streams take turns: each comes at every second beat, or third.
    So a busy server is a little late instead of later and later, and has little to do at each beat.
    """

    def __init__(self, every_s: float, busy_s: float) -> None:
        """Beat every `every_s` seconds; under load a stream has a turn only every `busy_s`."""
        self._every_s = every_s
        self._turns = deque(Signal() for _ in range(max(1, round(busy_s / every_s))))
        self._strain = 1.0
        self._last = 0.0
        self._used_s = 0.0
        self._then: dict[Callable[[], None], None] = {}
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self) -> None:
        """Return when it is one's turn."""
        self._arm()
        # The last of those that are least awaited: the same again for a stream that comes back.
        coming = [self._turns[i] for i in range(round(self._strain) - 1, -1, -1)]
        await min(coming, key=Signal.waiting).wait()

    def then(self, act: Callable[[], None]) -> None:
        """Call `act` once, after all whose turn is the next beat."""
        self._arm()
        self._then[act] = None

    def _arm(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(self._last + self._every_s, self._on_time)

    def _on_time(self) -> None:
        loop = asyncio.get_running_loop()
        self._feel(loop.time())
        turn = self._turns.popleft()
        turn.give()
        self._turns.append(turn)
        loop.call_soon(self._take_up)
        self._timer = None
        if any(map(Signal.waiting, self._turns)):
            self._arm()

    def _take_up(self) -> None:
        acts, self._then = self._then, {}
        for act in acts:
            act()

    def _feel(self, now: float) -> None:
        """Move towards the number of beats between two turns that keeps to the share."""
        used_s = time.thread_time()
        load = (used_s - self._used_s) / max(now - self._last, _LEAST_S)
        fitting = min(max(self._strain * load / _SHARE, 1.0), len(self._turns))
        self._strain += (fitting - self._strain) * _HASTE
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
