"""A real browser in front of a real server process.

The fixtures are of the package: the browser's event loop is gone before other tests need one.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The first two are pages of the browser's own, made anew for each tab at four times the cost of
    # the tab; the others it would ask the network about.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,"
    "HttpsUpgrades,MediaRouter,NetworkTimeServiceQuerying,OptimizationHints,PaintHolding",
]

expect.set_options(timeout=10_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, and skip it where there is no browser."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="Chromium is not installed"))


class Server:
    """A server process that can be killed and started again on the same data and port."""

    def __init__(self, data: Path, *, words_per_s: int, **settings: object) -> None:
        self.data = data
        self.port = 0
        self.session = ""
        self._settings = {
            "extractive_words_per_s": words_per_s,
            "costly_per_minute": 1_000_000,
            "pipeline_starts_per_minute": 1_000_000,
            **settings,
        }
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Server":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start, and wait for the two lines the server prints when it may be used."""
        settings = {f"FOOTNOTE_{k.upper()}": str(v) for k, v in self._settings.items()}
        self._process = subprocess.Popen(
            [sys.executable, "server.py", "serve", "--port", str(self.port), "--data", self.data],
            cwd=ROOT,
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline().rsplit(":", 1)[1])
        link = self._process.stdout.readline().rsplit(" ", 1)[1].strip()
        if not self.session:
            self.session = httpx2.get(link).cookies["footnote_session"]
            self._await_sample()

    def _await_sample(self) -> None:
        """Wait until what the server brings along can be written from."""
        with httpx2.Client(base_url=self.url, cookies={"footnote_session": self.session}) as client:
            give_up_at = time.monotonic() + 30
            for kb in client.get("/api/v1/kbs").json()["kbs"]:
                path = f"/api/v1/kbs/{kb['id']}/documents"
                while {one["status"] for one in client.get(path).json()["documents"]} - {"ready"}:
                    assert time.monotonic() < give_up_at, "the sample was not read"
                    time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End the process; SIGKILL gives it no chance to tidy up."""
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.communicate(timeout=15)
        self._process = None


class Detour:
    """The same server by another road."""

    def __init__(self, server: Server, base: str) -> None:
        self.url = base
        self.session = server.session


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with the sample knowledge base, writing at a brisk pace."""
    with Server(tmp_path_factory.mktemp("browser") / "data", words_per_s=300) as server:
        yield server


@pytest.fixture(scope="package")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that writes a draft for a quarter of a minute."""
    with Server(tmp_path_factory.mktemp("slow") / "data", words_per_s=45) as server:
        yield server


class Desk:
    """A signed-in reader at one server: a page, and the same API the page uses."""

    def __init__(self, context: BrowserContext, server: Server | Detour) -> None:
        self.server = server
        self.context = context
        self.faults: list[str] = []
        self.foreign: list[str] = []
        self.page = self.new_tab()
        self.kb = str(self.get("/api/v1/kbs")["kbs"][0]["id"])

    def new_tab(self) -> Page:
        """Return another page of the same browser."""
        page = self.context.new_page()
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("request", self._note)
        return page

    def get(self, path: str) -> Any:
        """Return what the API says, asked with the page's own session."""
        response = httpx2.get(
            self.server.url + path, cookies={"footnote_session": self.server.session}
        )
        response.raise_for_status()
        return response.json()

    def send(self, method: str, path: str, body: object = None) -> Any:
        """Return the API's answer to a change, made behind the page's back."""
        response = httpx2.request(
            method,
            self.server.url + path,
            json=body,
            headers={"Origin": self.server.url},
            cookies={"footnote_session": self.server.session},
        )
        response.raise_for_status()
        return response.json() if response.content else None

    def begin(self, context: str, kind: str = "rfp_response") -> tuple[str, str]:
        """Start a draft that no page shows; return its id and that of its run."""
        asked = {"kb_id": self.kb, "document_type": kind, "context": context}
        response = httpx2.post(
            self.server.url + "/api/v1/generate",
            json=asked | {"on_disconnect": "continue"},
            headers={"Prefer": "respond-async", "Origin": self.server.url},
            cookies={"footnote_session": self.server.session},
        )
        response.raise_for_status()
        started = response.json()
        return str(started["draft_id"]), str(started["run_id"])

    def open(self, path: str) -> Page:
        """Go to a page of this server."""
        self.page.goto(self.server.url + path)
        return self.page

    def write(self, context: str, kind: str = "rfp_response") -> str:
        """Start a draft through the dialog; return its id once its page is open."""
        page = self.open(f"/kb/{self.kb}")
        page.get_by_test_id("generate-document-button").click()
        page.locator(f"input[value={kind}]").check()
        page.locator("textarea[name=context]").fill(context)
        page.get_by_test_id("start-generation-button").click()
        page.wait_for_url("**/drafts/*")
        return page.url.rsplit("/", 1)[1]

    def text(self) -> str:
        """Return what the draft says on the page, white space apart: that is a matter of layout."""
        return "".join((self.page.get_by_test_id("draft-content").text_content() or "").split())

    def without_worker(self) -> None:
        """Let each page read for itself, where requests can be answered by a test."""
        self.context.add_init_script("delete window.SharedWorker")

    def wait_for_words(self, least: int) -> None:
        """Wait until the page counts so many words."""
        self.page.wait_for_function(
            "least => parseInt(document.querySelector('[data-testid=word-count]')"
            ".textContent.replace(',', '')) >= least",
            arg=least,
        )

    def wait_for_state(self, state: str, timeout_s: float = 30) -> None:
        """Wait for a state of the draft view."""
        self.page.locator(f"streaming-draft-view[state={state}]").wait_for(timeout=timeout_s * 1000)

    def _note(self, request: object) -> None:
        url = str(getattr(request, "url", ""))
        if not url.startswith((self.server.url, "data:", "blob:")):
            self.foreign.append(url)


def overflowing(desk: Desk, paths: Sequence[str]) -> list[str]:
    """Return the pages that are wider than a phone, a tablet or a screen."""
    found = []
    for path in paths:
        page = desk.open(path)
        for width in (360, 768, 1440):
            page.set_viewport_size({"width": width, "height": 740})
            if page.evaluate("document.documentElement.scrollWidth") > width:
                found.append(f"{path} at {width}")
    return found


@pytest.fixture
def desk(browser: Browser, server: Server) -> Iterator[Desk]:
    """A reader in a fresh browser profile; the page must not have raised anything."""
    with sit_down(browser, server) as desk:
        yield desk


@contextmanager
def sit_down(browser: Browser, server: Server | Detour, **options: Any) -> Iterator[Desk]:
    """Open a fresh browser profile; the page must raise nothing and ask no other host."""
    context = browser.new_context(
        **({"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"} | options)
    )
    context.add_cookies([{"name": "footnote_session", "value": server.session, "url": server.url}])
    desk = Desk(context, server)
    yield desk
    context.close()
    assert desk.faults == []
    assert desk.foreign == []
