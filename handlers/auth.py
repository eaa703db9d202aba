"""Signing in by the one-use link, and out."""

import aiohttp_jinja2
from aiohttp import hdrs, web

from engine.errors import Unauthenticated
from handlers.admission import SESSION_COOKIE
from handlers.keys import ENGINE, GRANT, USER
from handlers.responses import json_response


async def login(request: web.Request) -> web.StreamResponse:
    """GET /login: with ?link= sign in and go home, else say how."""
    link = request.query.get("link")
    message = ""
    if link:
        try:
            return await _sign_in(request, link)
        except Unauthenticated as error:
            message = error.message
    context = {"user": None, "page": "login", "message": message}
    status = 401 if message else 200
    return aiohttp_jinja2.render_template("login.html", request, context, status=status)


async def _sign_in(request: web.Request, link: str) -> web.Response:
    engine = request.app[ENGINE]
    signed_in = await engine.identity.redeem(link, request.headers.get(hdrs.USER_AGENT, ""))
    response = web.Response(status=303, headers={hdrs.LOCATION: "/"})
    response.set_cookie(
        SESSION_COOKIE,
        signed_in.cookie,
        max_age=int(engine.config.session_s),
        httponly=True,
        samesite="Lax",
        secure=engine.config.is_https,
    )
    return response


async def me(request: web.Request) -> web.Response:
    """GET /api/v1/auth/me."""
    return json_response({"username": request[USER].username, "is_admin": request[USER].is_admin})


async def logout(request: web.Request) -> web.Response:
    """POST /api/v1/auth/logout: this session or token is worthless afterwards."""
    await request.app[ENGINE].identity.sign_out(request[GRANT])
    response = json_response({"message": "You are signed out."})
    response.del_cookie(SESSION_COOKIE)
    return response
