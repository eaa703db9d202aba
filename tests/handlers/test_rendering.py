"""Markdown that a person edits comes back as the page shows it."""

from tests.handlers.site import Site


async def test_the_sources_of_the_blocks_are_the_text(site: Site) -> None:
    text = "# One\n\nA *claim* [1].\n\n\n- two\n- <b>three</b>\n"
    _, answer = await site.call("POST", "/api/v1/markdown", {"text": text})
    assert "".join(block["source"] for block in answer["blocks"]) == text
    html = "".join(block["html"] for block in answer["blocks"])
    assert "<em>claim</em>" in html
    assert 'data-number="1"' in html
    assert "<b>" not in html
