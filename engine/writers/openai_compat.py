"""A writer for any endpoint that speaks OpenAI's chat completions.

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
from typing import TYPE_CHECKING

from engine.errors import ProviderFailed
from engine.writers.completions import CompletionStream
from engine.writers.overlap import without_overlap
from engine.writers.patience import Patience
from engine.writers.refusals import Refusal
from engine.writers.surrogates import repaired
from engine.writers.writer import Assignment, Piece, Waiting

if TYPE_CHECKING:
    import httpx2

    from engine.writers.chat_endpoint import Reply

_log = logging.getLogger("footnote.writers")

_AFTER_REASON_S = 5.0
"""How long token counts, or more text, are waited for once the model said why it stops."""

_AFTER_DONE_S = 0.25
"""How long the end of the body is waited for, so that the connection can be used again."""


class OpenAIWriter:
    """Sends `assignment.messages` to a chat completions endpoint and yields what comes back."""

    def __init__(
        self,
        base_url: str,
        key: str,
        model: str,
        *,
        idle_timeout_s: float = 60.0,
        connect_timeout_s: float = 5.0,
        max_tries: int = 3,
        transport: "httpx2.AsyncBaseTransport | None" = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Take the address (`…/v1`), the key or an empty string, and the model's name.

        `idle_timeout_s` bounds the silence between two deltas and before the first; `transport`,
        `sleep` and `chance` (0 to 1, spreads the waits) are for tests.

        Raises:
            Invalid: the address or the key cannot be used.
        """
        # Imported here because the SDK takes most of a second, which other writers need not pay.
        from engine.writers.chat_endpoint import ChatEndpoint

        self._endpoint = ChatEndpoint(
            base_url, key, connect_timeout_s=connect_timeout_s, transport=transport
        )
        self._model = model
        self._idle_timeout_s = idle_timeout_s
        self._max_tries = max_tries
        self._sleep = sleep
        self._chance = chance

    @property
    def model(self) -> str:
        """The name the server knows the model by."""
        return self._model

    async def write(self, assignment: Assignment) -> AsyncGenerator[Piece, None]:
        """Yield the text as it comes, at most one piece per read, and `Finished` at the end.

        Raises:
            ProviderFailed: the server could not be reached, refused, fell silent or broke off.
        """
        body = self._body(assignment)
        wait_s = 0.0
        for attempt in itertools.count(1):
            patience = Patience(self._idle_timeout_s)
            try:
                reply = await self._open(body, patience)
                break
            except Refusal as refusal:
                if attempt == self._max_tries or not refusal.is_passing:
                    raise refusal.failure from None
                wait_s = refusal.wait_s(attempt=attempt, previous_s=wait_s, chance=self._chance())
            yield Waiting(wait_s, attempt)
            await self._sleep(wait_s)
        async with aclosing(reply), aclosing(self._read(reply, patience)) as pieces:
            async for piece in without_overlap(pieces, assignment.so_far):
                yield piece

    async def close(self) -> None:
        """Close all connections."""
        await self._endpoint.close()

    def _body(self, assignment: Assignment) -> dict[str, object]:
        body: dict[str, object] = {
            "model": self._model,
            "messages": [
                {"role": message.role, "content": repaired(message.content)}
                for message in assignment.messages
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        if assignment.temperature is not None:
            body["temperature"] = assignment.temperature
        if assignment.max_tokens is not None:
            body["max_tokens"] = assignment.max_tokens
        return body

    async def _open(self, body: dict[str, object], patience: Patience) -> "Reply":
        try:
            return await patience.wait(lambda: self._endpoint.open(body))
        except TimeoutError:
            raise self._fell_silent() from None

    async def _read(self, reply: "Reply", patience: Patience) -> AsyncGenerator[Piece, None]:
        stream = CompletionStream()
        while chunk := await self._next_chunk(reply, patience, stream):
            pieces = stream.feed(chunk)
            for piece in pieces:
                yield piece
            if stream.failure or stream.is_done:
                break
            if pieces:
                patience.left_s = self._idle_timeout_s
            if stream.reason:
                patience.left_s = min(patience.left_s, _AFTER_REASON_S)
        if stream.is_done:
            await _reach_end(reply)
        for piece in stream.close():
            yield piece
        if stream.failure:
            _log.warning("model stream failed: %s", stream.failure.message)
            raise stream.failure

    async def _next_chunk(
        self, reply: "Reply", patience: Patience, stream: CompletionStream
    ) -> bytes:
        """Return more of the body, `b""` when no more is to be expected, for whatever reason."""
        try:
            return await patience.wait(reply.read)
        except ConnectionError as error:
            _log.warning("model stream was cut: %s", error)
        except TimeoutError:
            if stream.reason is None:
                stream.failure = self._fell_silent()
        return b""

    def _fell_silent(self) -> ProviderFailed:
        return ProviderFailed(
            f"The model server sent nothing for {self._idle_timeout_s:g} seconds. Try again.",
            code="LLM_TIMEOUT",
        )


async def _reach_end(reply: "Reply") -> None:
    with suppress(TimeoutError, ConnectionError):
        await Patience(_AFTER_DONE_S).wait(reply.read)
