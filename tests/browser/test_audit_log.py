"""The audit log on the page of administrators."""

from playwright.sync_api import expect

from tests.browser.conftest import Desk


def test_who_wrote_what_is_shown_filtered_and_offered_as_csv(desk: Desk) -> None:
    desk.begin("What does support cost?")
    page = desk.open("/admin")
    log = page.get_by_test_id("audit-log")
    rows = log.locator("tbody tr")
    expect(rows.filter(has_text="Generated").first).to_contain_text("generate")
    log.locator("select[name=action]").select_option("signed_in")
    expect(rows.filter(has_text="Generated")).to_have_count(0)
    log.locator("input[name=user]").fill("nobody-of-this-name")
    log.locator("input[name=user]").blur()
    expect(log.get_by_role("status")).to_have_text("Nothing of this kind was done.")
    with page.expect_download() as download:
        log.get_by_test_id("audit-csv").click()
    assert download.value.suggested_filename == "audit.csv"
