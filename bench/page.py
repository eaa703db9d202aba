"""What a growing draft costs the page's main thread, beside rendering all of it anew per frame.

    make bench, or: python bench/page.py [--words 5000 20000]

A draft comes in chunks of five words every ten milliseconds. It is shown by the page itself, told
of each chunk by a worker as it is when one reads for all tabs, and by `marked` and `DOMPurify`,
which render the whole text so far at most once per frame. They are late then and drop many chunks,
so what it takes to show each of them is told as well: every tenth is rendered, times ten. Reported
are seconds of the main thread, of script and of all its work, the longest task, and what a chunk
costs early and late.
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
FAST_WORDS = 10_000
FAST_JOINED = 40
FAST_STEP_MS = 50
"""A model of some 5,000 tokens/s: the server sends what it said every fifty milliseconds."""
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

SPEAKER = """
  let port, messages, next = 0;
  const speak = (count) => {
    const end = Math.min(next + count, messages.length);
    const [first, begun] = [next, performance.now()];
    const timer = setInterval(() => {
      const due = Math.min(end, first + Math.floor((performance.now() - begun) / STEP_MS));
      while (next < due) port.postMessage(messages[next++]);
      if (next < end) return;
      clearInterval(timer);
      self.postMessage("said");
    }, STEP_MS);
  };
  self.onmessage = ({ data, ports }) => {
    if (ports.length > 0) [[port], messages] = [ports, data];
    else speak(data);
  };
"""
"""A thread of its own says the messages, as the worker does that reads for all tabs."""

LISTEN = """(speaker, messages) => {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(URL.createObjectURL(new Blob([speaker])));
  worker.postMessage(messages, [port2]);
  window.pump = (count) => new Promise((resolve) => {
    worker.onmessage = () => requestAnimationFrame(() => setTimeout(resolve, 50));
    worker.postMessage(count);
  });
  return port1;
}"""

FEED = """(port) => {
  port.postMessage = ({ kind }) => {
    if (kind === "ask") setTimeout(() => port.onmessage({ data: { kind: "here" } }));
  };
  window.SharedWorker = class {
    port = port;
    addEventListener() {}
  };
}"""

WHOLE = """(port) => {
  let text = "";
  let frame = 0;
  const target = document.body.appendChild(document.createElement("div"));
  const paint = () => {
    frame = 0;
    target.innerHTML = DOMPurify.sanitize(marked.parse(text));
  };
  port.onmessage = ({ data }) => {
    text += data;
    if (EVERY_CHUNK) paint();
    else frame ||= requestAnimationFrame(paint);
  };
}"""

LONGEST = """() => {
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) {
      window.longest = Math.max(window.longest, duration);
    }
  }).observe({ type: "longtask" });
}"""


COUNT_FRAMES = """() => {
  window.frameCount = 0;
  window.began = performance.now();
  const count = () => {
    window.frameCount += 1;
    requestAnimationFrame(count);
  };
  requestAnimationFrame(count);
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


def open_draft(
    page: Page, url: str, session: str, events: list[list[Event]], step_ms: int = STEP_MS
) -> None:
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
    messages = [{"kind": "events", "events": passed} for passed in events]
    page.add_init_script(f"({FEED})({_port(messages, step_ms)})")
    page.goto(f"{url}/kb/{kb}/drafts/{made['id']}")
    page.locator("streaming-draft-view[state=starting]").wait_for()


def open_whole(page: Page, chunks: list[str], *, is_patient: bool) -> None:
    """Open a page that renders the whole text with every chunk, or, if patient, every frame."""
    page.goto("about:blank")
    page.add_script_tag(path=TOOLS / "marked" / "lib" / "marked.umd.js")
    page.add_script_tag(path=TOOLS / "dompurify" / "dist" / "purify.min.js")
    script = WHOLE.replace("EVERY_CHUNK", json.dumps(not is_patient))
    page.evaluate(f"({script})({_port(chunks, STEP_MS)})")


def _port(messages: object, step_ms: int) -> str:
    speaker = SPEAKER.replace("STEP_MS", str(step_ms))
    return f"({LISTEN})({json.dumps(speaker)}, {json.dumps(messages)})"


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


def script_of_each(page: Page, chunks: list[str]) -> float:
    """Return the seconds of script that rendering the whole text with each chunk takes."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
    tenths = ["".join(chunks[i : i + 10]) for i in range(0, len(chunks), 10)]
    open_whole(page, tenths, is_patient=False)
    before = _metrics(devtools)["ScriptDuration"]
    page.evaluate("pump", len(tenths))
    return 10 * (_metrics(devtools)["ScriptDuration"] - before)


def compare(browser: Browser, server: tuple[str, str], words: int) -> None:
    """Print both sides of one length."""
    chunks = chunks_of(words)
    page = _new_page(browser)
    open_draft(page, *server, events_of(chunks))
    ours = measure(page, len(chunks))
    page.context.close()
    page = _new_page(browser)
    open_whole(page, chunks, is_patient=True)
    whole = measure(page, len(chunks))
    page.context.close()
    page = _new_page(browser)
    each_s = script_of_each(page, chunks)
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
    print(f"{'every chunk shown, s':22}{ours['script_s']:>12.2f}{each_s:>12.2f}")
    print(f"script: 1/{whole['script_s'] / ours['script_s']:.0f} of whole rendering", end=", ")
    print(f"1/{each_s / ours['script_s']:.0f} of it with each chunk", end="; ")
    print(f"late / early chunk: {ours['late_us'] / ours['early_us']:.2f}")
    print("a longest task of 0 means none over 50 ms", flush=True)


def frames_of_a_fast_model(browser: Browser, server: tuple[str, str]) -> None:
    """Print how often the page is drawn while a very fast model writes."""
    chunks = chunks_of(FAST_WORDS)
    texts = ["".join(chunks[i : i + FAST_JOINED]) for i in range(0, len(chunks), FAST_JOINED)]
    page = _new_page(browser)
    open_draft(page, *server, events_of(texts), FAST_STEP_MS)
    page.evaluate(COUNT_FRAMES)
    page.evaluate("pump", len(texts))
    frames, seconds = page.evaluate(
        "[window.frameCount, (performance.now() - window.began) / 1000]"
    )
    page.context.close()
    print(f"\n{FAST_WORDS / seconds:,.0f} words/s: {frames / seconds:.0f} frames/s", flush=True)


def _new_page(browser: Browser) -> Page:
    return browser.new_page(viewport={"width": 1440, "height": 900}, bypass_csp=True)


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
        frames_of_a_fast_model(browser, server)
        browser.close()


if __name__ == "__main__":
    main()
