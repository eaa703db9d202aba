"""Bad roads between browser and server: the same draft at their end, every time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import Desk, Detour, Server, sit_down
from tests.browser.roads import BufferingProxy, Road, in_thread
from tests.faults.nginx import needs_nginx, nginx

ASK = "Answer the city's request for a resident portal. Stress authentication and access control."
BLOCKS = "all => all.map(block => block.innerHTML)"
HIDE_AND_SHOW = """() => {
  for (const state of ["hidden", "visible"]) {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
    document.dispatchEvent(new Event("visibilitychange"));
  }
}"""


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that leaves time for faults."""
    with Server(tmp_path_factory.mktemp("roads") / "data", words_per_s=100) as server:
        yield server


@pytest.fixture(scope="module")
def whole(browser: Browser, steady: Server) -> tuple[str, int]:
    """Return what the draft says when nothing goes wrong, and its number of words."""
    with sit_down(browser, steady) as desk:
        draft_id = desk.write(ASK)
        desk.wait_for_state("complete")
        draft = desk.get(f"/api/v1/drafts/{draft_id}")
        return str(draft["content"]), int(draft["word_count"])


def expect_whole(desk: Desk, draft_id: str, content: str) -> None:
    """Expect that server and page have the draft, and that a fresh page looks the same."""
    desk.wait_for_state("complete", timeout_s=60)
    assert desk.get(f"/api/v1/drafts/{draft_id}")["content"] == content
    shown = desk.page.locator("draft-text .block").evaluate_all(BLOCKS)
    text = desk.text()
    desk.page.reload()
    assert desk.page.locator("draft-text .block").evaluate_all(BLOCKS) == shown
    assert desk.text() == text


@pytest.mark.parametrize("percent", [25, 50, 75])
@pytest.mark.parametrize("fault", ["cut", "outage", "reload"])
def test_a_fault_anywhere_ends_with_the_same_draft(
    browser: Browser, steady: Server, whole: tuple[str, int], percent: int, fault: str
) -> None:
    content, words = whole
    with in_thread(Road(steady.port)) as road:
        with sit_down(browser, Detour(steady, road.base)) as desk:
            draft_id = desk.write(ASK)
            desk.wait_for_words(words * percent // 100)
            if fault == "cut":
                road.cut()
            elif fault == "outage":
                road.close()
                expect(desk.page.get_by_test_id("connection-banner")).to_be_visible()
                road.reopen()
            else:
                desk.page.reload()
            expect_whole(desk, draft_id, content)


def test_hiding_and_showing_the_tab_starts_and_doubles_nothing(
    browser: Browser, steady: Server, whole: tuple[str, int]
) -> None:
    content, words = whole
    with in_thread(Road(steady.port)) as road:
        with sit_down(browser, Detour(steady, road.base)) as desk:
            draft_id = desk.write(ASK)
            for turn in range(10):
                desk.wait_for_words(words * turn // 12)
                desk.page.evaluate(HIDE_AND_SHOW)
            expect_whole(desk, draft_id, content)
            posts = [asked for asked in road.asked.elements() if asked.startswith("POST")]
            assert [post for post in posts if "/generate" in post] == ["POST /api/v1/generate"]


@pytest.mark.parametrize("holds_headers", [True, False])
def test_behind_a_proxy_that_buffers_the_page_polls(
    browser: Browser, steady: Server, whole: tuple[str, int], holds_headers: bool
) -> None:
    content, words = whole
    slow = BufferingProxy(steady.port, holds_headers=holds_headers)
    with in_thread(slow) as proxy, sit_down(browser, Detour(steady, proxy.base)) as desk:
        draft_id = desk.write(ASK)
        desk.wait_for_words(words // 4)
        assert desk.page.locator("streaming-draft-view[state=writing]").count() == 1
        assert desk.page.locator("draft-text .block").count() > 1
        expect_whole(desk, draft_id, content)


def test_sent_offline_it_is_sent_once_when_online_again(browser: Browser, steady: Server) -> None:
    with sit_down(browser, steady) as desk:
        page = desk.open(f"/kb/{desk.kb}")
        before = desk.get("/api/v1/drafts")["total"]
        page.keyboard.press("g")
        page.locator("textarea[name=context]").fill(ASK)
        desk.context.set_offline(True)
        page.get_by_test_id("start-generation-button").click()
        expect(page.get_by_text("will be sent when you are online again")).to_be_visible()
        expect(page.locator("textarea[name=context]")).to_have_value(ASK)
        desk.context.set_offline(False)
        page.wait_for_url("**/drafts/*")
        assert desk.get("/api/v1/drafts")["total"] == before + 1


def test_a_lost_reply_and_a_reload_still_start_one_run(browser: Browser, steady: Server) -> None:
    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    with sit_down(browser, steady) as desk:
        page = desk.open(f"/kb/{desk.kb}")
        before = desk.get("/api/v1/drafts")["total"]
        page.route("**/api/v1/generate", lose)
        page.keyboard.press("g")
        page.locator("textarea[name=context]").fill(ASK)
        page.get_by_test_id("start-generation-button").click()
        expect(page.get_by_text("cannot be reached")).to_be_visible()
        page.unroute("**/api/v1/generate")
        page.reload()
        page.keyboard.press("g")
        page.get_by_test_id("start-generation-button").click()
        page.wait_for_url("**/drafts/*")
        assert desk.get("/api/v1/drafts")["total"] == before + 1


def test_a_lost_session_keeps_the_text_and_goes_on_after_signing_in(
    browser: Browser, steady: Server, whole: tuple[str, int]
) -> None:
    content, words = whole
    with in_thread(Road(steady.port)) as road:
        with sit_down(browser, Detour(steady, road.base)) as desk:
            draft_id = desk.write(ASK)
            desk.wait_for_words(words // 4)
            before = desk.text()
            cookies = desk.context.cookies()
            desk.context.clear_cookies()
            road.cut()
            banner = desk.page.get_by_test_id("connection-banner")
            expect(banner).to_contain_text("You are signed out. The text here is kept.")
            assert desk.text().startswith(before[:-20])
            desk.context.add_cookies([{**cookie} for cookie in cookies])  # type: ignore[typeddict-item]
            desk.page.evaluate(HIDE_AND_SHOW)
            expect_whole(desk, draft_id, content)


def test_a_proxys_sign_in_page_is_named_and_the_text_kept(
    browser: Browser, steady: Server, whole: tuple[str, int]
) -> None:
    def sign_in(route: Route) -> None:
        route.fulfill(status=200, content_type="text/html", body="<h1>Sign in</h1>")

    content, words = whole
    with in_thread(Road(steady.port)) as road:
        with sit_down(browser, Detour(steady, road.base)) as desk:
            desk.without_worker()
            draft_id = desk.write(ASK)
            desk.wait_for_words(words // 4)
            before = desk.text()
            desk.page.route("**/api/v1/runs/*/events*", sign_in)
            road.cut()
            banner = desk.page.get_by_test_id("connection-banner")
            expect(banner).to_contain_text("a proxy may have signed you out")
            assert desk.text().startswith(before[:-20])
            desk.page.unroute("**/api/v1/runs/*/events*")
            desk.page.evaluate(HIDE_AND_SHOW)
            expect_whole(desk, draft_id, content)


def test_a_line_that_goes_dead_without_a_word_is_given_up_and_taken_up_again(
    browser: Browser, steady: Server, whole: tuple[str, int]
) -> None:
    content, words = whole
    with in_thread(Road(steady.port)) as road:
        with sit_down(browser, Detour(steady, road.base)) as desk:
            desk.without_worker()
            desk.page.clock.install()
            draft_id = desk.write(ASK)
            desk.wait_for_words(words // 4)
            banner = desk.page.get_by_test_id("connection-banner")
            road.swallow(True)
            desk.page.clock.fast_forward(30_000)
            before = desk.text()
            expect(banner).to_be_hidden()
            desk.page.clock.fast_forward(11_000)
            expect(banner).to_contain_text("Connection lost. Reconnecting")
            assert desk.text().startswith(before)
            road.swallow(False)
            desk.page.clock.fast_forward(10_000)
            expect_whole(desk, draft_id, content)
            posts = [asked for asked in road.asked.elements() if asked.startswith("POST")]
            assert [post for post in posts if "/generate" in post] == ["POST /api/v1/generate"]


@needs_nginx
def test_behind_nginx_cuts_are_not_seen_and_a_sign_in_page_keeps_the_text(
    browser: Browser, steady: Server, whole: tuple[str, int], tmp_path: Path
) -> None:
    content, words = whole
    with nginx(tmp_path / "nginx", steady.port) as proxy:
        with sit_down(browser, Detour(steady, proxy.base)) as desk:
            draft_id = desk.write(ASK)
            for percent in (15, 30, 45):
                desk.wait_for_words(words * percent // 100)
                proxy.cut()
            expect(desk.page.locator("streaming-draft-view[state=failed]")).to_have_count(0)
            desk.wait_for_words(words * 60 // 100)
            before = desk.text()
            proxy.ask_to_sign_in(True)
            proxy.cut()
            banner = desk.page.get_by_test_id("connection-banner")
            expect(banner).to_contain_text("a proxy may have signed you out")
            expect(banner).to_contain_text("The text here is kept.")
            assert desk.text().startswith(before[:-20])
            proxy.ask_to_sign_in(False)
            desk.page.evaluate(HIDE_AND_SHOW)
            expect_whole(desk, draft_id, content)
