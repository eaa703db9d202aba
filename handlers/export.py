"""Drafts as files."""

import re
from unicodedata import normalize
from urllib.parse import quote

from aiohttp import hdrs, web

from engine.flows.export import ExportRequest
from handlers.answers import ExportTemplates
from handlers.inputs import path_id, read_json
from handlers.keys import ENGINE, GRANT, USER
from handlers.responses import json_response

_MOST_CHARACTERS = 100
_UNSAFE = re.compile(r'[\\/:*?"<>|%\s]+')
_RESERVED = re.compile(r"(?i)(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)")


async def export_draft(request: web.Request) -> web.Response:
    """POST /api/v1/drafts/{id}/export."""
    wanted = await read_json(request, ExportRequest)
    file = await request.app[ENGINE].exporting.export(
        request[USER], path_id(request), wanted, level=request[GRANT].level
    )
    return web.Response(
        body=file.data,
        content_type=file.type.media_type,
        charset="utf-8" if file.type.media_type.startswith("text/") else None,
        headers={
            hdrs.CONTENT_DISPOSITION: attachment(file.title, file.type.suffix),
            hdrs.CACHE_CONTROL: "private, no-store",
        },
    )


async def list_export_templates(request: web.Request) -> web.Response:
    """GET /api/v1/export/templates: the team's own Word files."""
    return json_response(ExportTemplates(templates=request.app[ENGINE].exporting.templates()))


def attachment(title: str, suffix: str) -> str:
    """Return a Content-Disposition that saves a file under a title (RFC 6266, RFC 8187).

    No system takes the name for a path, a device, a hidden file or one of another type.
    """
    name = _file_name(title)
    plain = _file_name(normalize("NFKD", name).encode("ascii", "ignore").decode())
    header = f'attachment; filename="{plain}{suffix}"'
    if plain == name:
        return header
    return f"{header}; filename*=UTF-8''{quote(name + suffix, safe='')}"


def _file_name(title: str) -> str:
    # What is not printable includes the signs that turn the direction of writing around.
    printable = "".join(c for c in title if c.isprintable() or c.isspace())
    name = _UNSAFE.sub(" ", printable)[:_MOST_CHARACTERS].strip(" .-_")
    return "draft" if not name or _RESERVED.match(name) else name
