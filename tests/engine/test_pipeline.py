"""The parts of the pipeline: the offline summary, prompts, requests, arriving text, the rate."""

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.errors import Invalid, LimitReached, ProviderFailed
from engine.flows.arriving import ArrivingText
from engine.flows.pipeline_prompts import formatter_messages, generator_messages, load_prompts
from engine.flows.pipeline_request import PipelineRequest, checked
from engine.flows.start_rate import StartRate
from engine.runs.events import Stage, Token
from engine.validation.problems import Problem
from engine.validation.validator import CONTENT_TYPES, validate
from engine.writers.extractive import ExtractiveWriter
from engine.writers.summary import condense, lay_out, topics
from engine.writers.writer import Assignment, Finished, Text, Waiting

NOTES = """\
# Heart failure

Heart failure means that the heart pumps too little. Breathlessness at night is its sign. The
weather was fine. Diuretics remove the water that heart failure leaves.

# Angina

Angina is pain on effort. It goes away at rest within minutes. Nitrates relieve angina at once.
"""


def summary_of(notes: str, focus: str = "") -> str:
    return "".join(lay_out("".join(condense(notes, focus)), focus))


# The offline summary


def test_each_heading_becomes_a_block_of_verbatim_sentences() -> None:
    text = summary_of(NOTES)
    assert validate("SUMMARY", text) == []
    assert [line for line in text.split("\n") if line[:1].isdigit()] == [
        "1. Heart failure",
        "2. Angina",
    ]
    plain = " ".join(NOTES.split())
    quoted = [line[2:] for line in text.split("\n") if line.startswith("- ")]
    assert quoted
    assert all(sentence in plain for sentence in quoted)


def test_no_sentence_stands_twice() -> None:
    quoted = [line for line in summary_of(NOTES).split("\n") if line.startswith("- ")]
    assert len(quoted) == len(set(quoted))


def test_sentences_about_the_focus_come_first() -> None:
    notes = " ".join(f"Sentence {n} is about the heart and its beat." for n in range(30))
    notes += " Diuretics need potassium checks."
    assert "potassium" not in summary_of(notes)
    assert "potassium" in summary_of(notes, focus="potassium")


def test_paragraphs_without_headings_go_together_in_groups() -> None:
    notes = "\n\n".join(f"Paragraph {n} says something of its own." for n in range(9))
    assert len(topics(notes)) == 3
    assert validate("SUMMARY", summary_of(notes)) == []


def test_a_wall_of_text_is_cut_into_parts() -> None:
    notes = " ".join(f"Fact {n} is known of thing {n}." for n in range(1000))
    assert len(topics(notes)) == 13
    assert validate("SUMMARY", summary_of(notes)) == []


def test_many_headings_make_a_limited_number_of_blocks() -> None:
    notes = "\n\n".join(f"# Topic {n}\n\nFact {n} is known." for n in range(500))
    assert len(topics(notes)) == 20
    assert validate("SUMMARY", summary_of(notes)) == []


@pytest.mark.parametrize(
    "notes",
    [
        "aaaaaaaaaa",
        "!!!!!!!!!!",
        "1. one\n2. two\n3. three",
        "High Yield\nKey Insights\n",
        "# High Yield\n\nKey Insights",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "Treatment:\n- first\n- second\n\nSigns:\n- third",
        "x" * 5000,
        "#\n\n#\n\n# #\n\n:",
        "句子一。句子二。句子三。" * 5,
        "a\x00b\x0bc\u2028d e f g h",
    ],
)
def test_odd_notes_make_a_valid_summary(notes: str) -> None:
    assert validate("SUMMARY", summary_of(notes)) == []


@given(
    st.lists(
        st.sampled_from(
            ["# ", "\n\n", "\n", "1. ", "- ", "High Yield", "Key Insights:", "A fact.", "| x |"]
        )
        | st.text(max_size=30)
    ).map("".join)
)
@example("0")
def test_any_notes_make_a_valid_summary(notes: str) -> None:
    if notes.strip():
        text = summary_of(notes)
        assert validate("SUMMARY", text) == []
        assert text == text.strip()


@pytest.mark.parametrize(
    "unit", ["word ", "A fact. ", "# H\n\nA fact.\n\n", "x", "- a\n", "# ", "\n.", "1. "]
)
def test_long_notes_are_summarised_in_linear_time(unit: str) -> None:
    notes = unit * (500_000 // len(unit))
    began = time.process_time()
    assert validate("SUMMARY", summary_of(notes)) == []
    assert time.process_time() - began < 10.0


async def test_the_extractive_writer_takes_both_steps() -> None:
    async def written(task: str, material: str) -> str:
        assignment = Assignment(
            question="",
            sections=(),
            sources=(),
            task=task,
            material=material,  # type: ignore[arg-type]
        )
        pieces = [piece async for piece in ExtractiveWriter().write(assignment)]
        assert isinstance(pieces[-1], Finished)
        return "".join(piece.text for piece in pieces if isinstance(piece, Text))

    draft = await written("condense", NOTES)
    assert draft.startswith("## Heart failure\n\n- ")
    assert await written("summary", draft) == summary_of(NOTES)


# Prompts


@pytest.mark.parametrize("kind", CONTENT_TYPES)
def test_every_content_type_has_its_prompts(kind: str) -> None:
    prompts = load_prompts()[kind]
    system, user = generator_messages(prompts, "Some notes.", num_questions=7, focus="doses")
    assert "{" not in system.content
    assert ("7 questions" in system.content) is (kind != "SUMMARY")
    assert user.content == "<notes>\nSome notes.\n</notes>\n\nGive most room to: doses"


@pytest.mark.parametrize("kind", CONTENT_TYPES)
def test_the_form_that_a_prompt_shows_passes_the_validator(kind: str) -> None:
    shown = load_prompts()[kind].formatter.split("\n\n", 1)[1].rsplit("\n\n", 1)[0]
    form = shown[shown.index({"MCQ": "Question 1", "NMCQ": "Clinical", "SUMMARY": "1. "}[kind]) :]
    assert validate(kind, form) == []


def test_another_try_is_told_what_was_wrong() -> None:
    problems = [Problem(3, "Explanation is missing.", "Question 1"), Problem(9, "x.", "")]
    _, user = formatter_messages(load_prompts()["MCQ"], "The draft.", problems)
    assert user.content.startswith("<draft>\nThe draft.\n</draft>\n\n")
    assert "- Line 3, Question 1: Explanation is missing.\n- Line 9, the text: x." in user.content


def test_notes_cannot_close_their_fence() -> None:
    notes = "a </notes> b < / NOTES > c <notes> d <note>"
    _, user = generator_messages(load_prompts()["MCQ"], notes, num_questions=1, focus="")
    assert user.content == "<notes>\na ‹/notes> b ‹ / NOTES > c ‹notes> d <note>\n</notes>"


# Requests


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"content_type": "mcq"}, "content_type"),
        ({"input_text": "  123456789\n"}, "input_text"),
        ({"input_text": "x" * 500_001}, "input_text"),
        ({"draft": " short "}, "draft"),
        ({"draft": "long enough to be one", "draft_only": True}, "draft"),
    ],
)
def test_what_types_cannot_say_is_checked(fields: dict[str, object], field: str) -> None:
    request = PipelineRequest(**({"content_type": "MCQ", "input_text": "1234567890"} | fields))  # type: ignore[arg-type]
    with pytest.raises(Invalid) as caught:
        checked(request)
    assert caught.value.field == field
    assert caught.value.code == "VALIDATION_ERROR"


def test_sizes_count_without_outer_space() -> None:
    text = " \n" * 1000 + "x" * 500_000 + "\t"
    request = checked(PipelineRequest(content_type="MCQ", input_text=text))
    assert request.input_text == "x" * 500_000


def test_focus_areas_may_be_a_list() -> None:
    request = PipelineRequest(content_type="MCQ", input_text="", focus_areas=["a", "b\nc"])
    assert request.focus == "a, b c"


# Arriving text


@given(st.lists(st.text(alphabet=" \nab", min_size=1)))
def test_tokens_join_to_the_text_without_outer_space(parts: list[str]) -> None:
    text = ArrivingText("draft", 30)
    events = [text.take(Text(part)) for part in parts]
    text.take(Finished("stop"))
    shown = "".join(event.text for event in events if isinstance(event, Token))
    assert shown == "".join(parts).strip()
    if shown:
        assert text.whole() == shown


@pytest.mark.parametrize("pieces", [[], [Text(" \n"), Finished("stop")], [Text("cut off")]])
def test_nothing_and_a_broken_off_text_are_failures(pieces: list[Text | Finished]) -> None:
    text = ArrivingText("draft", 30)
    for piece in pieces:
        text.take(piece)
    with pytest.raises(ProviderFailed):
        text.whole()


def test_a_wait_is_told_at_the_percentage_of_the_step() -> None:
    assert ArrivingText("draft", 30).take(Waiting(2.04, 1)) == Stage(
        "waiting", "Waiting for the model, 2 s", 30, delay_s=2.0
    )


# The pace of starts


def test_starts_are_counted_over_a_sliding_minute_for_each_user() -> None:
    now = 100.0
    rate = StartRate(2, now=lambda: now)
    rate.count("ann")
    now = 130.5
    rate.count("ann")
    rate.count("bob")
    with pytest.raises(LimitReached) as caught:
        rate.count("ann")
    assert (caught.value.code, caught.value.retry_after_s) == ("RATE_LIMITED", 30)
    now = 160.0
    rate.count("ann")
    with pytest.raises(LimitReached):
        rate.count("ann")
