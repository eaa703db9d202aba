"""Markers with other numbers: all else stays as it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.citations.markers import markers_in, strip_markers
from engine.citations.renumbering import renumber

TEXTS = st.lists(
    st.sampled_from(["a", " ", "\n", "[1]", "[2]", "[3]", ". ", "`[1]`", "x[0]", "- ", "\n\n"]),
    max_size=40,
).map("".join)


@given(TEXTS)
def test_the_same_numbers_give_the_same_text(text: str) -> None:
    assert renumber(text, {number: number for number in range(10)}) == text


@given(TEXTS)
def test_no_numbers_leave_the_text_without_markers(text: str) -> None:
    assert renumber(text, {}) == strip_markers(text)


@given(TEXTS)
def test_numbers_are_changed_in_their_places(text: str) -> None:
    changed = renumber(text, {1: 11, 2: 12, 3: 13})
    assert markers_in(changed, distinct=False) == [
        number + 10 for number in markers_in(text, distinct=False)
    ]


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("a [1] b [2].", "a b [1]."),
        ("a [1].", "a."),
        ("a [1][2], b", "a [1], b"),
        ("a [1, 2] b", "a [1] b"),
        ("`x[1]` [1] y", "`x[1]` y"),
    ],
)
def test_the_gap_of_a_removed_marker_is_closed(text: str, result: str) -> None:
    assert renumber(text, {2: 1}) == result
