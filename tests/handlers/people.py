"""People at a server: each with an account, and a client that speaks for them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from engine.storage import identities
from engine.storage.identities import User
from tests.handlers.site import Site

PASSWORD = "a quiet word"


async def add_user(site: Site, name: str, *, is_admin: bool = False) -> User:
    """Make an account without a password."""
    async with site.engine.database.transaction() as tx:
        user_id = await identities.create(tx, name, is_admin=is_admin)
    return User(id=user_id, username=name, is_admin=is_admin)


@asynccontextmanager
async def client(site: Site, secret: str | None) -> AsyncIterator[Site]:
    """Return a client that sends this bearer token or key, or nothing."""
    headers = {"Authorization": f"Bearer {secret}"} if secret else {}
    timeout = aiohttp.ClientTimeout(total=30)
    jar = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(headers=headers, timeout=timeout, cookie_jar=jar) as session:
        yield Site(site.base, session, site.app)


@asynccontextmanager
async def person(site: Site, name: str, *, is_admin: bool = False) -> AsyncIterator[Site]:
    """Make an account and return its client."""
    user = await add_user(site, name, is_admin=is_admin)
    async with client(site, await site.engine.identity.new_token(user)) as other:
        yield other


async def share(site: Site, kb_id: str, name: str, level: str = "READ") -> str:
    """Share a knowledge base of the site's own user; return the share's id."""
    body = {"username": name, "level": level}
    status, given = await site.call("POST", f"/api/v1/kbs/{kb_id}/permissions", body)
    assert status == 201, given
    return str(given["id"])


async def with_password(site: Site, name: str, password: str = PASSWORD) -> str:
    """Make an account with a password; return its id."""
    body = {"username": name, "password": password}
    status, account = await site.call("POST", "/api/v1/admin/users", body)
    assert status == 201, account
    return str(account["id"])


async def sign_in(site: Site, name: str, password: str = PASSWORD) -> tuple[int, Any]:
    """Ask for tokens as nobody in particular."""
    async with client(site, None) as anybody:
        body = {"username": name, "password": password}
        return await anybody.call("POST", "/api/v1/auth/login", body)
