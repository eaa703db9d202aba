"""The description of the API fits the API."""

import json
import re
from pathlib import Path
from typing import Any

from handlers.described import CODES, SENT, STREAMED
from handlers.export import export_draft
from handlers.middleware import _STATUS, _STATUS_OF_CODE
from handlers.openapi import openapi_json
from handlers.routes import ROUTES
from tests.handlers.site import Site


async def described(site: Site) -> dict[str, Any]:
    status, document = await site.call("GET", "/api/openapi.json")
    assert status == 200
    return dict(document)


async def test_every_route_that_is_no_page_is_described(site: Site) -> None:
    paths = (await described(site))["paths"]
    for route in ROUTES:
        assert route.is_page != (route.method.lower() in paths.get(route.path, {})), route


async def test_every_reference_leads_somewhere(site: Site) -> None:
    document = await described(site)
    schemas = document["components"]["schemas"]
    text = json.dumps(document)
    references = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert references <= schemas.keys()
    assert {"DraftRequest", "ChatRequest", "SearchRequest", "Delta", "Completed"} <= schemas.keys()


def test_every_status_of_an_error_is_described() -> None:
    assert {*_STATUS.values(), *_STATUS_OF_CODE.values()} <= CODES.keys()


async def test_the_api_can_be_read_as_a_page(site: Site) -> None:
    status, text = await site.call("GET", "/api", headers={"Accept": "text/html"})
    assert status == 200
    assert "POST /api/v1/generate" in text
    assert "TOO_MANY_STREAMS" in text


def test_every_code_that_the_program_knows_is_described() -> None:
    root = Path(__file__).parents[2]
    text = "".join(
        path.read_text() for part in ("engine", "handlers") for path in (root / part).rglob("*.py")
    )
    used = set(re.findall(r'\bcode(?:: str)? ?= ?"([A-Z_]+)"', text))
    used |= set(re.findall(r'Failed\(\s*"([A-Z_]+)"', text))
    described = {code for codes in CODES.values() for code in codes}
    assert len(used) > 20
    assert used <= described


def test_every_stream_and_every_json_answer_is_described() -> None:
    for route in ROUTES:
        if "text/event-stream" in route.answers:
            assert route.handler in STREAMED, route.path
        if not route.is_page and "application/json" in route.answers and route.ok != (204,):
            assert route.handler in {*SENT, openapi_json, export_draft}, route.path


async def test_every_frame_of_every_family_has_a_schema(site: Site) -> None:
    schemas = (await described(site))["components"]["schemas"]
    events = {
        name: {event["title"]: event["properties"]["data"] for event in schema["anyOf"]}
        for name, schema in schemas.items()
        if name.endswith("Stream")
    }
    assert events.keys() >= {
        f"{name}Stream" for name in ("Generate", "Query", "Chat", "Search", "Pipeline", "Native")
    }
    done = events["ChatStream"]["done"]
    assert done["contentSchema"] == {"$ref": "#/components/schemas/ChatDone"}
    assert {"block", "caught_up", "delta", "failed"} <= events["NativeStream"].keys()
    assert events["QueryStream"]["token"] == {"type": "string"}
