"""The API described in OpenAPI 3.2, from the types of requests and of answers.

Each vocabulary of streams is a schema of one event: its name, and its data, which is JSON of a type
or plain text.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, get_args

import aiohttp_jinja2
import msgspec
from aiohttp import web

from engine.citations.examination import Checked
from engine.runs.events import Event
from engine.runs.frames import FRAMES, BlockFrame, Empty
from handlers import pipeline
from handlers.access import Access, Route
from handlers.answers import Error, RefusedResult, StartedRun
from handlers.described import CODES, SENT, STREAMED
from handlers.keys import ROUTE_TABLE, USER
from handlers.responses import json_response

_SCHEMA = "#/components/schemas/{name}"
_DOCSTRING = re.compile(r"[A-Z]+ /\S*(?:, same)?[:.]?\s*(?P<text>.*)", re.DOTALL)
_STREAM = "text/event-stream"
_JSON = "application/json"

_ABOUT = """\
Cited drafts and answers from your own documents.

**Streams.** `id` is `<run_id>:<number>`, to be sent back as `Last-Event-ID` in the same request, or
to `GET /api/v1/runs/{id}/events`: what follows it comes exactly once. A repeated `Idempotency-Key`
joins the run it started. `dialect=native` speaks the native vocabulary anywhere.

**Behind a proxy that holds streams back.** A POST with `Prefer: respond-async` only starts its run
and answers 202 with `run_id`. `GET /api/v1/runs/{id}/events?poll=1&after=n` answers at once with
what came after event `n`: `events`, `next` to ask with again, and `done`. Pages hold the native
events, the `block` of a closed Markdown block before the event that closed it.

**Warnings.** Where something may be wrong with a text, for instance that the model stopped at its
length limit, answers and last frames have `warnings`.
"""


async def openapi_json(request: web.Request) -> web.Response:
    """GET /api/openapi.json: the API in OpenAPI 3.2."""
    return json_response(describe(_routes(request)))


async def api_page(request: web.Request) -> web.Response:
    """GET /api: the API to read."""
    document = describe(_routes(request))
    operations = [
        {"method": method.upper(), "path": path, **operation}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = document["components"]["schemas"]
    streams = {_stream_name(name): schemas[_stream_name(name)] for name in (*FRAMES, "native")}
    context = {
        "user": request.get(USER),
        "page": "api",
        "operations": operations,
        "streams": streams,
        "schemas": {name: schemas[name] for name in sorted(schemas.keys() - streams.keys())},
        "codes": CODES,
    }
    return aiohttp_jinja2.render_template("api.html", request, context)


def _routes(request: web.Request) -> Iterable[Route]:
    table: tuple[Route, ...] = request.app[ROUTE_TABLE]
    return table


def describe(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the OpenAPI document of the routes that are no pages."""
    shown = [route for route in routes if not route.is_page]
    types = _Types()
    paths: dict[str, Any] = {}
    for route in shown:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, types)
    return {
        "openapi": "3.2.0",
        "info": {"title": "Footnote", "version": "1", "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": types.components | _streams(types),
            "responses": {str(status): _error(status, CODES[status], types) for status in CODES},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


class _Types:
    """The schemas of all types, made at once so that each has one name."""

    def __init__(self) -> None:
        frames = [kind for named in FRAMES.values() for kind in named.values() if kind is not None]
        kinds = [*SENT.values(), Error, RefusedResult, StartedRun, BlockFrame, Checked, Empty]
        self._kinds = [*kinds, *get_args(Event), *frames]
        self._schemas, self.components = msgspec.json.schema_components(
            self._kinds, ref_template=_SCHEMA
        )

    def of(self, kind: Any) -> dict[str, Any]:
        """Return the schema of a type, mostly a reference."""
        if kind in self._kinds:
            return dict(self._schemas[self._kinds.index(kind)])
        [schema], components = msgspec.json.schema_components([kind], ref_template=_SCHEMA)
        self.components |= components
        return dict(schema)


def _streams(types: _Types) -> dict[str, Any]:
    kinds: dict[str, Mapping[str, Any]] = dict(FRAMES)
    native = {str(kind.__struct_config__.tag): kind for kind in get_args(Event)}
    kinds["native"] = native | {"block": BlockFrame, "checked": Checked, "caught_up": Empty}
    return {
        _stream_name(name): {"anyOf": [_event(types, *event) for event in named.items()]}
        for name, named in kinds.items()
    }


def _event(types: _Types, name: str, kind: Any) -> dict[str, Any]:
    data: dict[str, Any] = {"type": "string"}
    if kind is not None:
        data |= {"contentMediaType": _JSON, "contentSchema": types.of(kind)}
    return {
        "type": "object",
        "title": name,
        "required": ["event", "data"],
        "properties": {"event": {"const": name}, "id": {"type": "string"}, "data": data},
    }


def _stream_name(family: str) -> str:
    return f"{family.capitalize()}Stream"


def _operation(route: Route, types: _Types) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": _summary(route),
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_"),
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
        "responses": _responses(route, types),
        "security": [] if route.access is Access.PUBLIC else [{"bearer": []}],
    }
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {_JSON: {"schema": types.of(route.body)}},
        }
    if route.takes_files:
        operation["requestBody"] = _files()
    return operation


def _files() -> dict[str, Any]:
    file = {"type": "array", "items": {"type": "string", "format": "binary"}}
    schema = {"type": "object", "required": ["file"], "properties": {"file": file}}
    return {"required": True, "content": {"multipart/form-data": {"schema": schema}}}


def _summary(route: Route) -> str:
    text = " ".join((route.handler.__doc__ or "").split())
    match = _DOCSTRING.fullmatch(text)
    said = match["text"] if match else text
    return said[:1].upper() + said[1:] or f"{route.method} {route.path}"


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"\{(\w+)\}", route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "schema": {"type": kind} | _values(route, name)}
        for name, kind in route.query.items()
    ]


def _values(route: Route, parameter: str) -> dict[str, Any]:
    if parameter != "dialect" or route.handler not in STREAMED:
        return {}
    return {"enum": _vocabularies(route)}


def _vocabularies(route: Route) -> list[str]:
    """Return the vocabularies that a route may stream in, its usual one first."""
    usual = STREAMED[route.handler]
    return ["native", *FRAMES] if usual == "native" else [usual, "native"]


def _headers(route: Route) -> list[dict[str, Any]]:
    """Return the headers that calls which stream take."""
    if route.handler not in STREAMED:
        return []
    cursor = {"type": "string", "pattern": r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}:[0-9]+$"}
    headers: dict[str, Any] = {"Last-Event-ID": cursor}
    if route.method == "POST":
        headers["Idempotency-Key"] = {"type": "string", "pattern": r"^[\x21-\x7e]{1,200}$"}
        headers["Prefer"] = {"type": "string", "enum": ["respond-async"]}
    return [{"name": name, "in": "header", "schema": schema} for name, schema in headers.items()]


def _responses(route: Route, types: _Types) -> dict[str, Any]:
    responses: dict[str, Any] = {
        str(status): {"$ref": f"#/components/responses/{status}"} for status in CODES
    }
    if route.handler is pipeline.run:
        responses["422"] = _error(422, CODES[422], types)
        refused = responses["422"]["content"][_JSON]
        refused["schema"] = {"anyOf": [types.of(RefusedResult), refused["schema"]]}
    for status in route.ok:
        responses[str(status)] = {"description": HTTPStatus(status).phrase}
        if status != HTTPStatus.NO_CONTENT:
            responses[str(status)]["content"] = {
                kind: _content(route, kind, types) for kind in route.answers
            }
    if route.method == "POST" and route.handler in STREAMED:
        responses["202"] = {
            "description": "The run was started, as preferred",
            "content": {_JSON: {"schema": types.of(StartedRun)}},
        }
    return responses


def _content(route: Route, media_type: str, types: _Types) -> dict[str, Any]:
    if media_type == _STREAM:
        names = map(_stream_name, _vocabularies(route))
        return {"itemSchema": {"anyOf": [{"$ref": _SCHEMA.format(name=name)} for name in names]}}
    if media_type != _JSON:
        return {"schema": {"type": "string"}}
    kind = SENT.get(route.handler)
    return {} if kind is None else {"schema": types.of(kind)}


def _error(status: int, codes: Sequence[str], types: _Types) -> dict[str, Any]:
    has_code = {"properties": {"error": {"properties": {"code": {"enum": list(codes)}}}}}
    schema = {"allOf": [types.of(Error), has_code]}
    retry = "; Retry-After says when to come back" if status in (429, 503) else ""
    return {"description": ", ".join(codes) + retry, "content": {_JSON: {"schema": schema}}}
