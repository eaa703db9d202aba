"""Every route says who may call it, every error has one shape, and every answer its headers."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from engine.auth.credentials import expiry, fingerprint
from engine.storage import api_keys, identities
from engine.types import Level
from handlers.admission import SESSION_COOKIE
from tests.handlers.site import Site


async def anonymous(site: Site, method: str, path: str, **options: Any) -> tuple[int, Any, str]:
    async with aiohttp.ClientSession() as session:
        async with session.request(
            method, site.base + path, allow_redirects=False, **options
        ) as response:
            return response.status, response.headers, await response.text()


async def test_nobody_is_told_to_sign_in(site: Site) -> None:
    status, headers, body = await anonymous(site, "POST", "/api/v1/generate")
    assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
    assert json.loads(body)["error"]["code"] == "UNAUTHENTICATED"


async def test_every_answer_has_the_security_headers(site: Site) -> None:
    for path in ("/login", "/healthz", "/api/v1/kbs", "/nowhere", "/static/nowhere"):
        _, headers, _ = await anonymous(site, "GET", path)
        assert "script-src 'self'" in headers["Content-Security-Policy"], path
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["X-Request-Id"]


async def test_a_get_on_a_path_for_posts_says_what_is_allowed(site: Site) -> None:
    async with site.session.get(site.base + "/api/v1/generate/stream") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "POST"
        assert (await response.json())["error"]["code"] == "METHOD_NOT_ALLOWED"


@pytest.mark.parametrize("secret", ["", "x", "a" * 8000, "é", "Bearer", "..", "null"])
async def test_a_wrong_token_is_nobody(site: Site, secret: str) -> None:
    headers = {"Authorization": f"Bearer {secret}"}
    status, _, _ = await anonymous(site, "GET", "/api/v1/kbs", headers=headers)
    assert status == 401


async def test_an_expired_token_is_nobody(site: Site) -> None:
    async with site.engine.database.transaction() as tx:
        user, _ = await identities.local_administrator(tx)
        await api_keys.add(
            tx,
            user.id,
            fingerprint("old"),
            name="old",
            level=Level.ADMIN,
            kb_id=None,
            expires_at=expiry(-1),
        )
    headers = {"Authorization": "Bearer old"}
    status, _, _ = await anonymous(site, "GET", "/api/v1/kbs", headers=headers)
    assert status == 401


async def test_a_sign_in_link_is_no_token(site: Site) -> None:
    link = await site.engine.identity.new_link()
    headers = {"Authorization": f"Bearer {link}"}
    status, _, _ = await anonymous(site, "GET", "/api/v1/kbs", headers=headers)
    assert status == 401


async def test_the_cookie_writes_only_from_our_own_pages(site: Site) -> None:
    link = await site.engine.identity.new_link()
    cookie = (await site.engine.identity.redeem(link)).cookie
    host = site.base.partition("://")[2]
    expected: list[tuple[dict[str, str], int]] = [
        ({}, 403),
        ({"Origin": "https://elsewhere.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": f"http://{host}"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": f"http://{host}"}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
    ]
    for number, (headers, status) in enumerate(expected):
        found, _, body = await anonymous(
            site,
            "POST",
            "/api/v1/kbs",
            json={"name": f"kb {number}"},
            headers=headers | {"Cookie": f"{SESSION_COOKIE}={cookie}"},
        )
        assert found == status, (headers, body)
    assert (await anonymous(
        site, "GET", "/api/v1/kbs", headers={"Cookie": f"{SESSION_COOKIE}={cookie}"}
    ))[0] == 200  # fmt: skip


async def test_after_signing_out_the_secret_is_worthless(site: Site) -> None:
    assert (await site.call("POST", "/api/v1/auth/logout"))[0] == 200
    assert (await site.call("GET", "/api/v1/auth/me"))[0] == 401


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"name": ' + b"1" * 5000 + b"}",
        b'{"name": NaN}',
        b'{"name": "\\ud800"}',
        b'{"name": "\xff"}',
        b"\x00",
        b"",
        b"null",
        b'"text"',
        b'{"name": {"a": 1}}',
    ],
)
async def test_bad_json_is_refused_with_a_reason(site: Site, body: bytes) -> None:
    for path in ("/api/v1/kbs", "/api/v1/generate", "/api/v1/drafts"):
        headers = {"Content-Type": "application/json"}
        async with asyncio.timeout(10):
            async with site.session.post(site.base + path, data=body, headers=headers) as response:
                answer = await response.json()
        assert response.status == 400, (path, answer)
        assert answer["error"]["message"]


async def test_a_body_over_the_limit_is_too_large(site: Site) -> None:
    async def endless() -> Any:
        for _ in range(12):
            yield b" " * 1_048_576

    headers = {"Content-Type": "application/json"}
    async with site.session.post(
        site.base + "/api/v1/kbs", data=endless(), headers=headers
    ) as response:
        assert response.status == 413
        assert (await response.json())["error"]["code"] == "PAYLOAD_TOO_LARGE"


async def test_an_unexpected_failure_shows_nothing_of_itself(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("secret /srv/path hunter2")

    monkeypatch.setattr("engine.storage.knowledge.list_all", broken)
    status, answer = await site.call("GET", "/api/v1/kbs")
    assert (status, answer["error"]["code"]) == (500, "INTERNAL")
    assert "hunter2" not in json.dumps(answer)
    assert answer["error"]["request_id"]
