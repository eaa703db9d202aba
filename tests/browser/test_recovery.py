"""Whatever breaks, the reader keeps the text and the page goes on by itself."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import Desk, Server, sit_down

ASK = "Answer the city's request for a resident portal. Stress authentication and access control."


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that is killed, and writes slowly enough to be killed in the middle."""
    server = Server(tmp_path_factory.mktemp("mortal") / "data", words_per_s=60)
    server.start()
    yield server
    server.stop()


@pytest.mark.parametrize("words", [30, 150])
def test_a_reload_shows_all_text_so_far_and_goes_on(desk: Desk, words: int) -> None:
    draft_id = desk.write(ASK)
    desk.wait_for_words(words)
    before = desk.text()
    desk.page.reload()
    assert desk.text().startswith(before[:-20])
    desk.wait_for_state("complete")
    whole = desk.text()
    desk.page.reload()
    assert desk.text() == whole
    assert desk.get(f"/api/v1/drafts/{draft_id}")["status"] == "complete"


def test_a_closed_tab_finds_its_draft_finished(desk: Desk) -> None:
    draft_id = desk.write(ASK)
    desk.wait_for_words(30)
    desk.open("/login")
    desk.page.wait_for_function(
        "async id => (await (await fetch(`/api/v1/drafts/${id}`)).json()).status === 'complete'",
        arg=draft_id,
    )
    desk.open(f"/kb/{desk.kb}/drafts/{draft_id}")
    desk.wait_for_state("complete")


def test_a_killed_server_comes_back_and_the_page_goes_on(browser: Browser, mortal: Server) -> None:
    with sit_down(browser, mortal) as desk:
        draft_id = desk.write(ASK)
        desk.wait_for_words(100)
        before = desk.text()
        mortal.stop(signal.SIGKILL)
        banner = desk.page.get_by_test_id("connection-banner")
        expect(banner).to_contain_text("attempt 2")
        assert desk.text().startswith(before[:-20])
        mortal.start()
        desk.wait_for_state("complete", timeout_s=60)
        expect(banner).to_be_hidden()
        whole = desk.text()
        desk.page.reload()
        assert desk.text() == whole
        draft = desk.get(f"/api/v1/drafts/{draft_id}")
        assert draft["content"].count("## Technical Approach") == 1


def test_a_server_that_stays_away_leaves_a_copy_to_take(browser: Browser, mortal: Server) -> None:
    with sit_down(browser, mortal) as desk:
        desk.write(ASK)
        desk.wait_for_words(60)
        mortal.stop(signal.SIGKILL)
        page = desk.page
        expect(page.get_by_test_id("local-copy")).to_be_visible(timeout=20_000)
        with page.expect_download() as download:
            page.get_by_role("button", name="Download the text").click()
        text = Path(download.value.path()).read_text()
        assert text.startswith("## Executive Summary")
        stored = page.evaluate(
            "JSON.parse(localStorage.getItem(Object.keys(localStorage)"
            ".find(key => key.startsWith('footnote:draft:')))).text"
        )
        assert text.startswith(stored)
        mortal.start()
        page.get_by_role("button", name="Try now").click()
        desk.wait_for_state("complete", timeout_s=60)
        assert page.evaluate("Object.keys(localStorage).join().includes('draft:')") is False


def test_a_run_that_is_forgotten_is_taken_from_the_draft(desk: Desk) -> None:
    def gone(route: Route) -> None:
        error = {"code": "RUN_EXPIRED", "message": "This run is over and was cleaned up."}
        route.fulfill(status=410, json={"error": error})

    draft_id = desk.write(ASK)
    desk.wait_for_words(20)
    desk.without_worker()
    desk.page.route("**/api/v1/runs/*/events*", gone)
    desk.open(f"/kb/{desk.kb}/drafts/{draft_id}")
    before = desk.text()
    assert before
    desk.wait_for_state("complete")
    assert desk.text().startswith(before[:-20])
