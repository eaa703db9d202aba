"""The description of the API fits the API."""

import json
from typing import Any

from handlers.middleware import _STATUS, _STATUS_OF_CODE
from handlers.openapi import CODES
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
