from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.ingest import markdown
from engine.ingest.chunking import MAX_CHARACTERS, MAX_UNITS, cut
from engine.ingest.parsed import Chunk, Extracted, Page

SENTENCE = "This sentence has exactly eight words in it. "


def chunks(text: str) -> list[Chunk]:
    return cut(markdown.read(text))


def texts(text: str) -> list[str]:
    return [text[chunk.char_start : chunk.char_end] for chunk in chunks(text)]


def words(text: str) -> int:
    return len(text.split())


def section(title: str, count: int) -> str:
    return f"{title}\n\n" + "word " * count + "\n\n"


def test_a_section_is_a_chunk_named_by_its_path() -> None:
    text = section("# Guide", 50) + section("## Install", 60) + section("### Linux", 70)
    assert [chunk.section for chunk in chunks(text)] == [
        "Guide",
        "Guide › Install",
        "Guide › Install › Linux",
    ]
    assert all("#" not in piece for piece in texts(text))


def test_a_heading_without_a_body_makes_no_chunk() -> None:
    text = "# Guide\n\n## Empty\n\n" + section("## Full", 50)
    assert [chunk.section for chunk in chunks(text)] == ["Guide › Full"]


def test_text_before_the_first_heading_has_no_section() -> None:
    assert chunks("Only words here.")[0].section is None


def test_front_matter_is_in_no_chunk() -> None:
    assert texts("---\ntitle: Secret\n---\n\nWords.") == ["Words."]


def test_a_section_just_under_the_limit_stays_whole() -> None:
    text = (SENTENCE * 9 + "\n\n") * 3
    assert len(texts(text)) == 1


def test_long_sections_are_cut_evenly_at_paragraphs() -> None:
    text = "\n\n".join([SENTENCE * 5] * 10)
    sizes = [words(piece) for piece in texts(text)]
    assert sizes == [200, 200]
    assert all(piece.endswith("it.") for piece in texts(text))


def test_a_giant_paragraph_is_cut_between_sentences() -> None:
    pieces = texts(SENTENCE * 100)
    assert all(piece.endswith("it.") and 120 <= words(piece) <= 242 for piece in pieces)


def test_a_long_list_is_cut_between_items() -> None:
    text = "\n".join("- item with no stop at its end" for _ in range(200))
    assert all(piece.startswith("- item") and piece.endswith("end") for piece in texts(text))


def test_tiny_neighbours_below_one_heading_are_put_together() -> None:
    text = (
        "# Terms\n\n" + "".join(section(f"## Term {n}", 8) for n in range(4)) + "# Next\n\nWords."
    )
    first, second = chunks(text)
    assert first.section == "Terms"
    assert text[first.char_start :].startswith("## Term 0")
    assert "## Term 3" in text[first.char_start : first.char_end]
    assert second.section == "Next"


def test_larger_neighbours_stay_apart() -> None:
    text = section("## One", 40) + section("## Two", 40)
    assert len(chunks(text)) == 2


def test_the_page_of_a_chunk_is_where_it_starts() -> None:
    text = "word " * 300
    pages = [Page(1, 0, 100), Page(2, 100, 110), Page(3, 900, 1500)]
    document = Extracted("application/pdf", None, text, pages=pages)
    assert [chunk.page for chunk in cut(document)] == [1, 2]


def test_a_paragraph_that_goes_on_over_a_page_is_not_a_border() -> None:
    text = "\n\n".join(
        [SENTENCE * 11, SENTENCE * 7 + "and", "goes on. " + SENTENCE * 6, SENTENCE * 12]
    )
    assert len(texts(text)) == 2
    assert not any(piece.startswith("goes on") for piece in texts(text))


def test_text_without_blanks_is_bounded() -> None:
    assert all(len(piece) <= 500 for piece in texts("漢字文本没有空格" * 1000))
    assert all(len(piece) <= MAX_CHARACTERS for piece in texts("x" * 20_000))


def test_a_wide_gap_is_not_carried_along() -> None:
    assert texts("left" + " " * 50_000 + "right") == ["left", "right"]


PIECES = st.sampled_from(
    ["\n", "\n\n", " ", "# A\n", "## B\n", "### C\n", "word ", "Stop. ", "- item\n", "| a | b |\n"]
    + ["漢字。", "😀", "x" * 50, "word " * 60, SENTENCE * 12, "* * *\n", "```\n", "é\u0301 "]
)


@settings(deadline=None)
@given(st.lists(PIECES, max_size=60).map("".join))
def test_chunks_are_ordered_trimmed_bounded_and_lose_only_headings(text: str) -> None:
    document = markdown.read(text)
    kept = [False] * len(text)
    end = 0
    for chunk in cut(document):
        piece = text[chunk.char_start : chunk.char_end]
        assert end <= chunk.char_start < chunk.char_end <= len(text)
        assert piece == piece.strip()
        assert words(piece) <= 1.2 * MAX_UNITS
        kept[chunk.char_start : chunk.char_end] = [True] * len(piece)
        end = chunk.char_end
    for heading in document.headings:
        kept[heading.start : heading.end] = [True] * (heading.end - heading.start)
    assert all(was_kept or text[at].isspace() for at, was_kept in enumerate(kept))


@pytest.mark.parametrize("unit", ["word ", "x", "漢字。", ".", ". ", "a\n\n", "- a\n", " ", "\n"])
def test_hostile_text_takes_linear_time(unit: str) -> None:
    text = unit * (300_000 // len(unit))
    before = process_time()
    cut(Extracted("text/plain", None, text))
    assert process_time() - before < 10
