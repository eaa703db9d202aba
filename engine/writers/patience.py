"""A clock for a peer that may fall silent.

Only time spent waiting counts: a slow consumer of the stream does not use up the peer's time, and a
peer that sends bytes without meaning does not gain any.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class Patience:
    """Seconds that may still be spent waiting; `left_s` may be set anew when there is progress."""

    def __init__(self, seconds: float) -> None:
        """Take the seconds to begin with."""
        self.left_s = seconds

    async def wait(self, action: Callable[[], Awaitable[T]]) -> T:
        """Return the result of `action`.

        Raises:
            TimeoutError: patience ran out first.
        """
        if self.left_s <= 0:
            raise TimeoutError
        loop = asyncio.get_running_loop()
        began = loop.time()
        try:
            async with asyncio.timeout(self.left_s):
                return await action()
        finally:
            self.left_s -= loop.time() - began
