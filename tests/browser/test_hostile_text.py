"""Frames as a hostile or hurried model would cause them, played to the page."""

import json
from collections.abc import Iterable

import pytest
from playwright.sync_api import Route, expect

from tests.browser.conftest import Desk

ASK = "What does support cost?"
HOSTILE = [
    "![x](https://evil.example/?d=1)",
    "![x][r]\n\n[r]: https://evil.example/r.png",
    "<img src=https://evil.example/i onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<iframe src=//evil.example></iframe><link rel=preload href=//evil.example as=image>",
    "[a](javascript:alert(1)) [b](data:text/html,x) [c](vbscript:x) <javascript:alert(1)>",
    "`<b>` **<i onmouseover=alert(1)>** | <style>*{background:url(//evil.example)}</style> |",
    "<meta http-equiv=refresh content=0;url=https://evil.example>",
]


def frames(run_id: str, events: Iterable[dict[str, object]], *, first: int = 1) -> str:
    """Write events as the native dialect does."""
    return "retry: 1000\n\n" + "".join(
        f"id: {run_id}:{seq}\nevent: {event['event']}\ndata: {json.dumps(event)}\n\n"
        for seq, event in enumerate(events, first)
    )


def play(desk: Desk, events: list[dict[str, object]]) -> None:
    """Open a draft that is being written and let it hear these events instead of its own."""

    def answer(route: Route) -> None:
        path, _, query = route.request.url.partition("?after=")
        body = frames(path.split("/")[-2], events, first=int(query) + 1)
        headers = {"Content-Type": "text/event-stream; charset=utf-8"}
        route.fulfill(status=200, headers=headers, body=body)

    desk.without_worker()
    desk.page.route("**/api/v1/runs/*/events?after=*", answer)
    desk.write(ASK)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_runs_nothing_and_fetches_nothing(desk: Desk, text: str) -> None:
    deltas: list[dict[str, object]] = [{"event": "delta", "text": char} for char in text]
    play(desk, [*deltas, {"event": "cancelled", "reason": "stopped"}])
    dialogs: list[str] = []
    desk.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    desk.wait_for_state("stopped")
    content = desk.page.get_by_test_id("draft-content")
    allowed = {"DIV", "SPAN", "BUTTON", "STRONG", "EM", "CODE", "P", "H1", "H2", "H3", "UL", "LI"}
    assert set(content.evaluate("e => [...e.querySelectorAll('*')].map(n => n.tagName)")) <= allowed
    assert dialogs == []


def test_a_thousand_frames_at_once_are_painted_in_batches(desk: Desk) -> None:
    desk.page.add_init_script(
        """window.paints = 0;
        customElements.whenDefined("draft-text").then(({ prototype }) => {
          const paint = prototype.paint;
          prototype.paint = function (...args) {
            window.paints += 1;
            return paint.apply(this, args);
          };
        });"""
    )
    words: list[dict[str, object]] = [{"event": "delta", "text": f" w{i}"} for i in range(1000)]
    play(desk, [*words, {"event": "completed", "word_count": 1000}])
    desk.wait_for_state("complete")
    assert desk.text().endswith("w998w999")
    assert desk.page.evaluate("paints") < 60


def test_a_failure_stands_beside_the_text(desk: Desk) -> None:
    failed: dict[str, object] = {
        "event": "failed",
        "code": "LLM_TIMEOUT",
        "message": "The model has been silent for 60 s.",
        "retryable": True,
    }
    play(desk, [{"event": "delta", "text": " Half a sentence"}, failed])
    desk.wait_for_state("failed")
    failure = desk.page.get_by_test_id("generation-failure")
    expect(failure).to_contain_text("The model has been silent for 60 s.")
    expect(failure).to_contain_text("LLM_TIMEOUT")
    expect(desk.page.get_by_test_id("draft-content")).to_contain_text("Half a sentence")
    expect(desk.page.get_by_test_id("retry-generation-button")).to_be_enabled()


def test_tokens_that_look_like_json_are_text(desk: Desk) -> None:
    tokens = ["42", " null", " [DONE]", "\n\nevent: done\ndata: {}\n\n", "end"]
    events: list[dict[str, object]] = [{"event": "delta", "text": token} for token in tokens]
    play(desk, [*events, {"event": "cancelled", "reason": "stopped"}])
    desk.wait_for_state("stopped")
    for token in ("42null[DONE]", "event:done", "data:{}", "end"):
        assert token in desk.text()


def test_the_end_of_a_long_draft_costs_what_its_start_costs(desk: Desk) -> None:
    block = "A sentence of the draft that says something and cites it [1]. " * 8
    html = f"<p>{block}</p>"
    events: list[dict[str, object]] = []
    stream: list[str] = []
    for index in range(600):
        events.append({"event": "delta", "text": f"{block}\n\n"})
        end = (index + 1) * (len(block) + 2)
        stream.append(json.dumps({"event": "block", "index": index, "html": html, "end": end}))
    play(desk, [{"event": "stage", "name": "generating", "message": "", "percent": 1}])
    cost = """async ([deltas, blocks]) => {
      const { DraftState } = await import(new URL("lib/draft-state.js", document.scripts[0].src));
      const text = document.querySelector("draft-text");
      const state = new DraftState();
      const blank = document.createElement("div");
      blank.append(Object.assign(document.createElement("div"), { className: "open-block" }));
      blank.firstChild.dataset.slot = "open";
      text.adopt(blank);
      const costs = deltas.map((delta, i) => {
        const start = performance.now();
        state.apply(delta);
        state.apply(JSON.parse(blocks[i]));
        text.paint(state, { isLive: true });
        return performance.now() - start;
      });
      const sum = (part) => part.reduce((a, b) => a + b, 0);
      return [sum(costs.slice(50, 200)), sum(costs.slice(-150)), state.wordCount];
    }"""
    early, late, words = desk.page.evaluate(cost, [events, stream])
    assert words > 50_000
    assert late < early * 3 + 20
