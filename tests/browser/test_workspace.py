"""What can be done with a finished draft: rewrite, verify, go back, hand over, complain."""

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Desk
from tests.browser.test_editing import TEXT, edit, make_draft, put_caret, saved

ASK = "Answer the city's request for a resident portal. Stress authentication and access control."


def written(desk: Desk) -> tuple[str, Page]:
    """Have a draft written and open it."""
    draft_id, _ = desk.begin(ASK, "requirements_summary")
    page = desk.open(f"/kb/{desk.kb}/drafts/{draft_id}")
    desk.wait_for_state("complete")
    page.locator("draft-editor[editing]").wait_for()
    return draft_id, page


def test_a_suggestion_is_shown_and_changes_nothing_before_it_is_accepted(desk: Desk) -> None:
    draft_id, page = written(desk)
    before = desk.get(f"/api/v1/drafts/{draft_id}")["content"]
    first = page.locator("draft-text p, draft-text li").filter(has=page.locator("button")).first
    first.click(position={"x": 4, "y": 8})
    page.get_by_role("button", name="Rewrite").click()
    dialog = page.get_by_test_id("rewrite-dialog")
    dialog.get_by_label("Keep its citations").uncheck()
    dialog.get_by_role("button", name="Regenerate").click()
    expect(dialog.get_by_role("button", name="Accept")).to_be_visible(timeout=20_000)
    expect(dialog.get_by_test_id("suggestion").locator("ins").first).to_be_visible()
    assert desk.get(f"/api/v1/drafts/{draft_id}")["content"] == before
    dialog.get_by_role("button", name="Reject").click()
    expect(dialog.locator("ins")).to_have_count(0)
    dialog.get_by_role("button", name="Shorten").click()
    dialog.get_by_role("button", name="Accept").click()
    expect(dialog).to_be_hidden()
    page.locator("draft-text").focus()
    after = saved(desk, draft_id)
    assert after["content"] != before
    numbers = {citation["number"] for citation in after["citations"]}
    markers = page.locator("draft-text .citation-marker").evaluate_all(
        "all => all.map(marker => Number(marker.dataset.number))"
    )
    assert set(markers) == numbers
    page.locator("draft-text").focus()
    page.keyboard.press("Control+z")
    assert saved(desk, draft_id)["content"] == before


def test_citations_are_verified_by_the_keyboard_and_export_reminds_of_the_rest(desk: Desk) -> None:
    draft_id = make_draft(desk)
    page = edit(desk, draft_id)
    page.locator("h1").click()
    page.keyboard.press("v")
    dialog = page.get_by_test_id("verify-dialog")
    expect(dialog).to_contain_text("Citation 1 of 3 · 0 verified")
    expect(dialog.locator(".verify-sentence")).to_contain_text("Staff use a second factor")
    page.keyboard.press("ArrowRight")
    expect(dialog).to_contain_text("Citation 2 of 3")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Space")
    expect(dialog).to_contain_text("1 verified")
    expect(dialog).to_contain_text("Citation 2 of 3")
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("o")
    dialog = page.get_by_test_id("export-dialog")
    expect(dialog).to_contain_text("2 citations are not verified")
    dialog.get_by_text("Markdown").click()
    with page.expect_download() as download:
        dialog.get_by_role("button", name="Export").click()
    assert download.value.suggested_filename == "Access.md"
    assert "[^1]" in Path(download.value.path()).read_text()


def test_an_older_version_is_compared_named_and_restored(desk: Desk) -> None:
    draft_id = make_draft(desk)
    page = edit(desk, draft_id)
    put_caret(page, "h2", len("Access"))
    page.keyboard.type(" for everybody")
    saved(desk, draft_id)
    page.locator("h1").click()
    page.keyboard.press("h")
    dialog = page.get_by_test_id("versions-dialog")
    expect(dialog.locator("ins").first).to_contain_text("for everybody")
    dialog.get_by_label("Name of this version").fill("As sent")
    dialog.get_by_role("button", name="Keep under this name").click()
    expect(dialog.locator(".version-row").last).to_contain_text("As sent")
    dialog.get_by_role("button", name="Restore").click()
    expect(page.locator("draft-text h2").first).to_have_text("Access")
    assert desk.get(f"/api/v1/drafts/{draft_id}")["content"] == TEXT.strip()
    page.get_by_role("button", name="Undo").last.click()
    expect(page.locator("draft-text h2").first).to_have_text("Access for everybody")


def test_two_editors_lose_nothing(desk: Desk) -> None:
    draft_id = make_draft(desk)
    page = edit(desk, draft_id)
    path = f"/api/v1/drafts/{draft_id}"
    desk.send("PATCH", path, {"content": TEXT.replace("48,000", "50,000")})
    put_caret(page, "h2", len("Access"))
    page.keyboard.type(" rights")
    page.keyboard.press("Control+s")
    expect(page.locator("draft-text")).to_contain_text("50,000 dollars")
    expect(page.locator("draft-text")).to_contain_text("Access rights")
    both = desk.get(path)["content"]
    assert "50,000" in both and "## Access rights\n" in both
    desk.send("PATCH", path, {"content": both.replace("## Access rights", "## Their rights")})
    put_caret(page, "h2", 0)
    page.keyboard.type("My ")
    page.keyboard.press("Control+s")
    dialog = page.get_by_test_id("conflict-dialog")
    expect(dialog).to_contain_text("Their rights")
    expect(dialog).to_contain_text("My Access rights")
    dialog.get_by_role("button", name="Use my text here").click()
    expect(page.get_by_test_id("generation-status")).to_contain_text("Saved ")
    assert desk.get(path)["content"].startswith("## My Access rights\n")
    versions = desk.get(f"{path}/versions")["versions"]
    texts = [desk.get(f"{path}/versions/{v['number']}")["content"] for v in versions]
    assert any("Their rights" in text for text in texts)


def test_a_complaint_offers_three_ways_on_and_each_does_something(desk: Desk) -> None:
    draft_id, page = written(desk)
    page.get_by_role("button", name="Not right?").click()
    dialog = page.get_by_test_id("feedback-dialog")
    dialog.get_by_text("It needs more detail").click()
    dialog.get_by_role("button", name="See what can be done").click()
    ways = dialog.locator(".alternative")
    expect(ways).to_have_count(3)
    expect(dialog).to_contain_text("Start afresh")
    dialog.get_by_role("button", name="Write it in more detail").click()
    page.wait_for_url(lambda url: "/drafts/" in url and draft_id not in url)
    desk.wait_for_state("complete")
    longer = desk.get(f"/api/v1/drafts/{page.url.rsplit('/', 1)[1]}")
    assert longer["previous_draft_id"] == draft_id


def test_an_outline_is_changed_by_the_keyboard_and_kept_as_an_own_type(desk: Desk) -> None:
    page = desk.open(f"/kb/{desk.kb}")
    page.keyboard.press("g")
    dialog = page.get_by_test_id("generation-dialog")
    dialog.locator("textarea[name=context]").fill(ASK)
    dialog.locator("input[value=rfp_response]").check()
    expect(dialog.get_by_test_id("estimate")).to_contain_text("words")
    dialog.get_by_text("Outline").click()
    titles = dialog.locator(".outline-row [data-slot=title]")
    expect(titles).to_have_count(4)
    titles.nth(3).press("Alt+ArrowUp")
    expect(titles.nth(2)).to_have_value("Pricing")
    expect(titles.nth(2)).to_be_focused()
    dialog.get_by_role("button", name="Remove this section").nth(3).click()
    dialog.get_by_role("button", name="Add a section").click()
    titles.nth(3).fill("Support")
    dialog.get_by_label("For whom").fill("Procurement officers")
    name = f"Short answer {desk.kb[:4]}"
    dialog.get_by_label("Name of a type of your own").fill(name)
    dialog.get_by_role("button", name="Save as own type").click()
    expect(dialog.get_by_role("radio", name=name)).to_be_checked()
    dialog.get_by_test_id("start-generation-button").click()
    page.wait_for_url("**/drafts/*")
    desk.wait_for_state("complete")
    draft = desk.get(f"/api/v1/drafts/{page.url.rsplit('/', 1)[1]}")
    headings = [line for line in draft["content"].splitlines() if line.startswith("## ")]
    assert headings == [
        "## Executive Summary",
        "## Technical Approach",
        "## Pricing",
        "## Support",
    ]
    assert draft["request"]["audience"] == "Procurement officers"
    desk.open(f"/kb/{desk.kb}")
    page.keyboard.press("g")
    dialog.get_by_text(name).click()
    dialog.get_by_text("Outline").click()
    dialog.get_by_role("button", name="Delete this type").click()
    expect(dialog.get_by_text(name)).to_have_count(0)


def test_a_section_can_be_left_and_the_tree_says_so(desk: Desk) -> None:
    desk.write(ASK)
    page = desk.page
    expect(page.get_by_test_id("generation-status")).to_contain_text("Technical Approach")
    page.get_by_test_id("skip-section-button").click()
    expect(page.get_by_text("ends here. Writing goes on")).to_be_visible()
    desk.wait_for_state("complete")
    expect(page.locator("section-tree li[data-state=skipped]")).to_contain_text(
        "Technical Approach"
    )
    expect(page.locator(".coverage")).to_contain_text("supported")


def test_drafts_are_found_sorted_and_duplicated(desk: Desk) -> None:
    draft_id = make_draft(desk, "A word that nobody else wrote: zwieback.\n", ())
    page = desk.open(f"/kb/{desk.kb}/drafts")
    page.keyboard.press("/")
    page.keyboard.type("zwieback")
    page.keyboard.press("Enter")
    # A click on the page that is left, or before the scripts of the new one, would do nothing.
    page.wait_for_url("**/drafts?q=zwieback&*", wait_until="load")
    rows = page.get_by_test_id("draft-row")
    expect(rows).to_have_count(1)
    rows.get_by_title("Duplicate this draft").click()
    page.wait_for_url(lambda url: "/drafts/" in url and draft_id not in url)
    page.locator("draft-editor[editing]").wait_for()
    expect(page.get_by_test_id("draft-content")).to_contain_text("zwieback")
    desk.open(f"/kb/{desk.kb}/drafts?q=zwieback")
    expect(rows).to_have_count(2)
    page.get_by_label("Status").select_option("partial")
    expect(page.get_by_text("No draft like that")).to_be_visible()


def test_a_partial_draft_is_edited_as_it_is(desk: Desk) -> None:
    draft_id = desk.write(ASK)
    desk.wait_for_words(60)
    page = desk.page
    page.get_by_test_id("stop-generation-button").click()
    desk.wait_for_state("stopped")
    before = desk.text()
    page.get_by_test_id("save-partial-draft-button").click()
    page.locator("draft-editor[editing]").wait_for()
    assert desk.text() == before
    put_caret(page, "h2", 0)
    page.keyboard.type("My ")
    draft = saved(desk, draft_id)
    assert draft["status"] == "editing"
    assert draft["content"].startswith("## My ")
    expect(page.locator("streaming-draft-view")).to_have_attribute("state", "complete")


def test_only_the_selection_is_rewritten_and_edited_sentences_are_scored_again(desk: Desk) -> None:
    draft_id, page = written(desk)
    before = str(desk.get(f"/api/v1/drafts/{draft_id}")["content"])
    block = "p:has(.citation-marker)"
    whole = page.locator(f"draft-text {block}").first.inner_text()
    put_caret(page, block, 0, length=len(whole))
    selected = page.evaluate("document.querySelector('draft-editor').selection")
    page.get_by_role("button", name="Rewrite").click()
    dialog = page.get_by_test_id("rewrite-dialog")
    expect(dialog).to_contain_text("Rewrite the selection")
    dialog.get_by_role("button", name="Expand").click()
    dialog.get_by_role("button", name="Accept").click()
    expect(dialog).to_be_hidden()
    page.locator("draft-text").focus()
    after = saved(desk, draft_id)["content"]
    assert after != before
    assert after.startswith(before[: selected["start"]])
    assert after.endswith(before[selected["end"] :])
    page.locator("draft-text").focus()
    page.keyboard.press("Control+z")
    expect(page.locator("draft-text [data-doubtful]")).to_have_count(0)
    put_caret(page, block, 0)
    page.keyboard.type("Nineteen purple elephants approved the budget of 77 dollars. ")
    expect(page.locator("draft-text [data-doubtful]")).to_have_count(1)
    expect(page.locator(".coverage")).to_contain_text("supported")
    page.locator("h1").click()
    page.keyboard.press("w")
    expect(page.locator("draft-text .is-current[data-doubtful]")).to_be_in_viewport()
