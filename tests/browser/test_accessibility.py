"""What a machine can tell of accessibility: nothing serious on any page, in either theme."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Desk, Server, sit_down
from tests.browser.screenshots import FORMS, SCENES, Story
from tests.browser.test_accounts import add_user
from tests.browser.test_editing import edit, make_draft

ROOT = Path(__file__).resolve().parents[2]
FOUND = sorted(ROOT.glob(".tools/axe-*/node_modules/axe-core/axe.min.js"))
SERIOUS = {"serious", "critical"}

# Looked at by a test of its own.
OPENED = {"verify", "versions", "export", "feedback", "suggestion", "markdown", "complete"}

needs_axe = pytest.mark.skipif(not FOUND, reason="axe-core is not installed: make test does it")

# What shows where the focus is: an outline of its own, or of the card or zone around it.
UNSEEN = """() => {
  const at = document.activeElement;
  const box = at.getBoundingClientRect();
  const shows = [at, at.closest("label"), at.closest(".block, .citation-card")].some(
    (part) => part !== null && getComputedStyle(part).outlineStyle !== "none"
  );
  if (shows || at.closest(".drop-zone, .composer, [type=date], [contenteditable]")) return "";
  return `${at.outerHTML.slice(0, 120)} ${Math.round(box.width)} by ${Math.round(box.height)}`;
}"""

MOVING = """() => [...document.querySelectorAll("*")].filter((element) => {
  const { transitionDuration, animationName, scrollBehavior } = getComputedStyle(element);
  const lasts = transitionDuration.split(", ").some((time) => parseFloat(time) > 0);
  return lasts || animationName !== "none" || scrollBehavior !== "auto";
}).map((element) => element.outerHTML.slice(0, 100))"""


@pytest.fixture(scope="module")
def stage(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that writes at once, with somebody who may see nothing."""
    server = Server(tmp_path_factory.mktemp("stage") / "data", words_per_s=3_000)
    server.start()
    with sit_down(browser, server) as desk:
        add_user(desk, "rita")
    yield server
    server.stop()


@pytest.fixture(scope="module")
def story(browser: Browser, stage: Server) -> Story:
    """A written draft, and what happened until it was."""
    with sit_down(browser, stage) as desk:
        return Story(desk)


def faults(page: Page, schemes: Sequence[str] = ("light", "dark")) -> list[str]:
    """Return what is serious on the page as it stands, in light and in dark."""
    dead = page.evaluate("[...document.querySelectorAll(':not(:defined)')].map(e => e.localName)")
    found = [f"{page.url}: <{name}> does nothing" for name in dead]
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.evaluate(FOUND[-1].read_text() + "; undefined")
        violations: list[dict[str, Any]] = page.evaluate("axe.run().then(r => r.violations)")
        for violation in violations:
            if violation["impact"] in SERIOUS:
                nodes = [node["html"][:120] for node in violation["nodes"][:3]]
                found.append(f"{page.url} {scheme}: {violation['id']}: {nodes}")
    return found


@needs_axe
def test_nothing_serious_on_any_page(desk: Desk) -> None:
    draft_id = make_draft(desk)
    [document, *_] = desk.get(f"/api/v1/kbs/{desk.kb}/documents")["documents"]
    kb = f"/kb/{desk.kb}"
    paths = ["/", kb, f"{kb}/drafts", f"{kb}/chat", f"{kb}/documents/{document['id']}"]
    found: list[str] = []
    paths += [f"{kb}/drafts/{draft_id}", "/search?q=sign-in", "/pipeline", "/kb/none"]
    for path in [*paths, "/settings", "/admin"]:
        found += faults(desk.open(path))
    desk.context.clear_cookies()
    assert found + faults(desk.open("/login")) == []


@needs_axe
def test_nothing_serious_in_what_opens_over_a_draft(desk: Desk) -> None:
    page = edit(desk, make_draft(desk))
    found: list[str] = []
    for key, name in (("v", "verify"), ("h", "versions"), ("o", "export"), ("f", "feedback")):
        page.locator("h1").click()
        page.keyboard.press(key)
        expect(page.get_by_test_id(f"{name}-dialog")).to_be_visible()
        found += faults(page)
        page.keyboard.press("Escape")
    page.locator("draft-text p").first.click(position={"x": 4, "y": 8})
    page.get_by_role("button", name="Rewrite").click()
    found += faults(page)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Markdown", exact=True).click()
    found += faults(page)
    desk.open(f"/kb/{desk.kb}")
    page.keyboard.press("g")
    page.get_by_test_id("generation-dialog").get_by_text("Outline").click()
    assert found + faults(page) == []


@needs_axe
@pytest.mark.parametrize("name", sorted(SCENES.keys() - OPENED))
def test_every_state_of_a_draft_has_nothing_serious_and_fits(
    browser: Browser, stage: Server, story: Story, name: str
) -> None:
    with sit_down(browser, stage, **FORMS["light"]) as desk:
        desk.kb = story.kb
        SCENES[name](desk, story)
        # Every colour is seen in both on the pages; here it is the parts that differ.
        assert faults(desk.page, ["light"]) == []
        for width in (640, 320):
            desk.page.set_viewport_size({"width": width, "height": 512})
            assert desk.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_growing_text_is_silent_and_one_line_speaks(desk: Desk) -> None:
    desk.write("What does support cost?", "custom")
    page = desk.page
    expect(page.locator("draft-text[aria-live], draft-text [aria-live]")).to_have_count(0)
    header = page.locator(".draft-header [role=status]")
    expect(header).to_have_count(1)
    desk.wait_for_state("complete")


@pytest.mark.parametrize("width", [360, 720])
def test_a_draft_being_edited_fits_a_phone_and_a_page_at_twice_its_size(
    desk: Desk, width: int
) -> None:
    desk.page.set_viewport_size({"width": width, "height": 740})
    page = edit(desk, make_draft(desk))
    for key in ("v", "h", "o", "f"):
        page.locator("h1").click()
        page.keyboard.press(key)
        page.locator("dialog[open]").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.locator("dialog[open]").bounding_box()
        assert box is not None
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        page.keyboard.press("Escape")


PAGES = ["/", "/kb/{kb}", "/kb/{kb}/drafts", "/kb/{kb}/chat", "/search?q=sign-in", "/pipeline"]
MAIN = [*PAGES, "/settings", "/admin", "/kb/{kb}/drafts/{draft}"]


@pytest.mark.parametrize("width", [640, 320])
def test_pages_fit_at_two_and_four_times_their_size(
    browser: Browser, stage: Server, story: Story, width: int
) -> None:
    options = {"viewport": {"width": width, "height": 450}, "device_scale_factor": 2}
    with sit_down(browser, stage, **options) as desk:
        for path in MAIN:
            page = desk.open(path.format(kb=story.kb, draft=story.draft_id))
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_nothing_moves_for_who_wants_no_motion(
    browser: Browser, stage: Server, story: Story
) -> None:
    with sit_down(browser, stage, reduced_motion="reduce") as desk:
        for path in MAIN:
            page = desk.open(path.format(kb=story.kb, draft=story.draft_id))
            assert page.evaluate(MOVING) == [], path


@pytest.mark.parametrize("path", [MAIN[1], MAIN[3], "/settings", "/admin", MAIN[-1]])
def test_the_focus_is_seen_wherever_tab_leads(
    browser: Browser, stage: Server, story: Story, path: str
) -> None:
    with sit_down(browser, stage) as desk:
        page = desk.open(path.format(kb=story.kb, draft=story.draft_id))
        if "draft}" in path:
            page.locator("draft-editor[editing]").wait_for()
        unseen = []
        for _ in range(50):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement === document.body"):
                break
            unseen.append(page.evaluate(UNSEEN))
        assert len(unseen) > 5
        assert [text for text in unseen if text] == []


@pytest.mark.parametrize("name", ["Rewrite", "Verify", "Versions", "Not right?", "Export"])
def test_a_dialog_holds_the_focus_and_gives_it_back(
    browser: Browser, stage: Server, story: Story, name: str
) -> None:
    with sit_down(browser, stage) as desk:
        page = desk.open(f"/kb/{story.kb}/drafts/{story.draft_id}")
        page.locator("draft-editor[editing]").wait_for()
        page.locator("draft-text p").first.click(position={"x": 4, "y": 8})
        opener = page.get_by_role("button", name=name, exact=True)
        opener.focus()
        page.keyboard.press("Enter")
        page.locator("dialog[open]").wait_for()
        unseen = []
        for _ in range(15):
            page.keyboard.press("Tab")
            inside = page.evaluate("document.activeElement.closest('dialog') !== null")
            assert inside or page.evaluate("document.activeElement === document.body")
            unseen += [page.evaluate(UNSEEN)] if inside else []
        assert [text for text in unseen if text] == []
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
        expect(opener).to_be_focused()


def test_the_list_of_keys_names_those_that_exist(desk: Desk) -> None:
    page = edit(desk, make_draft(desk))
    page.locator("h1").click()
    page.keyboard.press("?")
    said = page.get_by_test_id("shortcut-help").inner_text()
    for words in ("Save now", "Ctrl + S", "Ctrl + Z", "Ctrl + K", "Export as a file"):
        assert words in said
    assert "Stop writing" not in said
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    expect(page.get_by_test_id("quick-search")).to_be_visible()
