"""The HTTP that model servers are spoken to with, whatever their dialect.

Redirects are not followed, so a key goes to no other host; cookies are not kept; compression is not
offered, so what arrives is as large as it looks; nothing is taken from the environment. An answer
must be of a type that its request accepts.
"""

import logging
from datetime import UTC, datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx2

from engine.errors import Invalid
from engine.writers.refusals import Refusal, not_a_stream, refused, unreachable
from engine.writers.transport import AiohttpTransport, Body

_log = logging.getLogger("footnote.writers")

_MAX_REFUSAL_BYTES = 64 * 1024
_MAX_LIST_BYTES = 4 << 20


def http_client(connect_timeout_s: float) -> httpx2.AsyncClient:
    """Return a client whose only clock is for connecting; the rest is up to the caller."""
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(None, connect=connect_timeout_s),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20),
        follow_redirects=False,
        trust_env=False,
        transport=AiohttpTransport(connect_timeout_s),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        event_hooks={"response": [_admit]},
    )


def body_of(response: httpx2.Response) -> Body:
    """Return the body alone: the response and its request would take memory for as long as it."""
    body: Body = response.extensions["body"]
    return body


async def send(client: httpx2.AsyncClient, request: httpx2.Request) -> Body:
    """Send `request`, return the body of the answer once it has begun.

    Raises:
        Refusal: it did not begin.
    """
    try:
        return body_of(await client.send(request, stream=True))
    except (httpx2.HTTPError, OSError) as error:
        raise not_reached(error) from None


async def fetch(client: httpx2.AsyncClient, url: str, headers: dict[str, str]) -> bytes:
    """Return the JSON found at `url`.

    Raises:
        Refusal: there is none. ConnectionError: it was cut. ValueError: it is too large.
    """
    request = client.build_request("GET", url, headers=headers | {"Accept": "application/json"})
    body = await send(client, request)
    try:
        data = b""
        while chunk := await body.read():
            data += chunk
            if len(data) > _MAX_LIST_BYTES:
                raise ValueError("the list is over the size limit")
        return data
    finally:
        await body.aclose()


def not_reached(error: BaseException | None) -> Refusal:
    """Return the refusal for a connection that was not made or ended before an answer began."""
    _log.warning("model server not reached: %s", type(error).__name__)
    # A connection that took its whole timeout is not tried again: the user waits already.
    return unreachable(is_passing=not isinstance(error, httpx2.TimeoutException))


def checked_url(base_url: str) -> httpx2.URL:
    """Return the address of a model server.

    Raises:
        Invalid: it cannot be used in a request.
    """
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


def checked_key(key: str) -> str:
    """Return the key.

    Raises:
        Invalid: it cannot be used in a request.
    """
    if not key.isascii() or not key.isprintable() or " " in key:
        raise Invalid("FOOTNOTE_LLM_KEY may only hold visible ASCII characters.", field="llm_key")
    return key


async def _admit(response: httpx2.Response) -> None:
    """Raise a Refusal for all that is not what was asked for.

    This stands in a hook because the SDK would read the body of an error to its end, however long.
    """
    status = response.status_code
    if status != 200:
        _log.warning("model server answered %d", status)
        body = await _beginning(response) if status in (400, 422, 429) else b""
        raise refused(status, response.headers, body, datetime.now(UTC))
    accepted = response.request.headers["accept"]
    media_type = response.headers.get("content-type", accepted).partition(";")[0].strip()
    encoding = response.headers.get("content-encoding", "identity").strip()
    if media_type.lower() != accepted or encoding.lower() != "identity":
        _log.warning("model server answered 200 with something else than %s", accepted)
        raise not_a_stream()


async def _beginning(response: httpx2.Response) -> bytes:
    body = b""
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) >= _MAX_REFUSAL_BYTES:
            break
    return body
