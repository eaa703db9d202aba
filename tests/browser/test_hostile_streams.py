"""A corpus of hostile text in a real browser: at every prefix of a stream, and on every page.

Nothing may run, nothing may be asked of another host, and nothing may even try what the policy of
the page forbids.
"""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from playwright.sync_api import Page, expect

from engine.markdown.blocks import Block, BlockSplitter
from engine.markdown.html import render_block
from tests.browser.conftest import Desk
from tests.browser.playing import Event, play, source
from tests.browser.test_hostile_text import play as play_draft
from tests.hostile_texts import HOSTILE, ORDERS

ALLOWED = {
    "div": ["class", "data-slot", "data-kind", "data-level", "hidden"],
    "a": ["href", "rel", "target"],
    "button": ["type", "class", "data-number", "data-testid", "aria-label"],
    "span": ["class", "data-testid", "aria-hidden", "data-kind", "data-level"],
    "code": ["class"], "ol": ["start"], "p": ["class"], "table": ["class"],
    "td": ["class"], "th": ["class"], "li": ["class"], "pre": ["class"],
    **dict.fromkeys("blockquote br em h1 h2 h3 h4 h5 h6 hr s strong tbody thead tr ul".split(), []),
}  # fmt: skip
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""
FAULTS = """(root, allowed) => [...root.querySelectorAll("*")].flatMap((element) => {
  const names = allowed[element.localName];
  if (names === undefined) return [element.localName];
  const strange = element.getAttributeNames().filter((name) => !names.includes(name));
  const link = element.getAttribute("href");
  const isSafe = link === null || /^(https?|mailto):/.test(element.protocol);
  return [...strange.map((name) => `${element.localName} ${name}`), ...(isSafe ? [] : [link])];
})"""
PREFIXES = """async ([streams, allowed]) => {
  const { DraftState } = await import(new URL("lib/draft-state.js", document.scripts[0].src));
  const faultsOf = FAULTS;
  const text = document.querySelector("draft-text");
  const blank = document.createElement("div");
  blank.append(Object.assign(document.createElement("div"), { className: "open-block" }));
  blank.firstChild.dataset.slot = "open";
  text.adopt(blank);
  const found = [];
  let painted = 0;
  for (const events of streams) {
    text.clear();
    const state = new DraftState();
    for (const event of events) {
      state.apply(event);
      text.paint(state, { isLive: true });
      painted += 1;
      const faults = faultsOf(text, allowed);
      if (faults.length > 0) found.push([state.text, faults]);
    }
    await new Promise((done) => setTimeout(done));
  }
  return [painted, found];
}""".replace("FAULTS", FAULTS)


@pytest.fixture
def watched(desk: Desk) -> Iterator[Desk]:
    """A desk whose page may neither open a dialog nor break its policy."""
    dialogs: list[str] = []
    desk.context.add_init_script(WATCH)
    desk.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    yield desk
    assert dialogs == []
    assert desk.page.evaluate("window.violations") == []


def storable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def streamed(text: str) -> list[Event]:
    """Return the events of a text that comes letter by letter, with the blocks that each closes."""
    splitter = BlockSplitter()
    events: list[Event] = []
    end = 0

    def close(blocks: list[Block]) -> None:
        nonlocal end
        for block in blocks:
            end += len(block.source.encode("utf-16-le")) // 2
            html = render_block(block)
            events.append({"event": "block", "index": block.index, "html": html, "end": end})

    for letter in text:
        close(splitter.feed(letter))
        events.append({"event": "delta", "text": letter})
    close(splitter.close())
    return events


def test_every_prefix_of_hostile_text_is_harmless(watched: Desk) -> None:
    play_draft(watched, [{"event": "stage", "name": "generating", "message": "", "percent": 1}])
    streams = [streamed(f"a [1] {storable(hostile)}\n\nb") for hostile in HOSTILE]
    painted, found = watched.page.evaluate(PREFIXES, [streams, ALLOWED])
    assert painted > 3000
    assert found == []


def test_a_page_makes_no_elements_of_text_by_itself(desk: Desk) -> None:
    page = desk.open(f"/kb/{desk.kb}")
    broken = page.evaluate(
        """() => new Promise((done) => {
          document.addEventListener("securitypolicyviolation", (e) => done(e.violatedDirective));
          setTimeout(() => { try { document.body.innerHTML = "<b>x</b>"; } catch {} });
        })"""
    )
    assert broken == "require-trusted-types-for"


def hostile_citation(name: str, text: str) -> Event:
    passage = source(name) | {"excerpt": text, "section": text}
    return {**passage, "number": 1, "confidence": 0.5, "version": 1}


def letters(text: str) -> list[Event]:
    return [{"event": "delta", "text": letter} for letter in text]


CORPUS = storable("\n\n".join([*HOSTILE, *ORDERS]))
NAME = '"><img src=x onerror=alert(1)><script>alert(1)</script>'


def test_a_hostile_answer_of_a_chat_is_harmless(watched: Desk) -> None:
    events = [
        {"event": "started", "family": "chat", "conversation_id": "c"},
        {"event": "sources", "items": [source(NAME) | {"excerpt": CORPUS, "text": CORPUS}]},
        *letters(storable("\n\n".join(HOSTILE)) + " [1]"),
        {"event": "completed", "result": {"answer": CORPUS, "cached": False, "duration_ms": 1}},
    ]
    play(watched, "**/api/chat/stream*", events)
    page = watched.open(f"/kb/{watched.kb}/chat")
    page.get_by_test_id("chat-input").fill(NAME)
    page.keyboard.press("Enter")
    expect(page.locator("chat-answer[state=complete]")).to_have_count(1)
    assert page.locator("chat-answer draft-text").evaluate(FAULTS, ALLOWED) == []
    check_page(page)


def test_a_hostile_answer_of_a_search_is_harmless(watched: Desk) -> None:
    events = [
        {"event": "sources", "items": [source(NAME) | {"excerpt": CORPUS, "section": NAME}]},
        *letters(storable("\n\n".join(HOSTILE)) + " [1]"),
        {"event": "cited", "citation": hostile_citation(NAME, CORPUS)},
        {
            "event": "completed",
            "result": {"confidence_score": 5, "confidence": 0.1, "result_count": 1},
        },
    ]
    play(watched, "**/api/v1/search?*", events)
    page = watched.open("/search")
    page.get_by_test_id("search-input").fill(NAME)
    page.keyboard.press("Enter")
    page.locator("search-view[state=complete]").wait_for()
    check_page(page)


@pytest.fixture
def hostile_kb(watched: Desk) -> Iterator[dict[str, Any]]:
    """A knowledge base, a document, a draft and a conversation, hostile in name and text."""
    client = httpx2.Client(
        base_url=watched.server.url,
        cookies={"footnote_session": watched.server.session},
        headers={"Origin": watched.server.url},
    )
    with client:
        kb_id = client.post("/api/v1/kbs", json={"name": NAME}).raise_for_status().json()["id"]
        files = {"file": (NAME.replace("/", "") + ".md", f"# {NAME}\n\n{CORPUS}\n".encode())}
        uploaded = client.post(f"/api/v1/kbs/{kb_id}/documents", files=files).raise_for_status()
        document = uploaded.json()["documents"][0]
        client.get(f"/api/v1/runs/{document['run_id']}/events", timeout=30)
        draft = client.post(
            "/api/v1/drafts",
            json={"kb_id": kb_id, "document_type": "custom", "title": NAME, "content": CORPUS},
        ).raise_for_status()
        answered = client.post(
            "/api/chat", json={"query": f"sign-in rules {NAME}", "corpus_id": kb_id}, timeout=30
        ).raise_for_status()
        yield {
            "kb": kb_id,
            "document": document["id"],
            "draft": draft.json()["id"],
            "session": answered.json()["session_id"],
        }
        client.delete(f"/api/v1/kbs/{kb_id}")


def test_hostile_documents_and_names_are_harmless_on_every_page(
    watched: Desk, hostile_kb: dict[str, Any]
) -> None:
    kb = hostile_kb["kb"]
    for path in (
        "/",
        f"/kb/{kb}",
        f"/kb/{kb}/drafts",
        f"/kb/{kb}/drafts/{hostile_kb['draft']}",
        f"/kb/{kb}/documents/{hostile_kb['document']}?highlight=20-4000",
        f"/kb/{kb}/chat?session={hostile_kb['session']}",
        "/search?q=ignore+the+rules+sign-in",
    ):
        page = watched.open(path)
        check_page(page)
        assert page.evaluate("window.violations") == [], path


def check_page(page: Page) -> None:
    """Fail if the page holds anything that loads from elsewhere or runs."""
    found = page.evaluate(
        """() => [...document.querySelectorAll("*")].filter((element) =>
          ["IMG", "IFRAME", "OBJECT", "EMBED", "VIDEO", "AUDIO", "STYLE", "BASE"]
            .includes(element.tagName)
          || element.getAttributeNames().some((name) => name.startsWith("on") || name === "srcdoc")
          || /^(javascript|data|vbscript|file):/i.test(element.href ?? "")
        ).map((element) => element.outerHTML.slice(0, 200))"""
    )
    assert found == []


def test_a_link_does_nothing_until_it_is_clicked(watched: Desk, hostile_kb: dict[str, Any]) -> None:
    page = watched.open(f"/kb/{hostile_kb['kb']}/drafts/{hostile_kb['draft']}")
    links = page.locator("draft-text a")
    assert links.count() > 0
    schemes = links.evaluate_all("links => links.map((link) => link.protocol)")
    assert set(schemes) <= {"http:", "https:", "mailto:"}
    for name, value in (("target", "_blank"), ("rel", "noopener noreferrer nofollow")):
        assert set(links.evaluate_all(f"links => links.map((l) => l.getAttribute('{name}'))")) == {
            value
        }
    links.first.hover()
    assert watched.foreign == []
