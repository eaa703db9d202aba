"""The pages about people: one's own settings, and the administration of users and groups."""

from typing import Any

import aiohttp_jinja2
from aiohttp import web

from engine.storage import api_keys, identities, knowledge, sessions
from handlers.keys import ENGINE, GRANT, USER


def render(request: web.Request, name: str, **context: Any) -> web.Response:
    """Return a page with what every page about people knows."""
    common = {"user": request[USER], "page": name}
    return aiohttp_jinja2.render_template(f"{name}.html", request, common | context)


async def settings(request: web.Request) -> web.Response:
    """GET /settings: password, sessions, keys."""
    user = request[USER]
    async with request.app[ENGINE].database.read() as connection:
        account = await identities.account(connection, user.id)
        open_sessions = await sessions.list_all(connection, user.id)
        keys = await api_keys.list_all(connection, user.id)
        known = await knowledge.list_all(connection, user)
    return render(
        request,
        "settings",
        account=account,
        sessions=open_sessions,
        current=request[GRANT].session_id,
        keys=keys,
        knowledge_bases=known,
    )


async def admin(request: web.Request) -> web.Response:
    """GET /admin: users, invitations, groups, and what was done."""
    engine = request.app[ENGINE]
    return render(
        request,
        "admin",
        accounts=await engine.accounts.all(),
        invites=await engine.accounts.invitations(),
        groups=await engine.sharing.groups(),
        registration=engine.config.registration,
    )
