"""Whatever breaks, the reader keeps the text and the page goes on by itself."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser import conftest
from tests.browser.conftest import Desk, Server, sit_down
from tests.faults.test_backups import back_up

ASK = "Answer the city's request for a resident portal. Stress authentication and access control."


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that is killed, and writes slowly enough to be killed in the middle."""
    with Server(tmp_path_factory.mktemp("mortal") / "data", words_per_s=60) as server:
        yield server


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


def test_a_server_restored_from_a_backup_is_read_anew_and_goes_on(
    browser: Browser, tmp_path: Path
) -> None:
    server = Server(tmp_path / "data", words_per_s=150)
    server.start()
    with sit_down(browser, server) as desk:
        draft_id = desk.write(ASK)
        desk.wait_for_words(40)
        restored = back_up(server.data, tmp_path / "restored")
        desk.wait_for_words(100)
        server.stop(signal.SIGKILL)
        server.data = restored
        server.start()
        desk.wait_for_state("complete", timeout_s=60)
        draft = desk.get(f"/api/v1/drafts/{draft_id}")
        assert (draft["status"], draft["content"].count("## Technical Approach")) == ("complete", 1)
        whole = desk.text()
        desk.page.reload()
        assert desk.text() == whole
    server.stop()


def next_version(folder: Path) -> Path:
    """Make a copy of the program as a later version has it: other pages, another schema."""
    for part in ("engine", "handlers", "templates", "web"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(conftest.ROOT / part, folder / part, ignore=ignored)
    shutil.copy(conftest.ROOT / "server.py", folder)
    later = folder / "engine/storage/migrations/9999_later.sql"
    later.write_text(
        "-- A later version keeps more.\ncreate table later (id integer primary key);\n"
    )
    with (folder / "web/js/theme.js").open("a") as script:
        script.write("// A later version.\n")
    return folder


def test_tabs_left_open_over_an_update_go_on_and_ask_for_a_reload(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(tmp_path / "data", words_per_s=150)
    server.start()
    with sit_down(browser, server) as desk:
        typing = desk.new_tab()
        typing.goto(f"{server.url}/kb/{desk.kb}")
        typing.keyboard.press("g")
        typing.locator("textarea[name=context]").fill("Half a thought")
        draft_id = desk.write(ASK)
        desk.wait_for_words(60)
        before = desk.text()
        notices = [page.get_by_test_id("update-notice") for page in (desk.page, typing)]
        for notice in notices:
            expect(notice).to_be_hidden()
        server.stop()
        monkeypatch.setattr(conftest, "ROOT", next_version(tmp_path / "later"))
        server.start()
        desk.wait_for_state("complete", timeout_s=60)
        whole = desk.text()
        assert whole.startswith(before[:-20])
        assert desk.get(f"/api/v1/drafts/{draft_id}")["status"] == "complete"
        expect(typing.locator("textarea[name=context]")).to_have_value("Half a thought")
        for notice in notices:
            expect(notice).to_contain_text("Reload this page")
            notice.evaluate("notice => notice.querySelector('[data-action=reload]').click()")
        for page in (desk.page, typing):
            page.wait_for_function(
                "performance.getEntriesByType('navigation')[0].type === 'reload'"
            )
        assert desk.text() == whole
        typing.keyboard.press("g")
        expect(typing.locator("textarea[name=context]")).to_have_value("Half a thought")
        for notice in notices:
            expect(notice).to_be_hidden()
    server.stop()
