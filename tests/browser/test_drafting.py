"""The main job, as a person does it: ask, watch, follow the evidence, stop, go on."""

import re

from playwright.sync_api import Browser, expect

from tests.browser.conftest import Desk, Server, sit_down

ASK = "Answer the city's request for a resident portal. Stress authentication and access control."


def test_a_draft_streams_with_progress_and_ends_whole(desk: Desk) -> None:
    draft_id = desk.write(ASK)
    page = desk.page
    expect(page.get_by_test_id("streaming-cursor")).to_be_visible()
    expect(page.get_by_test_id("generation-status")).to_contain_text("Writing: ")
    desk.wait_for_state("complete")
    draft = desk.get(f"/api/v1/drafts/{draft_id}")
    words, citations = draft["word_count"], len(draft["citations"])
    expect(page.get_by_test_id("generation-status")).to_have_text(
        f"Complete: {words} words, {citations} citations"
    )
    expect(page.get_by_test_id("citation-card")).to_have_count(citations)
    expect(page.get_by_test_id("streaming-cursor")).to_have_count(0)
    expect(page.get_by_test_id("stop-generation-button")).to_be_hidden()


def test_the_streamed_page_equals_the_page_from_the_server(desk: Desk) -> None:
    desk.write(ASK)
    desk.wait_for_state("complete")
    streamed = desk.page.locator("draft-text .block").evaluate_all(
        "all => all.map(b => b.innerHTML)"
    )
    desk.page.reload()
    served = desk.page.locator("draft-text .block").evaluate_all("all => all.map(b => b.innerHTML)")
    assert streamed == served
    assert len(streamed) > 3


def test_every_marker_has_its_card_and_leads_to_it(desk: Desk) -> None:
    desk.write(ASK)
    desk.wait_for_state("complete")
    page = desk.page
    numbers = page.get_by_test_id("citation-marker").evaluate_all(
        "all => all.map(marker => marker.dataset.number)"
    )
    cards = page.get_by_test_id("citation-card").evaluate_all(
        "all => all.map(card => card.dataset.number)"
    )
    assert set(numbers) == set(cards)
    assert cards == [str(n + 1) for n in range(len(cards))]
    last = page.locator(f"draft-text .citation-marker[data-number='{cards[-1]}']").first
    last.click()
    card = page.locator(f"citations-panel .citation-card[data-number='{cards[-1]}']")
    expect(card).to_have_attribute("aria-current", "true")
    expect(card).to_be_in_viewport()


def test_a_card_leads_back_to_its_first_sentence(desk: Desk) -> None:
    desk.write(ASK)
    desk.wait_for_state("complete")
    page = desk.page
    card = page.locator("citations-panel .citation-card").last
    number = card.get_attribute("data-number")
    card.get_by_role("button").click()
    marker = page.locator(f"draft-text .citation-marker[data-number='{number}']").first
    expect(marker).to_be_in_viewport()
    expect(marker).to_be_focused()


def test_hovering_shows_the_card_and_lights_the_markers(desk: Desk) -> None:
    desk.write(ASK)
    desk.wait_for_state("complete")
    page = desk.page
    page.locator("draft-text .citation-marker").first.hover()
    popover = page.locator("citation-popover")
    expect(popover).to_be_visible()
    expect(popover.locator(".citation-excerpt")).not_to_be_empty()
    page.locator("citations-panel .citation-card").first.hover()
    expect(popover).to_be_hidden()
    expect(page.locator("draft-text .citation-marker[data-number='1']").first).to_have_class(
        re.compile("is-lit")
    )


def test_a_card_opens_the_document_at_the_passage(desk: Desk) -> None:
    desk.write(ASK)
    desk.wait_for_state("complete")
    page = desk.page
    first = page.locator("citations-panel .citation-card").first
    excerpt = first.locator(".citation-excerpt").inner_text()
    first.get_by_role("link").click()
    expect(page.locator("mark#cited")).to_be_in_viewport()
    assert excerpt[:40].split() == page.locator("mark#cited").inner_text()[:40].split()


def test_stop_keeps_the_text_and_resume_goes_on_without_gap_or_repeat(desk: Desk) -> None:
    draft_id = desk.write(ASK)
    desk.wait_for_words(60)
    page = desk.page
    page.get_by_test_id("stop-generation-button").click()
    desk.wait_for_state("stopped")
    expect(page.get_by_text("Generation cancelled")).to_be_visible()
    for name in ("save-partial-draft-button", "discard-draft-button", "resume-draft-button"):
        expect(page.get_by_test_id(name).first).to_be_enabled()
    stopped = desk.get(f"/api/v1/drafts/{draft_id}")
    assert stopped["status"] == "partial"
    expect(page.get_by_test_id("citation-card")).to_have_count(len(stopped["citations"]))
    page.get_by_test_id("resume-draft-button").click()
    desk.wait_for_state("complete")
    draft = desk.get(f"/api/v1/drafts/{draft_id}")
    assert draft["content"].startswith(stopped["content"])
    resumed = desk.text()
    page.reload()
    assert desk.text() == resumed


def test_a_stopped_draft_can_be_kept(desk: Desk) -> None:
    draft_id = desk.write(ASK)
    desk.wait_for_words(40)
    desk.page.keyboard.press("s")
    desk.wait_for_state("stopped")
    desk.page.get_by_test_id("save-partial-draft-button").click()
    expect(desk.page.get_by_test_id("generation-status")).to_contain_text(
        "Saved as a partial draft"
    )
    assert desk.get(f"/api/v1/drafts/{draft_id}")["status"] == "partial"
    desk.page.keyboard.press("r")
    desk.wait_for_state("complete")


def test_discarding_can_be_undone(desk: Desk) -> None:
    draft_id = desk.write(ASK)
    desk.wait_for_words(40)
    page = desk.page
    page.keyboard.press("Escape")
    desk.wait_for_state("stopped")
    before = desk.text()
    page.get_by_test_id("discard-draft-button").click()
    page.get_by_role("button", name="Undo").click()
    desk.wait_for_state("stopped")
    assert desk.text() == before
    assert desk.get(f"/api/v1/drafts/{draft_id}")["status"] == "partial"


def test_a_discarded_draft_is_gone_once_the_page_is_left(desk: Desk) -> None:
    draft_id = desk.write(ASK)
    desk.wait_for_words(40)
    page = desk.page
    page.keyboard.press("s")
    desk.wait_for_state("stopped")
    page.get_by_test_id("discard-draft-button").click()
    desk.open("/")
    page.wait_for_function(
        "async id => (await fetch(`/api/v1/drafts/${id}`)).status === 404", arg=draft_id
    )


def test_reading_stays_where_the_reader_scrolled_to(browser: Browser, slow: Server) -> None:
    with sit_down(browser, slow, viewport={"width": 1200, "height": 420}) as desk:
        desk.write(ASK)
        desk.wait_for_words(150)
        page = desk.page
        page.mouse.move(500, 300)
        page.mouse.wheel(0, -400)
        jump = page.get_by_test_id("jump-to-live-button")
        expect(jump).to_be_visible()
        place = page.evaluate("scrollY")
        desk.wait_for_words(220)
        assert page.evaluate("scrollY") == place
        jump.click()
        expect(jump).to_be_hidden()
        desk.wait_for_words(260)
        assert page.evaluate("scrollY") > place


def test_what_was_typed_survives_a_reload(desk: Desk) -> None:
    page = desk.open(f"/kb/{desk.kb}")
    page.keyboard.press("g")
    page.locator("textarea[name=context]").fill("Half a thought")
    page.locator("input[value=report]").check()
    page.reload()
    page.keyboard.press("g")
    expect(page.locator("textarea[name=context]")).to_have_value("Half a thought")
    expect(page.locator("input[value=report]")).to_be_checked()


def test_only_picked_passages_are_used(desk: Desk) -> None:
    page = desk.open(f"/kb/{desk.kb}")
    page.keyboard.press("g")
    page.locator("textarea[name=context]").fill("What does it cost?")
    page.locator("input[value=custom]").check()
    page.get_by_label("Only what I pick").check()
    page.get_by_test_id("start-generation-button").click()
    expect(page.get_by_text("Pick at least one passage")).to_be_visible()
    page.get_by_role("checkbox", name="pricing-notes.html").check()
    page.get_by_test_id("start-generation-button").click()
    page.wait_for_url("**/drafts/*")
    desk.wait_for_state("complete")
    names = page.locator("citations-panel .citation-document").all_inner_texts()
    assert set(names) == {"pricing-notes.html"}


def test_the_help_lists_the_keys_of_the_page(desk: Desk) -> None:
    desk.write(ASK)
    desk.page.keyboard.press("?")
    help_dialog = desk.page.get_by_test_id("shortcut-help")
    expect(help_dialog).to_contain_text("Stop writing")
    expect(help_dialog).to_contain_text("Next citation")
    desk.page.keyboard.press("Escape")
    expect(help_dialog).to_have_count(0)
    desk.page.keyboard.press("s")
    desk.wait_for_state("stopped")
