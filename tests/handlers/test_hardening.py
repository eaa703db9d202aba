"""What stands around every route: headers, origins, rates, limits of size, and HTTPS."""

import asyncio
import json
import re
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from engine.config import Config
from handlers.access import Route
from handlers.admission import SESSION_COOKIE
from handlers.client import Proxies
from handlers.rates import Rate, Rates, neighbourhood
from handlers.routes import ROUTES
from handlers.versions import VERSION, static_path
from tests.handlers.site import Site, open_site
from tests.process import run, serve

ROOT = Path(__file__).parents[2]
HEADERS = {
    "Content-Security-Policy",
    "Cross-Origin-Opener-Policy",
    "Cross-Origin-Resource-Policy",
    "Permissions-Policy",
    "Referrer-Policy",
    "X-Content-Type-Options",
    "X-Frame-Options",
}
UNKNOWN = "11111111-2222-3333-4444-555555555555"
QUESTION = {"query": "How does sign-in work?"}
STARTS_RUNS = ("/api/v1/generate", "/query", "/api/v1/query", "/api/v1/search", "/api/chat", "/run")


def path_of(route: Route) -> str:
    """Return a path of the route that leads to nothing."""
    return re.sub(r"\{\w+\}", UNKNOWN, route.path)


async def anonymous(site: Site, method: str, path: str, **options: Any) -> tuple[int, Any, str]:
    """Return status, headers and body for somebody without a token."""
    async with aiohttp.ClientSession() as session:
        async with session.request(
            method, site.base + path, allow_redirects=False, **options
        ) as response:
            return response.status, response.headers, await response.text()


async def raw(site: Site, data: bytes) -> tuple[bytes, dict[str, str], bytes]:
    """Send bytes that need not be HTTP; return status line, headers and body of the answer."""
    host, port = site.base.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        async with asyncio.timeout(10):
            writer.write(data)
            answer = await reader.read()
    finally:
        writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return status.encode(), dict(line.split(": ", 1) for line in lines), body


# Headers


async def test_every_route_answers_with_the_security_headers(site: Site) -> None:
    for route in ROUTES:
        _, headers, _ = await anonymous(site, route.method, path_of(route))
        assert headers.keys() >= HEADERS, route
        assert headers["Server"] == "Footnote", route


async def test_files_and_errors_have_them_too(site: Site) -> None:
    files = static_path(site.app[VERSION])
    for path in ("/nowhere", f"{files}/js/main.js", f"{files}/nowhere", f"{files}/", "/static/"):
        _, headers, _ = await anonymous(site, "GET", path)
        assert headers.keys() >= HEADERS
        assert headers["Server"] == "Footnote"


async def test_browsers_keep_files_of_one_version_for_good_and_get_no_other(site: Site) -> None:
    files = static_path(site.app[VERSION])
    status, headers, _ = await anonymous(site, "GET", f"{files}/js/main.js")
    assert (status, headers["Cache-Control"]) == (200, "public, max-age=31536000, immutable")
    for path in (f"{files}/js/none.js", "/static/0123456789ab/js/main.js", "/static/js/main.js"):
        status, headers, _ = await anonymous(site, "GET", path)
        assert (status, headers.get("Cache-Control")) == (404, "no-store"), path


async def test_a_stream_has_them_too(site: Site) -> None:
    async with site.stream("/api/v1/query/stream", QUESTION) as stream:
        assert stream.response.content_type == "text/event-stream"
        assert stream.response.headers.keys() >= HEADERS
        assert stream.response.headers["Server"] == "Footnote"
        await stream.rest()


@pytest.mark.parametrize(
    "garbage",
    [
        b"hello\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET /<script> HTTP/9.9\r\nAccept: text/html\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
)
async def test_what_is_no_http_is_answered_like_everything_else(site: Site, garbage: bytes) -> None:
    status, headers, body = await raw(site, garbage)
    assert status.split()[1] == b"400"
    assert headers.keys() >= HEADERS
    assert headers["Server"] == "Footnote"
    assert body.startswith(b'{"error":{"code":"INVALID_REQUEST"')
    assert b"script" not in body


async def test_a_connection_too_many_is_answered_like_everything_else(data: Path) -> None:
    async with open_site(data, max_connections=1) as site:
        status, headers, body = await raw(site, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        assert status.split()[1] == b"503"
        assert headers.keys() >= HEADERS | {"Retry-After"}
        assert headers["Server"] == "Footnote"
        assert b"SERVICE_UNAVAILABLE" in body


async def test_the_policy_lets_nothing_in_but_files_of_this_server(site: Site) -> None:
    _, headers, _ = await anonymous(site, "GET", "/login")
    policy = dict(
        rule.strip().split(" ", 1) for rule in headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["img-src"] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert policy["trusted-types"] == "footnote"


async def test_who_may_frame_the_pages_is_a_setting(data: Path) -> None:
    async with open_site(data, frame_ancestors="https://portal.example") as site:
        _, headers, _ = await anonymous(site, "GET", "/login")
        assert "frame-ancestors https://portal.example;" in headers["Content-Security-Policy"]
        assert "X-Frame-Options" not in headers


async def test_https_is_remembered_by_browsers_that_come_by_https(data: Path) -> None:
    async with open_site(data, public_url="https://footnote.example") as site:
        _, headers, _ = await anonymous(site, "GET", "/login")
        assert "max-age=" in headers["Strict-Transport-Security"]


def test_no_template_and_no_script_breaks_the_policy() -> None:
    inline = re.compile(
        r"<script(?![^>]*\ssrc=)(?![^>]*application/json)|<style|\sstyle=|\son[a-z]+=|javascript:",
        re.IGNORECASE,
    )
    for path in (ROOT / "templates").glob("*.html"):
        assert inline.findall(path.read_text()) == [], path
    sink = re.compile(
        r"\.(?:inner|outer)HTML\s*\+?=(?!=)|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment"
        r"|\beval\(|new Function|new (?:Shared)?Worker|srcdoc|\.setAttribute\(\"(?:style|on)"
    )
    found = {path.name for path in (ROOT / "web/js").rglob("*.js") if sink.search(path.read_text())}
    assert found == {"final-html.js"}
    assert not re.search(r"url\(\s*[\"']?(?:https?:)?//", all_css()), "a style fetches from afar"


def all_css() -> str:
    return "".join(path.read_text() for path in (ROOT / "web/css").glob("*.css"))


# Origins


async def cookie_of(site: Site) -> str:
    identity = site.engine.identity
    return (await identity.redeem(await identity.new_link())).cookie


def as_form(site: Site) -> dict[str, Any]:
    return {"data": {"query": "x", "kb_id": site.topics}}


def as_plain_text(site: Site) -> dict[str, Any]:
    body = {"query": "x", "document_type": "custom", "context": "x", "kb_id": site.topics}
    return {"data": json.dumps(body), "headers": {"Content-Type": "text/plain"}}


def as_file(_: Site) -> dict[str, Any]:
    form = aiohttp.FormData()
    form.add_field("file", b"words", filename="a.txt")
    return {"data": form}


@pytest.mark.parametrize("send", [as_form, as_plain_text, as_file])
@pytest.mark.parametrize(
    "origin",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Referer": "http://127.0.0.1/"},
    ],
)
async def test_what_another_site_makes_a_browser_send_starts_nothing(
    site: Site, send: Callable[[Site], dict[str, Any]], origin: dict[str, str]
) -> None:
    cookie = (await site.engine.identity.redeem(await site.engine.identity.new_link())).cookie
    for path in ("/api/v1/generate", "/query/stream", f"/api/v1/kbs/{site.topics}/documents"):
        options = send(site)
        options["headers"] = options.get("headers", {}) | origin
        options["headers"]["Cookie"] = f"{SESSION_COOKIE}={cookie}"
        status, _, _ = await anonymous(site, "POST", path, **options)
        assert status == 403, path
    assert (await site.call("GET", "/api/v1/drafts"))[1]["total"] == 0
    _, found = await site.call("GET", "/api/v1/runs")
    assert {run["family"] for run in found["runs"]} <= {"ingest"}
    _, documents = await site.call("GET", f"/api/v1/kbs/{site.topics}/documents")
    assert documents["total"] == 5


async def test_json_in_disguise_starts_nothing_even_with_a_token(site: Site) -> None:
    status, _, _ = await anonymous(
        site, "POST", "/query/stream", **as_plain_text(site) | {"headers": bearer(site)}
    )
    assert status == 415


def bearer(site: Site) -> dict[str, str]:
    return {
        "Authorization": site.session.headers["Authorization"],
        "Content-Type": "text/plain",
    }


async def test_the_public_address_counts_as_our_own_behind_a_proxy(data: Path) -> None:
    async with open_site(data, public_url="https://footnote.example") as site:
        cookie = (await site.engine.identity.redeem(await site.engine.identity.new_link())).cookie
        for origin, expected in (
            ("https://footnote.example", 201),
            ("http://footnote.example", 403),
            ("https://footnote.example.evil.example", 403),
        ):
            status, _, _ = await anonymous(
                site,
                "POST",
                "/api/v1/kbs",
                json={"name": origin},
                headers={"Cookie": f"{SESSION_COOKIE}={cookie}", "Origin": origin},
            )
            assert status == expected, origin


# Rates


def test_every_route_that_starts_a_run_is_counted() -> None:
    starting = [
        route
        for route in ROUTES
        if route.method == "POST"
        and (route.path.startswith(STARTS_RUNS) or route.path.endswith(("/resume", "/regenerate")))
        and not route.path.endswith(("/quick", "/clear"))
    ]
    assert len(starting) >= 12
    assert all(route.rate is Rate.COSTLY for route in starting)


async def test_what_costs_is_refused_when_asked_for_too_often(data: Path) -> None:
    async with open_site(data, costly_per_minute=3) as site:
        answers = [await site.call("POST", "/api/v1/query", QUESTION) for _ in range(4)]
        assert [status for status, _ in answers] == [200, 200, 200, 429]
        assert answers[-1][1]["error"]["code"] == "RATE_LIMITED"
        async with site.session.post(site.base + "/api/v1/query", json=QUESTION) as response:
            assert 1 <= int(response.headers["Retry-After"]) <= 20
        assert (await site.call("GET", "/api/v1/kbs"))[0] == 200


async def test_uploads_are_counted_by_themselves(data: Path) -> None:
    async with open_site(data, uploads_per_minute=1) as site:
        await site.upload(site.topics, {"a.txt": "words"})
        form = as_file(site)["data"]
        path = f"/api/v1/kbs/{site.topics}/documents"
        async with site.session.post(site.base + path, data=form) as response:
            assert response.status == 429
        assert (await site.call("POST", "/api/v1/query", QUESTION))[0] == 200


async def test_reading_a_document_again_counts_as_an_upload(data: Path) -> None:
    async with open_site(data, uploads_per_minute=2) as site:
        [document] = await site.upload(site.topics, {"broken.pdf": b"%PDF-1.7"})
        path = f"/api/v1/documents/{document['id']}/retry"
        statuses = []
        for _ in range(2):
            await site.ready(document["id"])
            statuses.append((await site.call("POST", path))[0])
        assert statuses == [202, 429]


async def test_what_typing_asks_for_is_counted_by_itself(data: Path) -> None:
    async with open_site(data, typing_per_minute=2, costly_per_minute=1) as site:
        asked = [("/api/v1/search/quick", {"query": "a"}), ("/api/v1/markdown", {"texts": ["a"]})]
        answers = [await site.call("POST", *question) for question in asked * 2]
        assert [status for status, _ in answers] == [200, 200, 429, 429]
        assert answers[-1][1]["error"]["code"] == "RATE_LIMITED"
        assert (await site.call("POST", "/api/v1/query", QUESTION))[0] == 200


def test_a_bucket_fills_evenly_and_refusals_cost_nothing() -> None:
    clock = [0.0]
    rates = Rates({Rate.SIGN_IN: 6}, now=lambda: clock[0])

    def spend(count: int) -> int:
        """Return how many of so many tries were allowed."""
        allowed = 0
        for _ in range(count):
            try:
                rates.spend(Rate.SIGN_IN, "a")
            except Exception:
                continue
            allowed += 1
        return allowed

    assert spend(20) == 6
    clock[0] = 9.9
    assert spend(5) == 0
    clock[0] = 30.0
    assert spend(20) == 3
    clock[0] = 10_000.0
    assert spend(20) == 6


def test_buckets_that_are_full_again_are_forgotten() -> None:
    clock = [0.0]
    rates = Rates({Rate.SIGN_IN: 6}, now=lambda: clock[0])
    for number in range(50_000):
        clock[0] += 0.1
        rates.spend(Rate.SIGN_IN, str(number))
    assert len(rates._full_at) <= 10_000


def test_an_address_cannot_be_multiplied() -> None:
    assert neighbourhood("2001:db8::1") == neighbourhood("2001:db8::ffff:1")
    assert neighbourhood("2001:db8::1") != neighbourhood("2001:db8:0:1::1")
    assert neighbourhood("::ffff:10.0.0.1") == neighbourhood("10.0.0.1") == "10.0.0.1"


# Proxies


class Asked:
    """As much of a request as names its sender."""

    def __init__(self, remote: str, forwarded: list[str]) -> None:
        self.remote = remote
        self._forwarded = forwarded
        self.headers = self

    def getall(self, name: str, default: list[str]) -> list[str]:
        assert name == "X-Forwarded-For"
        return self._forwarded or default


@pytest.mark.parametrize(
    ("trusted", "remote", "forwarded", "client"),
    [
        ("", "10.0.0.1", ["6.6.6.6"], "10.0.0.1"),
        ("10.0.0.0/8", "7.7.7.7", ["6.6.6.6"], "7.7.7.7"),
        ("10.0.0.0/8", "10.0.0.1", ["6.6.6.6, 5.5.5.5"], "5.5.5.5"),
        ("10.0.0.0/8", "10.0.0.1", ["6.6.6.6", "5.5.5.5"], "5.5.5.5"),
        ("10.0.0.0/8", "10.0.0.1", ["6.6.6.6, 10.0.0.2"], "6.6.6.6"),
        ("10.0.0.0/8", "10.0.0.1", ["6.6.6.6, <script>"], "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.0/8", "10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.0/8", "::ffff:10.0.0.1", ["5.5.5.5"], "5.5.5.5"),
        ("::1", "::1", ["2001:db8::7"], "2001:db8::7"),
    ],
)
def test_only_trusted_proxies_say_for_whom_they_ask(
    trusted: str, remote: str, forwarded: list[str], client: str
) -> None:
    proxies = Proxies(Config(trusted_proxies=trusted).proxies)
    assert proxies.client_of(Asked(remote, forwarded)) == client  # type: ignore[arg-type]


# Sizes


async def test_every_route_that_takes_a_body_has_a_limit(data: Path) -> None:
    async with open_site(data, max_body_bytes=1000, max_upload_bytes=1000) as site:
        for route in ROUTES:
            if route.body is None and not route.takes_files:
                continue
            path = path_of(route).replace(UNKNOWN, site.topics)
            for body in (b" " * 2000, in_chunks(b" " * 2000)):
                headers = {"Content-Type": "application/json"}
                if route.takes_files:
                    headers["Content-Type"] = "multipart/form-data; boundary=b"
                    body = multipart(b"x" * 2000, chunked=not isinstance(body, bytes))
                async with asyncio.timeout(10):
                    async with site.session.request(
                        route.method, site.base + path, data=body, headers=headers
                    ) as response:
                        assert response.status in (413, 404), (route, await response.text())
                        if "{" not in route.path or route.takes_files:
                            assert response.status == 413, route
        assert list(site.engine.files.incoming.iterdir()) == []


async def in_chunks(data: bytes) -> Any:
    for start in range(0, len(data), 500):
        yield data[start : start + 500]


def multipart(content: bytes, *, chunked: bool) -> Any:
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        + content
        + b"\r\n--b--\r\n"
    )
    return in_chunks(body) if chunked else body


# HTTPS


@pytest.mark.slow
async def test_the_server_answers_by_https_when_it_has_a_certificate(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    make_certificate(certificate, key)
    settings = {"sample": "false", "tls_certificate": certificate, "tls_key": key}
    async with serve(tmp_path / "data", **settings) as server:
        assert server.base.startswith("https://127.0.0.1:")
        trusting = ssl.create_default_context(cafile=str(certificate))
        async with aiohttp.ClientSession() as session:
            async with session.get(server.base + "/login", ssl=trusting) as response:
                assert response.status == 200
                assert "Strict-Transport-Security" in response.headers
            async with session.get(server.link, ssl=trusting, allow_redirects=False) as response:
                assert "Secure" in response.headers["Set-Cookie"]


@pytest.mark.slow
async def test_a_certificate_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    make_certificate(certificate, key)
    certificate.write_text("no certificate")
    status, _, errors = await run(
        "serve", "--data", str(tmp_path / "d"), "--port", "0",
        tls_certificate=certificate, tls_key=key,
    )  # fmt: skip
    assert status == 1
    assert "cannot be used" in errors and "Traceback" not in errors
    key.chmod(0o644)
    status, _, errors = await run(
        "serve", "--data", str(tmp_path / "d"), tls_certificate=certificate, tls_key=key
    )
    assert status == 1 and "chmod 600" in errors


def make_certificate(certificate: Path, key: Path) -> None:
    try:
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
                *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
                *("-keyout", str(key), "-out", str(certificate)),
            ],
            check=True,
            capture_output=True,
        )
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    key.chmod(0o600)
