"""The other pages, and what holds for all of them."""

from pathlib import Path

from playwright.sync_api import Browser, Route, expect

from tests.browser.conftest import Desk, Server, overflowing, sit_down

ASK = "What does support cost?"


def test_a_knowledge_base_is_made_renamed_and_deleted(desk: Desk) -> None:
    page = desk.open("/")
    page.keyboard.press("c")
    page.locator("input[name=name]").fill("Bridge tender")
    page.keyboard.press("Enter")
    page.wait_for_url("**/kb/*")
    expect(page.get_by_role("heading", name="Bridge tender")).to_be_visible()
    desk.open("/")
    page.get_by_role("button", name="Rename Bridge tender").click()
    page.locator("input[name=name]").fill("Tunnel tender")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Tunnel tender")).to_be_visible()
    page.locator(".kb-card", has_text="Tunnel").get_by_title("Delete").click()
    expect(page.get_by_test_id("confirm-dialog")).to_contain_text("0 documents")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("link", name="Tunnel tender")).to_have_count(0)


def test_files_are_read_and_a_broken_one_says_why(desk: Desk, tmp_path: Path) -> None:
    page = desk.open("/")
    page.keyboard.press("c")
    page.locator("input[name=name]").fill("Uploads")
    page.keyboard.press("Enter")
    page.wait_for_url("**/kb/*")
    good, bad = tmp_path / "notes.md", tmp_path / "broken.pdf"
    good.write_text("# Bridges\n\nThe span is 40 metres.\n")
    bad.write_bytes(b"%PDF-1.7\nnothing more")
    page.locator("input[type=file]").set_input_files([good, bad])
    expect(page.locator(".document-row[data-state=ready]")).to_contain_text("notes.md")
    failed = page.locator(".document-row[data-state=failed]")
    expect(failed).to_contain_text("broken.pdf")
    expect(failed.locator(".document-reason")).not_to_be_empty()
    failed.get_by_role("button", name="Try again").click()
    expect(failed.locator(".document-reason")).not_to_be_empty()
    expect(page.get_by_label("Only what I pick")).to_have_count(1)
    failed.get_by_title("Delete this document").click()
    expect(failed).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(failed).to_be_visible()


def test_a_dropped_file_is_uploaded(desk: Desk) -> None:
    page = desk.open(f"/kb/{desk.kb}")
    page.evaluate(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["# Dropped\\n\\nA file let go anywhere."], "dropped.md"));
          const options = { dataTransfer: data, bubbles: true, cancelable: true };
          document.querySelector("main").dispatchEvent(new DragEvent("drop", options));
        }"""
    )
    expect(page.locator(".document-row[data-state=ready][data-name='dropped.md']")).to_be_visible()


def test_a_refused_start_keeps_what_was_typed(desk: Desk) -> None:
    def busy(route: Route) -> None:
        error = {"code": "TOO_MANY_STREAMS", "message": "Five drafts are being written already."}
        route.fulfill(status=429, headers={"Retry-After": "3"}, json={"error": error})

    desk.page.route("**/api/v1/generate*", busy)
    page = desk.open(f"/kb/{desk.kb}")
    page.keyboard.press("g")
    page.locator("textarea[name=context]").fill(ASK)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Five drafts are being written already.")).to_be_visible()
    expect(page.locator("textarea[name=context]")).to_have_value(ASK)
    page.unroute("**/api/v1/generate*")
    page.get_by_test_id("start-generation-button").click()
    page.wait_for_url("**/drafts/*")


def test_a_deleted_draft_leaves_the_list(desk: Desk) -> None:
    draft_id = desk.write(ASK, "custom")
    desk.wait_for_state("complete")
    page = desk.open(f"/kb/{desk.kb}/drafts")
    row = page.locator(f".draft-row[data-id='{draft_id}']")
    expect(row).to_contain_text("Complete")
    row.get_by_title("Delete this draft").click()
    expect(row).to_be_hidden()
    page.get_by_role("button", name="Undo").click()
    expect(row).to_be_visible()


def test_the_chosen_theme_lasts(desk: Desk) -> None:
    page = desk.open("/")
    page.keyboard.press("t")
    page.keyboard.press("t")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.reload()
    assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == "dark"


def test_nothing_overflows(desk: Desk) -> None:
    draft_id = desk.write(ASK, "gap_analysis")
    desk.wait_for_state("complete")
    paths = ["/", f"/kb/{desk.kb}", f"/kb/{desk.kb}/drafts", "/kb/none", "/login"]
    assert overflowing(desk, [f"/kb/{desk.kb}/drafts/{draft_id}", *paths]) == []


def test_pages_are_readable_without_javascript(browser: Browser, server: Server) -> None:
    with sit_down(browser, server) as desk:
        draft_id = desk.write(ASK, "custom")
        desk.wait_for_state("complete")
        text = desk.text()
    with sit_down(browser, server, java_script_enabled=False) as desk:
        desk.open(f"/kb/{desk.kb}/drafts/{draft_id}")
        assert desk.text() == text
        expect(desk.page.get_by_test_id("citation-card").first).to_be_visible()
        desk.open(f"/kb/{desk.kb}")
        expect(desk.page.locator(".document-row")).not_to_have_count(0)


def test_a_browser_without_storage_can_do_everything(browser: Browser, server: Server) -> None:
    with sit_down(browser, server) as desk:
        desk.page.add_init_script(
            "Object.defineProperty(window, 'localStorage', { get() { throw Error('denied'); } })"
        )
        desk.write(ASK, "custom")
        desk.wait_for_state("complete")


def test_signing_out_leaves_no_text_behind(browser: Browser, tmp_path: Path) -> None:
    own = Server(tmp_path / "data", words_per_s=100)
    own.start()
    try:
        with sit_down(browser, own) as desk:
            desk.write(ASK)
            desk.wait_for_words(20)
            assert desk.page.evaluate("localStorage.length") > 0
            desk.page.get_by_title("Sign out").click()
            desk.page.wait_for_url("**/login")
            assert desk.page.evaluate("Object.keys(localStorage).join()") == ""
    finally:
        own.stop()


def test_a_click_before_the_scripts_are_there_is_done_when_they_are(desk: Desk) -> None:
    held: list[Route] = []
    desk.page.route("**/js/main.js", lambda route: held.append(route))
    desk.page.goto(f"{desk.server.url}/kb/{desk.kb}", wait_until="commit")
    desk.page.get_by_test_id("generate-document-button").click()
    expect(desk.page.get_by_test_id("generation-dialog")).to_be_hidden()
    held[0].continue_()
    expect(desk.page.get_by_test_id("generation-dialog")).to_be_visible()
