"""A continued text has no gap and no repeat."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.writers.overlap import OverlapTrimmer

OLD = "## Approach\n\nSign-in uses OAuth 2.0 with PKCE [1]. Staff accounts need a second"


def joined(old: str, new: str, size: int = 1000) -> str:
    trimmer = OverlapTrimmer(old)
    pieces = [trimmer.feed(new[i : i + size]) for i in range(0, len(new), size)]
    return old + "".join(pieces) + trimmer.close()


@pytest.mark.parametrize(
    "new",
    [
        " factor [2].",
        "factor [2].",
        "Staff accounts need a second factor [2].",
        "accounts need a second factor [2].",
        OLD + " factor [2].",
    ],
)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_whatever_a_model_repeats_is_removed(new: str, size: int) -> None:
    assert joined(OLD, new, size) == OLD + " factor [2]."


def test_a_new_section_begins_on_its_own_line() -> None:
    assert joined("First. [1]", "## Next\n\nText") == "First. [1]\n\n## Next\n\nText"


def test_a_paragraph_break_of_the_model_is_kept() -> None:
    assert joined("First.", "\n\nSecond.") == "First.\n\nSecond."


def test_a_repeated_last_word_is_removed() -> None:
    assert joined("one two three", "three four") == "one two three four"


def test_a_word_that_was_cut_is_completed() -> None:
    assert joined("strong authen", "authentication") == "strong authentication"


def test_a_letter_that_happens_to_agree_is_not_an_overlap() -> None:
    assert joined("We need a", "answer") == "We need a answer"


def test_a_new_sentence_is_set_off_by_a_space() -> None:
    assert joined("First.", "Second.") == "First. Second."


def test_without_text_so_far_nothing_is_held_back() -> None:
    assert OverlapTrimmer("").feed("Hello") == "Hello"


@example("a", "aa", 1)
@given(st.text("ab ", max_size=40), st.text("ab ", max_size=40), st.integers(1, 7))
def test_any_cut_gives_the_same_text(old: str, new: str, size: int) -> None:
    assert joined(old.rstrip(), new, size) == joined(old.rstrip(), new)
