"""Asking a knowledge base: the answer while it is written, what it rests on, and what is kept."""

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.browser.conftest import Desk, Server, overflowing, sit_down
from tests.browser.playing import play, source
from tests.browser.test_hostile_text import HOSTILE

QUESTION = "How do staff accounts sign in, and which second factor do they need?"
STREAM = "**/api/chat/stream*"


def ask(desk: Desk, question: str = QUESTION, *, session: str = "") -> Page:
    page = desk.open(f"/kb/{desk.kb}/chat{session}")
    page.get_by_test_id("chat-input").fill(question)
    page.keyboard.press("Enter")
    return page


def wait_until_answered(page: Page, count: int = 1) -> None:
    expect(page.locator("chat-answer[state=complete]")).to_have_count(count)


@pytest.fixture(scope="module")
def asked(server: Server, browser: Browser) -> str:
    """The address of a conversation with one answer."""
    with sit_down(browser, server) as desk:
        page = ask(desk, "Who owns the data of an agency?")
        wait_until_answered(page)
        return page.url.removeprefix(server.url)


def test_an_answer_grows_and_ends_with_its_facts(desk: Desk) -> None:
    held: list[Route] = []
    desk.page.route(STREAM, lambda route: held.append(route))
    page = ask(desk, "Say all about single sign-on, passkeys, recovery and staff accounts.")
    expect(page.get_by_test_id("typing-indicator")).to_be_visible()
    held[0].continue_()
    expect(page.get_by_test_id("streaming-cursor")).to_be_visible()
    expect(page.get_by_test_id("chat-stop")).to_be_visible()
    wait_until_answered(page)
    expect(page.get_by_test_id("typing-indicator")).to_be_hidden()
    expect(page.get_by_test_id("streaming-cursor")).to_have_count(0)
    expect(page.get_by_test_id("cache-badge")).to_have_text("FRESH")
    expect(page.locator(".answer-facts")).to_contain_text(re.compile(r"[\d,]+ ms"))
    expect(page.locator(".answer-facts")).to_contain_text("upported by its sources")
    expect(page.get_by_test_id("chat-status")).to_contain_text("Answered in ")
    expect(page.locator(".answer")).not_to_contain_text(re.compile("verified", re.I))


def test_the_same_question_again_comes_from_the_cache(desk: Desk) -> None:
    first = ask(desk)
    wait_until_answered(first)
    text = first.get_by_test_id("chat-answer-text").inner_text()
    page = ask(desk)
    wait_until_answered(page)
    expect(page.get_by_test_id("cache-badge")).to_have_text("CACHED")
    expect(page.locator(".answer-facts")).to_contain_text("from cache, less than a minute old")
    expect(page.locator(".answer-facts")).to_contain_text(" ms")
    assert page.get_by_test_id("chat-answer-text").inner_text() == text
    expect(page.locator(".answer-sources .citation-card")).not_to_have_count(0)
    page.get_by_role("button", name="Ask again").click()
    wait_until_answered(page, 2)
    expect(page.get_by_test_id("cache-badge").last).to_have_text("FRESH")


def test_a_marker_leads_to_its_source_and_back(desk: Desk, asked: str) -> None:
    page = desk.open(asked)
    sources = page.locator(".answer-sources")
    expect(sources.locator(".citation-cards")).to_be_hidden()
    marker = page.locator("chat-answer .citation-marker").first
    number = marker.get_attribute("data-number")
    marker.hover()
    expect(page.locator("citation-popover .citation-excerpt")).not_to_be_empty()
    marker.click()
    card = sources.locator(f".citation-card[data-number='{number}']")
    expect(card).to_have_attribute("aria-current", "true")
    expect(card).to_be_in_viewport()
    card.get_by_role("button").click()
    expect(marker).to_be_focused()
    card.get_by_role("link").click()
    expect(page.locator("mark#cited")).to_be_in_viewport()


def test_shift_enter_writes_a_line_and_nothing_is_sent_empty(desk: Desk) -> None:
    page = desk.open(f"/kb/{desk.kb}/chat")
    box = page.get_by_test_id("chat-input")
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("chat-answer")).to_have_count(0)
    page.keyboard.type("One")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("Two")
    expect(box).to_have_value("One\nTwo")
    page.reload()
    expect(box).to_have_value("One\nTwo")


def test_stop_keeps_the_text_also_over_a_reload(browser: Browser, slow: Server) -> None:
    with sit_down(browser, slow) as desk:
        page = ask(desk, "Say all about multi-factor authentication of residents and staff.")
        expect(page.get_by_test_id("streaming-cursor")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator("chat-answer[state=stopped]")).to_be_visible()
        expect(page.get_by_test_id("chat-status")).to_contain_text("Stopped")
        text = page.get_by_test_id("chat-answer-text").inner_text()
        assert text
        page.reload()
        expect(page.locator("chat-answer[state=stopped]")).to_be_visible()
        assert page.get_by_test_id("chat-answer-text").inner_text() == text
        page.get_by_role("button", name="Ask again").click()
        wait_until_answered(page)


def test_a_reload_goes_on_with_a_running_answer(browser: Browser, server: Server) -> None:
    with sit_down(browser, server) as desk:
        page = ask(desk, "What happens to identity data when a contract ends?")
        expect(page.get_by_test_id("streaming-cursor")).to_be_visible()
        page.reload()
        wait_until_answered(page)
        text = page.get_by_test_id("chat-answer-text").inner_text()
        page.reload()
        wait_until_answered(page)
        assert page.get_by_test_id("chat-answer-text").inner_text().split() == text.split()
        expect(page.get_by_test_id("cache-badge")).to_have_text("FRESH")


def test_a_conversation_is_listed_renamed_and_deleted_with_undo(desk: Desk) -> None:
    page = ask(desk, "Is there a status page?")
    wait_until_answered(page)
    row = page.get_by_test_id("conversation").filter(has_text="Is there a status page?").first
    row.hover()
    row.get_by_title("Rename").click()
    page.locator("input[name=title]").fill("Status pages")
    page.keyboard.press("Enter")
    renamed = page.get_by_test_id("conversation").filter(has_text="Status pages")
    renamed.hover()
    renamed.get_by_title("Delete").click()
    expect(renamed).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(renamed).to_be_visible()
    renamed.hover()
    renamed.get_by_title("Delete").click()
    desk.open("/")
    desk.open(f"/kb/{desk.kb}/chat")
    expect(page.get_by_test_id("conversation").filter(has_text="Status pages")).to_have_count(0)


def test_the_sources_can_be_used_in_a_draft(desk: Desk, asked: str) -> None:
    page = desk.open(asked)
    count = page.locator(".answer-sources .citation-card").count()
    page.get_by_role("button", name="Use in draft").click()
    expect(page.get_by_test_id("basket")).to_contain_text(f"{count} passage")
    page.get_by_role("link", name="Write a draft").click()
    expect(page.get_by_label(f"My selection ({count} passage")).to_be_checked()
    expect(page.locator(".basket-passage")).to_have_count(count)
    page.locator(".basket-passage button").first.click()
    expect(page.locator(".basket-passage")).to_have_count(count - 1)
    page.locator("input[value=custom]").check()
    page.locator("textarea[name=context]").fill("Who owns the data?")
    with page.expect_request("**/api/v1/generate*") as sent:
        page.get_by_test_id("start-generation-button").click()
    assert len(sent.value.post_data_json["selected_sources"]) == count - 1
    page.wait_for_url("**/drafts/*")
    desk.wait_for_state("complete")
    desk.open(asked)
    expect(page.get_by_test_id("basket")).to_be_hidden()


def test_an_answer_is_copied_with_its_sources(desk: Desk, asked: str) -> None:
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = desk.open(asked)
    page.get_by_role("button", name="Copy with citations").click()
    expect(page.get_by_text("The answer and its sources were copied.")).to_be_visible()
    assert "\n\nSources:\n[1] " in page.evaluate("navigator.clipboard.readText()")


def test_a_refusal_is_said_and_the_question_stays(desk: Desk) -> None:
    def busy(route: Route) -> None:
        error = {"code": "TOO_MANY_STREAMS", "message": "Three answers are being written."}
        route.fulfill(status=429, headers={"Retry-After": "3"}, json={"error": error})

    desk.page.route(STREAM, busy)
    page = ask(desk)
    expect(page.locator("chat-answer[state=failed]")).to_contain_text(
        "Three answers are being written."
    )
    expect(page.locator(".question")).to_contain_text(QUESTION)
    page.unroute(STREAM)
    page.get_by_role("button", name="Ask again").click()
    wait_until_answered(page)


def test_models_are_offered_only_if_there_are_several(desk: Desk) -> None:
    page = desk.open(f"/kb/{desk.kb}/chat")
    expect(page.locator("model-choice")).to_be_hidden()
    models = [{"id": "small", "is_default": True}, {"id": "large", "is_default": False}]
    page.route("**/api/v1/models", lambda route: route.fulfill(json={"models": models}))
    page.reload()
    page.get_by_label("Model").select_option("large")
    with page.expect_request(STREAM) as sent:
        page.get_by_test_id("chat-input").fill(QUESTION)
        page.keyboard.press("Enter")
    assert sent.value.post_data_json["model"] == "large"


def test_tokens_that_look_like_json_are_shown(desk: Desk) -> None:
    deltas: list[dict[str, object]] = [{"event": "delta", "text": t} for t in ("42", "null")]
    play(desk, STREAM, [*deltas, {"event": "completed", "result": {"duration_ms": 5}}])
    page = ask(desk)
    wait_until_answered(page)
    expect(page.get_by_test_id("chat-answer-text")).to_have_text("42null")


def test_weak_sentences_are_listed_in_words(desk: Desk) -> None:
    weak = "Weak support: “Fees are paid twice”"
    play(
        desk,
        STREAM,
        [
            {"event": "sources", "items": [source()]},
            {"event": "delta", "text": "Fees are paid twice [1]."},
            {"event": "verified", "score": 0.2, "accepted": False, "issues": [weak]},
            {"event": "completed", "result": {"duration_ms": 5, "cached": False}},
        ],
    )
    page = ask(desk)
    wait_until_answered(page)
    expect(page.locator(".support")).to_contain_text("Weakly supported")
    page.get_by_text("What to check").click()
    expect(page.locator(".issues li")).to_have_text(weak)


def test_hostile_answers_and_sources_run_nothing(desk: Desk) -> None:
    text = "\n\n".join(HOSTILE)
    hostile = source('<img src=x onerror="alert(1)">.pdf') | {"excerpt": text, "section": text}
    play(
        desk,
        STREAM,
        [
            {"event": "sources", "items": [hostile]},
            {"event": "delta", "text": text},
            {"event": "verified", "score": 0.2, "accepted": False, "issues": [text]},
            {"event": "completed", "result": {"duration_ms": 5, "cached": False}},
        ],
    )
    dialogs: list[str] = []
    desk.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page = ask(desk, text)
    wait_until_answered(page)
    page.get_by_role("button", name="1 source").click()
    exchanges = page.get_by_test_id("exchanges")
    assert exchanges.locator("img, script, style, iframe, a[href^=javascript]").count() == 0
    assert dialogs == []


@pytest.mark.parametrize("is_on", [True, False])
def test_frames_are_logged_only_on_request(desk: Desk, is_on: bool) -> None:
    logged: list[str] = []
    desk.page.on("console", lambda message: logged.append(message.text))
    desk.page.add_init_script(f"localStorage.DEBUG_STREAMING = '{str(is_on).lower()}'")
    page = ask(desk)
    wait_until_answered(page)
    assert any("[stream] completed" in line for line in logged) is is_on


def test_nothing_overflows(desk: Desk, asked: str) -> None:
    paths = [asked, f"/kb/{desk.kb}/chat", "/search?q=authentication", "/pipeline"]
    assert overflowing(desk, paths) == []


def test_a_conversation_is_readable_without_javascript(
    browser: Browser, server: Server, asked: str
) -> None:
    with sit_down(browser, server, java_script_enabled=False) as desk:
        page = desk.open(asked)
        expect(page.get_by_test_id("chat-answer-text")).not_to_be_empty()
        expect(page.get_by_test_id("cache-badge")).to_be_visible()
        desk.open("/search?q=authentication")
        expect(page.get_by_test_id("search-result").first).to_be_visible()
