"""Acceptance cases of the streaming draft that say more than the other tests show."""

import asyncio
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import Desk, Detour, Server, sit_down
from tests.browser.playing import frames
from tests.browser.roads import Road, in_thread
from tests.browser.test_editing import edit, make_draft, put_caret, saved
from tests.fake_model import ENDING, FakeModel, Say, Wait

ASK = "Answer the city's request for a resident portal. Stress authentication and access control."

RECORD_BANNER = """() => {
  const banner = document.querySelector("[data-testid=connection-banner]");
  window.said = [];
  const note = () => said.push([performance.now(), banner.textContent.trim()]);
  const all = { subtree: true, childList: true, characterData: true };
  new MutationObserver(note).observe(banner, all);
}"""

RECORD_COPY = """(draftId) => {
  window.oldest = 0;
  window.copies = new Set();
  window.watch = setInterval(() => {
    const copy = JSON.parse(localStorage.getItem(`footnote:draft:${draftId}`) ?? "null");
    if (copy === null) return;
    oldest = Math.max(oldest, Date.now() - copy.savedAt);
    copies.add(copy.savedAt);
  }, 50);
}"""


class Model(FakeModel):
    """A scripted model in another thread."""

    async def __aenter__(self) -> "Model":
        self._loop = asyncio.get_running_loop()
        await super().__aenter__()
        return self

    def go_on(self, gate: asyncio.Event) -> None:
        self._loop.call_soon_threadsafe(gate.set)


@pytest.fixture
def model() -> Iterator[Model]:
    with in_thread(Model()) as running:
        yield running


@pytest.fixture
def scripted(model: Model, tmp_path: Path) -> Iterator[Server]:
    """A server that asks the scripted model."""
    settings = {"llm_provider": "openai", "llm_url": model.url, "llm_model": "fake"}
    with Server(tmp_path / "data", words_per_s=0, **settings) as server:
        yield server


def test_the_status_follows_the_events_generate_069(
    browser: Browser, model: Model, scripted: Server
) -> None:
    begin, end = asyncio.Event(), asyncio.Event()
    model.script(
        Wait(begin), Say("## Executive Summary\n\nOne two three [1]. "), Wait(end),
        Say("Four five six seven eight [2]."), *ENDING,
    )  # fmt: skip
    with sit_down(browser, scripted) as desk:
        desk.write(ASK)
        page = desk.page
        status, words = page.get_by_test_id("generation-status"), page.get_by_test_id("word-count")
        citations = page.get_by_test_id("citation-count")
        expect(status).to_have_text(re.compile(r"Generating RFP Response from [1-9]\d* sources…"))
        model.go_on(begin)
        expect(status).to_contain_text("Writing: Executive Summary (1 of 4)")
        expect(words).to_contain_text("5")
        expect(citations).to_contain_text("1")
        model.go_on(end)
        expect(status).to_have_text("Complete: 10 words, 2 citations")
        expect(words).to_contain_text("10")
        expect(citations).to_contain_text("2")


def test_each_attempt_is_counted_and_waits_longer_generate_075(
    browser: Browser, slow: Server
) -> None:
    with in_thread(Road(slow.port)) as road, sit_down(browser, Detour(slow, road.base)) as desk:
        draft_id = desk.write(ASK)
        desk.wait_for_words(60)
        page, before = desk.page, desk.text()
        page.evaluate(RECORD_BANNER)
        road.close()
        banner = page.get_by_test_id("connection-banner")
        expect(banner).to_contain_text("The draft is saved on the server as a partial draft.")
        expect(banner).to_contain_text("Reconnecting, attempt 4")
        assert waits(page) == [pytest.approx(wait, rel=0.35, abs=0.35) for wait in (1, 2, 4)]
        assert desk.text().startswith(before[:-20])
        road.reopen()
        page.get_by_role("button", name="Try now").click()
        desk.wait_for_state("complete", timeout_s=60)
        whole = desk.text()
        assert whole.startswith(before[:-20])
        page.goto(f"{road.base}/kb/{desk.kb}/drafts/{draft_id}")
        assert desk.text() == whole


def waits(page: Page) -> list[float]:
    """Return the seconds between the first mention of each attempt and that of the next."""
    first: dict[str, float] = {}
    for at, text in page.evaluate("said"):
        if attempt := re.search(r"attempt (\d+)", text):
            first.setdefault(attempt[1], at / 1000)
    times = [first[str(number)] for number in range(1, 5)]
    return [later - earlier for earlier, later in pairwise(times)]


def test_a_reload_loses_nothing_and_the_copy_is_young_generate_076(
    browser: Browser, slow: Server
) -> None:
    with sit_down(browser, slow) as desk:
        draft_id = desk.write(ASK)
        page = desk.page
        desk.wait_for_words(20)
        page.evaluate(RECORD_COPY, draft_id)
        desk.wait_for_words(300)
        assert page.evaluate("copies.size") >= 2
        assert page.evaluate("oldest") < 5_500
        before = desk.text()
        page.reload()
        assert desk.text().startswith(before[:-20])
        desk.wait_for_state("complete")
        expected = desk.get(f"/api/v1/drafts/{draft_id}")["word_count"]
        expect(page.get_by_test_id("word-count")).to_contain_text(str(expected))


def test_a_malformed_frame_is_logged_and_skipped_generate_077(desk: Desk) -> None:
    broken = 'event: delta\ndata: {"event": "delta", "text": \n\n'

    def answer(route: Route) -> None:
        path, _, after = route.request.url.partition("?after=")
        run_id, first = path.split("/")[-2], int(after) + 1
        end: dict[str, object] = {"event": "cancelled", "reason": "stopped"}
        body = frames(run_id, [{"event": "delta", "text": " Before it"}], first=first) + broken
        body += frames(run_id, [{"event": "delta", "text": " and after it"}, end], first=first + 1)
        route.fulfill(status=200, headers={"Content-Type": "text/event-stream"}, body=body)

    logged: list[str] = []
    desk.page.on("console", lambda message: logged.append(message.text))
    desk.page.add_init_script("localStorage.DEBUG_STREAMING = 'true'")
    desk.without_worker()
    desk.page.route("**/api/v1/runs/*/events?after=*", answer)
    desk.write(ASK)
    desk.wait_for_state("stopped")
    assert desk.text().endswith("Beforeitandafterit")
    assert any("skipped a malformed frame" in line for line in logged)


def test_a_marker_survives_what_is_done_beside_it_generate_083(desk: Desk) -> None:
    draft_id = make_draft(desk, "OAuth [1] x\n", (1,))
    page = edit(desk, draft_id)
    markers = page.locator("draft-text .citation-marker")
    cards = page.locator("citations-panel").get_by_test_id("citation-card")
    put_caret(page, ".block", len("OAuth "))
    page.keyboard.press("Backspace")
    expect(markers).to_have_count(1)
    page.keyboard.type("2 ")
    put_caret(page, ".block", len("OAuth2 [1]"))
    page.keyboard.press("Delete")
    page.keyboard.type(" or ")
    expect(markers).to_have_count(1)
    expect(cards).to_have_count(1)
    assert saved(desk, draft_id)["content"] == "OAuth2 [1] or x"
    put_caret(page, ".block", len("OAuth2 [1]"))
    page.keyboard.press("Backspace")
    expect(markers).to_have_count(0)
    expect(cards).to_have_count(0)
    assert saved(desk, draft_id)["citations"] == []
    page.keyboard.press("Control+z")
    expect(markers).to_have_count(1)
    expect(cards).to_have_count(1)
    draft = saved(desk, draft_id)
    assert draft["content"] == "OAuth2 [1] or x"
    assert [one["number"] for one in draft["citations"]] == [1]
