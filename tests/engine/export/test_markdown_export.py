import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.export.manuscript import Style
from engine.export.markdown import write
from engine.export.reading import read
from tests.exporting import manuscript, markdown_tree, numbers_of, said, text_of, tokens

# What means something somewhere in Markdown, and what comes before and after it.
PIECES = st.text("ab é中ש*_`~[]()<>&|#+-=.:!\\\"'^$1 \n\t", max_size=60)


def exported(content: str, style: Style = "footnotes") -> str:
    return write(read(manuscript(content)), style).decode()


def test_markers_become_footnotes() -> None:
    text = exported("Content with citation [1]")
    assert "Content with citation [^1]\n" in text
    assert "## References\n" in text
    assert "[^1]: **Source \\<1> & more.pdf**, page 11, Security › Backups." in text
    assert "“Passage number 1 says so.”" in text


def test_markers_become_numbers_of_a_list() -> None:
    text = exported("Content with citation [1]", "references")
    assert "Content with citation \\[1\\]\n" in text
    assert "\n\\[1\\] **Source" in text


def test_code_is_unchanged() -> None:
    code = "```\nList<String> a = b[1] & *c*;\n```"
    assert code in exported(f"Before.\n\n{code}\n\nAfter.")


def test_the_numbers_are_those_of_the_draft_in_any_order() -> None:
    text = exported("Yes [3] and [1].")
    assert re.findall(r"\[\^\d\]", text) == ["[^3]", "[^1]", "[^1]", "[^3]"]


def test_another_parser_finds_every_footnote() -> None:
    document = read(manuscript())
    tree = markdown_tree(write(document, "footnotes"))
    marks = tree.xpath("//sup[@class='footnote-ref']/a/text()")
    assert list(map(int, marks)) == numbers_of(document)
    notes = tree.xpath("//section[@class='footnotes']//li")
    assert len(notes) == 5
    for number, note in enumerate(notes, start=1):
        assert f"Source <{number}> & more.pdf, page {number + 10}" in note.text_content()


def test_another_parser_finds_every_element() -> None:
    tree = markdown_tree(write(read(manuscript()), "footnotes"))
    assert [h.text_content() for h in tree.xpath("//h2")] == ["Executive Summary", "References"]
    assert tree.xpath("string(//strong)") == "Bold words"
    assert tree.xpath("string(//em)") == "slanted words"
    assert tree.xpath("string(//del)") == "struck words"
    assert tree.xpath("//ol/@start") == ["3"]
    assert tree.xpath("//td/code/text()") == ["left | right"]
    assert len(tree.xpath("//table//tr")) == 3
    assert len(tree.xpath("//ul/li/ul/li")) == 2
    assert "List<String> names" in tree.xpath("string(//pre)")
    assert tree.xpath("string(//blockquote//li)").strip() == "a list in it"


def test_nothing_that_was_text_comes_to_life() -> None:
    tree = markdown_tree(write(read(manuscript()), "footnotes"))
    assert not tree.xpath("//script | //img")


def test_two_lists_in_a_row_stay_two() -> None:
    tree = markdown_tree(exported("- a\n- b\n\n* c").encode())
    assert [li.text_content().strip() for li in tree.xpath("//li")] == ["a", "b", "c"]
    tree = markdown_tree(exported("1. a\n\n1) b").encode())
    assert len(tree.xpath("//ol")) == 2


def test_a_partial_draft_says_so() -> None:
    document = read(manuscript(status="partial"))
    assert "> **This is a partial draft" in write(document, "footnotes").decode()


@pytest.mark.parametrize("style", ["footnotes", "references"])
@settings(max_examples=150, deadline=None)
@given(content=PIECES)
@example(content="a **b*c*d** ***e*** f**g.**h")
@example(content="1986\\. x\n\\# y\n\\- z\n\n    code")
@example(content="- \n- a\n\n  - b\n")
@example(content="see http://a.example/x*y*[1] and www.b.example[2]")
@example(content="a\n===\n\n\\===")
def test_another_parser_reads_the_same_words(style: Style, content: str) -> None:
    document = read(manuscript(content))
    tree = markdown_tree(write(document, style))
    assert tokens(text_of(tree)) == said(document)
    assert not tree.xpath("//img | //script | //iframe")
    links = tree.xpath("//a[not(@data-footnote-ref) and not(@data-footnote-backref)]")
    # An address of e-mail in plain text becomes a link there; it says itself where it leads.
    assert all(link.get("href") == f"mailto:{link.text_content()}" for link in links)
