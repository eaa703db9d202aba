"""Words, stop words and stems."""

from hypothesis import given
from hypothesis import strategies as st

from engine.language.words import STOP_WORDS, terms, tokens


def test_words_are_lower_cased_and_in_order() -> None:
    assert tokens("The Quick, brown fox; the END.") == [
        "the",
        "quick",
        "brown",
        "fox",
        "the",
        "end",
    ]


def test_combining_marks_stay_inside_a_word() -> None:
    assert tokens("हिन्दी भाषा") == ["हिन्दी", "भाषा"]


def test_numbers_are_words_and_underscores_are_not() -> None:
    assert tokens("SP_800-63b") == ["sp", "800", "63b"]


def test_terms_leave_out_stop_words_and_stem_the_rest() -> None:
    assert terms("What were the requirements for authenticators?") == ["requir", "authent"]


def test_terms_keep_repeats() -> None:
    assert terms("flow over flows") == ["flow", "flow"]


def test_a_text_of_stop_words_has_no_terms() -> None:
    assert terms("what is it that you do") == []


def test_the_parts_of_a_contraction_are_stop_words() -> None:
    assert terms("don't can't we'll they've isn't I'm she'd") == []


def test_every_stop_word_is_one_word_as_the_tokens_are() -> None:
    assert all(tokens(word) == [word] for word in STOP_WORDS)
    assert len(STOP_WORDS) > 130


@given(st.text())
def test_any_text_has_words(text: str) -> None:
    assert all(word and " " not in word for word in tokens(text))
    assert len(terms(text)) <= len(tokens(text))
