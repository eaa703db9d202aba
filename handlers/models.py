"""The models that may be asked for."""

from aiohttp import web

from engine.errors import Forbidden
from handlers.answers import Model, Models
from handlers.keys import ENGINE, USER
from handlers.responses import json_response


async def list_models(request: web.Request) -> web.Response:
    """GET /api/v1/models."""
    engine = request.app[ENGINE]
    usual = engine.writer.model
    names = [name for name in await engine.writer.models() if _is_allowed(request, name)]
    found = [Model(id=name, is_default=name == usual) for name in names]
    return json_response(Models(models=found, provider=engine.config.provider))


def require_model(request: web.Request, name: str | None) -> None:
    """Refuse a model that the caller may not ask for.

    Raises:
        Forbidden: it is for administrators.
    """
    if name is not None and not _is_allowed(request, name):
        raise Forbidden(f"You may not ask for the model “{name}”.")


def _is_allowed(request: web.Request, name: str) -> bool:
    allowed = request.app[ENGINE].config.models_of_users
    return allowed is None or name in allowed or request[USER].is_admin
