"""People at a real browser: invited, signed in, sharing, shut out."""

from collections.abc import Iterator

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import Desk, Server, sit_down

PASSWORD = "a quiet word"
NEW = "another quiet word"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that lets people in by invitation."""
    data = tmp_path_factory.mktemp("office") / "data"
    with Server(data, words_per_s=300, registration="invite") as server:
        yield server


@pytest.fixture
def chair(browser: Browser, office: Server) -> Iterator[Desk]:
    """The administrator's desk."""
    with sit_down(browser, office) as desk:
        yield desk


@pytest.fixture
def stranger(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of somebody else."""
    context = browser.new_context()
    yield context
    context.close()


def add_user(desk: Desk, name: str) -> None:
    response = httpx2.post(
        desk.server.url + "/api/v1/admin/users",
        json={"username": name, "password": PASSWORD},
        headers={"Origin": desk.server.url},
        cookies={"footnote_session": desk.server.session},
    )
    response.raise_for_status()


def sign_in(context: BrowserContext, server: Server, name: str, password: str = PASSWORD) -> Page:
    page = context.new_page()
    page.goto(server.url + "/login")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password").fill(password)
    page.get_by_label("Password").press("Enter")
    return page


def share_with(page: Page, name: str) -> None:
    form = page.get_by_test_id("share-form")
    form.get_by_label("Name").fill(name)
    form.get_by_role("button", name="Share").click()


def secret_on(page: Page) -> str:
    """Return what a page shows once."""
    field = page.get_by_test_id("secret")
    expect(field).to_be_visible()
    return field.input_value()


def test_somebody_invited_registers_and_is_in(chair: Desk, stranger: BrowserContext) -> None:
    page = chair.open("/admin")
    page.get_by_test_id("invite-button").click()
    link = secret_on(page)
    page.get_by_role("button", name="I have it").click()
    expect(page.get_by_test_id("invite-row")).to_contain_text("Open until")
    theirs = stranger.new_page()
    theirs.goto(link)
    theirs.get_by_label("Name").fill("Ivy")
    theirs.get_by_label("Password").fill("short")
    theirs.get_by_label("Password").press("Enter")
    assert theirs.url == link, "a short password is not sent"
    theirs.get_by_label("Password").fill(PASSWORD)
    theirs.get_by_label("Password").press("Enter")
    expect(theirs.get_by_role("heading", level=1)).to_have_text("Knowledge bases")
    page.reload()
    expect(page.get_by_test_id("invite-row")).to_contain_text("ivy came with it")


def test_a_wrong_password_says_so_and_the_right_one_leads_home(
    chair: Desk, stranger: BrowserContext
) -> None:
    add_user(chair, "willa")
    page = sign_in(stranger, chair.server, "willa", "wrong")
    expect(page.get_by_test_id("sign-in-error")).to_have_text("The name or the password is wrong.")
    page.get_by_label("Name", exact=True).fill("willa")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(chair.server.url + "/")
    page.get_by_role("button", name="Sign out willa").click()
    page.wait_for_url("**/login")


def test_a_knowledge_base_is_shared_and_taken_back(chair: Desk, stranger: BrowserContext) -> None:
    add_user(chair, "rita")
    page = chair.open(f"/kb/{chair.kb}")
    page.get_by_test_id("members-summary").click()
    share_with(page, "nobody")
    alert = page.get_by_test_id("share-form").get_by_role("alert")
    expect(alert).to_have_text("There is no user of this name.")
    share_with(page, "rita")
    row = page.locator("[data-testid=member-row][data-name=rita]")
    expect(row).to_be_visible()
    expect(page.locator("#members-title")).to_be_focused()

    theirs = sign_in(stranger, chair.server, "rita")
    theirs.wait_for_url(chair.server.url + "/")
    expect(theirs.locator(".kb-card")).to_contain_text("Shared by admin")
    expect(theirs.locator(".kb-actions")).to_have_count(0)
    theirs.locator(".kb-card a").first.click()
    expect(theirs.get_by_test_id("shared-by")).to_contain_text("to read")
    expect(theirs.get_by_test_id("document-upload")).to_have_count(0)
    expect(theirs.get_by_test_id("members")).to_have_count(0)

    row.get_by_label("What rita may do").select_option("WRITE")
    expect(page.get_by_text("rita has other rights now.")).to_be_visible()
    expect(page.locator("#members-title")).to_be_focused()
    theirs.reload()
    expect(theirs.get_by_test_id("document-upload")).to_be_visible()

    row.get_by_role("button", name="Take the share of rita away").click()
    expect(row).to_have_count(0)
    theirs.reload()
    expect(theirs.get_by_role("heading", level=1)).to_have_text("Not found")


def test_a_draft_can_be_read_and_exported_by_whoever_may_only_read(
    chair: Desk, stranger: BrowserContext
) -> None:
    add_user(chair, "rhea")
    page = chair.open(f"/kb/{chair.kb}")
    page.get_by_test_id("members-summary").click()
    share_with(page, "rhea")
    expect(page.locator("[data-testid=member-row][data-name=rhea]")).to_be_visible()
    body = {"kb_id": chair.kb, "title": "Access", "content": "Sign-in needs a card.\n"}
    draft_id = chair.send("POST", "/api/v1/drafts", body)["id"]

    theirs = sign_in(stranger, chair.server, "rhea")
    theirs.wait_for_url(chair.server.url + "/")
    theirs.goto(f"{chair.server.url}/kb/{chair.kb}/drafts/{draft_id}")
    expect(theirs.get_by_text("you can read it, not change it")).to_be_visible()
    tools = theirs.get_by_role("toolbar", name="What to do with this draft")
    expect(tools.get_by_role("button")).to_have_text(["Export"])
    tools.get_by_role("button", name="Export").click()
    dialog = theirs.locator("export-dialog dialog")
    dialog.get_by_label("Markdown").check()
    with theirs.expect_download() as download:
        dialog.get_by_role("button", name="Export", exact=True).click()
    assert "Sign-in needs a card." in download.value.path().read_text()


def test_a_knowledge_base_is_handed_over_to_a_member(chair: Desk, stranger: BrowserContext) -> None:
    add_user(chair, "olga")
    page = chair.open(f"/kb/{chair.kb}")
    page.get_by_test_id("members-summary").click()
    share_with(page, "olga")
    make = page.get_by_role("button", name="Make olga the owner")
    make.click()
    page.get_by_test_id("confirm-dialog").get_by_role("button", name="Cancel").click()
    make.click()
    page.get_by_test_id("confirm-dialog").get_by_role("button", name="Make owner").click()
    expect(page.get_by_text("olga is the owner now.")).to_be_visible()
    expect(page.locator("#members-title")).to_be_focused()
    expect(page.locator("[data-testid=member-row][data-name=admin]")).to_be_visible()

    theirs = sign_in(stranger, chair.server, "olga")
    theirs.wait_for_url(chair.server.url + "/")
    theirs.goto(chair.server.url + f"/kb/{chair.kb}")
    theirs.get_by_test_id("members-summary").click()
    theirs.get_by_role("button", name="Make admin the owner").click()
    theirs.get_by_test_id("confirm-dialog").get_by_role("button", name="Make owner").click()
    expect(theirs.get_by_text("admin is the owner now.")).to_be_visible()
    expect(theirs.get_by_role("button", name="Make", exact=False)).to_have_count(0)


def test_a_password_a_key_and_the_sessions_are_one_s_own(
    chair: Desk, stranger: BrowserContext
) -> None:
    add_user(chair, "paula")
    page = sign_in(stranger, chair.server, "paula")
    page.wait_for_url(chair.server.url + "/")
    page.get_by_role("link", name="Settings").click()
    page.wait_for_url("**/settings")
    form = page.get_by_test_id("password-form")
    form.get_by_label("Current password").fill("wrong")
    form.get_by_label("New password").fill(NEW)
    form.get_by_role("button").click()
    expect(form.get_by_role("alert")).to_have_text("The current password is wrong.")
    form.get_by_label("Current password").fill(PASSWORD)
    form.get_by_role("button").click()
    expect(page.get_by_text("Your password was changed.")).to_be_visible()
    expect(page.locator("#password-title")).to_be_focused()

    page.get_by_label("What it is for").fill("Nightly report")
    page.get_by_role("button", name="Make a key").click()
    key = secret_on(page)
    bearer = {"Authorization": f"Bearer {key}"}
    me = chair.server.url + "/api/v1/auth/me"
    assert httpx2.get(me, headers=bearer).json()["username"] == "paula"
    page.get_by_role("button", name="I have it").click()
    expect(page.locator("#keys-title")).to_be_focused()
    row = page.get_by_test_id("key-row")
    expect(row).to_contain_text("Nightly report")
    assert key not in page.content()
    row.get_by_role("button", name="Revoke Nightly report").click()
    page.get_by_test_id("confirm-dialog").get_by_role("button", name="Revoke").click()
    expect(row).to_have_count(0)
    assert httpx2.get(me, headers=bearer).status_code == 401

    other = stranger.browser.new_context() if stranger.browser else stranger
    elsewhere = sign_in(other, chair.server, "paula", NEW)
    elsewhere.wait_for_url(chair.server.url + "/")
    page.reload()
    expect(page.get_by_test_id("session-row")).to_have_count(2)
    page.get_by_test_id("sign-out-everywhere").click()
    page.get_by_test_id("confirm-dialog").get_by_role("button", name="Sign out everywhere").click()
    page.wait_for_url("**/login")
    elsewhere.reload()
    elsewhere.wait_for_url("**/login")
    other.close()


def test_a_user_is_disabled_and_a_group_made_by_keyboard(
    chair: Desk, stranger: BrowserContext
) -> None:
    page = chair.open("/admin")
    form = page.get_by_test_id("user-form")
    form.get_by_label("Name").fill("dora")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    row = page.locator("[data-testid=user-row][data-name=dora]")
    expect(row).to_be_visible()
    expect(page.locator("#users-title")).to_be_focused()
    theirs = sign_in(stranger, chair.server, "dora")
    theirs.wait_for_url(chair.server.url + "/")

    row.get_by_role("button", name="Disable dora").focus()
    page.keyboard.press("Enter")
    page.get_by_test_id("confirm-dialog").get_by_role("button", name="Disable").press("Enter")
    expect(row).to_contain_text("disabled")
    expect(page.locator("#users-title")).to_be_focused()
    theirs.reload()
    theirs.wait_for_url("**/login")

    page.get_by_test_id("group-form").get_by_label("New group").fill("Sales")
    page.keyboard.press("Enter")
    expect(page.locator("#groups-title")).to_be_focused()
    group = page.locator("[data-testid=group-row][data-name=Sales]")
    group.get_by_label("Add somebody to Sales").fill("dora")
    page.keyboard.press("Enter")
    expect(group).to_contain_text("1 member")
    expect(page.get_by_test_id("audit-log")).to_contain_text("dora")


def test_who_is_no_administrator_sees_no_administration(
    chair: Desk, stranger: BrowserContext
) -> None:
    add_user(chair, "nina")
    page = sign_in(stranger, chair.server, "nina")
    page.wait_for_url(chair.server.url + "/")
    expect(page.get_by_role("link", name="Settings")).to_be_visible()
    expect(page.get_by_role("link", name="Administration")).to_have_count(0)
    page.goto(chair.server.url + "/admin")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not allowed")


def test_the_pages_fit_a_phone(browser: Browser, office: Server) -> None:
    with sit_down(browser, office, viewport={"width": 360, "height": 740}) as desk:
        for path in ("/settings", "/admin", f"/kb/{desk.kb}"):
            page = desk.open(path)
            if path.startswith("/kb"):
                page.get_by_test_id("members-summary").click()
            wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert wide <= 0, path


def test_one_signs_in_without_javascript(browser: Browser, office: Server) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(office.url + "/login")
    expect(page.get_by_test_id("sign-in-form")).to_be_visible()
    context.close()
