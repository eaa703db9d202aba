"""The page that says how the server is."""

from playwright.sync_api import Route, expect

from tests.browser.conftest import Desk


def test_everything_is_looked_at_from_the_browser_too(desk: Desk) -> None:
    page = desk.open("/admin")
    page.get_by_role("link", name="How the server is").click()
    rows = page.get_by_test_id("finding")
    expect(rows).to_have_count(8)
    for name in ("Model server", "Database", "Disk", "Clocks", "Streams", "Compression"):
        expect(rows.filter(has_text=name).first).to_contain_text("well")


def test_a_proxy_that_holds_streams_back_is_told_with_what_to_do(desk: Desk) -> None:
    page = desk.open("/admin")

    def hold(route: Route) -> None:
        route.fulfill(response=route.fetch(), headers={"Content-Type": "text/event-stream"})

    page.route("**/doctor/stream", hold)
    page.goto(page.url.replace("/admin", "/admin/doctor"))
    first = page.get_by_test_id("finding").first
    expect(first).to_contain_text("held back")
    expect(first).to_contain_text("proxy_buffering off")
    expect(page.get_by_role("status").first).to_contain_text("to look at")
    page.unroute("**/doctor/stream")
    page.get_by_role("button", name="Look again").click()
    streams = page.get_by_test_id("finding").filter(has_text="as they are written")
    expect(streams).to_have_count(1)
