import time

from hypothesis import given
from hypothesis import strategies as st

from engine.markdown import blocks
from engine.markdown.blocks import Block, BlockSplitter
from engine.markdown.html import render, render_block


def split(text: str, *, every: int | None = None) -> list[Block]:
    splitter = BlockSplitter()
    step = every or max(len(text), 1)
    found = [
        block for at in range(0, len(text), step) for block in splitter.feed(text[at : at + step])
    ]
    return found + splitter.close()


def sources(text: str) -> list[str]:
    return [block.source for block in split(text)]


def closed_by(text: str) -> list[str]:
    """Return what is closed once the text has come, while more may follow."""
    return [block.source for block in BlockSplitter().feed(text)]


def whole(text: str) -> str:
    """Render a text in one go, as if it were a single block."""
    return render_block(Block(0, 0, len(text), text))


FRAGMENTS = [
    "", "", "word", "two words [1]", "# heading", "- item", "* other", "1. one", "2. two", "-",
    "  inside", "    code", "> quote", ">", "> - nested", "```", "~~~", "  ```", "---", "***",
    "===", "| a | b |", "|---|--:|", "| 1 | 2 |", "\t", "- > q", "10. ten", "é ☃ 漢字",
]  # fmt: skip
LINES = st.lists(st.sampled_from(FRAGMENTS), max_size=12)
TEXTS = st.builds(lambda lines, end: end.join(lines), LINES, st.sampled_from(["\n", "\r\n", "\r"]))

WORDS = st.lists(
    st.sampled_from(["plain", "*soft*", "**bold**", "`code`", "[1]", "~~gone~~", "a_b", "x < y"]),
    min_size=1,
    max_size=6,
).map(" ".join)
PARAGRAPH = st.lists(WORDS.map("so {}".format), min_size=1, max_size=3).map("\n".join)
HEADING = st.builds(lambda level, words: "#" * level + " " + words, st.integers(1, 6), WORDS)
FENCE = st.builds(
    lambda mark, lines: "\n".join([mark + "python", *lines, mark]),
    st.sampled_from(["```", "~~~~"]),
    st.lists(st.sampled_from(["x = 1", "", "    y", "# no heading", "- no item"]), max_size=5),
)
TABLE = st.lists(WORDS, min_size=1, max_size=4).map(
    lambda rows: "\n".join(["| a | b |", "|:--|--:|", *(f"| {row} | 2 |" for row in rows)])
)
LEAF = st.one_of(
    PARAGRAPH, HEADING, FENCE, TABLE, st.just("***"), st.just("    indented\n\n    code")
)


def indented(text: str, width: int) -> str:
    return text.replace("\n", "\n" + " " * width)


def listed(marker: str, items: list[str], gap: str) -> str:
    return gap.join(marker + indented(item, len(marker)) for item in items)


def containers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    lists = st.builds(
        listed,
        st.sampled_from(["- ", "* ", "1. ", "7) "]),
        st.lists(inner, min_size=1, max_size=3),
        st.sampled_from(["\n", "\n\n"]),
    )
    quotes = inner.map(lambda text: "> " + text.replace("\n", "\n> "))
    return st.one_of(lists, quotes)


DOCUMENTS = st.lists(st.recursive(LEAF, containers, max_leaves=4), max_size=5).map("\n\n".join)


@given(TEXTS, st.integers(1, 7))
def test_any_cut_of_the_text_gives_the_same_blocks(text: str, every: int) -> None:
    assert split(text, every=every) == split(text)


@given(TEXTS)
def test_blocks_joined_are_the_text_and_their_positions_are_true(text: str) -> None:
    found = split(text)
    assert "".join(block.source for block in found) == text
    assert [block.index for block in found] == list(range(len(found)))
    assert all(text[block.start : block.end] == block.source for block in found)
    assert all(block.source for block in found)


@given(DOCUMENTS)
def test_blocks_rendered_one_by_one_equal_the_text_rendered_at_once(text: str) -> None:
    assert render(text) == whole(text)


def test_a_paragraph_closes_at_the_blank_line() -> None:
    assert closed_by("one\ntwo\n") == []
    assert closed_by("one\ntwo\n\n") == ["one\ntwo\n\n"]


def test_a_heading_closes_at_the_end_of_its_line_and_closes_the_paragraph_above() -> None:
    assert closed_by("text\n## Title") == []
    assert closed_by("text\n## Title\n") == ["text\n", "## Title\n"]


def test_an_underlined_heading_closes_at_its_underline() -> None:
    assert closed_by("Title\n---\n") == ["Title\n---\n"]


def test_a_fence_closes_at_its_closing_line_whatever_it_holds() -> None:
    fence = "````\n# no\n\n- no\n```\n"
    assert closed_by(fence) == []
    assert closed_by(fence + "````\n") == [fence + "````\n"]


def test_a_fence_in_a_list_item_does_not_hide_the_end_of_the_list() -> None:
    assert sources("- a\n  ```\n  b\n\n  c\n\ntext\n") == ["- a\n  ```\n  b\n\n  c\n\n", "text\n"]


def test_a_list_closes_at_the_first_line_that_is_not_its_own() -> None:
    assert closed_by("- a\n\n  more\n\n- b\n\n") == []
    assert closed_by("- a\n\n  more\n\n- b\n\ntext\n") == ["- a\n\n  more\n\n- b\n\n"]


def test_another_marker_begins_another_list() -> None:
    assert sources("- a\n* b\n1. c\n2) d\n") == ["- a\n", "* b\n", "1. c\n", "2) d\n"]


def test_a_number_other_than_one_does_not_break_into_a_paragraph() -> None:
    assert sources("The year was\n1984. A cold\n") == ["The year was\n1984. A cold\n"]
    assert sources("The list:\n1. first\n") == ["The list:\n", "1. first\n"]


def test_a_table_right_under_a_paragraph_is_its_own_block() -> None:
    text = "Prices:\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    assert sources(text) == ["Prices:\n", text.removeprefix("Prices:\n")]


def test_a_carriage_return_waits_for_its_line_feed() -> None:
    splitter = BlockSplitter()
    assert splitter.feed("# a\r") == []
    assert [block.source for block in splitter.feed("\nb")] == ["# a\r\n"]


def test_a_long_numbered_list_is_cut_and_goes_on_counting() -> None:
    text = "".join(f"1. item {n} {'word ' * 20}\n" for n in range(200))
    found = split(text)
    assert len(found) > 3
    assert max(len(block.source) for block in found) < 2 * blocks.PIECE_CHARS
    begun = 0
    for block in found:
        assert block.number == (begun + 1 if begun else None)
        start = f'<ol start="{begun + 1}">' if begun else "<ol>"
        assert render_block(block).startswith(start)
        begun += block.source.count("1. item")


def test_a_long_bullet_list_is_cut_between_items_only() -> None:
    text = "".join(f"- item\n  - inner {'word ' * 30}\n\n    more\n" for _ in range(100))
    found = split(text)
    assert len(found) > 3
    assert all(block.source.startswith("- item") for block in found)


def test_a_long_table_is_cut_and_its_rows_keep_their_columns() -> None:
    head = "| name | price |\n|:-----|------:|\n"
    found = split(head + "".join(f"| thing {n} | {n} |\n" for n in range(900)))
    assert len(found) > 3
    assert [block.head for block in found] == ["", *[head] * (len(found) - 1)]
    html = render_block(found[1])
    assert "<th" not in html
    assert '<td class="align-right">' in html
    assert sum(render_block(block).count("<tr>") for block in found) == 901


def test_cost_of_a_feed_does_not_grow_with_the_text() -> None:
    def seconds(size: int, piece: str) -> float:
        splitter = BlockSplitter()
        begun = time.process_time()
        for _ in range(size):
            splitter.feed(piece)
        splitter.close()
        return time.process_time() - begun

    for piece in ["a", "word\n", "- a\n", "    x\n\n", "> a\n", "| a |\n", "\r", "[`"]:
        small = min(seconds(4_000, piece) for _ in range(3))
        assert seconds(32_000, piece) < 8 * 4 * small + 0.1, piece
