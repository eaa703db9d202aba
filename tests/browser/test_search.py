"""Searching everything: the live answer, its evidence, and what is picked from the results."""

import json
import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Desk
from tests.browser.playing import play, source
from tests.browser.test_hostile_text import HOSTILE

STREAM = "**/api/v1/search?*"
QUERY = "multi-factor authentication for staff"


def search(desk: Desk, query: str = QUERY) -> Page:
    page = desk.open("/search")
    page.get_by_test_id("search-input").fill(query)
    page.keyboard.press("Enter")
    return page


def wait_until_answered(page: Page) -> None:
    page.locator("search-view[state=complete]").wait_for()


def test_an_answer_streams_beside_its_results(desk: Desk) -> None:
    page = search(desk)
    expect(page.get_by_test_id("streaming-cursor")).to_be_visible()
    expect(page.get_by_test_id("confidence-bar")).to_be_visible()
    wait_until_answered(page)
    expect(page.get_by_test_id("search-result")).to_have_count(10)
    expect(page.locator(".result mark").first).to_be_visible()
    expect(page.locator(".result .chip").first).to_contain_text("Sample")
    expect(page.get_by_test_id("confidence-bar")).to_contain_text(re.compile(r"\d+ % · "))
    numbers = page.locator("draft-text .citation-marker").evaluate_all(
        "all => [...new Set(all.map(marker => marker.dataset.number))]"
    )
    cards = page.locator("citations-panel .citation-card").evaluate_all(
        "all => all.map(card => card.dataset.number)"
    )
    assert numbers == cards
    assert page.locator(".result-badges:not(:empty)").count() >= 1


def test_hovering_a_marker_shows_its_passage_and_a_click_its_card(desk: Desk) -> None:
    page = search(desk)
    wait_until_answered(page)
    marker = page.locator("draft-text .citation-marker").first
    marker.hover()
    popover = page.locator("citation-popover")
    expect(popover.locator(".citation-document")).not_to_be_empty()
    expect(popover.locator(".citation-excerpt")).not_to_be_empty()
    marker.click()
    card = page.locator("citations-panel .citation-card[data-number='1']")
    expect(card).to_have_attribute("aria-current", "true")
    expect(card).to_be_in_viewport()
    card.get_by_role("link").click()
    expect(page.locator("mark#cited")).to_be_in_viewport()


@pytest.mark.parametrize(
    ("percent", "level", "word"),
    [(80, "high", "high"), (79, "medium", "medium"), (50, "medium", "medium"), (49, "low", "low")],
)
def test_the_confidence_bar_has_colour_and_word(
    desk: Desk, percent: int, level: str, word: str
) -> None:
    result = {"confidence_score": percent, "confidence": percent / 100, "result_count": 1}
    play(
        desk,
        STREAM,
        [
            {"event": "sources", "items": [source()]},
            {"event": "delta", "text": "Yes [1]."},
            {"event": "completed", "result": result},
        ],
    )
    page = search(desk)
    wait_until_answered(page)
    bar = page.get_by_test_id("confidence-bar")
    expect(bar).to_have_attribute("data-level", level)
    expect(bar).to_contain_text(f"{percent} % · {word} confidence")


def test_nothing_found_is_said(desk: Desk) -> None:
    page = search(desk, "zzxqv wqpfh")
    wait_until_answered(page)
    expect(page.get_by_test_id("search-status")).to_contain_text("Nothing was found")
    expect(page.get_by_test_id("confidence-bar")).to_contain_text("0 %")
    expect(page.get_by_test_id("search-result")).to_have_count(0)


def test_a_failed_writer_leaves_the_results(desk: Desk) -> None:
    failed: dict[str, object] = {
        "event": "failed",
        "code": "LLM_ERROR",
        "message": "The model broke.",
    }
    play(desk, STREAM, [{"event": "sources", "items": [source()]}, failed])
    page = search(desk)
    expect(page.get_by_test_id("search-answer")).to_contain_text("The model broke.")
    expect(page.get_by_test_id("search-answer")).to_contain_text("what was found")
    expect(page.get_by_test_id("search-result")).to_have_count(1)
    expect(page.get_by_test_id("confidence-bar")).to_be_visible()


def test_the_address_holds_the_search(desk: Desk) -> None:
    page = search(desk)
    wait_until_answered(page)
    page.wait_for_url("**/search?q=multi-factor*")
    page.reload()
    expect(page.get_by_test_id("search-input")).to_have_value(QUERY)
    wait_until_answered(page)
    page.get_by_test_id("search-input").fill("prices")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=prices")
    page.go_back()
    expect(page.get_by_test_id("search-input")).to_have_value(QUERY)
    wait_until_answered(page)


def test_a_search_can_keep_to_one_knowledge_base(desk: Desk) -> None:
    page = search(desk)
    wait_until_answered(page)
    with page.expect_request(STREAM) as sent:
        page.get_by_test_id("search-kb").select_option(desk.kb)
    assert sent.value.post_data_json["kb_ids"] == [desk.kb]
    wait_until_answered(page)


def test_picked_results_are_offered_for_a_draft(desk: Desk) -> None:
    page = search(desk)
    wait_until_answered(page)
    for index in (0, 2):
        page.get_by_test_id("use-in-draft").nth(index).click()
    expect(page.get_by_test_id("use-in-draft").nth(2)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_test_id("basket")).to_contain_text("2 passages picked in Sample")
    page.get_by_test_id("use-in-draft").nth(2).click()
    expect(page.get_by_test_id("basket")).to_contain_text("1 passage picked")
    page.get_by_role("link", name="Write a draft").click()
    expect(page.get_by_label("My selection (1 passage)")).to_be_checked()


def test_quick_search_goes_to_what_was_found(desk: Desk) -> None:
    page = desk.open("/")
    page.keyboard.press("Control+k")
    dialog = page.get_by_test_id("quick-search")
    expect(dialog).to_be_visible()
    page.keyboard.type("sample")
    options = dialog.get_by_role("option")
    expect(options.first).to_contain_text("Sample: ")
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowUp")
    expect(options.last).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/kb/{desk.kb}")
    page.keyboard.press("Meta+k")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_quick_search_drops_answers_that_come_too_late(desk: Desk) -> None:
    held: list[Route] = []

    def answer(route: Route) -> None:
        query = json.loads(route.request.post_data or "{}")["query"]
        if query == "a":
            held.append(route)
        else:
            route.fulfill(json={"kbs": [{"id": "k", "name": f"Found by {query}"}]})

    page = desk.open("/")
    page.route("**/api/v1/search/quick", answer)
    page.keyboard.press("Control+k")
    with page.expect_request("**/api/v1/search/quick"):
        page.keyboard.type("a")
    page.keyboard.type("b")
    expect(page.get_by_role("option").first).to_contain_text("Found by ab")
    assert len(held) == 1
    expect(page.get_by_role("option").first).to_contain_text("Found by ab")


def test_hostile_results_run_nothing(desk: Desk) -> None:
    text = "\n\n".join(HOSTILE)
    hostile = source('"><img src=x onerror=alert(1)>') | {"excerpt": text, "section": text}
    citation = {**hostile, "number": 1, "confidence": 0.5, "version": 1}
    result = {"confidence_score": 50, "confidence": 0.5, "result_count": 1}
    play(
        desk,
        STREAM,
        [
            {"event": "sources", "items": [hostile]},
            {"event": "delta", "text": text + " [1]"},
            {"event": "cited", "citation": citation},
            {"event": "completed", "result": result},
        ],
    )
    dialogs: list[str] = []
    desk.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page = search(desk, "<b>img</b> src")
    wait_until_answered(page)
    page.get_by_test_id("use-in-draft").click()
    main = page.locator("main")
    assert main.locator("img, script:not([type*=json]), style, iframe").count() == 0
    assert main.locator("a[href^=javascript]").count() == 0
    assert dialogs == []
