"""A writer for Ollama's native API.

Its `/v1` hides errors that come while the model writes and does not tell why a text ended, so the
native API is used. By default Ollama cuts a prompt that is too long, from the front and in silence,
and drops old text when the context is full. It is told to do neither (`truncate`, `shift`), which
servers of before the end of 2025 do not understand: what they count is compared with what was sent.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import msgspec

from engine.clock import Beat
from engine.writers.exchange import Exchange
from engine.writers.ollama_chat import OllamaAnswer
from engine.writers.prompt_size import least_tokens
from engine.writers.surrogates import repaired
from engine.writers.writer import Assignment, Finished, Piece

_CUT = (
    "The model server seems to have cut the prompt, so the text may leave sources out. "
    "Choose fewer sources, or ask the administrator to raise FOOTNOTE_OLLAMA_NUM_CTX."
)


class OllamaWriter:
    """Sends `assignment.messages` to `/api/chat` and yields what comes back."""

    def __init__(
        self,
        base_url: str,
        key: str,
        model: str,
        *,
        num_ctx: int = 16_384,
        idle_timeout_s: float = 60.0,
        connect_timeout_s: float = 5.0,
        max_tries: int = 3,
        beat: Beat | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Take the address (without `/api`), the key or an empty string, and the model's name.

        `num_ctx` is how many tokens prompt and text may have together; `idle_timeout_s` bounds the
        silence between two deltas and before the first, the loading of the model included;
        `sleep` and `chance` (0 to 1, spreads the waits) are for tests.

        Raises:
            Invalid: the address or the key cannot be used.
        """
        # Imported here because other writers need not pay for the HTTP client.
        from engine.writers.ollama_endpoint import OllamaEndpoint

        self._endpoint = OllamaEndpoint(base_url, key, num_ctx, connect_timeout_s=connect_timeout_s)
        self._model = model
        self._num_ctx = num_ctx
        self._exchange = Exchange(
            self._endpoint,
            OllamaAnswer,
            idle_timeout_s=idle_timeout_s,
            max_tries=max_tries,
            beat=beat,
            sleep=sleep,
            chance=chance,
        )

    @property
    def model(self) -> str:
        """The name the server knows the model by; the tag `latest` need not be said."""
        return self._model.removesuffix(":latest")

    async def write(self, assignment: Assignment) -> AsyncGenerator[Piece, None]:
        """Yield the text as it comes, at most one piece per read, and `Finished` at the end.

        Raises:
            ProviderFailed: the prompt is too long, or the server could not be reached, refused,
                fell silent or broke off.
        """
        least = least_tokens(message.content for message in assignment.messages)
        if least > self._num_ctx:
            raise self._endpoint.too_long()
        answer = self._exchange.write(self._body(assignment), assignment.so_far)
        async with aclosing(answer) as pieces:
            async for piece in pieces:
                yield self._judged(piece, least) if isinstance(piece, Finished) else piece

    async def models(self) -> list[str]:
        """Return the server's models, the usual one first; just that if the server is silent."""
        return await self._exchange.models(self.model)

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
        options = {
            "num_ctx": self._num_ctx,
            "temperature": assignment.temperature,
            "top_p": assignment.top_p,
            "num_predict": assignment.max_tokens,
        }
        return {
            "model": assignment.model or self._model,
            "messages": [
                {"role": message.role, "content": repaired(message.content)}
                for message in assignment.messages
            ],
            "stream": True,
            "truncate": False,
            "shift": False,
            "options": {name: value for name, value in options.items() if value is not None},
        }

    def _judged(self, end: Finished, least: int) -> Finished:
        """Return the end with a warning if the server read less than it was sent."""
        if end.prompt_tokens is None or least <= end.prompt_tokens < self._num_ctx:
            return end
        return msgspec.structs.replace(end, warnings=(*end.warnings, _CUT))
