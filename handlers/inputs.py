"""From bytes of a request to typed values, or an error that names the field."""

import asyncio
import hashlib
import re
from typing import Any, TypeVar

import msgspec
from aiohttp import hdrs, web

from engine.errors import Invalid, TooLarge, Unsupported
from handlers.choices import choices
from handlers.keys import ENGINE

T = TypeVar("T")

_PATH = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_LEAST_BYTES_PER_S = 10_000
_INTEGER = re.compile(r"[0-9]{1,15}")


async def read_bytes(request: web.Request) -> bytes:
    """Return the whole body, within the limits of size and time.

    Raises:
        TooLarge: it is larger than allowed. Invalid: it did not arrive in time.
    """
    config = request.app[ENGINE].config
    body = bytearray()
    began = asyncio.get_running_loop().time()
    while True:
        try:
            async with asyncio.timeout_at(began + seconds_for_body(request, len(body))):
                chunk = await request.content.readany()
        except TimeoutError as error:
            raise Invalid("The body of the request did not arrive in time.") from error
        if not chunk:
            return bytes(body)
        body += chunk
        if len(body) > config.max_body_bytes:
            raise TooLarge(f"The body is larger than {config.max_body_bytes} bytes.")


def seconds_for_body(request: web.Request, size: int) -> float:
    """Return the time a body may have taken when so many bytes of it have come."""
    return request.app[ENGINE].config.body_timeout_s + size / _LEAST_BYTES_PER_S


async def read_json(request: web.Request, kind: type[T], *, code: str = "INVALID_REQUEST") -> T:
    """Decode a JSON body into `kind`.

    Raises:
        Invalid: it is no JSON, or a field is missing or wrong; the field is named.
        Unsupported: it says that it is something else than JSON.
    """
    value, _ = await read_json_and_hash(request, kind, code=code)
    return value


async def read_json_and_hash(
    request: web.Request, kind: type[T], *, code: str = "INVALID_REQUEST"
) -> tuple[T, str]:
    """Decode a JSON body; also return the hash of its bytes and its path."""
    if request.can_read_body and request.content_type not in ("application/json", "text/json"):
        raise Unsupported("Send the body as application/json.")
    body = await read_bytes(request)
    digest = hashlib.sha256(request.path.encode("utf-8", "surrogatepass") + b"\n" + body)
    return decode(body, kind, code), digest.hexdigest()


def decode(body: bytes, kind: type[T], code: str) -> T:
    """Decode JSON bytes into `kind`.

    Raises:
        Invalid: names what is wrong and where.
    """
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        message, field = _explain(str(error), kind)
        raise Invalid(message, code=code, field=field) from error
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise Invalid("The body is not valid JSON.", code=code) from error


def _explain(message: str, kind: Any) -> tuple[str, str | None]:
    """Split "Expected `str`, got `int` - at `$.kb_id`" into a sentence and the field."""
    place = _PATH.search(message)
    reason = _PATH.sub("", message)
    words = choices(kind, place["path"]) if place and reason.startswith("Invalid enum") else []
    reason = f"Must be one of {', '.join(words)}" if words else reason
    reason = "Is not of the right form" if "matching regex" in reason else reason
    missing = re.search(r"required field `([^`]+)`", reason)
    path = place["path"] if place else ""
    field = ".".join(part for part in (path, missing[1] if missing else "") if part)
    return (f"{field}: {reason}." if field else f"{reason}."), field or None


def path_id(request: web.Request, name: str = "id") -> str:
    """Return an id from the path; anything that is no id finds nothing, as an unknown one would."""
    value = request.match_info[name].lower()
    return value if _UUID.fullmatch(value) else "-"


def integer(request: web.Request, name: str, default: int, *, least: int = 0) -> int:
    """Return a whole number of the query string.

    Raises:
        Invalid: it is not one, or below `least`.
    """
    text = request.query.get(name)
    if text is None:
        return default
    if not _INTEGER.fullmatch(text) or int(text) < least:
        raise Invalid(f"{name}: must be a whole number from {least} up.", field=name)
    return int(text)


def flag(request: web.Request, name: str) -> bool:
    """Return whether a switch of the query string is on."""
    return request.query.get(name, "").lower() in {"1", "true", "yes"}


def idempotency_key(request: web.Request) -> str | None:
    """Return the Idempotency-Key header.

    Raises:
        Invalid: it has other characters than visible ASCII, or is too long.
    """
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid(
            "Idempotency-Key: must be 1 to 200 visible ASCII characters.", field="Idempotency-Key"
        )
    return key


def cursor(request: web.Request) -> tuple[str, int] | None:
    """Return run id and number of the Last-Event-ID header.

    Raises:
        Invalid: it is not of the form `<run_id>:<number>`.
    """
    values = request.headers.getall("Last-Event-ID", [])
    if not values or values == [""]:
        return None
    run_id, _, number = values[0].partition(":")
    if len(values) > 1 or not _UUID.fullmatch(run_id) or not _INTEGER.fullmatch(number):
        raise Invalid("Last-Event-ID: must be <run_id>:<number>.", field="Last-Event-ID")
    return run_id, int(number)


def wants_json(request: web.Request) -> bool:
    """Whether the Accept header prefers JSON to an event stream; no header means a stream."""
    accepted = dict(map(_media_range, request.headers.get(hdrs.ACCEPT, "*/*").split(",")))
    anything = accepted.get("*/*", 0.0)
    json_q = accepted.get("application/json", accepted.get("application/*", anything))
    stream_q = accepted.get("text/event-stream", accepted.get("text/*", anything))
    if json_q == stream_q:
        return "application/json" in accepted and "text/event-stream" not in accepted
    return json_q > stream_q


def wants_stream(request: web.Request) -> bool:
    """Whether the Accept header names event streams and likes JSON no better."""
    accepted = dict(map(_media_range, request.headers.get(hdrs.ACCEPT, "").split(",")))
    stream_q = accepted.get("text/event-stream", 0.0)
    return stream_q > 0 and stream_q >= accepted.get("application/json", 0.0)


def _media_range(part: str) -> tuple[str, float]:
    """Return media type and quality of one part of an Accept header (RFC 9110, section 12.5.1)."""
    media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return media_type, float(value) if re.fullmatch(r"[01](\.[0-9]{0,3})?", value) else 0.0
    return media_type, 1.0
