"""Pictures of every state of the draft view, in light, in dark and on a phone.

    make screenshots ARGS="[name ...]"

They are kept in docs/screenshots/workspace. One draft is written; each scene shows it finished, or
plays its events up to some point. With Pillow installed the files are a third as big.
"""

import io
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from tests.browser.conftest import CHROMIUM, ROOT, Desk, Server, sit_down
from tests.browser.playing import RUN, Event, frames
from tests.browser.test_accounts import add_user, sign_in

FOLDER = ROOT / "docs/screenshots/workspace"
ASK = "Answer the city's request for a resident portal. Stress authentication and access control."
DESK = {
    "viewport": {"width": 1360, "height": 850},
    "reduced_motion": "reduce",
    "locale": "en-GB",
}
PHONE = DESK | {"viewport": {"width": 390, "height": 800}, "has_touch": True}
FORMS: dict[str, dict[str, Any]] = {
    "light": DESK | {"color_scheme": "light"},
    "dark": DESK | {"color_scheme": "dark"},
    "phone": PHONE | {"color_scheme": "light"},
}

# The first stream of a run brings the body; `then` says whether it stays open, is lost for good, or
# is lost once.
STREAM = """([run, body, then]) => {
  delete window.SharedWorker;
  const ask = window.fetch;
  let asked = 0;
  window.fetch = (input, init) => {
    if (!String(input.url ?? input).includes("/events")) return ask(input, init);
    asked += 1;
    if (asked > 1 && then === "lost") return Promise.reject(new TypeError("no network"));
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(asked === 1 ? body : ": here\\n\\n"));
        const lose = () => controller.error(new TypeError("no network"));
        if (asked === 1 && then !== "open") setTimeout(lose, 300);
      },
    });
    const headers = { "Content-Type": "text/event-stream", "X-Run-Id": run };
    return Promise.resolve(new Response(stream, { headers }));
  };
}"""


class Story:
    """A draft that was written, with all frames of its run."""

    def __init__(self, desk: Desk) -> None:
        self.kb = desk.kb
        self.draft_id, run_id = desk.begin(ASK)
        answer = httpx2.get(
            f"{desk.server.url}/api/v1/runs/{run_id}/events?after=0",
            headers={"Accept": "text/event-stream"},
            cookies={"footnote_session": desk.server.session},
            timeout=60,
        )
        told = answer.text.replace(run_id, RUN).split("\n\n")
        self.frames = [frame for frame in told if "event: " in frame and "caught_up" not in frame]

    def until(self, share: float, *more: Event) -> str:
        """Return the frames with this share of the text, and what comes instead of the rest."""
        deltas = [i for i, frame in enumerate(self.frames) if "event: delta" in frame]
        return self._cut(deltas[int(len(deltas) * share)] + 1, more)

    def until_first(self, name: str, *more: Event) -> str:
        """Return the frames up to the first of this name, and what comes instead of the rest."""
        names = [frame.split("event: ", 1)[1].split("\n")[0] for frame in self.frames]
        return self._cut(names.index(name) + 1, more)

    def _cut(self, count: int, more: tuple[Event, ...]) -> str:
        head = self.frames[:count]
        last = max(int(seq) for frame in head for seq in re.findall(rf"id: {RUN}:(\d+)", frame))
        return "".join(f"{frame}\n\n" for frame in head) + frames(RUN, more, first=last + 1)


Scene = Callable[[Desk, Story], object]
SCENES: dict[str, Scene] = {}


def scene(function: Scene) -> Scene:
    """Give the picture the name of the function."""
    SCENES[function.__name__.replace("_", "-")] = function
    return function


def show(desk: Desk, story: Story) -> Page:
    """Open the finished draft."""
    page = desk.open(f"/kb/{desk.kb}/drafts/{story.draft_id}")
    page.locator("draft-editor[editing]").wait_for()
    page.locator("[data-slot=coverage]:not(:empty)").wait_for(state="attached")
    return page


def copy(desk: Desk, story: Story, change: Callable[[str], str] = str) -> Page:
    """Open a draft of its own, for a scene that changes it."""
    draft = desk.get(f"/api/v1/drafts/{story.draft_id}")
    kept = {name: draft[name] for name in ("title", "document_type", "citations")}
    made = {"kb_id": desk.kb, "content": change(draft["content"])}
    draft_id = desk.send("POST", "/api/v1/drafts", kept | made)["id"]
    page = desk.open(f"/kb/{desk.kb}/drafts/{draft_id}")
    page.locator("draft-editor[editing]").wait_for()
    return page


def type_first(page: Page, text: str) -> None:
    """Write before the first words of the text."""
    page.locator("draft-text p").first.click(position={"x": 60, "y": 12})
    page.keyboard.press("Home")
    page.keyboard.type(text)


def play(desk: Desk, story: Story, body: str, then: str = "open") -> Page:
    """Open the draft as if its run were under way and had brought this much."""
    desk.page.add_init_script(f"({STREAM})({json.dumps([RUN, body, then])})")
    desk.page.route(f"**/drafts/{story.draft_id}", take_back)
    page = desk.open(f"/kb/{desk.kb}/drafts/{story.draft_id}")
    page.unroute(f"**/drafts/{story.draft_id}")
    return page


def take_back(route: Route) -> None:
    """Take out of the page what the run has yet to bring."""
    html = route.fetch().text()
    found = re.search(r'data-slot="snapshot">(.*?)</script>', html, re.S)
    assert found is not None
    snapshot = json.loads(found[1]) | {
        "content": "", "openText": "", "blockEnds": [], "citations": [], "wordCount": 0,
        "isLive": True, "runId": RUN, "after": 0, "status": "streaming",
    }  # fmt: skip
    html = html.replace(found[1], json.dumps(snapshot).replace("<", "\\u003c"))
    html = re.sub(r'<div class="block">.*?(<div class="open-block")', r"\1", html, flags=re.S)
    html = re.sub(r'(data-slot="cards">).*?(</div>\s*<p)', r"\1\2", html, flags=re.S)
    route.fulfill(body=html, content_type="text/html")


def words(page: Page, least: int = 60) -> None:
    """Wait until the page counts so many words."""
    page.wait_for_function(
        """least => {
          const count = document.querySelector("[data-testid=word-count]");
          return parseInt(count.textContent.replace(",", "")) >= least;
        }""",
        arg=least,
    )


def try_now(page: Page) -> None:
    """Press the banner's button where it is: Playwright would scroll the page for it."""
    page.get_by_role("button", name="Try now").evaluate("button => button.click()")


def press(page: Page, key: str, dialog: str) -> None:
    page.locator("h1").click()
    page.keyboard.press(key)
    expect(page.get_by_test_id(dialog)).to_be_visible()


# --- while it is written --------------------------------------------------------------------------


@scene
def before_the_first_source(desk: Desk, story: Story) -> None:
    play(desk, story, story.until_first("started"))


@scene
def retrieving(desk: Desk, story: Story) -> None:
    page = play(desk, story, story.until_first("sources"))
    expect(page.get_by_test_id("generation-status")).to_contain_text("Found")


@scene
def writing(desk: Desk, story: Story) -> None:
    words(play(desk, story, story.until(0.6)))


@scene
def waiting(desk: Desk, story: Story) -> None:
    wait: Event = {"event": "stage", "name": "waiting", "message": "", "percent": 0, "delay_s": 6.0}
    words(play(desk, story, story.until(0.6, wait)))


@scene
def reconnecting(desk: Desk, story: Story) -> None:
    page = play(desk, story, story.until(0.6), then="lost")
    words(page)
    expect(page.get_by_test_id("connection-banner")).to_contain_text("attempt 1")


@scene
def caught_up(desk: Desk, story: Story) -> None:
    page = play(desk, story, story.until(0.6), then="lost once")
    words(page)
    banner = page.get_by_test_id("connection-banner")
    expect(banner).to_contain_text("attempt 1")
    try_now(page)
    expect(banner).to_contain_text("Nothing is missing")


@scene
def server_gone(desk: Desk, story: Story) -> None:
    page = play(desk, story, story.until(0.6), then="lost")
    banner = page.get_by_test_id("connection-banner")
    for attempt in (1, 2, 3, 4):
        expect(banner).to_contain_text(f"attempt {attempt}")
        if attempt < 4:
            try_now(page)
    expect(page.get_by_test_id("local-copy")).to_be_visible()


@scene
def stopped(desk: Desk, story: Story) -> None:
    words(play(desk, story, story.until(0.6, {"event": "cancelled", "reason": "stopped"})))


FAILED: Event = {
    "event": "failed", "code": "LLM_TIMEOUT", "retryable": True,
    "message": "The model fell silent for 60 s. Try again in a moment.",
}  # fmt: skip


@scene
def failed_with_text(desk: Desk, story: Story) -> None:
    words(play(desk, story, story.until(0.6, FAILED)))


@scene
def failed_without_text(desk: Desk, story: Story) -> None:
    page = play(desk, story, story.until_first("sources", FAILED))
    expect(page.get_by_test_id("generation-failure")).to_be_visible()


# --- in a person's hands --------------------------------------------------------------------------


@scene
def complete(desk: Desk, story: Story) -> None:
    show(desk, story)


@scene
def doubtful(desk: Desk, story: Story) -> None:
    claim = "Eleven ministries in four countries renewed their contracts for 77 million dollars. "
    start = "The resident portal is"
    page = copy(desk, story, lambda text: text.replace(start, claim + start, 1))
    page.locator("draft-text [data-doubtful]").first.wait_for()
    page.locator("h1").click()
    page.keyboard.press("w")


@scene
def editing(desk: Desk, story: Story) -> None:
    page = copy(desk, story)
    type_first(page, "In short: ")
    expect(page.get_by_test_id("generation-status")).to_contain_text("Changed")


@scene
def saved(desk: Desk, story: Story) -> None:
    page = copy(desk, story)
    type_first(page, "In short: ")
    page.keyboard.press("Control+s")
    expect(page.get_by_test_id("generation-status")).to_contain_text("Saved")


@scene
def conflict(desk: Desk, story: Story) -> None:
    page = copy(desk, story)
    path = f"/api/v1/drafts/{page.url.rsplit('/', 1)[1]}"
    text = desk.get(path)["content"]
    other = text.replace("Executive Summary", "Summary of our offer", 1)
    desk.send("PATCH", path, {"content": other})
    page.locator("draft-text h2").first.click()
    page.keyboard.press("End")
    page.keyboard.type(" for the city")
    page.keyboard.press("Control+s")
    expect(page.get_by_test_id("conflict-dialog")).to_be_visible()


@scene
def markdown(desk: Desk, story: Story) -> None:
    show(desk, story).get_by_role("button", name="Markdown", exact=True).click()


@scene
def suggestion(desk: Desk, story: Story) -> None:
    page = show(desk, story)
    page.locator("draft-text p").first.click(position={"x": 4, "y": 8})
    page.get_by_role("button", name="Rewrite").click()
    dialog = page.get_by_test_id("rewrite-dialog")
    dialog.get_by_role("button", name="Shorten").click()
    expect(dialog.get_by_role("button", name="Accept")).to_be_visible(timeout=20_000)


@scene
def verify(desk: Desk, story: Story) -> None:
    press(show(desk, story), "v", "verify-dialog")


@scene
def versions(desk: Desk, story: Story) -> None:
    page = show(desk, story)
    press(page, "h", "versions-dialog")
    page.locator(".version-row").first.wait_for()


@scene
def export(desk: Desk, story: Story) -> None:
    press(show(desk, story), "o", "export-dialog")


@scene
def feedback(desk: Desk, story: Story) -> None:
    press(show(desk, story), "f", "feedback-dialog")


# --- around the draft -----------------------------------------------------------------------------


@scene
def drafts(desk: Desk, story: Story) -> None:
    desk.open(f"/kb/{desk.kb}/drafts")


@scene
def new_draft(desk: Desk, story: Story) -> None:
    page = desk.open(f"/kb/{desk.kb}")
    page.get_by_test_id("generate-document-button").click()
    page.get_by_test_id("generation-dialog").locator("textarea[name=context]").fill(ASK)
    expect(page.get_by_test_id("estimate")).to_contain_text("words")


@scene
def empty_knowledge_base(desk: Desk, story: Story) -> None:
    desk.open(f"/kb/{empty_kb(desk)}")


@scene
def upload_failed(desk: Desk, story: Story) -> None:
    page = desk.open(f"/kb/{empty_kb(desk)}")
    send(page, "pricing-2026.md", b"# Prices\n\nThe yearly fee is 48,000 dollars.\n")
    expect(page.locator(".document-row[data-state=ready]")).to_be_visible()
    send(page, "signed-contract.pdf", b"%PDF-1.7\nnothing more")
    expect(page.locator(".document-row[data-state=failed]")).to_be_visible()
    page.route("**/documents", lambda route: route.abort())
    send(page, "answers-to-the-county-2025.docx", b"x" * 400)
    expect(page.locator(".upload[data-state=failed]")).to_be_visible()


def send(page: Page, name: str, content: bytes) -> None:
    file = {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    page.locator("input[type=file]").set_input_files([file])  # type: ignore[list-item]


def empty_kb(desk: Desk) -> str:
    for kb in desk.get("/api/v1/kbs")["kbs"]:
        if kb["name"] == "Bridge tender":
            desk.send("DELETE", f"/api/v1/kbs/{kb['id']}")
    return str(desk.send("POST", "/api/v1/kbs", {"name": "Bridge tender"})["id"])


@scene
def no_permission(desk: Desk, story: Story) -> None:
    desk.context.clear_cookies()
    sign_in(desk.context, desk.server, "rita").close()
    desk.open(f"/kb/{desk.kb}/drafts/{story.draft_id}")


# --- the camera -----------------------------------------------------------------------------------


@contextmanager
def studio() -> Iterator[tuple[Browser, Server]]:
    """A browser and a server of their own."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder) / "data", words_per_s=3_000)
        server.start()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser, server
        browser.close()
        server.stop()


def store(picture: bytes, path: Path) -> None:
    """Write a picture, with 256 colours where Pillow is there to choose them."""
    try:
        from PIL import Image
    except ImportError:
        path.write_bytes(picture)
        return
    whole = Image.open(io.BytesIO(picture)).convert("RGB")
    few = whole.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    few.save(path, optimize=True)


def take(name: str, browser: Browser, server: Server, story: Story) -> None:
    """Take one scene in each form."""
    for form, options in FORMS.items():
        with sit_down(browser, server, **options) as desk:
            desk.kb = story.kb
            SCENES[name](desk, story)
            width = desk.page.evaluate("document.documentElement.scrollWidth")
            if width > options["viewport"]["width"]:
                print(f"{name}-{form} is {width} px wide")
            store(desk.page.screenshot(), FOLDER / f"{name}-{form}.png")


def main(names: list[str]) -> None:
    """Take the scenes of these names, or all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with studio() as (browser, server):
        with sit_down(browser, server) as desk:
            add_user(desk, "rita")
            story = Story(desk)
        for name in names or SCENES:
            take(name, browser, server, story)


if __name__ == "__main__":
    main(sys.argv[1:])
