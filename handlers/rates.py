"""How often one may ask for what costs much: declared on a route, counted before its handler.

A bucket holds as many tokens as may be spent in a minute, and fills evenly. It is kept as one
number, the time at which it would be full again (the generic cell rate algorithm), so a full one
need not be kept at all.
"""

import ipaddress
import math
import time
from collections.abc import Callable, Mapping
from enum import Enum

from engine.errors import LimitReached

_WINDOW_S = 60.0
_MANY = 10_000


class Rate(Enum):
    """What is counted together, for each user or, where nobody is signed in, each address."""

    COSTLY = "costly"
    UPLOAD = "upload"
    TYPING = "typing"
    SIGN_IN = "sign_in"


class Rates:
    """The buckets of all who ask."""

    def __init__(
        self, per_minute: Mapping[Rate, int], now: Callable[[], float] = time.monotonic
    ) -> None:
        """Allow so many requests of each kind in a minute; `now` is for tests."""
        self._per_minute = per_minute
        self._now = now
        self._full_at: dict[tuple[Rate, str], float] = {}
        self._tidy_at = _MANY

    def spend(self, rate: Rate, who: str) -> None:
        """Take one token of `who`: a user's id, an address, or any other name.

        Raises:
            LimitReached: there is none left; nothing was taken.
        """
        now = self._now()
        interval_s = _WINDOW_S / self._per_minute[rate]
        full_at = max(self._full_at.get((rate, who), now), now) + interval_s
        wait_s = full_at - now - _WINDOW_S
        if wait_s > 1e-6:
            raise LimitReached(
                "That was too often. Wait a little, then try again.",
                retry_after_s=max(1, math.ceil(wait_s)),
                code="RATE_LIMITED",
            )
        self._tidy(now)
        self._full_at[rate, who] = full_at

    def _tidy(self, now: float) -> None:
        """Forget the buckets that are full again, each time there are twice as many."""
        if len(self._full_at) < self._tidy_at:
            return
        self._full_at = {key: full_at for key, full_at in self._full_at.items() if full_at > now}
        self._tidy_at = max(_MANY, 2 * len(self._full_at))


def neighbourhood(address: str) -> str:
    """Return what is counted as one address: in IPv6 everybody has a whole /64 to themselves."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if found.version == 6 and found.ipv4_mapped is None:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(getattr(found, "ipv4_mapped", None) or found)
