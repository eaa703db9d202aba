"""What every POST that starts a run has in common: joining a run that lives, and its JSON twin."""

from typing import Any

from aiohttp import web

from engine.errors import AppError, Conflict, LimitReached, ProviderFailed, Unavailable
from engine.runs.dialects import STOPPED_MESSAGES, ending
from engine.runs.events import Cancelled, Event, Failed, Terminal
from engine.storage.journal import RunRow
from handlers.admission import require_still
from handlers.inputs import cursor
from handlers.keys import ENGINE, REQUEST_ID, STOPPING, USER
from handlers.middleware import status_of
from handlers.responses import error_response

_LOOK_EVERY_S = 1.0
_DEFAULT_WAIT_S = 30


class ReaderLeft(web.HTTPClientError):
    """Whoever asked has gone; the answer to this reaches nobody."""

    status_code = 499


async def joined(request: web.Request, body_hash: str) -> tuple[RunRow, int] | None:
    """Return the live run that Last-Event-ID names, and the cursor in it; None without a header.

    Raises:
        Conflict: there is no such live run of the caller with this body; nothing was started.
    """
    given = cursor(request)
    if given is None:
        return None
    run_id, after = given
    engine = request.app[ENGINE]
    run = await engine.runs.find(request[USER], run_id)
    if run is None or run.request_hash != body_hash or not engine.runs.is_kept(run):
        raise Conflict(
            "This stream cannot be continued. Load the page to see what was written.",
            code="RESUME_UNAVAILABLE",
            field="Last-Event-ID",
        )
    return run, after


async def until_end(request: web.Request, run: RunRow) -> tuple[list[Event], Terminal]:
    """Read a run to its end; return what came before the terminal event, and that event.

    Raises:
        ReaderLeft: nobody waits for the answer any more. Unavailable: the server is going down.
    """
    events: list[Event] = []
    async with request.app[ENGINE].runs.attach(run.id, 0) as tail:
        while (records := await tail.next(_LOOK_EVERY_S)) is not None:
            if request.transport is None or request.transport.is_closing():
                raise ReaderLeft
            await require_still(request, run)
            events += [record.event for record in records]
            if events and isinstance(events[-1], Terminal):
                return events[:-1], events[-1]
            if request.app[STOPPING].is_set():
                break
    raise Unavailable("The server is restarting. Try again in a few seconds.")


def failure(request: web.Request, run: RunRow, end: Failed | Cancelled) -> web.Response:
    """Return the JSON answer of a run that did not complete; it may have left a partial draft."""
    error, fields = _error_of(end)
    fields["run_id"] = run.id
    if run.draft_id is not None:
        fields["draft_id"] = run.draft_id
    response = error_response(status_of(error), fields, request[REQUEST_ID])
    retry_after_s = getattr(error, "retry_after_s", None)
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    return response


def _error_of(end: Failed | Cancelled) -> tuple[AppError, dict[str, Any]]:
    if isinstance(end, Failed):
        if end.code == "RATE_LIMITED":
            wait_s = end.retry_after_s or _DEFAULT_WAIT_S
            return LimitReached(end.message, retry_after_s=wait_s, code=end.code), ending(end)
        error = ProviderFailed(end.message, code=end.code, retry_after_s=end.retry_after_s)
        return error, ending(end)
    return Conflict(STOPPED_MESSAGES[end.reason], code="CANCELLED"), ending(end)
