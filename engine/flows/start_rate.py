"""How often somebody may start something: so many times in any minute."""

import math
import time
from collections import defaultdict, deque
from collections.abc import Callable

from engine.errors import LimitReached
from engine.types import Id

_WINDOW_S = 60.0


class StartRate:
    """Counts the starts of each user over the last minute, in memory."""

    def __init__(self, per_minute: int, now: Callable[[], float] = time.monotonic) -> None:
        """Allow so many; `now` returns seconds."""
        self._per_minute = per_minute
        self._now = now
        self._starts: defaultdict[Id, deque[float]] = defaultdict(deque)

    def count(self, user_id: Id) -> None:
        """Count one start.

        Raises:
            LimitReached: there were too many; this one does not count.
        """
        now, starts = self._now(), self._starts[user_id]
        while starts and starts[0] <= now - _WINDOW_S:
            starts.popleft()
        if len(starts) >= self._per_minute:
            raise LimitReached(
                f"You may start {self._per_minute} of these a minute. Wait a little.",
                retry_after_s=max(1, math.ceil(starts[0] + _WINDOW_S - now)),
                code="RATE_LIMITED",
            )
        starts.append(now)
