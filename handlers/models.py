"""The models that may be asked for."""

from aiohttp import web

from handlers.keys import ENGINE
from handlers.responses import json_response


async def list_models(request: web.Request) -> web.Response:
    """GET /api/v1/models."""
    engine = request.app[ENGINE]
    usual = engine.writer.model
    names = await engine.writer.models()
    return json_response(
        {
            "models": [{"id": name, "is_default": name == usual} for name in names],
            "provider": engine.config.provider,
        }
    )
