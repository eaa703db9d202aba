"""Pages are readable as HTML first, whatever state they show."""

from pathlib import Path

import lxml.html

from tests.fake_model import FakeModel, Say, Stall
from tests.handlers.site import Site, open_site, with_model

HTML = {"Accept": "text/html"}


async def page(site: Site, path: str, status: int = 200) -> lxml.html.HtmlElement:
    found, text = await site.call("GET", path, headers=HTML)
    assert found == status, text
    return lxml.html.fromstring(text)


async def test_no_page_has_inline_script_or_style(site: Site) -> None:
    drafted = await site.generate(site.topics)
    _, listed = await site.call("GET", f"/api/v1/kbs/{site.topics}/documents")
    document = listed["documents"][0]
    for path in [
        "/",
        f"/kb/{site.topics}",
        f"/kb/{site.topics}/drafts",
        f"/kb/{site.topics}/drafts/{drafted[-1]['draft_id']}",
        f"/kb/{site.topics}/documents/{document['id']}?highlight=0-5",
        f"/kb/{site.topics}/chat",
        "/search?q=sign-in",
        "/pipeline",
        "/login",
    ]:
        tree = await page(site, path)
        assert tree.xpath("//h1"), path
        assert not tree.xpath("//style | //@style | //@*[starts-with(name(), 'on')]"), path
        for script in tree.xpath("//script"):
            assert script.get("src", "").startswith("/static/") or "json" in script.get("type", "")


async def test_a_finished_draft_is_there_without_script(site: Site) -> None:
    drafted = await site.generate(site.topics)
    tree = await page(site, f"/kb/{site.topics}/drafts/{drafted[-1]['draft_id']}")
    [content] = tree.xpath("//*[@data-testid='draft-content']")
    assert "OAuth 2.0 with PKCE" in content.text_content()
    assert content.xpath(".//*[@data-testid='citation-marker']")
    assert tree.xpath("//*[@data-testid='citation-card']")


async def test_a_streaming_draft_shows_its_text_so_far(data: Path, model: FakeModel) -> None:
    model.script(Say("# Closed\n\nStill open and <b>hostile</b> text"), Stall())
    async with open_site(data, **with_model(model)) as site:
        body = {"kb_id": site.topics, "document_type": "custom", "context": "x"}
        async with site.stream("/api/v1/generate", body) as stream:
            await stream.until_text(b"text")
            draft_id = stream.response.headers["X-Draft-Id"]
            tree = await page(site, f"/kb/{site.topics}/drafts/{draft_id}")
        [content] = tree.xpath("//*[@data-testid='draft-content']")
        assert "Closed" in content.text_content()
        assert "Still open and <b>hostile</b> text" in content.text_content()
        assert not content.xpath(".//b")


async def test_an_error_is_a_page_for_people(site: Site) -> None:
    tree = await page(site, "/kb/nothing", 404)
    assert "does not exist" in tree.text_content()
    tree = await page(site, "/nowhere", 404)
    assert tree.xpath("//h1")


async def test_names_are_escaped_everywhere(site: Site) -> None:
    hostile = '<img src=x onerror="alert(1)">'
    kb_id = await site.kb(hostile, {f"{hostile}.md": "# Title\n\nSome text about sign-in here.\n"})
    drafted = await site.generate(kb_id, context=hostile)
    for path in ("/", f"/kb/{kb_id}", f"/kb/{kb_id}/drafts/{drafted[0].get('draft_id', '')}"):
        found, text = await site.call("GET", path, headers=HTML)
        assert "<img src=x" not in text


async def test_a_stored_answer_is_there_without_script(site: Site) -> None:
    body = {"query": "How does sign-in work?", "corpus_id": site.topics, "session_id": "talk"}
    status, answer = await site.call("POST", "/api/chat", body)
    assert status == 200, answer
    tree = await page(site, f"/kb/{site.topics}/chat?session=talk")
    [answer] = tree.xpath("//ol[@data-testid='exchanges']//chat-answer")
    [text] = answer.xpath(".//*[@data-testid='chat-answer-text']")
    assert "OAuth 2.0 with PKCE" in text.text_content()
    assert answer.xpath(".//*[@data-testid='sources']//*[@data-testid='citation-card']")
    [badge] = answer.xpath(".//*[@data-testid='cache-badge']")
    assert badge.text_content() == "FRESH"


async def test_a_conversation_that_is_not_known_is_a_new_one(site: Site) -> None:
    tree = await page(site, f"/kb/{site.topics}/chat?session=none")
    assert not tree.xpath("//ol[@data-testid='exchanges']/li")


async def test_a_search_page_shows_passages_without_script(site: Site) -> None:
    tree = await page(site, "/search?q=sign-in+PKCE")
    [first, *_] = tree.xpath("//*[@data-testid='search-result']")
    assert "OAuth 2.0 with PKCE" in first.text_content()
    assert "Topics" in first.text_content()


async def test_hostile_questions_are_escaped(site: Site) -> None:
    hostile = '</script><img src=x onerror="alert(1)">'
    body = {"query": hostile, "corpus_id": site.topics, "session_id": "bad"}
    await site.call("POST", "/api/chat", body)
    for path in (f"/kb/{site.topics}/chat?session=bad", f"/search?q={hostile}"):
        _, text = await site.call("GET", path, headers=HTML)
        assert "<img src=x" not in text
