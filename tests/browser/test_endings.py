"""How a run ends, as its reader sees it: what happened, what is safe, what can be done."""

import ast
import random
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import ROOT, Desk, Server, sit_down
from tests.browser.playing import Event, frames

ASK = "Answer the city's request for a resident portal. Stress authentication and access control."
RAISED = {"ProviderFailed", "Failed", "AppError", "_lasting"}
TO_DO = re.compile(r"(^|\. )(Try|Ask|Choose|Start|Continue|Wait)\b|, or ask\b")
EVENTS = re.compile(r"/runs/([^/]+)/events\?.*after=(\d+)")

STOP = """() => new Promise((resolve) => {
  const view = document.querySelector("streaming-draft-view");
  const start = performance.now();
  const times = {};
  new MutationObserver(() => {
    const state = view.getAttribute("state");
    times[state] ??= performance.now() - start;
    if (state === "stopped") resolve(times);
  }).observe(view, { attributes: true });
  view.querySelector("[data-action=stop]").click();
})"""


def endings() -> dict[str, str]:
    """Return every sentence that a run can fail with, and its code, as the source has them."""
    found = {}
    for part in ("writers", "runs", "flows"):
        for path in (ROOT / "engine" / part).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in RAISED:
                    found |= ending(node)
    return found


def ending(call: ast.Call) -> dict[str, str]:
    said = [text for text in map(literal, call.args) if text]
    named = {keyword.arg: literal(keyword.value) for keyword in call.keywords}
    match said:
        case [code, message]:
            return {message: code}
        case [message]:
            return {message: named.get("code") or "LLM_ERROR"}
        case _:
            return {}


def literal(node: ast.expr) -> str:
    """Return a text as it may come out, or "" for anything else."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(literal(part) or "7" for part in parts)
        case _:
            return ""


def test_every_ending_is_a_sentence_that_says_what_can_be_done() -> None:
    found = endings()
    assert {"LLM_ERROR", "LLM_TIMEOUT", "RATE_LIMITED", "SERVICE_UNAVAILABLE", "STREAM_TIMEOUT"} < {
        *found.values()
    }
    for message, code in found.items():
        assert re.fullmatch(r"[A-Z][^\n]{10,190}\.", message), message
        assert re.fullmatch(r"[A-Z_]+", code), code
        assert TO_DO.search(message), message
        assert not re.search(r"exception|error|traceback|None|null|http", message, re.I), message


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that is still writing when the last test has ended."""
    with Server(
        tmp_path_factory.mktemp("endings") / "data", words_per_s=10, max_streams_per_user=20
    ) as server:
        yield server


@pytest.fixture
def writing(browser: Browser, patient: Server) -> Iterator[Desk]:
    """A reader whose page shows a draft with some words."""
    with sit_down(browser, patient) as desk:
        desk.without_worker()
        draft_id, _ = desk.begin(ASK)
        desk.open(f"/kb/{desk.kb}/drafts/{draft_id}")
        desk.wait_for_words(10)
        yield desk


def play(desk: Desk) -> list[Event]:
    """Let the page read these events behind what it has; a test changes them."""
    events: list[Event] = []

    def answer(route: Route) -> None:
        run_id, after = EVENTS.search(route.request.url).groups()  # type: ignore[union-attr]
        headers = {"Content-Type": "text/event-stream", "X-Run-Id": run_id}
        body = frames(run_id, events, first=int(after) + 1)
        route.fulfill(status=200, headers=headers, body=body)

    desk.page.route("**/api/v1/runs/*/events*", answer)
    return events


def test_every_ending_shows_what_happened_what_is_safe_and_a_way_on(writing: Desk) -> None:
    page, events = writing.page, play(writing)
    by_code = {code: message for message, code in endings().items()}
    for code, message in by_code.items():
        events[:] = [{"event": "failed", "message": message, "code": code}]
        page.reload()
        failure = page.get_by_test_id("generation-failure")
        expect(failure).to_contain_text(f"{message} What was written so far is kept.")
        expect(failure).to_contain_text(code)
        expect(page.get_by_test_id("retry-generation-button")).to_be_enabled()
        expect(page.get_by_test_id("retry-generation-button")).to_have_text("Resume")
        expect(page.get_by_test_id("stop-generation-button")).to_be_hidden()
        assert len(writing.text()) > 20
    for reason in ("stopped", "abandoned", "shutdown"):
        events[:] = [{"event": "cancelled", "reason": reason}]
        page.reload()
        status = page.get_by_test_id("generation-status")
        expect(status).to_contain_text("Stopped")
        expect(status).to_contain_text("are kept")
        assert len(writing.text()) > 20


def test_stop_is_seen_at_once_and_the_text_is_kept_and_marked(writing: Desk) -> None:
    before = writing.text()
    writing.page.bring_to_front()
    times = writing.page.evaluate(STOP)
    assert times["stopping"] < 100, times
    assert times["stopped"] < 1000, times
    assert writing.text().startswith(before)
    expect(writing.page.get_by_test_id("generation-status")).to_contain_text("are kept")
    draft = writing.get(f"/api/v1/drafts/{writing.page.url.rsplit('/', 1)[1]}")
    assert draft["status"] == "partial"
    writing.page.reload()
    expect(writing.page.get_by_test_id("generation-status")).to_contain_text("Partial draft")


def test_reloads_at_any_time_never_show_less_and_leave_stop_in_reach(writing: Desk) -> None:
    chance = random.Random(4)
    stop = writing.page.get_by_test_id("stop-generation-button")
    for _ in range(5):
        writing.page.wait_for_timeout(chance.uniform(0, 300))  # the moment, not a wait
        before = writing.text()
        writing.page.reload()
        assert len(writing.text()) >= len(before)
        expect(stop).to_be_enabled()
    assert writing.page.evaluate(STOP)["stopped"] < 1000
