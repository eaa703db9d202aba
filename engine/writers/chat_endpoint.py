"""The HTTP of a chat completion: the openai SDK makes the request, the caller reads raw bytes.

The SDK builds the address and the authentication and is told to do nothing else: no retries, no
chunk objects, and nothing from the environment. Redirects are not followed, so the key goes to no
other host; cookies are not kept; compression is not offered, so what arrives is as large as it
looks. Importing the SDK takes most of a second, hence its own module.
"""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import cast

import httpx2
from openai import APIConnectionError, APITimeoutError, AsyncOpenAI, AsyncStream, Omit

from engine.errors import Invalid
from engine.writers.refusals import not_a_stream, refused, unreachable

_log = logging.getLogger("footnote.writers")

_MAX_REFUSAL_BYTES = 64 * 1024


class Reply:
    """A stream of events that has begun."""

    def __init__(self, response: httpx2.Response) -> None:
        """Take a response whose body was not touched."""
        self._response = response
        self._chunks = response.aiter_raw()

    async def read(self) -> bytes:
        """Return more of the body, `b""` at its end.

        Raises:
            ConnectionError: the body was cut.
        """
        try:
            return await anext(self._chunks, b"")
        except (httpx2.HTTPError, OSError) as error:  # TLS errors come through as they are
            raise ConnectionError(type(error).__name__) from None

    async def aclose(self) -> None:
        """Close the connection, or give it back when the body was read to its end."""
        await self._chunks.aclose()
        await self._response.aclose()


class ChatEndpoint:
    """`POST {base_url}/chat/completions`, streamed."""

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        connect_timeout_s: float,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        """Take the address with its version path, and the key, empty for a server without keys.

        Raises:
            Invalid: the address or the key cannot be used in a request.
        """
        self._authorization: Mapping[str, Omit] = {} if key else {"Authorization": Omit()}
        self._sdk = _Sdk(
            base_url=_checked_url(base_url),
            api_key=_checked_key(key),
            admin_api_key="",
            organization="",
            project="",
            webhook_secret="",
            max_retries=0,
            http_client=_http_client(connect_timeout_s, transport),
        )

    async def open(self, body: Mapping[str, object]) -> Reply:
        """Send `body`, return the stream once it has begun.

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
            _log.warning("model server not reached: %s", type(error.__cause__).__name__)
            # A connection that took its whole timeout is not tried again: the user waits already.
            raise unreachable(is_passing=not isinstance(error, APITimeoutError)) from None
        # Asked for `httpx2.Response`, the SDK hands over just that, also for a stream.
        return Reply(cast(httpx2.Response, response))

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


def _http_client(
    connect_timeout_s: float, transport: httpx2.AsyncBaseTransport | None
) -> httpx2.AsyncClient:
    """Return a client whose only clock is for connecting; the rest is up to the caller."""
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(None, connect=connect_timeout_s),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
        follow_redirects=False,
        trust_env=False,
        transport=transport,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        event_hooks={"response": [_admit]},
    )


async def _admit(response: httpx2.Response) -> None:
    """Raise a Refusal for all that is not a stream of events.

    This stands in a hook because the SDK would read the body of an error to its end, however long.
    """
    status = response.status_code
    if status != 200:
        _log.warning("model server answered %d", status)
        body = await _beginning(response) if status in (400, 422, 429) else b""
        raise refused(status, response.headers, body, datetime.now(UTC))
    media_type = response.headers.get("content-type", "text/event-stream").partition(";")[0].strip()
    encoding = response.headers.get("content-encoding", "identity").strip()
    if media_type.lower() != "text/event-stream" or encoding.lower() != "identity":
        _log.warning("model server answered 200 without an event stream")
        raise not_a_stream()


async def _beginning(response: httpx2.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) >= _MAX_REFUSAL_BYTES:
            break
    return body


def _checked_url(base_url: str) -> httpx2.URL:
    try:
        url = httpx2.URL(base_url)
    except httpx2.InvalidURL:
        url = httpx2.URL("")
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query:
        raise Invalid(
            "FOOTNOTE_LLM_URL must be an address like http://127.0.0.1:8000/v1, "
            "without name, password or question mark.",
            field="llm_url",
        )
    return url


def _checked_key(key: str) -> str:
    if not key.isascii() or not key.isprintable() or " " in key:
        raise Invalid("FOOTNOTE_LLM_KEY may only hold visible ASCII characters.", field="llm_key")
    return key
