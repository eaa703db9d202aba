"""Comparing and merging texts: nothing lost, nothing made up, and never slow."""

from hypothesis import given
from hypothesis import strategies as st

from engine.flows.comparison import compare
from engine.flows.merging import merge
from engine.language.alignment import align, bare_words, lines, words

TEXTS = st.lists(
    st.sampled_from(["one ", "two ", "three. ", "[1]", "\n\n", "日本", "é", " ", "x"]), max_size=30
).map("".join) | st.text(max_size=60)


@given(TEXTS)
def test_a_cut_text_joins_to_itself(text: str) -> None:
    for cut in (words, bare_words, lines):
        assert "".join(cut(text)) == text


@given(TEXTS, TEXTS)
def test_a_comparison_holds_both_texts(first: str, second: str) -> None:
    changes = compare(first, second).changes
    assert "".join(one.text for one in changes if one.op != "insert") == first
    assert "".join(one.text for one in changes if one.op != "delete") == second


@given(TEXTS, TEXTS)
def test_what_is_aligned_is_equal_and_in_order(first: str, second: str) -> None:
    left, right = words(first), words(second)
    a_end = b_end = 0
    for a, b, size in align(left, right)[0]:
        assert a >= a_end and b >= b_end and size > 0
        assert left[a : a + size] == right[b : b + size]
        a_end, b_end = a + size, b + size


@given(TEXTS, TEXTS)
def test_a_change_of_one_side_is_taken_whole(base: str, changed: str) -> None:
    assert merge(base, changed, base).content == changed
    assert merge(base, base, changed).content == changed
    same = merge(base, changed, changed)
    assert (same.content, same.conflicts) == (changed, [])


@given(TEXTS, TEXTS, TEXTS)
def test_a_conflict_stands_where_it_says(base: str, mine: str, theirs: str) -> None:
    merged = merge(base, mine, theirs)
    for conflict in merged.conflicts:
        assert merged.content[conflict.start : conflict.end] == conflict.theirs
        assert conflict.mine != conflict.theirs
    for side in ("mine", "theirs"):
        assert merge(base, mine, theirs, side).conflicts == []  # type: ignore[arg-type]


def test_changes_in_different_paragraphs_join() -> None:
    base = "One.\n\nTwo.\n\nThree."
    merged = merge(base, "One, new.\n\nTwo.\n\nThree.", "One.\n\nTwo.\n\nMore.\n\nThree!")
    assert merged.content == "One, new.\n\nTwo.\n\nMore.\n\nThree!"
    assert merged.conflicts == []


def test_changes_of_different_words_join() -> None:
    merged = merge("The old cat sat down.", "The new cat sat down.", "The old cat lay down.")
    assert (merged.content, merged.conflicts) == ("The new cat lay down.", [])


def test_changes_of_one_word_are_a_conflict() -> None:
    [conflict] = merge("A cat.", "A dog.", "A cow.").conflicts
    assert (conflict.base, conflict.mine, conflict.theirs) == ("A cat.", "A dog.", "A cow.")


def test_a_few_words_in_a_long_text_are_found() -> None:
    base = [f"word{number % 997}" for number in range(20_000)]
    changed = list(base)
    changed[777], changed[15_000] = "here", "there"
    found = compare(" ".join(base), " ".join(changed))
    assert [one.text.strip() for one in found.changes if one.op == "insert"] == ["here", "there"]
    assert not found.is_coarse
