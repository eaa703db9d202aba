"""The pipeline page: three texts side by side, and what is wrong with the last."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Desk
from tests.browser.playing import Event, play
from tests.browser.test_hostile_text import HOSTILE

STREAM = "**/run/stream*"
NOTES = (
    "Hypertension raises the risk of stroke. First line therapy is a thiazide diuretic. "
    "Blood pressure is measured twice. ACE inhibitors are used in diabetes. "
    "Resistant hypertension needs a referral. Beta blockers are second line."
)
PROBLEMS: list[Event] = [
    {"line": 4, "message": "Key Insights needs at least 20 characters.", "section": "Block 1"}
]
PARTIAL = "1. Pressure\nHigh Yield\n- One\nKey Insights\n- short"
BROKEN: Event = {
    "success": False, "output": None, "partial_output": PARTIAL, "validation_errors": PROBLEMS,
    "metadata": {"total_time": 1.5},
}  # fmt: skip
STAGES: list[Event] = [
    {"event": "started", "family": "pipeline"},
    {"event": "stage", "name": "load_prompts", "message": "Loading", "percent": 10},
    {"event": "stage", "name": "generator", "message": "Writing the draft", "percent": 30},
    {"event": "token", "stage": "draft", "text": "The"},
    {"event": "token", "stage": "draft", "text": " draft text"},
    {"event": "draft_text", "text": "The draft text"},
    {"event": "stage", "name": "formatter", "message": "Putting it into form", "percent": 60},
    {"event": "token", "stage": "formatted", "text": PARTIAL},
]


def start(desk: Desk, notes: str = NOTES) -> Page:
    page = desk.open("/pipeline")
    page.get_by_test_id("pipeline-input").fill(notes)
    page.get_by_test_id("run-button").click()
    return page


def test_without_a_model_the_page_says_what_works(desk: Desk) -> None:
    page = desk.open("/pipeline")
    expect(page.get_by_test_id("no-model-note")).to_contain_text("Question sets")
    expect(page.get_by_test_id("no-model-note")).to_contain_text("SUMMARY works")
    expect(page.get_by_test_id("content-type")).to_have_value("SUMMARY")


def test_a_summary_passes_through_all_stages(desk: Desk) -> None:
    page = start(desk)
    page.locator("pipeline-view[state=complete]").wait_for()
    expect(page.get_by_test_id("pipeline-status")).to_contain_text("100 %")
    assert page.get_by_test_id("pipeline-draft").input_value()
    expect(page.get_by_test_id("pipeline-output")).to_contain_text("Key Insights")
    expect(page.locator("[data-step][data-state=done]")).to_have_count(5)
    page.reload()
    page.locator("pipeline-view[state=complete]").wait_for()
    expect(page.get_by_test_id("pipeline-input")).to_have_value(NOTES)
    expect(page.get_by_test_id("pipeline-output")).to_contain_text("Key Insights")


def test_streaming_is_on_and_locked_while_running(desk: Desk) -> None:
    held: list[Route] = []
    desk.page.route(STREAM, lambda route: held.append(route))
    page = desk.open("/pipeline")
    switch = page.get_by_test_id("streaming-switch")
    expect(switch).to_be_checked()
    expect(switch).to_be_enabled()
    page.get_by_test_id("pipeline-input").fill(NOTES)
    page.get_by_test_id("run-button").click()
    expect(switch).to_be_disabled()
    expect(page.get_by_test_id("stop-button")).to_be_visible()
    held[0].continue_()
    page.locator("pipeline-view[state=complete]").wait_for()
    expect(switch).to_be_enabled()


def test_the_traditional_way_gives_the_same_output(desk: Desk) -> None:
    page = start(desk)
    page.locator("pipeline-view[state=complete]").wait_for()
    streamed = page.get_by_test_id("pipeline-output").inner_text()
    page.get_by_test_id("streaming-switch").uncheck()
    with page.expect_response("**/run") as answered:
        page.get_by_test_id("run-button").click()
    assert answered.value.status == 200
    page.locator("pipeline-view[state=complete]").wait_for()
    assert page.get_by_test_id("pipeline-output").inner_text() == streamed


def expect_problems(page: Page) -> None:
    page.locator("pipeline-view[state=invalid]").wait_for()
    errors = page.get_by_test_id("validation-errors")
    expect(errors).to_contain_text("The output breaks 1 rule of its format")
    expect(errors).to_contain_text("Key Insights needs at least 20 characters.")
    expect(page.get_by_test_id("pipeline-output")).to_contain_text("short")
    page.get_by_test_id("validation-error").click()
    expect(page.locator(".line-of-text").nth(3)).to_be_focused()
    expect(page.locator(".line-of-text.is-wrong")).to_have_text("Key Insights")


def test_broken_rules_are_listed_with_their_lines(desk: Desk) -> None:
    play(desk, STREAM, [*STAGES, {"event": "completed", "result": BROKEN}])
    page = start(desk)
    expect_problems(page)
    expect(page.get_by_test_id("pipeline-draft")).to_have_value("The draft text")


def test_broken_rules_are_listed_the_traditional_way_too(desk: Desk) -> None:
    error = {"code": "VALIDATION_FAILED", "message": "No."}
    answer = BROKEN | {"error": error}
    desk.page.route("**/run", lambda route: route.fulfill(status=422, json=answer))
    page = desk.open("/pipeline")
    page.get_by_test_id("streaming-switch").uncheck()
    page.get_by_test_id("pipeline-input").fill(NOTES)
    page.get_by_test_id("run-button").click()
    expect_problems(page)


def test_an_edited_draft_is_formatted_alone(desk: Desk) -> None:
    page = start(desk)
    page.locator("pipeline-view[state=complete]").wait_for()
    draft = page.get_by_test_id("pipeline-draft")
    edited = (
        "## Salt\n\n- Sodium should be reduced in every patient.\n- Less salt lowers the pressure."
    )
    draft.fill(edited)
    with page.expect_request(STREAM) as sent:
        page.get_by_test_id("format-draft-button").click()
    assert sent.value.post_data_json["draft"] == edited
    page.locator("pipeline-view[state=complete]").wait_for()
    expect(draft).to_have_value(edited)
    expect(page.get_by_test_id("pipeline-output")).to_contain_text("Sodium")


def test_a_failure_stands_beside_the_texts(desk: Desk) -> None:
    failed: Event = {"event": "failed", "code": "LLM_TIMEOUT", "message": "The model is silent."}
    play(desk, STREAM, [*STAGES, failed])
    page = start(desk)
    failure = page.get_by_test_id("pipeline-failure")
    expect(failure).to_contain_text("The model is silent.")
    expect(failure).to_contain_text("LLM_TIMEOUT")
    expect(page.get_by_test_id("pipeline-draft")).to_have_value("The draft text")


def test_question_sets_without_a_model_are_refused_in_words(desk: Desk) -> None:
    page = desk.open("/pipeline")
    page.get_by_test_id("content-type").select_option("MCQ")
    page.get_by_test_id("pipeline-input").fill(NOTES)
    page.get_by_test_id("run-button").click()
    expect(page.get_by_test_id("pipeline-failure")).to_contain_text("need a language model")


def test_each_text_can_be_copied_and_downloaded(desk: Desk) -> None:
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    play(desk, STREAM, [*STAGES, {"event": "completed", "result": BROKEN}])
    page = start(desk)
    page.locator("pipeline-view[state=invalid]").wait_for()
    texts = {"input": NOTES, "draft": "The draft text", "output": PARTIAL}
    for name, text in texts.items():
        page.get_by_label(f"Copy the {name}").click()
        page.wait_for_function(
            "async text => await navigator.clipboard.readText() === text", arg=text
        )
        with page.expect_download() as download:
            page.get_by_label(f"Download the {name}").click()
        assert Path(download.value.path()).read_text() == text


def test_hostile_texts_run_nothing(desk: Desk) -> None:
    text = "\n".join(HOSTILE)
    problems = [{"line": 1, "message": text, "section": text}]
    result = BROKEN | {"partial_output": text, "validation_errors": problems}
    events: list[Event] = [{"event": "draft_text", "text": text}]
    play(desk, STREAM, [*events, {"event": "completed", "result": result}])
    page = start(desk, text)
    page.locator("pipeline-view[state=invalid]").wait_for()
    assert page.locator("main").locator("img, script, style, iframe, main a").count() == 0


@pytest.mark.parametrize("is_on", [True, False])
def test_frames_are_logged_only_on_request(desk: Desk, is_on: bool) -> None:
    logged: list[str] = []
    desk.page.on("console", lambda message: logged.append(message.text))
    desk.page.add_init_script(f"localStorage.DEBUG_STREAMING = '{str(is_on).lower()}'")
    page = start(desk)
    page.locator("pipeline-view[state=complete]").wait_for()
    assert any("[stream] completed" in line for line in logged) is is_on


def test_the_traditional_way_fills_the_draft_too(desk: Desk) -> None:
    page = desk.open("/pipeline")
    page.get_by_test_id("streaming-switch").uncheck()
    page.get_by_test_id("pipeline-input").fill(NOTES)
    page.get_by_test_id("run-button").click()
    page.locator("pipeline-view[state=complete]").wait_for()
    expect(page.get_by_test_id("pipeline-draft")).not_to_have_value("")
    expect(page.get_by_test_id("format-draft-button")).to_be_enabled()


def test_a_draft_alone_can_be_changed_and_formatted(desk: Desk) -> None:
    page = desk.open("/pipeline")
    page.get_by_test_id("pipeline-input").fill(NOTES)
    with page.expect_request(STREAM) as sent:
        page.get_by_test_id("draft-only-button").click()
    assert sent.value.post_data_json["draft_only"] is True
    page.locator("pipeline-view[state=complete]").wait_for()
    expect(page.get_by_test_id("pipeline-status")).to_contain_text("The draft is ready")
    expect(page.get_by_test_id("pipeline-output")).to_be_empty()
    page.get_by_test_id("format-draft-button").click()
    expect(page.get_by_test_id("pipeline-output")).not_to_be_empty()


def test_temperatures_are_sent_when_somebody_sets_them(desk: Desk) -> None:
    page = desk.open("/pipeline")
    page.get_by_test_id("pipeline-input").fill(NOTES)
    page.get_by_test_id("advanced").locator("summary").click()
    page.get_by_test_id("generator-temperature").fill("0.7")
    with page.expect_request(STREAM) as sent:
        page.get_by_test_id("run-button").click()
    assert sent.value.post_data_json["generator_temperature"] == 0.7
    assert "formatter_temperature" not in sent.value.post_data_json
    page.locator("pipeline-view[state=complete]").wait_for()
    page.get_by_test_id("generator-temperature").fill("7")
    page.get_by_test_id("run-button").click()
    expect(page.locator("pipeline-view")).to_have_attribute("state", "complete")
