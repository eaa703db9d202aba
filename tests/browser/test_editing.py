"""A finished draft in a person's hands."""

import json
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Desk

TEXT = (
    "## Access\n\n"
    "Staff use a __second__ factor [1]. Residents sign in with OAuth [2].\n\n"
    "* every sign-in is logged [1]\n* logs are kept for *two* years\n\n"
    "| Need | Note |\n|:--|--:|\n| `a|b` | 7 [2] |\n\n"
    "## Cost\n\nThe yearly fee is 48,000 dollars [3].\n"
)

MARKDOWN = [
    "Plain words, 3 * 4, a_b_c, _x_ and `code [1]`.\n",
    "# One\n\n## Two **bold** and *slanted*\n\nText\\\nbroken  \ntwice\n",
    "- a\n- b\n  - c\n  - d\n\n    more\n- e\n\n3. x\n4. y\n",
    "> quoted\n> - item [1]\n>\n> end\n",
    "```python\nprint(a[0])\n```\n\n~~~\n``` inside\n~~~\n\n    indented\n",
    "| a | b |\n|:-:|--:|\n| x \\| y | **z** [2] |\n| | `q` |\n",
    "[link](https://example.org/a_(b)?c=1) <https://example.org> ~~gone~~ List<String> x<y\n",
    "***both*** **a *b* c** \\*not\\* \\# no\n\n1\\. no list\n\n\\- nor this\n\n---\n\n中文[1]。\n",
    "loose\n\n- one\n\n- two\n\n  para\n",
    "A claim [1][2]. [1, 2] stays, a[0] too & so &lt; on.\n",
]

ROUND_TRIP = """async (texts) => {
  const own = (path) => import(new URL(path, document.scripts[0].src));
  const { markdownOf, isWritable } = await own("dom/to-markdown.js");
  const { setFinalHtml } = await own("dom/final-html.js");
  const { request } = await own("lib/api.js");
  const ask = (texts) => request("POST", "/api/v1/markdown", { body: { texts } });
  const render = async (texts) => (await ask(texts)).html;
  const shown = await render(texts);
  const written = shown.map((html, i) => {
    const holder = document.createElement("div");
    setFinalHtml(holder, html);
    const text = markdownOf(holder);
    return { text, isWritable: isWritable(texts[i], text) };
  });
  const again = await render(written.map(({ text }) => text + "\\n"));
  return written.map((item, i) => ({ ...item, shown: shown[i], again: again[i] }));
}"""


def make_draft(desk: Desk, text: str = TEXT, numbers: tuple[int, ...] = (1, 2, 3)) -> str:
    """Store a draft with citations that name real passages; return its id."""
    [document, *_] = desk.get(f"/api/v1/kbs/{desk.kb}/documents")["documents"]
    chunks = desk.get(f"/api/v1/documents/{document['id']}/chunks")["chunks"]
    citations = [
        {
            "number": number, "document_id": document["id"], "document_name": document["name"],
            "page": 1, "section": None, "excerpt": chunks[number % len(chunks)]["text"],
            "confidence": 0.9, "chunk_id": chunks[number % len(chunks)]["chunk_id"], "version": 1,
            "char_start": 0, "char_end": 9,
        }
        for number in numbers
    ]  # fmt: skip
    body = {"kb_id": desk.kb, "title": "Access", "content": text, "citations": citations}
    return str(desk.send("POST", "/api/v1/drafts", body)["id"])


def edit(desk: Desk, draft_id: str) -> Page:
    """Open a draft and wait until it can be edited."""
    page = desk.open(f"/kb/{desk.kb}/drafts/{draft_id}")
    page.locator("draft-editor[editing]").wait_for()
    return page


def put_caret(page: Page, selector: str, offset: int, length: int = 0) -> None:
    """Select characters of an element's text, as a mouse would."""
    page.locator("draft-text").focus()
    page.evaluate(
        """async ([selector, offset, length]) => {
          const { placeCaret } = await import(new URL("dom/caret.js", document.scripts[0].src));
          const element = document.querySelector("draft-text " + selector);
          placeCaret(element, offset + length);
          const { focusNode, focusOffset } = getSelection();
          placeCaret(element, offset);
          if (length > 0) getSelection().extend(focusNode, focusOffset);
        }""",
        [selector, offset, length],
    )


def saved(desk: Desk, draft_id: str) -> dict[str, Any]:
    """Save by the keyboard and return what the server has then."""
    with desk.page.expect_response(lambda r: r.request.method == "PATCH"):
        desk.page.keyboard.press("Control+s")
    expect(desk.page.get_by_test_id("generation-status")).to_contain_text("Saved ")
    found: dict[str, Any] = desk.get(f"/api/v1/drafts/{draft_id}")
    return found


def test_what_is_shown_is_written_down_the_same(desk: Desk) -> None:
    desk.open("/")
    for result in desk.page.evaluate(ROUND_TRIP, MARKDOWN):
        assert result["again"] == result["shown"], result["text"]
    lost = ["An ![image](https://example.org/picture.png)\n", "&copy; sign\n"]
    for result in desk.page.evaluate(ROUND_TRIP, lost):
        assert not result["isWritable"], result["text"]


def test_typing_changes_its_line_alone_and_is_saved_and_undone(desk: Desk) -> None:
    draft_id = make_draft(desk)
    page = edit(desk, draft_id)
    put_caret(page, "li:first-child", len("every sign-in"))
    page.keyboard.type(" attempt")
    expect(page.get_by_test_id("generation-status")).to_contain_text("Changed")
    expected = TEXT.replace("* every sign-in is", "- every sign-in attempt is").strip()
    assert saved(desk, draft_id)["content"] == expected
    page.keyboard.press("Control+z")
    expect(page.locator("draft-text li").first).to_have_text("every sign-in is logged [1]")
    assert saved(desk, draft_id)["content"] == TEXT.strip()
    page.keyboard.press("Control+Shift+z")
    assert saved(desk, draft_id)["content"] == expected


def test_a_deleted_marker_takes_its_card_along_and_undo_brings_both_back(desk: Desk) -> None:
    draft_id = make_draft(desk)
    page = edit(desk, draft_id)
    cards = page.locator("citations-panel").get_by_test_id("citation-card")
    expect(cards).to_have_count(3)
    page.locator("draft-text p .citation-marker[data-number='3']").evaluate(
        "marker => { marker.closest('draft-text').focus();"
        " getSelection().collapse(marker.nextSibling, 0); }"
    )
    page.keyboard.press("Backspace")
    expect(cards).to_have_count(2)
    draft = saved(desk, draft_id)
    assert "dollars." in draft["content"] or "dollars ." in draft["content"]
    assert [citation["number"] for citation in draft["citations"]] == [1, 2]
    page.reload()
    page.locator("draft-editor[editing]").wait_for()
    page.locator("draft-text").focus()
    page.keyboard.press("Control+z")
    expect(cards).to_have_count(3)
    draft = saved(desk, draft_id)
    assert draft["content"] == TEXT.strip()
    assert [citation["number"] for citation in draft["citations"]] == [1, 2, 3]


def test_markers_stay_whole_while_words_around_them_change(desk: Desk) -> None:
    draft_id = make_draft(desk)
    page = edit(desk, draft_id)
    put_caret(page, ".block:nth-child(2)", len("Staff use a second factor"), length=0)
    page.keyboard.type(" every day")
    for _ in range(4):
        page.keyboard.press("Backspace")
    page.keyboard.press("Control+End")
    page.keyboard.press("Enter")
    page.keyboard.type("A last word [2] of *mine*, 1 < 2.")
    draft = saved(desk, draft_id)
    assert "Staff use a **second** factor every [1]. Residents" in draft["content"]
    assert draft["content"].endswith("\n\nA last word [2] of \\*mine\\*, 1 < 2.")
    expect(page.locator("draft-text p").last.get_by_test_id("citation-marker")).to_have_count(1)


def test_copy_and_paste_keep_markers_and_foreign_text_is_taken_as_text(desk: Desk) -> None:
    draft_id = make_draft(desk)
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=desk.server.url)
    page = edit(desk, draft_id)
    put_caret(page, ".block:nth-child(2)", 0, length=len("Staff use a second factor [1]."))
    page.keyboard.press("Control+c")
    page.keyboard.press("Control+End")
    page.keyboard.press("Enter")
    page.keyboard.press("Control+v")
    assert saved(desk, draft_id)["content"].endswith("\n\nStaff use a **second** factor [1].")
    page.evaluate(
        """html => {
          const data = new DataTransfer();
          data.setData("text/html", html);
          const options = { clipboardData: data, bubbles: true, cancelable: true };
          document.querySelector("draft-text").dispatchEvent(new ClipboardEvent("paste", options));
        }""",
        "<h2>Pasted</h2><p onclick='x()'>by <b>hand</b><script>alert(1)</script>"
        "<img src='https://evil.example/x.png'></p><ul><li>one</li></ul>",
    )
    draft = saved(desk, draft_id)
    assert draft["content"].endswith("\n\n## Pasted\n\nby **hand**\n\n- one")
    expect(page.locator("draft-text h2").last).to_have_text("Pasted")
    assert page.locator("draft-text script, draft-text img").count() == 0


def test_bold_and_the_markdown_view_are_the_same_text(desk: Desk) -> None:
    draft_id = make_draft(desk)
    page = edit(desk, draft_id)
    put_caret(page, ".block:nth-child(6)", 0, length=len("The yearly"))
    page.keyboard.press("Control+b")
    page.get_by_role("button", name="Markdown", exact=True).click()
    source = page.get_by_test_id("markdown-source")
    expect(source).to_have_value(TEXT.strip().replace("The yearly", "**The yearly**"))
    source.fill(source.input_value().replace("## Cost\n", "## Cost\n\n> Net of tax\n"))
    page.get_by_role("button", name="Text", exact=True).click()
    expect(page.locator("draft-text blockquote")).to_have_text("Net of tax")
    assert "## Cost\n\n> Net of tax\n\n**The yearly** fee" in saved(desk, draft_id)["content"]
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert saved(desk, draft_id)["content"] == TEXT.strip()


def test_what_cannot_be_written_back_is_edited_as_markdown(desk: Desk) -> None:
    draft_id = make_draft(desk, "First.\n\nAn ![image](https://example.org/a.png) here.\n", ())
    page = edit(desk, draft_id)
    put_caret(page, ".block:nth-child(2)", 2)
    page.keyboard.type("x")
    expect(page.locator("draft-text .block-source")).to_contain_text("![image](https://example.org")
    page.keyboard.type("Now ")
    expected = "First.\n\nNow An ![image](https://example.org/a.png) here."
    assert saved(desk, draft_id)["content"] == expected


def test_it_saves_by_itself_and_a_lost_save_is_kept_over_a_reload(desk: Desk) -> None:
    draft_id = make_draft(desk)
    page = edit(desk, draft_id)
    put_caret(page, "h2", len("Access"))
    with page.expect_response(lambda r: r.request.method == "PATCH", timeout=12_000):
        page.keyboard.type(" rules")
    expect(page.get_by_test_id("generation-status")).to_contain_text("Saved ")
    assert desk.get(f"/api/v1/drafts/{draft_id}")["content"].startswith("## Access rules\n")

    def lost(route: Route) -> None:
        if route.request.method == "PATCH":
            route.abort()
        else:
            route.continue_()

    page.route("**/api/v1/drafts/*", lost)
    page.keyboard.type(" of today")
    page.keyboard.press("Control+s")
    expect(page.locator(".editor-problem")).to_contain_text("kept in this browser")
    page.reload()
    expect(page.locator("draft-text h2").first).to_have_text("Access rules of today")
    page.unroute("**/api/v1/drafts/*")
    page.locator("draft-text").focus()
    assert saved(desk, draft_id)["content"].startswith("## Access rules of today\n")


def test_a_refused_reader_can_read_but_not_type(desk: Desk) -> None:
    draft_id = make_draft(desk)

    def readable(route: Route) -> None:
        page = route.fetch().text()
        snapshot = json.dumps(True)
        route.fulfill(body=page.replace(f'"mayEdit": {snapshot}', '"mayEdit": false'))

    desk.page.route(f"**/drafts/{draft_id}", readable)
    page = desk.open(f"/kb/{desk.kb}/drafts/{draft_id}")
    desk.wait_for_state("complete")
    expect(page.locator("draft-text")).not_to_have_attribute("contenteditable", "true")
    expect(page.locator(".editor-bar")).to_be_hidden()


@pytest.mark.parametrize("numbers", [(1, 2, 3, 7)])
def test_warnings_are_mended_with_one_click(desk: Desk, numbers: tuple[int, ...]) -> None:
    text = "One [3] and two [1] and three [5].\n"
    draft_id = make_draft(desk, text, numbers)
    page = edit(desk, draft_id)
    put_caret(page, ".block:nth-child(1)", len("One"))
    page.keyboard.type(" thing")
    saved(desk, draft_id)
    page.get_by_role("button", name="Remove them").click()
    expect(page.locator("draft-text p")).to_have_text("One thing [3] and two [1] and three.")
    page.get_by_role("button", name="Number them anew").click()
    expect(page.locator("draft-text p")).to_have_text("One thing [1] and two [2] and three.")
    cards = page.locator("citations-panel").get_by_test_id("citation-card")
    expect(cards).to_have_count(2)
    draft = desk.get(f"/api/v1/drafts/{draft_id}")
    assert draft["content"] == "One thing [1] and two [2] and three."
    page.locator("draft-text").focus()
    page.keyboard.press("Control+z")
    expect(page.locator("draft-text p")).to_have_text("One thing [3] and two [1] and three.")


def written(page: Page) -> str:
    """Return the text the editor would save, with what was just typed."""
    page.locator("draft-text").dispatch_event("focusout")
    text: str = page.locator("draft-editor").evaluate("editor => editor.text")
    return text


def select_across(page: Page, first: str, last: str) -> None:
    """Select from the third letter of one element to the third letter of another."""
    page.locator("draft-text").focus()
    page.evaluate(
        """async ([first, last]) => {
          const { placeCaret } = await import(new URL("dom/caret.js", document.scripts[0].src));
          const find = (selector) => document.querySelector("draft-text " + selector);
          placeCaret(find(last), 3);
          const { focusNode, focusOffset } = getSelection();
          placeCaret(find(first), 3);
          getSelection().extend(focusNode, focusOffset);
        }""",
        [first, last],
    )


def paste(page: Page, text: str, kind: str = "text/plain") -> None:
    """Paste what was copied elsewhere."""
    page.evaluate(
        """([text, kind]) => {
          const data = new DataTransfer();
          data.setData(kind, text);
          const options = { clipboardData: data, bubbles: true, cancelable: true };
          document.querySelector("draft-text").dispatchEvent(new ClipboardEvent("paste", options));
        }""",
        [text, kind],
    )


def test_lines_typed_in_code_stay_lines_and_a_cell_stays_one_line(desk: Desk) -> None:
    text = "```python\nprint(1)\n```\n\n| a | b |\n|---|---|\n| c | d |\n"
    page = edit(desk, make_draft(desk, text, ()))
    put_caret(page, "code", len("print"))
    page.keyboard.press("Enter")
    page.keyboard.type("2")
    assert "```python\nprint\n2(1)\n```\n\n| a" in written(page)
    put_caret(page, "th", 1)
    page.keyboard.press("Enter")
    page.keyboard.type("x")
    page.keyboard.press("Enter")
    assert written(page).strip().endswith("| a | b |\n|---|---|\n| xc | d |")


def test_enter_in_a_heading_leaves_one_blank_line_and_no_mark_behind(desk: Desk) -> None:
    page = edit(desk, make_draft(desk, "## Access\n\nStaff.\n", ()))
    put_caret(page, "h2", len("Access"))
    page.keyboard.press("Enter")
    page.keyboard.type("New")
    assert written(page).strip() == "## Access\n\nNew\n\nStaff."
    put_caret(page, "h2", 0)
    page.keyboard.press("Enter")
    assert written(page).strip() == "## Access\n\nNew\n\nStaff."


@pytest.mark.parametrize(
    ("button", "mark"), [("Heading", "## "), ("List", "- ")], ids=["heading", "list"]
)
def test_a_cited_paragraph_becomes_a_heading_or_a_list_as_a_whole(
    desk: Desk, button: str, mark: str
) -> None:
    line = "Staff use a factor [1]. Residents sign in [2]."
    page = edit(desk, make_draft(desk, f"## Access\n\n{line}\n", (1, 2)))
    put_caret(page, "p", 3)
    page.get_by_role("button", name=button, exact=True).click()
    assert written(page).strip() == f"## Access\n\n{mark}{line}"
    page.get_by_role("button", name=button, exact=True).click()
    assert written(page).strip() == f"## Access\n\n{line}"
    expect(page.locator("draft-text p .citation-marker")).to_have_count(2)


def test_what_is_cut_across_blocks_is_gone_with_its_cards_and_comes_back(desk: Desk) -> None:
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=desk.server.url)
    page = edit(desk, make_draft(desk))
    cards = page.locator("citations-panel").get_by_test_id("citation-card")
    page.locator("draft-text").focus()
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+x")
    expect(cards).to_have_count(0)
    assert written(page).strip() == ""
    page.keyboard.press("Control+v")
    expect(cards).to_have_count(3)
    assert "Staff use a **second** factor [1]." in written(page)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert written(page) == TEXT.strip()
    expect(page.locator("draft-text li")).to_have_count(2)
    expect(cards).to_have_count(3)


def test_blocks_pasted_over_a_selection_take_its_place_and_typing_goes_on_behind(
    desk: Desk,
) -> None:
    text = "One [1] and more.\n\n> Quoted [2].\n\n- item [3]\n\nLast.\n"
    page = edit(desk, make_draft(desk, text))
    select_across(page, "p", "blockquote p")
    paste(page, "alpha\n\n## Beta\n\ngamma")
    expect(page.locator("draft-text h2")).to_have_text("Beta")
    page.keyboard.type("!")
    expected = "One\n\nalpha\n\n## Beta\n\ngamma!\n\nted [2].\n\n- item [3]\n\nLast."
    assert written(page).strip() == expected
    for _ in range(3):
        page.keyboard.press("Control+z")
    assert written(page) == text.strip()
    expect(page.locator("draft-text blockquote")).to_have_text("Quoted [2].")


def test_a_pasted_table_without_a_head_stays_a_table(desk: Desk) -> None:
    page = edit(desk, make_draft(desk, "First.\n", ()))
    put_caret(page, "p", len("First."))
    paste(page, "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "text/html")
    assert "| a | b |\n| --- | --- |\n| c |" in written(page)
    expect(page.locator("draft-text table td").first).to_have_text("c")


def test_paragraphs_copied_inside_of_an_element_for_words_stay_paragraphs(desk: Desk) -> None:
    page = edit(desk, make_draft(desk, "First.\n", ()))
    put_caret(page, "p", len("First."))
    copied = "<b style='font-weight:normal'><p><span>one</span></p><br><p>two</p></b>"
    paste(page, copied, "text/html")
    assert written(page).strip() == "First.\n\none\n\ntwo"


def test_what_is_typed_while_a_save_is_under_way_is_saved_too(desk: Desk) -> None:
    draft_id = make_draft(desk, "First.\n", ())
    page = edit(desk, draft_id)
    waiting: list[Route] = []
    path = f"**/api/v1/drafts/{draft_id}"

    def hold(route: Route) -> None:
        if waiting:
            route.continue_()
        waiting.append(route)

    page.route(path, hold)
    put_caret(page, "p", len("First."))
    page.keyboard.type(" Two.")
    with page.expect_request(path):
        page.keyboard.press("Control+s")
    page.keyboard.type(" Three.")
    assert written(page) == "First. Two. Three."
    waiting[0].continue_()
    expect(page.get_by_test_id("generation-status")).to_contain_text("Saved ")
    with page.expect_response(lambda r: r.request.method == "PATCH", timeout=12_000):
        page.keyboard.press("Control+s")
    assert desk.get(f"/api/v1/drafts/{draft_id}")["content"] == "First. Two. Three."
