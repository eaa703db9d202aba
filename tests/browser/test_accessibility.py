"""What a machine can tell of accessibility: nothing serious on any page, in either theme."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.test_editing import edit, make_draft

ROOT = Path(__file__).resolve().parents[2]
FOUND = sorted(ROOT.glob(".tools/axe-*/node_modules/axe-core/axe.min.js"))
SERIOUS = {"serious", "critical"}

pytestmark = pytest.mark.skipif(not FOUND, reason="axe-core is not installed: make test does it")


def faults(page: Page) -> list[str]:
    """Return what is serious on the page as it stands, in light and in dark."""
    found: list[str] = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        page.evaluate(FOUND[-1].read_text() + "; undefined")
        violations: list[dict[str, Any]] = page.evaluate("axe.run().then(r => r.violations)")
        for violation in violations:
            if violation["impact"] in SERIOUS:
                nodes = [node["html"][:120] for node in violation["nodes"][:3]]
                found.append(f"{page.url} {scheme}: {violation['id']}: {nodes}")
    return found


def test_nothing_serious_on_any_page(desk: Desk) -> None:
    draft_id = make_draft(desk)
    [document, *_] = desk.get(f"/api/v1/kbs/{desk.kb}/documents")["documents"]
    kb = f"/kb/{desk.kb}"
    paths = ["/", kb, f"{kb}/drafts", f"{kb}/chat", f"{kb}/documents/{document['id']}"]
    found: list[str] = []
    for path in [*paths, f"{kb}/drafts/{draft_id}", "/search?q=sign-in", "/pipeline", "/kb/none"]:
        found += faults(desk.open(path))
    desk.context.clear_cookies()
    assert found + faults(desk.open("/login")) == []


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
