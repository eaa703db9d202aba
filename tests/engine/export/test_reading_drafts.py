import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.export.document import (
    Block,
    Code,
    Heading,
    Listing,
    Mark,
    Paragraph,
    Reference,
    Run,
    Table,
)
from engine.export.reading import PARTIAL, read
from engine.markdown.html import plain
from tests.exporting import citation, long_text, manuscript, numbers_of, said, tokens


def blocks(content: str, citations: int = 5) -> list[Block]:
    return read(manuscript(content, citations)).blocks


def line(content: str) -> list[object]:
    [paragraph] = blocks(content)
    assert isinstance(paragraph, Paragraph)
    return list(paragraph.inlines)


def test_marks_know_where_they_stand() -> None:
    assert line("Yes [1][2], no [1].") == [
        Run("Yes"),
        Mark(1, spaced=True, first=True),
        Mark(2, joins=True, first=True),
        Run(", no"),
        Mark(1, spaced=True),
        Run("."),
    ]


@pytest.mark.parametrize("written", ["Yes [1, 3].", "Yes [1;3].", "Yes [Sources 1, 3]."])
def test_every_form_of_a_marker_is_one(written: str) -> None:
    assert numbers_of(read(manuscript(written))) == [1, 3]


def test_a_marker_without_a_citation_stays_text() -> None:
    assert line("Yes [9].") == [Run("Yes [9].")]
    assert read(manuscript("Yes [9].")).references == []


def test_only_what_is_cited_is_a_reference() -> None:
    document = read(manuscript("Yes [4] and [2]."))
    assert [one.number for one in document.references] == [2, 4]
    assert not document.counts_up
    assert read(manuscript("Yes [1] and [2], [1].")).counts_up


def test_code_is_not_touched() -> None:
    assert blocks("```\na[1] <b> [1]\n\n\tx\n```") == [Code("a[1] <b> [1]\n\n\tx")]


def test_headings_count_from_the_highest() -> None:
    levels = [b.level for b in blocks("## A\n\n#### B\n\n## C") if isinstance(b, Heading)]
    assert levels == [1, 3, 1]


def test_a_heading_that_repeats_the_title_is_left_out() -> None:
    assert blocks("# A Rich Draft\n\nText.") == [Paragraph([Run("Text.")])]


def test_a_link_says_where_it_leads() -> None:
    assert line("See [this](https://a.example/x).") == [Run("See this (https://a.example/x).")]
    assert line("See <https://a.example/x>.") == [Run("See https://a.example/x.")]
    assert line("Write to [me](mailto:a@b.example).") == [Run("Write to me (a@b.example).")]


def test_a_picture_is_its_words() -> None:
    assert line("![a chart](https://evil.example/x.png)") == [Run("a chart")]


def test_what_no_file_can_hold_is_gone() -> None:
    document = read(manuscript("a\x0bb\x00c \ufffe", title="T\x1b\x08"))
    assert document.title == "T"
    assert document.blocks == [Paragraph([Run("abc")])]


@pytest.mark.parametrize(
    ("text", "rtl"),
    [("שלום [1] abc", True), ("12 مرحبا", True), ("abc שלום", False), ("12", False)],
)
def test_the_first_letter_tells_the_direction(text: str, rtl: bool) -> None:
    [paragraph] = blocks(text)
    assert isinstance(paragraph, Paragraph)
    assert paragraph.rtl is rtl


def test_a_list_and_a_table_cut_for_their_length_are_whole_again() -> None:
    items = "\n".join(f"{n}. item {n} {'word ' * 30}" for n in range(3, 203))
    rows = "\n".join(f"| row {n} | {'word ' * 30} |" for n in range(200))
    listing, table = blocks(f"{items}\n\n| a | b |\n|---|---|\n{rows}")
    assert isinstance(listing, Listing)
    assert (listing.start, len(listing.items)) == (3, 200)
    assert isinstance(table, Table)
    assert len(table.rows) == 200


def test_a_footnote_says_where_and_what() -> None:
    assert read(manuscript("Yes [1].")).references == [
        Reference(
            1, "Source <1> & more.pdf", "page 11, Security › Backups", "Passage number 1 says so."
        )
    ]


def test_of_a_long_passage_the_sentence_is_quoted() -> None:
    excerpt = f"{'Much before. ' * 60}This counts. {'Much after. ' * 60}"
    start = excerpt.index("This")
    long = citation(1, excerpt=excerpt, quote_start=start, quote_end=start + 12)
    whole = manuscript("Yes [1].", citations=0)
    [reference] = read(msgspec.structs.replace(whole, citations=[long])).references
    assert reference.excerpt == "This counts."


def test_a_partial_draft_says_so() -> None:
    assert read(manuscript(status="partial")).note == PARTIAL
    assert read(manuscript(status="complete")).note == ""


def test_an_empty_draft_is_a_document() -> None:
    assert read(manuscript("")).blocks == []


def test_a_block_too_long_for_markdown_is_kept_as_written() -> None:
    content = "word * _ [1] " * 3000
    assert sum(said(read(manuscript(content))).values()) >= 3000


def test_the_words_of_a_long_draft_are_all_there() -> None:
    content = long_text(3000)
    assert not tokens(plain(content)) - said(read(manuscript(content, 200)))


@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "b c",
                "\n",
                "\n\n",
                "- ",
                "1. ",
                "> ",
                "`",
                "**",
                "|",
                "[1]",
                "[2, 3]",
                "# ",
                "```",
                "    ",
                "<b>",
                "\\",
                "![x](y)",
                "~~",
            ]
        )
    )
)
def test_no_word_of_the_page_is_lost(pieces: list[str]) -> None:
    content = "".join(pieces)
    assert not tokens(plain(content)) - said(read(manuscript(content)))
