"""The HTTP of Ollama's native API."""

import msgspec

from engine.errors import ProviderFailed
from engine.writers.connection import checked_key, checked_url, fetch, http_client, send
from engine.writers.refusals import Refusal, TooLong
from engine.writers.transport import Body


class _Model(msgspec.Struct):
    name: str
    capabilities: list[str] | None = None


class _Tags(msgspec.Struct):
    models: list[_Model]


class OllamaEndpoint:
    """`POST {base_url}/api/chat`, streamed, and `GET {base_url}/api/tags`."""

    def __init__(
        self,
        base_url: str,
        key: str,
        num_ctx: int,
        *,
        connect_timeout_s: float,
    ) -> None:
        """Take the address without `/api`, the key, empty for a server without keys, and a limit.

        `num_ctx` is how many tokens prompt and text may have together.

        Raises:
            Invalid: the address or the key cannot be used in a request.
        """
        self._base_url = str(checked_url(base_url)).rstrip("/")
        self._num_ctx = num_ctx
        self._headers = {"Accept-Encoding": "identity", "User-Agent": "footnote"}
        if checked_key(key):
            self._headers["Authorization"] = f"Bearer {key}"
        self._client = http_client(connect_timeout_s)

    async def open(self, body: dict[str, object]) -> Body:
        """Send `body`, return the body of the answer once it has begun.

        Raises:
            Refusal: it did not begin.
        """
        request = self._client.build_request(
            "POST",
            f"{self._base_url}/api/chat",
            content=msgspec.json.encode(body),
            headers=self._headers
            | {"Accept": "application/x-ndjson", "Content-Type": "application/json"},
        )
        try:
            return await send(self._client, request)
        except TooLong:
            raise Refusal(self.too_long()) from None

    def too_long(self) -> ProviderFailed:
        """Return the failure for a prompt that does not fit."""
        return ProviderFailed(
            f"The request and its sources do not fit into the {self._num_ctx} tokens set for the "
            "model. Choose fewer sources, or ask the administrator to raise "
            "FOOTNOTE_OLLAMA_NUM_CTX.",
            retryable=False,
        )

    async def models(self) -> list[str]:
        """Return the names of the models that can chat, the tag `latest` left out.

        Raises:
            Refusal, ConnectionError, ValueError: the server did not tell them.
        """
        body = await fetch(self._client, f"{self._base_url}/api/tags", self._headers)
        found = msgspec.json.decode(body, type=_Tags).models
        # Older servers do not say what a model is capable of.
        able = [m for m in found if m.capabilities is None or "completion" in m.capabilities]
        return [model.name.removesuffix(":latest") for model in able if model.name]

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()
