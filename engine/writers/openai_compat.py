"""A writer for any endpoint that speaks OpenAI's chat completions."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable

from engine.clock import Beat
from engine.writers.completions import CompletionStream
from engine.writers.exchange import Exchange
from engine.writers.surrogates import repaired
from engine.writers.writer import Assignment, Piece


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
        beat: Beat | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Take the address (`…/v1`), the key or an empty string, and the model's name.

        `idle_timeout_s` bounds the silence between two deltas and before the first; `sleep`
        and `chance` (0 to 1, spreads the waits) are for tests.

        Raises:
            Invalid: the address or the key cannot be used.
        """
        # Imported here because the SDK takes most of a second, which other writers need not pay.
        from engine.writers.chat_endpoint import ChatEndpoint

        endpoint = ChatEndpoint(base_url, key, connect_timeout_s=connect_timeout_s)
        self._model = model
        self._exchange = Exchange(
            endpoint,
            CompletionStream,
            idle_timeout_s=idle_timeout_s,
            max_tries=max_tries,
            beat=beat,
            sleep=sleep,
            chance=chance,
        )

    @property
    def model(self) -> str:
        """The name the server knows the model by."""
        return self._model

    def write(self, assignment: Assignment) -> AsyncGenerator[Piece, None]:
        """Yield the text as it comes, at most one piece per read, and `Finished` at the end.

        Raises:
            ProviderFailed: the server could not be reached, refused, fell silent or broke off.
        """
        return self._exchange.write(self._body(assignment), assignment.so_far)

    async def models(self) -> list[str]:
        """Return the server's models, the usual one first; just that if the server is silent."""
        return await self._exchange.models(self._model)

    async def reach(self) -> None:
        """Make sure that the model server answers.

        Raises:
            ProviderFailed: it does not, or it refuses.
        """
        await self._exchange.reach()

    async def close(self) -> None:
        """Close all connections."""
        await self._exchange.close()

    def _body(self, assignment: Assignment) -> dict[str, object]:
        body: dict[str, object] = {
            "model": assignment.model or self._model,
            "messages": [
                {"role": message.role, "content": repaired(message.content)}
                for message in assignment.messages
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        choices = {
            "temperature": assignment.temperature,
            "top_p": assignment.top_p,
            "max_tokens": assignment.max_tokens,
        }
        return body | {name: value for name, value in choices.items() if value is not None}
