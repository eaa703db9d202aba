"""The audit log for administrators: pages of JSON, or all of it as CSV."""

import csv
import io
from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime, timedelta

import msgspec
from aiohttp import hdrs, web

from engine.errors import Invalid
from engine.flows.audit import Action
from engine.storage.audit import Entry, Filter
from handlers.answers import AuditPage
from handlers.inputs import integer
from handlers.keys import ENGINE
from handlers.responses import json_response

_PAGE = 100
_MAX_PAGE = 500
_CSV_PAGE = 1000
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_DATE_CHARS = len("2026-01-31")


async def audit_log(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/admin/audit?user=&action=&from=&to=&before=&limit=&format=csv."""
    return await _answer(request, _filter(request))


async def generation_log(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/admin/audit/generation: who had something written."""
    wanted = msgspec.structs.replace(_filter(request), action=Action.GENERATED)
    return await _answer(request, wanted)


async def _answer(request: web.Request, wanted: Filter) -> web.StreamResponse:
    if request.query.get("format") == "csv":
        return await _send_csv(request, wanted)
    limit = min(integer(request, "limit", _PAGE, least=1), _MAX_PAGE)
    before = integer(request, "before", 0, least=1) or None
    entries = await request.app[ENGINE].audit.page(wanted, before=before, limit=limit)
    following = entries[-1].id if len(entries) == limit else None
    return json_response(AuditPage(entries=entries, next=following, actions=list(Action)))


def _filter(request: web.Request) -> Filter:
    return Filter(
        user=request.query.get("user") or None,
        action=request.query.get("action") or None,
        since=_time(request, "from"),
        until=_time(request, "to"),
    )


def _time(request: web.Request, name: str) -> str | None:
    """Return a date or a time of the query string in UTC; a last day counts whole.

    Raises:
        Invalid: it is neither.
    """
    text = request.query.get(name)
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        if name == "to" and len(text) == _DATE_CHARS:
            time += timedelta(days=1)
        return time.astimezone(UTC).isoformat(timespec="microseconds")
    except (ValueError, OverflowError) as error:
        raise Invalid(f"{name}: must be a date like 2026-01-31.", field=name) from error


async def _send_csv(request: web.Request, wanted: Filter) -> web.StreamResponse:
    response = web.StreamResponse(
        headers={
            hdrs.CONTENT_TYPE: "text/csv; charset=utf-8",
            hdrs.CONTENT_DISPOSITION: 'attachment; filename="audit.csv"',
        }
    )
    await response.prepare(request)
    await response.write(_csv([Entry.__struct_fields__]))
    async for entries in _pages(request, wanted):
        await response.write(_csv(map(msgspec.structs.astuple, entries)))
    await response.write_eof()
    return response


async def _pages(request: web.Request, wanted: Filter) -> AsyncIterator[list[Entry]]:
    before = None
    while entries := await request.app[ENGINE].audit.page(wanted, before=before, limit=_CSV_PAGE):
        yield entries
        before = entries[-1].id


def _csv(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    """Return a value that no spreadsheet takes for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
