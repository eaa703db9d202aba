"""The HTTP of a chat completion: the openai SDK makes the request, the caller reads raw bytes.

The SDK builds the address and the authentication and is told to do nothing else: no retries, no
chunk objects, and nothing from the environment. Importing it takes most of a second, hence its own
module.
"""

from collections.abc import Mapping
from typing import cast

import httpx2
import msgspec
from openai import APIConnectionError, AsyncOpenAI, AsyncStream, Omit

from engine.writers.connection import (
    body_of,
    checked_key,
    checked_url,
    fetch,
    http_client,
    not_reached,
)
from engine.writers.transport import Body


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


class ChatEndpoint:
    """`POST {base_url}/chat/completions`, streamed, and `GET {base_url}/models`."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        connect_timeout_s: float,
    ) -> None:
        """Take the address with its version path, and the key, empty for a server without keys.

        Raises:
            Invalid: the address or the key cannot be used in a request.
        """
        self._authorization: Mapping[str, Omit] = {} if key else {"Authorization": Omit()}
        self._client = http_client(connect_timeout_s)
        self._sdk = _Sdk(
            base_url=checked_url(base_url),
            api_key=checked_key(key),
            admin_api_key="",
            organization="",
            project="",
            webhook_secret="",
            max_retries=0,
            http_client=self._client,
        )

    async def open(self, body: Mapping[str, object]) -> Body:
        """Send `body`, return the body of the answer once it has begun.

        Raises:
            Refusal: it did not begin.
        """
        try:
            response = await self._sdk.post(
                "/chat/completions",
                cast_to=httpx2.Response,
                body=body,
                options={"headers": self._authorization},
                stream=True,
                stream_cls=AsyncStream[object],
            )
        except APIConnectionError as error:
            raise not_reached(error.__cause__) from None
        # Asked for `httpx2.Response`, the SDK hands over just that, also for a stream.
        return body_of(cast(httpx2.Response, response))

    async def models(self) -> list[str]:
        """Return the names of the models.

        Raises:
            Refusal, ConnectionError, ValueError: the server did not tell them.
        """
        key = self._sdk.api_key
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        body = await fetch(self._client, f"{self._sdk.base_url}models", headers)
        return [model.id for model in msgspec.json.decode(body, type=_Models).data if model.id]

    async def close(self) -> None:
        """Close all connections."""
        await self._sdk.close()


class _Sdk(AsyncOpenAI):
    @property
    def default_headers(self) -> dict[str, str | Omit]:
        """Replace the SDK's own, which describe this machine and read the environment."""
        return {
            "Accept": "text/event-stream",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "User-Agent": "footnote",
        }
