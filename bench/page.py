"""What a growing draft costs the page's main thread, beside rendering all of it anew per frame.

    make bench, or: python bench/page.py [--words 5000 20000]

A draft comes in chunks of five words every ten milliseconds. It is shown once by the page itself,
told of each chunk as by the worker that reads for all tabs, and once by `marked` and `DOMPurify`,
which render the whole text so far at most once per frame. Reported are seconds of the thread, of
script and of all its work, the longest task, and what a chunk costs early and late.
"""

import argparse
import json
import random
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from playwright.sync_api import Browser, CDPSession, Page, Route, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from engine.markdown.blocks import Block, BlockSplitter  # noqa: E402
from engine.markdown.html import render_block  # noqa: E402

TOOLS = ROOT / ".tools" / "page-bench" / "node_modules"
WORDS_PER_CHUNK = 5
STEP_MS = 10
WINDOW = 200
"""Chunks over which the cost of one is measured: a thousand words."""
EARLY = 40
"""The first chunk of the early window, at word 200."""
Event = dict[str, object]
RUN = "00000000-0000-4000-8000-000000000000"
VOCABULARY = (
    "access account agency audit backup budget citizen cloud contract control data delivery"
    " encryption evidence factor form hosting identity incident incorporate interface key level log"
    " measure network office operate payment plan policy portal privacy process quality record"
    " report request resident review risk role security service session sign staff standard support"
    " system team test token training user vendor"
).split()

FEED = """(chunks) => {
  const { port1, port2 } = new MessageChannel();
  let next = 0;
  port2.onmessage = ({ data }) => {
    if (data.kind === "ask") port2.postMessage({ kind: "here" });
  };
  window.SharedWorker = class {
    port = port1;
    addEventListener() {}
  };
  window.pump = (count) => new Promise((resolve) => {
    const end = Math.min(next + count, chunks.length);
    const begun = performance.now();
    const first = next;
    const timer = setInterval(() => {
      const due = Math.min(end, first + Math.floor((performance.now() - begun) / %d));
      while (next < due) port2.postMessage({ kind: "events", events: chunks[next++] });
      if (next < end) return;
      clearInterval(timer);
      requestAnimationFrame(() => setTimeout(resolve, 50));
    }, 10);
  });
}"""

WHOLE = """(chunks) => {
  let text = "";
  let next = 0;
  let frame = 0;
  const target = document.body.appendChild(document.createElement("div"));
  const paint = () => {
    frame = 0;
    target.innerHTML = DOMPurify.sanitize(marked.parse(text));
  };
  window.pump = (count) => new Promise((resolve) => {
    const end = Math.min(next + count, chunks.length);
    const begun = performance.now();
    const first = next;
    const timer = setInterval(() => {
      const due = Math.min(end, first + Math.floor((performance.now() - begun) / %d));
      if (next < due) frame ||= requestAnimationFrame(paint);
      while (next < due) text += chunks[next++];
      if (next < end) return;
      clearInterval(timer);
      requestAnimationFrame(() => setTimeout(resolve, 50));
    }, 10);
  });
}"""

LONGEST = """() => {
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      window.longest = Math.max(window.longest, duration);
    }
  }).observe({ type: "longtask" });
}"""


def chunks_of(words: int) -> list[str]:
    """Return a draft with headings, paragraphs, lists, tables and markers, in pieces."""
    dice = random.Random(20)
    parts: list[str] = []
    count = 0
    while count < words:
        for part in _section(dice):
            parts.append(part)
            count += len(part.split())
    tokens = "\n\n".join(parts).replace("\n", " \n ").split(" ")
    texts = [" ".join(tokens[i : i + 5]) + " " for i in range(0, len(tokens), WORDS_PER_CHUNK)]
    return [text.replace(" \n ", "\n").replace("\n ", "\n").replace(" \n", "\n") for text in texts]


def _section(dice: random.Random) -> Iterator[str]:
    yield f"## {_words(dice, 3).title()}"
    for _ in range(3):
        yield " ".join(_sentence(dice) for _ in range(5))
    yield "\n".join(f"- {_sentence(dice)}" for _ in range(5))
    rows = "\n".join(f"| {_words(dice, 2)} | {_sentence(dice)} |" for _ in range(3))
    yield f"| Need | Answer |\n|---|---|\n{rows}"


def _sentence(dice: random.Random) -> str:
    marker = f" [{dice.randint(1, 40)}]" if dice.random() < 0.6 else ""
    strong = f" **{_words(dice, 2)}**" if dice.random() < 0.2 else ""
    return f"{_words(dice, dice.randint(8, 16)).capitalize()}{strong}{marker}."


def _words(dice: random.Random, count: int) -> str:
    return " ".join(dice.choices(VOCABULARY, k=count))


def events_of(chunks: list[str]) -> list[list[Event]]:
    """Return what the worker passes on for each chunk: closed blocks, the text, checks."""
    splitter = BlockSplitter()
    units = 0
    seq = 1
    stage = {"event": "stage", "name": "generating", "message": "Draft", "percent": 20}
    passed: list[list[Event]] = [[{"place": seq, "event": stage}]]
    for chunk in chunks:
        events: list[Event] = []
        for block in splitter.feed(chunk):
            units += len(block.source)
            events += [{"place": seq + 1, "event": event} for event in _of_block(block, units)]
        seq += 1
        events.append({"place": seq, "event": {"event": "delta", "seq": seq, "text": chunk}})
        passed.append(events)
    return passed


def _of_block(block: Block, end: int) -> list[Event]:
    verdict = "weak" if block.index % 7 == 0 else "quoted"
    check = {"start": block.start, "end": block.end - 1, "verdict": verdict, "section": 0}
    shown = {"index": block.index, "html": render_block(block), "end": end, "char_end": block.end}
    return [{"event": "checked", **check}, {"event": "block", **shown}]


@contextmanager
def open_server(data: Path) -> Iterator[tuple[str, str]]:
    """Run a server; yield its address and a session."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "server.py", "serve", "--port", str(port), "--data", str(data)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = "http" + process.stdout.readline().strip().rsplit("http", 1)[1]
    link = process.stdout.readline().rsplit(" ", 1)[1].strip()
    try:
        yield url, httpx2.get(link).cookies["footnote_session"]
    finally:
        process.terminate()
        process.communicate(timeout=15)


def open_draft(page: Page, url: str, session: str, events: list[list[Event]]) -> None:
    """Open an empty draft that is just being written, by the stream of `events`."""
    cookies = {"footnote_session": session}
    kb = httpx2.get(f"{url}/api/v1/kbs", cookies=cookies).json()["kbs"][0]["id"]
    body = {"kb_id": kb, "title": "Bench"}
    headers = {"Origin": url}
    made = httpx2.post(f"{url}/api/v1/drafts", json=body, cookies=cookies, headers=headers).json()

    def live(route: Route) -> None:
        text = route.fetch().text().replace('"isLive": false', '"isLive": true')
        route.fulfill(body=text.replace('"runId": null', f'"runId": "{RUN}"'))

    page.context.add_cookies([{"name": "footnote_session", "value": session, "url": url}])
    page.route("**/drafts/*", live)
    page.add_init_script(f"({FEED % STEP_MS})({json.dumps(events)})")
    page.goto(f"{url}/kb/{kb}/drafts/{made['id']}")
    page.locator("streaming-draft-view[state=starting]").wait_for()


def open_whole(page: Page, chunks: list[str]) -> None:
    """Open a page that renders the whole text with every frame."""
    page.goto("about:blank")
    page.add_script_tag(path=TOOLS / "marked" / "lib" / "marked.umd.js")
    page.add_script_tag(path=TOOLS / "dompurify" / "dist" / "purify.min.js")
    page.evaluate(WHOLE % STEP_MS, chunks)


def measure(page: Page, count: int) -> dict[str, float]:
    """Play `count` chunks; return seconds, and the cost of a chunk early and late."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    page.evaluate(LONGEST)
    start = _metrics(devtools)
    page.evaluate("pump", EARLY)
    early = _window(page, devtools)
    page.evaluate("pump", count - EARLY - 2 * WINDOW)
    late = _window(page, devtools)
    end = _metrics(devtools)
    return {
        "script_s": end["ScriptDuration"] - start["ScriptDuration"],
        "task_s": end["TaskDuration"] - start["TaskDuration"],
        "longest_ms": page.evaluate("window.longest"),
        "early_us": early,
        "late_us": late,
    }


def _window(page: Page, devtools: CDPSession) -> float:
    before = _metrics(devtools)["ScriptDuration"]
    page.evaluate("pump", WINDOW)
    return (_metrics(devtools)["ScriptDuration"] - before) / WINDOW * 1e6


def _metrics(devtools: CDPSession) -> dict[str, float]:
    found: dict[str, Any] = devtools.send("Performance.getMetrics")
    return {metric["name"]: metric["value"] for metric in found["metrics"]}


def compare(browser: Browser, server: tuple[str, str], words: int) -> None:
    """Print both sides of one length."""
    chunks = chunks_of(words)
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    open_draft(page, *server, events_of(chunks))
    ours = measure(page, len(chunks))
    page.context.close()
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    open_whole(page, chunks)
    whole = measure(page, len(chunks))
    page.context.close()
    print(f"\n{words:,} words in {len(chunks):,} chunks, one every {STEP_MS} ms")
    print(f"{'':22}{'page':>12}{'whole':>12}")
    rows = [
        ("script, s", "script_s", ".2f"),
        ("main thread, s", "task_s", ".2f"),
        ("longest task, ms", "longest_ms", ".0f"),
        ("chunk at word 200, µs", "early_us", ".0f"),
        ("chunk at the end, µs", "late_us", ".0f"),
    ]
    for name, key, form in rows:
        print(f"{name:22}{ours[key]:>12{form}}{whole[key]:>12{form}}")
    print(f"script: 1/{whole['script_s'] / ours['script_s']:.0f} of whole rendering", end="; ")
    print(f"late / early chunk: {ours['late_us'] / ours['early_us']:.2f}")
    print("a longest task of 0 means none over 50 ms", flush=True)


def main() -> None:
    """Run both sides at each length."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--words", type=int, nargs="+", default=[5_000, 20_000])
    lengths = parser.parse_args().words
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("Chromium is needed: apt-get install chromium")
    with (
        tempfile.TemporaryDirectory() as data,
        open_server(Path(data)) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for words in lengths:
            compare(browser, server, words)
        browser.close()


if __name__ == "__main__":
    main()
