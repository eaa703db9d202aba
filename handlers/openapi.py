"""The API described in OpenAPI 3.1, from the types that check requests, and a page to read it."""

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import aiohttp_jinja2
import msgspec
from aiohttp import web

from engine.runs.events import Event
from handlers.access import Access, Route
from handlers.keys import ROUTE_TABLE, USER
from handlers.responses import json_response

_SCHEMA = "#/components/schemas/{name}"
_DOCSTRING = re.compile(r"[A-Z]+ /\S*(?:, same)?[:.]?\s*(?P<text>.*)", re.DOTALL)

CODES = {
    400: "INVALID_REQUEST, INVALID_DOCUMENT_TYPE, CONTEXT_REQUIRED, INSUFFICIENT_SOURCES,"
    " INVALID_RANGE, NO_DOCUMENTS_INDEXED",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    409: "VERSION_CONFLICT, DRAFT_BUSY, RESUME_UNAVAILABLE, INVALID_TRANSITION, CANCELLED",
    410: "RUN_EXPIRED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "VALIDATION_ERROR, VALIDATION_FAILED",
    429: "TOO_MANY_STREAMS, RATE_LIMITED; Retry-After says when to come back",
    500: "INTERNAL, GENERATION_ERROR",
    503: "SERVICE_UNAVAILABLE, LLM_ERROR, LLM_TIMEOUT, STREAM_TIMEOUT, INTERRUPTED",
}

FRAMES = {
    "generate": "`event: message`; the field `event` is sources_retrieved, generation_start,"
    " citation, content_chunk, generation_complete or error.",
    "query": "status, citations, token (raw text), done or error.",
    "chat": "meta or cached, sources, token, verify, done or error.",
    "search": "token, citation, done or error.",
    "pipeline": "start, progress, draft, complete or error; with `tokens=1` also draft_token and"
    " formatted_token.",
    "native": "the events of the schema Event under their own names; also block and caught_up.",
}

_ERROR = {
    "type": "object",
    "required": ["error", "detail"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "field": {"type": "string"},
                "request_id": {"type": "string"},
            },
        },
        "detail": {"type": "string"},
    },
}


async def openapi_json(request: web.Request) -> web.Response:
    """GET /api/openapi.json: the API in OpenAPI 3.1."""
    return json_response(describe(_routes(request)))


async def api_page(request: web.Request) -> web.Response:
    """GET /api: the API to read."""
    document = describe(_routes(request))
    operations = [
        {"method": method.upper(), "path": path, **operation}
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    context = {
        "user": request.get(USER),
        "page": "api",
        "operations": operations,
        "frames": FRAMES,
        "codes": CODES,
    }
    return aiohttp_jinja2.render_template("api.html", request, context)


def _routes(request: web.Request) -> Iterable[Route]:
    table: tuple[Route, ...] = request.app[ROUTE_TABLE]
    return table


def describe(routes: Iterable[Route]) -> dict[str, Any]:
    """Return the OpenAPI document of the routes that are no pages."""
    shown = [route for route in routes if not route.is_page]
    bodies = {route.body for route in shown if route.body is not None}
    _, schemas = msgspec.json.schema_components(
        [*sorted(bodies, key=str), Event], ref_template=_SCHEMA
    )
    paths: dict[str, Any] = {}
    for route in shown:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Footnote", "version": "1", "description": _about()},
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Error": _ERROR},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _about() -> str:
    frames = "\n".join(f"- {family}: {text}" for family, text in FRAMES.items())
    return (
        "Cited drafts from your own documents. Streams are text/event-stream; `id` is"
        " `<run_id>:<number>`, to be sent back as Last-Event-ID. `dialect=native` speaks the"
        f" native vocabulary anywhere.\n\n{frames}"
    )


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": _summary(route),
        "operationId": re.sub(r"\W+", "_", f"{route.method.lower()}{route.path}").strip("_"),
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": _responses(route),
        "security": [] if route.access is Access.PUBLIC else [{"bearer": []}],
    }
    if route.body is not None:
        schema = {"$ref": _SCHEMA.format(name=route.body.__name__)}
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
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
        {"name": name, "in": "query", "schema": {"type": kind}}
        for name, kind in route.query.items()
    ]


def _responses(route: Route) -> dict[str, Any]:
    error = {"schema": {"$ref": _SCHEMA.format(name="Error")}}
    responses: dict[str, Any] = {
        str(status): {"description": codes, "content": {"application/json": error}}
        for status, codes in CODES.items()
    }
    for status in route.ok:
        responses[str(status)] = {"description": HTTPStatus(status).phrase}
        if status != HTTPStatus.NO_CONTENT:
            responses[str(status)]["content"] = {kind: {} for kind in route.answers}
    return responses
