"""Markdown as the page shows it: for a text that a person edits, by the renderer of record."""

import asyncio
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta

from engine.markdown.blocks import BlockSplitter
from engine.markdown.html import render_block
from handlers.inputs import read_json
from handlers.responses import json_response


class Markdown(msgspec.Struct, frozen=True):
    """A text, or the part of one that was changed."""

    text: Annotated[str, Meta(max_length=500_000)]


async def render_markdown(request: web.Request) -> web.Response:
    """POST /api/v1/markdown: `{blocks: [{source, html}]}`; the sources joined are the text."""
    wanted = await read_json(request, Markdown)
    return json_response({"blocks": await asyncio.to_thread(_rendered, wanted.text)})


def _rendered(text: str) -> list[dict[str, Any]]:
    splitter = BlockSplitter()
    blocks = splitter.feed(text) + splitter.close()
    return [{"source": block.source, "html": render_block(block)} for block in blocks]
