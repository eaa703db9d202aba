"""Runs: their state, their events in any dialect, and Stop."""

from typing import Any

import msgspec
from aiohttp import hdrs, web

from engine.citations.examination import Examiner
from engine.errors import Conflict, Invalid, NotFound
from engine.flows.draft import FAMILY as GENERATE
from engine.runs import dialects
from engine.runs.dialects import Dialect
from engine.runs.journal import Record
from engine.storage import journal as rows
from engine.storage import knowledge
from engine.storage.journal import RunRow
from engine.types import Level
from handlers.answers import (
    EventPage,
    RunList,
    RunState,
    SkippedSection,
    StartedRun,
    Timings,
)
from handlers.inputs import cursor, flag, integer, path_id
from handlers.keys import ENGINE, USER
from handlers.responses import json_response
from handlers.streaming import stream

_LIST_LIMIT = 100


async def list_runs(request: web.Request) -> web.Response:
    """GET /api/v1/runs."""
    async with request.app[ENGINE].database.read() as connection:
        found = await rows.list_runs(
            connection,
            request[USER],
            state=request.query.get("state"),
            family=request.query.get("family"),
            limit=_LIST_LIMIT,
        )
    return json_response(RunList(runs=[_describe(request, run) for run in found]))


async def get_run(request: web.Request) -> web.Response:
    """GET /api/v1/runs/{id}."""
    return json_response(_describe(request, await own_run(request, path_id(request))))


async def cancel_run(request: web.Request) -> web.Response:
    """POST /api/v1/runs/{id}/cancel: one's own, or what others write where one may write too."""
    run = await _run_to_steer(request)
    await request.app[ENGINE].runs.cancel(run.id)
    return json_response(_describe(request, await own_run(request, run.id)))


async def skip_section(request: web.Request) -> web.Response:
    """POST /api/v1/runs/{id}/skip: stop the section being written and go on with the next."""
    run = await _run_to_steer(request)
    title = request.app[ENGINE].drafting.skip(run.id)
    state = msgspec.structs.asdict(_describe(request, run))
    return json_response(SkippedSection(**state, skipped=title))


async def _run_to_steer(request: web.Request) -> RunRow:
    """Return a run that the caller may stop.

    Raises:
        NotFound: there is none for the caller. Forbidden: it is another's to stop.
    """
    run = await own_run(request, path_id(request))
    if run.user_id != request[USER].id:
        async with request.app[ENGINE].database.read() as connection:
            await knowledge.get(connection, request[USER], str(run.kb_id), Level.WRITE)
    return run


async def run_events(request: web.Request) -> web.StreamResponse:
    """GET /api/v1/runs/{id}/events."""
    run = await own_run(request, path_id(request))
    after = integer(request, "after", 0)
    given = cursor(request)
    if given is not None:
        if given[0] != run.id:
            raise Conflict(
                "Last-Event-ID belongs to another run.",
                code="RESUME_UNAVAILABLE",
                field="Last-Event-ID",
            )
        after = given[1]
    if flag(request, "poll"):
        return await _poll(request, run, after)
    return await follow(request, run, after, default="native")


async def follow(
    request: web.Request, run: RunRow, after: int, *, default: str
) -> web.StreamResponse:
    """Stream a run in the dialect that the query string asks for.

    A POST that prefers to respond asynchronously (RFC 7240) only learns what it started: that
    reaches a reader whose proxy holds every stream back until its end.
    """
    if request.method == hdrs.METH_POST and "respond-async" in request.headers.get("Prefer", ""):
        return _accepted(run)
    name = request.query.get("dialect", default)
    dialect = await _dialect(request, run, name, after)
    metrics = request.app[ENGINE].metrics
    with metrics.stream(run.family):
        response = await stream(request, run, after, dialect, is_native=name == "native")
    if request.transport is None or request.transport.is_closing():
        metrics.left(run.family)
    return response


def _accepted(run: RunRow) -> web.Response:
    response = json_response(StartedRun(run_id=run.id, draft_id=run.draft_id), 202)
    response.headers["Preference-Applied"] = "respond-async"
    response.headers[hdrs.LOCATION] = f"/api/v1/runs/{run.id}"
    return response


async def _dialect(request: web.Request, run: RunRow, name: str, after: int) -> Dialect:
    if name == "native":
        return await _native(request, run, after)
    if name == run.family and name in dialects.FAMILIES:
        return dialects.dialect(run, name, with_tokens=flag(request, "tokens"))
    raise Invalid(f"dialect: must be native or the run's own, {run.family}.", field="dialect")


async def _native(request: web.Request, run: RunRow, after: int) -> dialects.Native:
    wants_checks = run.family == GENERATE and flag(request, "checks")
    if run.draft_id is None and after == 0:
        return dialects.Native(run)
    text, citations = await request.app[ENGINE].drafting.before(run, after)
    return dialects.Native(run, text, Examiner(citations) if wants_checks else None)


async def _poll(request: web.Request, run: RunRow, after: int) -> web.Response:
    engine = request.app[ENGINE]
    native = await _native(request, run, after)
    async with engine.runs.attach(run.id, after):
        records = await engine.journal.read(run.id, after)
    is_done = not engine.runs.is_live(run.id)
    if is_done and not records:
        records = await engine.journal.read(run.id, after)
    engine.runs.touch(run.id)
    events = [fields for record in records for fields in _polled(record, native)]
    following = records[-1].seq if records else after
    return json_response(EventPage(events=events, next=following, done=is_done and not records))


def _polled(record: Record, native: dialects.Native) -> list[dict[str, Any]]:
    """Return one event as the native dialect orders it: first what it closes."""
    closed = [
        {"event": name, **msgspec.to_builtins(said)} for name, said in native.closed_by(record)
    ]
    return [*closed, {"seq": record.seq, **msgspec.to_builtins(record.event)}]


async def own_run(request: web.Request, run_id: str) -> RunRow:
    """Return a run that the caller may see.

    Raises:
        NotFound: there is none.
    """
    run = await request.app[ENGINE].runs.find(request[USER], run_id)
    if run is None:
        raise NotFound("This run does not exist.")
    return run


def _describe(request: web.Request, run: RunRow) -> RunState:
    is_suspended = request.app[ENGINE].runs.is_suspended(run.id)
    return RunState(
        id=run.id,
        family=run.family,
        state="suspended" if is_suspended else run.state,
        kb_id=run.kb_id,
        draft_id=run.draft_id,
        document_id=run.document_id,
        model=run.model,
        usage=run.usage,
        error=run.error,
        timings=Timings(
            queued=run.created_at,
            first_event=run.first_event_at,
            first_text=run.first_text_at,
            end=run.ended_at,
        ),
    )
