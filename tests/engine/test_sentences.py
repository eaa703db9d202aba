"""Where sentences begin and end."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language.sentences import sentence_spans


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    "expected",
    [
        ["Dr. Smith met Mr. J. R. Jones.", "They left."],
        ["The U.S. Government agreed.", "So did we."],
        ["It is sold in the U.S.", "The law applies."],
        ["Acme Inc. is large.", "We buy from Acme Inc.", "The rest is ours."],
        ["See Sec. 4, Fig. 2 and No. 7.", "The answer is No.", "Ask again."],
        ["Keys, e.g. Ed25519, i.e. EdDSA, vs. RSA.", "Done."],
        ["Version 3.1 costs 2.50 dollars.", "TLS 1.2 is old."],
        ["5.1.2 Verifier requirements apply.", "They are strict."],
        ["1. First point.", "2. Second point."],
        ["Wait... what?", "Hmm...", "Yes."],
        ['He said "Stop."', "She did (at last.)", "Fine!"],
        ["Really?!", "No.", "Ok!"],
        ["“Is it?” he asked.", "“It is.”"],
        ["We met at 5 p.m.", "The room was cold."],
        ["The study of Lee et al. (2019) is old."],
        ["We use PKCE. [1]", "It is safe.[2][3]", "Proven [4]."],
        ["Sent on Jan. 5 to St. Louis.", "It came in Jan.", "We read it."],
    ],
)
def test_full_stops_end_sentences_but_not_abbreviations(expected: list[str]) -> None:
    assert sentences(" ".join(expected)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "今天很好。明天呢？是的！好【1】。完",
            ["今天很好。", "明天呢？", "是的！", "好【1】。", "完"],
        ),
        ("كيف حالك؟ أنا بخير.", ["كيف حالك؟", "أنا بخير."]),
        ("यह है। वह था।", ["यह है।", "वह था।"]),
    ],
)
def test_other_scripts_have_their_own_stops(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_blank_line_ends_a_sentence_and_a_single_break_does_not() -> None:
    assert sentences("One\ntwo\n\nthree\n \t\nfour") == ["One\ntwo", "three", "four"]


def test_list_items_headings_and_table_rows_stand_alone() -> None:
    text = "Intro:\n- one\n* two. More\n3) three\n## Head\nbody\n| a | b |\n| c | d |"
    assert sentences(text) == [
        "Intro:",
        "- one",
        "* two.",
        "More",
        "3) three",
        "## Head",
        "body",
        "| a | b |",
        "| c | d |",
    ]


def test_nothing_has_no_sentences() -> None:
    assert sentence_spans("") == sentence_spans(" \n\n\t ") == []


@given(st.text(alphabet="aB1.!? \n\"'()[]-#|。e.g", max_size=80))
def test_spans_are_trimmed_in_order_and_leave_only_white_space_out(text: str) -> None:
    position = 0
    for start, end in sentence_spans(text):
        assert not text[position:start].strip()
        assert text[start:end] == text[start:end].strip() != ""
        position = end
    assert not text[position:].strip()


@pytest.mark.parametrize(
    "unit",
    [
        ".",
        " ",
        "a.",
        "\n",
        "\n ",
        ". ",
        '."',
        ".)",
        "[1]",
        ". [1]",
        "#",
        "- ",
        "1.",
        "。",
        "(",
        "e.g.",
    ],
)
def test_time_grows_with_the_length_only(unit: str) -> None:
    def seconds(length: int) -> float:
        text = (unit * length)[:length]
        start = time.process_time()
        sentence_spans(text)
        return time.process_time() - start

    assert seconds(200_000) < 30 * max(seconds(25_000), 0.005)
