"""From a writer's text to visible text and citations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.citations.markers import markers_in
from engine.citations.numbering import CitationStream
from engine.types import Citation, Source


def source(number: int, text: str = "") -> Source:
    text = text or f"Nothing here. Passage {number} says this."
    return Source(
        chunk_id=f"chunk-{number}",
        document_id="document",
        document_name="paper.pdf",
        version=2,
        kb_id="kb",
        text=text,
        char_start=100,
        char_end=100 + len(text),
        page=7,
        section="A › B",
    )


OFFERED = [source(number) for number in range(1, 6)]

Shown = list[str | int]


def run(*pieces: str, stream: CitationStream | None = None) -> Shown:
    """Return texts and, for citations, their numbers."""
    stream = stream or CitationStream(OFFERED)
    items = [item for piece in pieces for item in stream.feed(piece)] + stream.close()
    return [item.number if isinstance(item, Citation) else item for item in items]


def merged(items: Shown) -> Shown:
    result: Shown = []
    for item in items:
        if result and isinstance(item, str) and isinstance(result[-1], str):
            result[-1] += item
        else:
            result.append(item)
    return result


def visible(items: Shown) -> str:
    return "".join(item for item in items if isinstance(item, str))


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["a [1] b [2]"], ["a", 1, " [1] b", 2, " [2]"]),
        (["[1][2][3]"], [1, "[1]", 2, "[2]", 3, "[3]"]),
        (["x [1, 3]."], ["x", 1, " [1]", 2, "[2]."]),
        (["OAuth 2.0 [", "1] with"], ["OAuth 2.0", 1, " [1] with"]),
        (["a 【4】 b [Source 2]."], ["a", 1, " [1] b", 2, " [2]."]),
        (["a [4] b [2] c [4]"], ["a", 1, " [1] b", 2, " [2] c [1]"]),
        (["`x[2]` [5]"], ["`x[2]`", 1, " [1]"]),
    ],
)
def test_a_citation_stands_directly_before_its_first_marker(
    pieces: list[str], expected: Shown
) -> None:
    assert merged(run(*pieces)) == expected


@pytest.mark.parametrize(
    ("text", "expected", "invalid"),
    [
        ("a [0]. b [9], c [9] d", "a. b, c d", 3),
        ("[9] Lead", "Lead", 1),
        ("- [9] item", "- item", 1),
        ("end [7] [8]", "end", 2),
        ("a [9][1].", "a [1].", 1),
        ("a [9] [1].", "a [1].", 1),
        ("a [9, 1]", "a [1]", 1),
        ("(see [9])", "(see)", 1),
        ("a)[9]b", "a) b", 1),
    ],
)
def test_unknown_markers_vanish_with_their_space_and_are_counted(
    text: str, expected: str, invalid: int
) -> None:
    stream = CitationStream(OFFERED)
    assert visible(run(text, stream=stream)) == expected
    assert stream.invalid_markers == invalid


@pytest.mark.parametrize("text", ["a [2][2].", "a [2] [2].", "a [2, 2]."])
def test_the_same_marker_twice_in_a_row_is_shown_once(text: str) -> None:
    assert visible(run(text)) == "a [1]."


def test_two_offers_of_one_passage_share_a_number() -> None:
    stream = CitationStream([source(1), source(1), source(2)])
    assert visible(run("a [2] b [1] c [3]", stream=stream)) == "a [1] b [1] c [2]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("word【1】", "word [1]"),
        ("内容【1】。", "内容[1]。"),
        ("a 【1】(b)", "a [1] (b)"),
        ("x[0]【1】", "x[0] [1]"),
    ],
)
def test_a_rewritten_marker_is_still_read_as_one(text: str, expected: str) -> None:
    assert visible(run(text)) == expected
    assert markers_in(expected) == [1]


def test_a_citation_is_pinned_to_its_passage_and_its_best_sentence() -> None:
    text = "Prices rise. The service uses OAuth 2.0 with PKCE. Nobody knows."
    stream = CitationStream([source(1, text)])
    stream.feed("We like it. Our service uses PKCE with OAuth 2.0 [1]")
    stream.close()
    citation = stream.citations[0]
    assert citation.excerpt == text
    assert (citation.char_start, citation.char_end) == (100, 100 + len(text))
    assert (citation.page, citation.section, citation.version) == (7, "A › B", 2)
    quote = citation.excerpt[citation.quote_start : citation.quote_end]
    assert quote == "The service uses OAuth 2.0 with PKCE."
    assert 0.5 < citation.confidence <= 1


def test_a_marker_after_the_full_stop_belongs_to_the_sentence_before() -> None:
    text = "Staff hold clearances. Backups run every night."
    stream = CitationStream([source(1, text)])
    stream.feed("Backups run every night. [1] All staff hold")
    citation = stream.citations[0]
    assert text[citation.quote_start : citation.quote_end] == "Backups run every night."
    assert citation.confidence == 1


def test_a_continued_draft_keeps_its_numbers() -> None:
    first = CitationStream(OFFERED)
    written = visible(run("One [4] two [2]", stream=first))
    second = CitationStream(OFFERED, known=first.citations, after=written)
    assert run(" three [2] four [5].", stream=second) == [" three [2] four", 3, " [3]."]
    assert [citation.number for citation in second.citations] == [1, 2, 3]
    assert second.citations[2].chunk_id == "chunk-5"


def test_a_continued_draft_keeps_its_place_in_code() -> None:
    stream = CitationStream(OFFERED, after="Text\n\n```\ncode")
    assert run("\n[1]\n```\n[2]", stream=stream) == ["\n[1]\n```", 1, "\n[1]"]


def test_leading_and_trailing_white_space_is_never_shown() -> None:
    assert run("\n ", " a", " ", "\n\n", "b", " \n") == ["a", " \n\nb"]


def test_a_marker_cut_off_by_the_end_is_dropped() -> None:
    assert visible(run("text [1] more [2")) == "text [1] more"
    assert visible(run("text [3-1]")) == "text [3-1]"


@pytest.mark.parametrize(
    ("pieces", "expected"),
    [
        (["\ud83d", "\ude00"], "😀"),
        (["a\ud83d", "b\ude00"], "a\ufffdb\ufffd"),
        (["end\ud83d"], "end\ufffd"),
        (["a\r", "\nb\rc\r\n\r\nd"], "a\nb\nc\n\nd"),
        (["a\x00b\x1bc\x7f\td"], "abc\td"),
    ],
)
def test_text_is_made_fit_to_be_sent(pieces: list[str], expected: str) -> None:
    shown = visible(run(*pieces))
    assert shown == expected
    shown.encode()


PARTS = [
    "[1]",
    "[2]",
    "[9]",
    "[1, 3]",
    "【2】",
    "【9】",
    "[",
    "]",
    "(",
    ":",
    "\n",
    " ",
    "  ",
    "a",
    "中",
]
PARTS += ["\\", ".", "-", "\r", "\n\n", "\ud83d", "\ude00", "[[", "x[0]", "[Source 2]", "1"]
WRITTEN = st.lists(st.sampled_from(PARTS), max_size=25).map("".join)
CODE = st.lists(st.sampled_from([*PARTS, "`", "```", "~~~"]), max_size=25).map("".join)


@given(CODE, st.lists(st.integers(0, 80), max_size=10))
def test_any_cut_gives_the_same_draft(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in zip(places, places[1:], strict=False)]
    whole = merged(run(text))
    assert merged(run(*pieces)) == whole
    assert merged(run(*text)) == whole
    assert visible(whole) == visible(whole).strip()


@given(WRITTEN)
def test_markers_of_the_visible_text_are_exactly_the_citations(text: str) -> None:
    items = run(text)
    assert markers_in(visible(items)) == [item for item in items if isinstance(item, int)]


@given(st.text(max_size=200))
def test_text_without_brackets_passes_unchanged(text: str) -> None:
    plain = "".join(c for c in text if c not in "[【\r\x7f" and (c >= " " or c in "\n\t"))
    assert visible(run(plain)) == plain.strip()
