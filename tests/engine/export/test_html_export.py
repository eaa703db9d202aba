import base64
import hashlib
import re

from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from engine.export.html import write
from engine.export.reading import read
from tests.exporting import manuscript, numbers_of, said, text_of, tokens
from tests.hostile_texts import HOSTILE

ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "section"),
    *("h1", "h2", "h3", "h4", "h5", "h6", "p", "pre", "code", "hr", "blockquote", "ul", "ol", "li"),
    *("table", "thead", "tbody", "tr", "th", "td", "br", "strong", "em", "s", "sup", "a"),
    *("cite", "q"),
}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "dir", "class", "role", "start"}
ATTRIBUTES |= {"value", "id", "href", "aria-label", "aria-labelledby"}


def exported(content: str, **changes: str) -> str:
    return write(read(manuscript(content, **changes)), "footnotes").decode()


def test_every_mark_leads_to_its_source_and_back() -> None:
    document = read(manuscript())
    for style in ("footnotes", "references"):
        tree = html.fromstring(write(document, style))  # type: ignore[arg-type]
        marks = tree.xpath("//a[starts-with(@href, '#note-')]")
        assert [int(mark.text.strip("[]")) for mark in marks] == numbers_of(document)
        for number in range(1, 6):
            [note] = tree.xpath(f"//li[@id='note-{number}']")
            assert f"Source <{number}> & more.pdf, page {number + 10}" in note.text_content()
            assert tree.xpath(f"//*[@id='mark-{number}']")
            assert note.xpath(f".//a[@href='#mark-{number}']")


def test_the_policy_allows_its_own_style_and_nothing_else() -> None:
    made = exported("Text.")
    style = re.search("<style>(.*)</style>", made, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}'" in made
    assert made.index("Content-Security-Policy") < made.index("<style>")
    assert "prefers-color-scheme: dark" in style[1]
    assert "@media print" in style[1]
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_text_from_right_to_left_is_marked() -> None:
    tree = html.fromstring(exported("שלום\n\nHello\n\n| שלום | b |\n|---|---|\n| c | d |"))
    assert tree.xpath("//p[@dir='rtl']/text()") == ["שלום"]
    assert tree.xpath("//th[@dir='rtl']/text()") == ["שלום"]


def test_a_partial_draft_says_so() -> None:
    tree = html.fromstring(exported("Text.", status="partial"))
    assert "partial draft" in tree.xpath("string(//p[@class='note'])")


def test_hostile_text_stays_text() -> None:
    for text in HOSTILE:
        check_harmless(exported(f"{text}\n\n{text} [1]", title=text))


@settings(max_examples=100, deadline=None)
@given(st.text("ab é中ש*_`~[]()<>&|#+-=.:!\\\"'^$1 \n\t", max_size=60))
def test_the_file_says_the_words_of_the_document(content: str) -> None:
    document = read(manuscript(content, status="partial"))
    for style in ("footnotes", "references"):
        made = write(document, style).decode()  # type: ignore[arg-type]
        check_harmless(made)
        tree = html.fromstring(made.replace("<title>", "<title>\0"))
        assert tokens(text_of(tree)) == said(document)


def check_harmless(made: str) -> None:
    """Only the elements and attributes that are written on purpose, and no address but in text."""
    for element in html.fromstring(made).iter():
        assert element.tag in ALLOWED
        assert set(element.attrib) <= ATTRIBUTES
        assert element.get("href", "#").startswith("#")
