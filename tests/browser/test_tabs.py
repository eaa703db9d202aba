"""Many tabs of one browser: shared streams, and room for everything else."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Desk, Detour, Server, sit_down
from tests.browser.roads import Road, in_thread

ASK = "Answer the city's request for a resident portal. Stress authentication and access control."

STOP = """() => new Promise((resolve) => {
  const view = document.querySelector("streaming-draft-view");
  const start = performance.now();
  new MutationObserver(() => {
    if (view.getAttribute("state") === "stopped") resolve(performance.now() - start);
  }).observe(view, { attributes: true });
  view.querySelector("[data-action=stop]").click();
})"""


def stop_in_sight(page: Page) -> float:
    """Stop in the tab in front, as a person does (others have slow clocks); return the ms."""
    page.bring_to_front()
    return float(page.evaluate(STOP))


PLAIN_CALL = """async () => {
  const start = performance.now();
  await (await fetch("/api/v1/auth/me", { cache: "no-store" })).json();
  return performance.now() - start;
}"""


@pytest.fixture(scope="module")
def unhurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that writes slowly, and many drafts at once."""
    data = tmp_path_factory.mktemp("tabs") / "data"
    with Server(data, words_per_s=12, max_streams_per_user=20) as server:
        yield server


def wait_for_words(page: Page, least: int) -> None:
    page.wait_for_function(
        "least => parseInt(document.querySelector('[data-testid=word-count]')"
        ".textContent.replace(',', '')) >= least",
        arg=least,
    )


def text_of(page: Page) -> str:
    return "".join((page.get_by_test_id("draft-content").text_content() or "").split())


@pytest.mark.parametrize("has_worker", [True, False])
def test_stop_and_plain_calls_get_through_with_eight_tabs_open(
    browser: Browser, unhurried: Server, has_worker: bool
) -> None:
    with in_thread(Road(unhurried.port)) as road:
        with sit_down(browser, Detour(unhurried, road.base)) as desk:
            if not has_worker:
                desk.without_worker()
            started = [desk.begin(ASK) for _ in range(8)]
            pages = [desk.new_tab() for _ in started]
            for page, (draft_id, _) in zip(pages, started, strict=True):
                page.goto(f"{road.base}/kb/{desk.kb}/drafts/{draft_id}")
            for page in pages:
                wait_for_words(page, 20)
            assert sum(road.streams(run_id) > 0 for _, run_id in started) == 4
            calls = [page.evaluate(PLAIN_CALL) for page in pages]
            assert max(calls) < 500
            stops = [stop_in_sight(page) for page in pages]
            assert max(stops) < 1000, stops
            for page, (draft_id, _) in zip(pages, started, strict=True):
                before = text_of(page)
                page.reload()
                assert text_of(page) == before
                assert desk.get(f"/api/v1/drafts/{draft_id}")["status"] == "partial"


def test_two_tabs_on_one_run_share_one_stream(browser: Browser, unhurried: Server) -> None:
    with in_thread(Road(unhurried.port)) as road:
        with sit_down(browser, Detour(unhurried, road.base)) as desk:
            draft_id, run_id = desk.begin(ASK)
            first, second = desk.page, desk.new_tab()
            path = f"{road.base}/kb/{desk.kb}/drafts/{draft_id}"
            first.goto(path)
            wait_for_words(first, 10)
            second.goto(path)
            wait_for_words(second, 60)
            assert (road.streams(run_id), road.polls(run_id)) == (1, 0)
            second.evaluate(STOP)
            first.locator("streaming-draft-view[state=stopped]").wait_for()
            assert (road.streams(run_id), road.polls(run_id)) == (1, 0)
            assert text_of(first) == text_of(second)
            first.reload()
            assert text_of(first) == text_of(second)


def test_a_closed_tab_leaves_the_other_reading(browser: Browser, server: Server) -> None:
    with sit_down(browser, server) as desk:
        draft_id, _ = desk.begin(ASK)
        other = desk.new_tab()
        for page in (other, desk.page):
            page.goto(f"{server.url}/kb/{desk.kb}/drafts/{draft_id}")
            wait_for_words(page, 10)
        other.close()
        desk.wait_for_state("complete")


def test_what_is_typed_is_not_touched_by_any_stream(desk: Desk, tmp_path: Path) -> None:
    page = desk.open(f"/kb/{desk.kb}")
    page.keyboard.press("g")
    field = page.locator("textarea[name=context]")
    field.fill("Half a thought")
    field.evaluate("field => field.setSelectionRange(5, 6)")
    note = tmp_path / "note.md"
    note.write_text("# Typed\n\nRead while somebody types.\n")
    page.locator("input[type=file]").set_input_files([note])
    draft_id, _ = desk.begin(ASK)
    other = desk.new_tab()
    other.goto(f"{desk.server.url}/kb/{desk.kb}/drafts/{draft_id}")
    other.locator("streaming-draft-view[state=complete]").wait_for()
    page.locator(".document-row[data-state=ready][data-name='note.md']").wait_for()
    assert field.input_value() == "Half a thought"
    assert field.evaluate("field => [field.selectionStart, field.selectionEnd]") == [5, 6]
    assert page.evaluate("document.activeElement.name") == "context"
    stored = page.evaluate("Object.keys(localStorage).filter(key => key.includes(':typed:'))")
    assert len(stored) == 1


def test_full_and_corrupt_storage_cost_nothing_but_the_copy(desk: Desk) -> None:
    page = desk.open(f"/kb/{desk.kb}")
    page.evaluate(
        """kb => {
          localStorage.setItem("footnote:draft:old", "{oops");
          localStorage.setItem(`footnote:typed:generate:${kb}`, "[broken");
          for (let size = 2 ** 22; size >= 1; size = Math.floor(size / 2)) {
            try {
              for (let i = 0; ; i += 1) localStorage.setItem(`full:${size}:${i}`, "x".repeat(size));
            } catch {
              // No more of this size.
            }
          }
        }""",
        desk.kb,
    )
    desk.write(ASK)
    desk.wait_for_state("complete")
