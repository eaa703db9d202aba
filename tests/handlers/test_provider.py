"""Signing in with an OpenID Connect provider, a good one and a false one."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.handlers.site import Site, open_site
from tests.oidc_provider import CLIENT, SECRET, running

LEAVE = "/login/provider"
ME = "/api/v1/auth/me"


@pytest.fixture(scope="module")
def process() -> Iterator[str]:
    with running() as base:
        yield base


@pytest.fixture
async def provider(process: str) -> str:
    """The address of a provider that behaves."""
    await behave(process)
    return process


@asynccontextmanager
async def office(data: Path, provider: str, **settings: Any) -> AsyncIterator[Site]:
    """Run a server that signs people in with this provider."""
    given = {
        "oidc_issuer": provider,
        "oidc_client_id": CLIENT,
        "oidc_client_secret": SECRET,
        "public_url": "http://footnote.example",
    }
    async with open_site(data, **given | settings) as site:
        yield site


class Browser:
    """Follows the way a browser takes, one step at a time; the public address is the test's."""

    def __init__(self, site: Site, session: aiohttp.ClientSession) -> None:
        self.site = site
        self.session = session

    async def get(self, address: str) -> tuple[int, str, str]:
        """Return status, where it leads, and the page."""
        address = address.replace("http://footnote.example", self.site.base)
        if address.startswith("/"):
            address = self.site.base + address
        async with self.session.get(
            URL(address, encoded=True), allow_redirects=False, headers={"Accept": "text/html"}
        ) as response:
            return response.status, response.headers.get("Location", ""), await response.text()

    async def sign_in(self) -> tuple[int, str, str]:
        """Go to the provider and come back."""
        _, away, _ = await self.get(LEAVE)
        _, back, _ = await self.get(away)
        return await self.get(back)

    async def name(self) -> str | None:
        async with self.session.get(self.site.base + ME) as response:
            return (await response.json()).get("username")


@asynccontextmanager
async def browser(site: Site) -> AsyncIterator[Browser]:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session:
        yield Browser(site, session)


async def behave(provider: str, **behaviour: Any) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{provider}/behave", json=behaviour) as response:
            assert response.status == 200


async def test_who_comes_back_from_the_provider_is_signed_in(data: Path, provider: str) -> None:
    async with office(data, provider) as site:
        async with browser(site) as first, browser(site) as second:
            assert (await first.sign_in())[:2] == (303, "/")
            assert await first.name() == "ada"
            await behave(provider, claims={"preferred_username": "Countess"})
            await second.sign_in()
            assert await second.name() == "ada", "the same subject is the same user"
        async with browser(site) as third:
            await behave(provider, claims={"sub": "18"})
            await third.sign_in()
            assert await third.name() == "ada-2"


async def test_a_provider_s_user_is_never_a_local_account(data: Path, provider: str) -> None:
    async with office(data, provider) as site, browser(site) as somebody:
        await behave(provider, claims={"preferred_username": "admin"})
        await somebody.sign_in()
        assert await somebody.name() == "admin-2"


async def test_a_disabled_user_stays_out(data: Path, provider: str) -> None:
    async with office(data, provider) as site, browser(site) as somebody:
        await somebody.sign_in()
        _, found = await site.call("GET", "/api/v1/admin/users")
        [ada] = [one["id"] for one in found["users"] if one["username"] == "ada"]
        await site.call("PATCH", f"/api/v1/admin/users/{ada}", {"is_disabled": True})
        status, _, page = await somebody.sign_in()
        assert (status, "disabled" in page) == (403, True)


FALSE: dict[str, dict[str, Any]] = {
    "another nonce": {"claims": {"nonce": "x"}},
    "no nonce": {"claims": {"nonce": None}},
    "another audience": {"claims": {"aud": "somebody else"}},
    "several audiences, for another": {"claims": {"aud": ["footnote", "x"], "azp": "x"}},
    "another issuer": {"claims": {"iss": "https://elsewhere.example"}},
    "expired": {"claims": {"exp": 1_600_000_000}},
    "without an end": {"claims": {"exp": None}},
    "no subject": {"claims": {"sub": None}},
    "an endless subject": {"claims": {"sub": "x" * 256}},
    "a subject that is no text": {"claims": {"sub": ["17"]}},
    "another hash of the access token": {"claims": {"at_hash": "x"}},
    "signed by another key": {"key": "other"},
    "unsigned": {"header": {"alg": "none"}},
    "refused by the user": {"error": "access_denied"},
}


@pytest.mark.parametrize("name", FALSE)
async def test_a_false_answer_signs_nobody_in(data: Path, provider: str, name: str) -> None:
    async with office(data, provider) as site, browser(site) as somebody:
        await behave(provider, **FALSE[name])
        status, _, page = await somebody.sign_in()
        assert (status, "did not work" in page) == (401, True)
        assert await somebody.name() is None


async def test_an_answer_counts_once_and_in_the_browser_that_asked(
    data: Path, provider: str
) -> None:
    async with office(data, provider) as site:
        async with browser(site) as somebody, browser(site) as victim:
            _, away, _ = await somebody.get(LEAVE)
            _, back, _ = await somebody.get(away)
            status, _, page = await victim.get(back)
            assert (status, "not begun in this browser" in page) == (401, True)
            other = back.replace("state=", "state=x")
            assert (await somebody.get(other))[0] == 401
        async with browser(site) as somebody:
            _, away, _ = await somebody.get(LEAVE)
            _, back, _ = await somebody.get(away)
            assert (await somebody.get(back))[0] == 303
            assert (await somebody.get(back))[0] == 401


async def test_a_provider_that_calls_itself_otherwise_is_not_used(
    data: Path, provider: str
) -> None:
    await behave(provider, issuer="https://elsewhere.example")
    async with office(data, provider) as site, browser(site) as somebody:
        status, _, page = await somebody.get(LEAVE)
        assert (status, "cannot be reached" in page) == (503, True)


async def test_a_provider_that_is_away_is_said_to_be(data: Path) -> None:
    async with office(data, "http://127.0.0.1:9") as site, browser(site) as somebody:
        status, _, page = await somebody.get(LEAVE)
        assert (status, "cannot be reached" in page) == (503, True)
        assert "Sign in with your company" in page
