"""One question to a model server: asked until an answer begins, read until it ends.

Before the first token a busy or broken server is tried again, each wait announced; after it nothing
is, since that text is already shown and a second call would be paid again. The text is whole only
when the model said why it stopped. Two clocks are ours: one for connecting, one for silence, which
no heartbeat of the server can hold up.
"""

import asyncio
import itertools
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Protocol

from engine.clock import Beat
from engine.errors import ProviderFailed
from engine.writers.answer import AnswerReader
from engine.writers.overlap import without_overlap
from engine.writers.patience import Patience
from engine.writers.refusals import Refusal
from engine.writers.writer import Piece, Text, Waiting

if TYPE_CHECKING:
    from engine.writers.transport import Body

_log = logging.getLogger("footnote.writers")

_AFTER_REASON_S = 5.0
"""How long token counts, or more text, are waited for once the model said why it stops."""

_AFTER_DONE_S = 0.25
"""How long the end of the body is waited for, so that the connection can be used again."""

_LIST_S = 3.0
"""How long the names of a server's models are waited for."""


class Endpoint(Protocol):
    """A model server in its dialect."""

    async def open(self, request: dict[str, object]) -> "Body":
        """Send `request`, return the body of the answer once it has begun.

        Raises:
            Refusal: it did not begin.
        """

    async def models(self) -> list[str]:
        """Return the names of the models that can write.

        Raises:
            Refusal, ConnectionError, ValueError: the server did not tell them.
        """

    async def close(self) -> None:
        """Close all connections."""


class Exchange:
    """Asks one server, any number of times at once."""

    def __init__(
        self,
        endpoint: Endpoint,
        reader: Callable[[], AnswerReader],
        *,
        idle_timeout_s: float,
        max_tries: int = 3,
        beat: Beat | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Ask `endpoint` and read each answer with a `reader` of its own.

        `idle_timeout_s` bounds the silence between two deltas and before the first. After the first
        text an answer is read on the `beat`, without one as it comes. `sleep` and `chance` (0 to 1,
        spreads the waits) are for tests.
        """
        self._endpoint = endpoint
        self._reader = reader
        self._idle_timeout_s = idle_timeout_s
        self._max_tries = max_tries
        self._beat = beat
        self._sleep = sleep
        self._chance = chance

    async def write(self, request: dict[str, object], so_far: str) -> AsyncGenerator[Piece, None]:
        """Yield the text as it comes, at most one piece per read, and `Finished` at the end.

        Raises:
            ProviderFailed: the server could not be reached, refused, fell silent or broke off.
        """
        wait_s = 0.0
        for attempt in itertools.count(1):
            patience = Patience(self._idle_timeout_s)
            try:
                reply = await self._open(request, patience)
                break
            except Refusal as refusal:
                if attempt == self._max_tries or not refusal.is_passing:
                    raise refusal.failure from None
                wait_s = refusal.wait_s(attempt=attempt, previous_s=wait_s, chance=self._chance())
            yield Waiting(wait_s, attempt)
            await self._sleep(wait_s)
        del request  # prompts are large, and this frame lives as long as the answer
        async with aclosing(reply), aclosing(self._read(reply, patience)) as pieces:
            async for piece in without_overlap(pieces, so_far) if so_far else pieces:
                yield piece

    async def models(self, usual: str) -> list[str]:
        """Return the usual model and after it the others, none when the server does not answer."""
        names: list[str] = []
        try:
            names = await self._listed()
        except (Refusal, OSError, ValueError) as error:
            _log.warning("list of models not read: %s", type(error).__name__)
        return list(dict.fromkeys([usual, *names]))

    async def reach(self) -> None:
        """Make sure that the server answers, by asking for its models.

        Raises:
            ProviderFailed: it does not, or it refuses.
        """
        try:
            await self._listed()
        except Refusal as refusal:
            raise refusal.failure from None
        except TimeoutError:
            raise ProviderFailed(
                f"The model server did not answer within {_LIST_S:g} seconds. Try again.",
                code="LLM_TIMEOUT",
            ) from None
        except (OSError, ValueError):
            raise ProviderFailed(
                "The model server answered without a list of models. Try to draft all the same."
            ) from None

    async def _listed(self) -> list[str]:
        async with asyncio.timeout(_LIST_S):
            return await self._endpoint.models()

    async def close(self) -> None:
        """Close all connections."""
        await self._endpoint.close()

    async def _open(self, request: dict[str, object], patience: Patience) -> "Body":
        try:
            return await patience.wait(lambda: self._endpoint.open(request))
        except TimeoutError:
            raise self._fell_silent() from None

    async def _read(self, reply: "Body", patience: Patience) -> AsyncGenerator[Piece, None]:
        reader = self._reader()
        chunk = b""
        while chunk := chunk or await self._next_chunk(reply, patience, reader):
            pieces = reader.feed(chunk)
            for piece in pieces:
                yield piece
            if reader.failure or reader.is_done:
                break
            if pieces:
                patience.left_s = self._idle_timeout_s
            chunk = b""
            if reader.reason:
                patience.left_s = min(patience.left_s, _AFTER_REASON_S)
            elif self._beat and pieces and isinstance(pieces[-1], Text):
                chunk = await reply.gather(self._beat)
        if reader.is_done:
            await _reach_end(reply)
        for piece in reader.close():
            yield piece
        if reader.failure:
            _log.warning("model stream failed: %s", reader.failure.message)
            raise reader.failure

    async def _next_chunk(self, reply: "Body", patience: Patience, reader: AnswerReader) -> bytes:
        """Return more of the body, `b""` when no more is to be expected, for whatever reason."""
        try:
            return await patience.wait(reply.read)
        except ConnectionError as error:
            _log.warning("model stream was cut: %s", error)
        except TimeoutError:
            if reader.reason is None:
                reader.failure = self._fell_silent()
        return b""

    def _fell_silent(self) -> ProviderFailed:
        return ProviderFailed(
            f"The model server sent nothing for {self._idle_timeout_s:g} seconds. Try again.",
            code="LLM_TIMEOUT",
        )


async def _reach_end(reply: "Body") -> None:
    with suppress(TimeoutError, ConnectionError):
        await Patience(_AFTER_DONE_S).wait(reply.read)
