"""What is a citation marker and what is not, for every cut of the text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.citations.markers import (
    Literal,
    Marker,
    MarkerParser,
    Segment,
    count_words,
    markers_in,
    parse,
    strip_markers,
)


def merged(segments: list[Segment]) -> list[Segment]:
    result: list[Segment] = []
    for segment in segments:
        if isinstance(segment, Literal) and result and isinstance(result[-1], Literal):
            result[-1] = Literal(result[-1].text + segment.text)
        else:
            result.append(segment)
    return result


def parse_cut(pieces: list[str]) -> list[Segment]:
    parser = MarkerParser()
    segments = [segment for piece in pieces for segment in parser.feed(piece)]
    return merged(segments + parser.close())


def numbers(text: str) -> list[tuple[int, ...]]:
    return [segment.numbers for segment in parse(text) if isinstance(segment, Marker)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a [1] b [2]", [(1,), (2,)]),
        ("[1][2][3]", [(1,), (2,), (3,)]),
        ("x [1, 3]", [(1, 3)]),
        ("x [1,3] [1; 3] [ 2 ]", [(1, 3), (1, 3), (2,)]),
        ("x [1-3] [4–5]", [(1, 2, 3), (4, 5)]),
        ("【2】 【2†source】 【1, 2】", [(2,), (2,), (1, 2)]),
        ("x【2】", [(2,)]),
        ("[Source 2] [source 3] [Sources 1, 2] [Source 1, Source 2]", [(2,), (3,), (1, 2), (1, 2)]),
        ("[0] and [99]", [(0,), (99,)]),
        ("[[1]] and ([2])", [(1,), (2,)]),
        ("内容[1]。かな[2]", [(1,), (2,)]),
        ("done. [1]: as said", [(1,)]),
        ("\\\\[1]", [(1,)]),
        ("[FIPS 140][1]", [(1,)]),
    ],
)
def test_forms_of_markers(text: str, expected: list[tuple[int, ...]]) -> None:
    assert numbers(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "a[0]",
        "x[0][1]",
        "naïve[1]",
        "_[1]",
        "[1](url)",
        "![1](image.png)",
        "[[1]](https://example.org)",
        "[^1]",
        "[ ]",
        "[x]",
        "[FIPS140]",
        "\\[1]",
        "[1]: https://example.org",
        "text\n  [1]: https://example.org",
        "[2019]",
        "[12345]",
        "[3-1]",
        "[1-90]",
        "[1\n]",
        "[1",
        "[" + "1, " * 30 + "1]",
    ],
)
def test_what_only_looks_like_a_marker_is_text(text: str) -> None:
    assert merged(parse(text)) == [Literal(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("`[1]` [2]", [2]),
        ("``a ` [1]`` [2]", [2]),
        ("`a\n[1]` [2]", [2]),
        ("```\n[1]\n```\n[2]", [2]),
        ("```python\nx = [1]\n```\n[2]", [2]),
        ("   ~~~ info [1] `\n[1]\n```\n[1]\n~~~~\n[2]", [2]),
        ("````\n```\n[1]\n````\n[2]", [2]),
        ("```\n[1]\n``` no end\n[1]", []),
        ("```x``` [2]", [2]),
        ("text ``` [1]\n``` [2]", []),
        ("> ```\n> [1]\n> ```\n> [2]", [2]),
        ("1. item\n\n    ```\n    [1]\n    ```\n2. [2]", [2]),
        ("\\`[2]\\`", [2]),
        ("~~[2]~~", [2]),
        ("```\r\n".replace("\r", "") + "arr[1] [1]", []),
    ],
)
def test_code_holds_no_markers(text: str, expected: list[int]) -> None:
    assert markers_in(text) == expected


@pytest.mark.parametrize(
    "text",
    ["a ` b\n\n[2]", "- a ` b\n- [2]", "# a ` b\n[2]", "| a ` |\n| [2] |", "a ` b\n~~~\n~~~\n[2]"],
)
def test_a_code_span_without_an_end_lasts_no_longer_than_its_block(text: str) -> None:
    assert markers_in(text) == [2]


def test_a_marker_split_over_deltas_is_one_marker() -> None:
    parser = MarkerParser()
    assert parser.feed("OAuth 2.0 [") == [Literal("OAuth 2.0 ")]
    assert parser.feed("1] with") == [Marker((1,), "[1]"), Literal(" with")]


@pytest.mark.parametrize(
    "text",
    ["plain words ", "a `code", "``", "\n```", "~~~", "# ", "a\\", "a[", "[x", "see [^", "1. "],
)
def test_text_that_cannot_become_a_marker_passes_at_once(text: str) -> None:
    assert merged(MarkerParser().feed(text)) == [Literal(text)]


@pytest.mark.parametrize("text", ["[", "[1", "[1]", "[1,", "【2†so", "[Sour", "[[1]"])
def test_a_beginning_of_a_marker_is_held_and_given_back_at_the_end(text: str) -> None:
    parser = MarkerParser()
    assert parser.feed(text) == []
    assert parser.held == text
    assert "".join(raw(segment) for segment in parser.close()) == text


def test_what_is_held_is_bounded() -> None:
    parser = MarkerParser()
    for _ in range(1000):
        parser.feed("[1, ")
        assert len(parser.held) <= 64
    parser = MarkerParser()
    for _ in range(1000):
        parser.feed("【1†" if not parser.held else "x")
        assert len(parser.held) <= 64


def raw(segment: Segment) -> str:
    return segment.raw if isinstance(segment, Marker) else segment.text


MARKED = st.lists(
    st.sampled_from(
        [
            "[",
            "]",
            "[1]",
            "[2, 3]",
            "【1】",
            "【",
            "】",
            "†",
            "[Source 1]",
            "(",
            ":",
            "`",
            "```",
            "~~~",
        ]
        + [
            "\n",
            "\n\n",
            " ",
            "    ",
            "a",
            "中",
            "\\",
            "#",
            "|",
            "- ",
            "> ",
            "1",
            ",",
            "-",
            "^",
            "[[",
        ]
    ),
    max_size=30,
).map("".join)


@given(MARKED, st.lists(st.integers(0, 120), max_size=12))
def test_any_cut_gives_the_same_segments(text: str, cuts: list[int]) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in zip(places, places[1:], strict=False)]
    whole = merged(parse(text))
    assert parse_cut(pieces) == whole
    assert parse_cut(list(text)) == whole
    assert "".join(map(raw, whole)) == text


def test_markers_in_lists_numbers_in_order_of_first_use() -> None:
    assert markers_in("[3] a [1, 3] `[9]` b[2]") == [3, 1]
    assert markers_in("[3] a [1, 3]", distinct=False) == [3, 1, 3]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("PKCE is used [1].", "PKCE is used."),
        ("One. [1] Two [2] three.", "One. Two three."),
        ("[1] First", "First"),
        ("`[1]` stays [2]", "`[1]` stays"),
        ("  indented [1]\n\nnext", "  indented\n\nnext"),
        ("no marker \n", "no marker \n"),
    ],
)
def test_markers_are_taken_out_with_their_space(text: str, expected: str) -> None:
    assert strip_markers(text).rstrip(" ") == expected.rstrip(" ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ("Updated [1]", 1),
        ("## The well-known plan\n\n- it's 3.5 % [1][2] – done", 6),
        ("今天 good", 3),
        ("---", 0),
    ],
)
def test_words_are_counted_without_markers(text: str, expected: int) -> None:
    assert count_words(text) == expected


@pytest.mark.parametrize(
    "unit",
    ["[", "`", "[1]", "[ ", "[`", "\\[", "\n`", "[1,", "【1†", "[[1]", "a[0]", "~~~\n", "[Source "],
)
def test_time_grows_with_the_length_only(unit: str) -> None:
    def seconds(length: int) -> float:
        text = (unit * length)[:length]
        start = time.process_time()
        parse(text)
        return time.process_time() - start

    assert seconds(200_000) < 30 * max(seconds(25_000), 0.005)
