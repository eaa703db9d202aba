"""Markdown that a person edits comes back as the page shows it."""

from tests.handlers.site import Site


async def test_each_text_is_rendered_by_itself_and_safely(site: Site) -> None:
    texts = ["A *claim* [1].\n\n", "- two\n- <b>three</b>\n"]
    _, answer = await site.call("POST", "/api/v1/markdown", {"texts": texts})
    claim, items = answer["html"]
    assert "<em>claim</em>" in claim
    assert 'data-number="1"' in claim
    assert "<li>two</li>" in items
    assert "<b>" not in items
