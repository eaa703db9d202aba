"""Markdown as the page shows it: for a text that a person edits, by the renderer of record."""

import asyncio
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from engine.markdown.html import render
from handlers.answers import Rendered
from handlers.inputs import read_json
from handlers.responses import json_response


class Markdown(msgspec.Struct, frozen=True):
    """Pieces of a text, each a block or a few."""

    texts: Annotated[list[Annotated[str, Meta(max_length=500_000)]], Meta(max_length=5_000)]


async def render_markdown(request: web.Request) -> web.Response:
    """POST /api/v1/markdown: HTML that is safe to put into a page."""
    wanted = await read_json(request, Markdown)
    return json_response(Rendered(html=await asyncio.to_thread(_rendered, wanted.texts)))


def _rendered(texts: list[str]) -> list[str]:
    return [render(text) for text in texts]
