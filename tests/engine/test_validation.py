"""What the validator lets pass and what it objects to, with the line."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.validation.problems import MAX_PROBLEMS, lines_of
from engine.validation.validator import CONTENT_TYPES, validate
from tests.formatted_texts import MCQ, NMCQ, SUMMARY

TOO_SHORT = "Key Insights must have at least 20 characters."
NO_INSIGHTS = "Key Insights is missing."

VALID = {"MCQ": MCQ, "NMCQ": NMCQ, "SUMMARY": SUMMARY}


def without(text: str, *starts: str) -> str:
    """Leave out the lines that begin so."""
    return "".join(line for line in text.splitlines(True) if not line.startswith(starts))


def messages(kind: str, text: str) -> list[str]:
    return [problem.message for problem in validate(kind, text)]


@pytest.mark.parametrize("kind", CONTENT_TYPES)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\n\n \n"])
def test_a_good_text_passes_with_any_line_end(kind: str, end: str) -> None:
    assert validate(kind, VALID[kind].replace("\n", end)) == []


@pytest.mark.parametrize("kind", CONTENT_TYPES)
@pytest.mark.parametrize("text", ["", " \n\r\n\t"])
def test_an_empty_text_is_wrong(kind: str, text: str) -> None:
    assert messages(kind, text) == ["The text is empty."]


def test_another_content_type_is_named() -> None:
    [problem] = validate("INVALID", "some text")
    assert "invalid content type" in problem.message


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Question 1 - Chest pain", "Question 1"),
        ("Question 1 - Chest pain", "Question 1 —  Chest pain"),
        ("Question 1 - Chest pain", "  question 1–Chest pain  "),
        ("Correct Answer: A", "Answer: A"),
        ("Correct Answer: A", "Correct Answer: D"),
        ("Correct Answer: A", "Correct Answer: A) Aspirin"),
        ("Explanation of the Correct Answer", "Explanation"),
        ("Explanation of the Correct Answer\n", "Explanation: "),
        ("Analysis of the Other Options", "Analysis of Other Options"),
        ("Analysis of the Other Options", "Distractors"),
        ("None of them does.\n", ""),
        ("Key Insights\n", "Key Insights: "),
        ("D) Rest", "D) Rest\nE) Morphine"),
        ("B) Penicillin", "B) Penicillin\nby mouth"),
        ("What comes first?", "A.B. asks what comes first"),
        ("None of them does.", "A) is right.\nB) is not."),
        ("None of them does.", "The explanation is above.\nAnswering is easy."),
    ],
)
def test_a_question_may_be_written_so(old: str, new: str) -> None:
    assert old in MCQ
    assert validate("MCQ", MCQ.replace(old, new)) == []


def test_options_may_have_full_stops_and_the_title_a_long_dash() -> None:
    text = MCQ.replace(") ", ". ").replace(" - ", " — ").replace("Answer: A", "Answer: B")
    assert validate("MCQ", text) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("Question 1 - ", "Question 2 - ", 1, "This must be Question 1."),
        ("Question 1", "Here it is:\nQuestion 1", 1, "The text must begin with Question 1."),
        ("D) Rest\n", "", 1, "There must be 4 or 5 options; there are 3."),
        (
            "D) Rest",
            "D) Rest\nE) e\nF) f",
            1,
            "There must be 4 or 5 options; there are 6.",
        ),
        ("C) Insulin", "D) Insulin", 6, "Option D stands where C is due."),
        ("B) Penicillin", "B)", 5, "Option B has no text."),
        ("Correct Answer: A\n", "", 1, "Correct Answer is missing."),
        ("Answer: A", "Answer: E", 8, "The correct answer E is not among the options."),
        ("Answer: A", "Answer: A and B", 8, "The correct answer must be one letter."),
        ("Answer: A", "Answer:", 8, "Correct Answer has no text."),
        ("Answer: A", "Answer: A\nAnswer: B", 9, "Correct Answer stands here a second time."),
        ("Aspirin limits the clot.\n", "", 9, "Explanation has no text."),
        ("Time is muscle.\n", "", 13, "Key Insights has no text."),
        ("Key Insights\n", "Insights\n", 1, "Key Insights is missing."),
        ("Analysis of the Other Options\n", "", 1, "Distractors is missing."),
        ("Time is muscle.", "x\nExplanation\ny", 15, "Explanation stands here a second time."),
    ],
)
def test_a_question_must_not_be_written_so(old: str, new: str, line: int, message: str) -> None:
    assert old in MCQ
    found = {(problem.line, problem.message) for problem in validate("MCQ", MCQ.replace(old, new))}
    assert (line, message) in found


def test_parts_of_a_question_have_their_order() -> None:
    text = without(MCQ, "Correct Answer") + "Correct Answer: A\n"
    assert messages("MCQ", text) == ["Correct Answer must stand before Explanation."]


def test_every_question_is_looked_at_by_its_own_name() -> None:
    second = MCQ.replace("Question 1", "Question 2").replace("Answer: A", "Answer: Z")
    [problem] = validate("MCQ", MCQ + "\n" + second)
    assert (problem.line, problem.section) == (23, "Question 2")


def test_a_stem_is_needed() -> None:
    assert "The question has no stem." in messages("MCQ", without(MCQ, "A man", "What"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Questions and Answers:\n", ""),
        ("Options: furosemide | aspirin", "Options: furosemide, aspirin"),
        ("Options: furosemide | aspirin", "- furosemide\n- aspirin"),
        ("Answer: True", "Answer:\nTrue"),
        ("Gravity helps.", "Gravity helps.\nIt always did."),
        ("Gravity helps.", "\n\nGravity helps."),
    ],
)
def test_a_vignette_may_be_written_so(old: str, new: str) -> None:
    assert old in NMCQ
    assert validate("NMCQ", NMCQ.replace(old, new)) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("Vignette 1", "Vignette 3", 1, "This must be Clinical Vignette 1."),
        (": Breathless at night", ":", 1, "The vignette has no title."),
        ("A woman of 70 wakes up breathless.", "", 1, "The vignette has no case."),
        ("2. Yes/No", "4. Yes/No", 8, "This must be item 2."),
        ("2. Yes/No", "2. Essay", 8, "An item must be True/False, Yes/No or Drop Down."),
        ("Answer: True", "Answer: Perhaps", 6, "The answer must be True or False, nothing else."),
        ("Answer: No", "Answer: False", 9, "The answer must be Yes or No, nothing else."),
        ("Answer: No", "Answer: No, never", 9, "The answer must be Yes or No, nothing else."),
        ("Answer: No\n", "", 8, "Answer is missing."),
        ("Answer: No", "Answer:", 9, "Answer has no text."),
        ("Explanation: Gravity helps.\n", "", 5, "Explanation is missing."),
        ("Explanation: Gravity helps.", "Explanation:", 7, "Explanation has no text."),
        ("Answer: No", "Answer: No\nAnswer: No", 10, "Answer stands here a second time."),
        (" | aspirin", "", 11, "A Drop Down must have at least two options."),
        ("Options: furosemide | aspirin\n", "", 11, "A Drop Down must have at least two options."),
        ("Clinical", "Cases\nClinical", 1, "The text must begin with Clinical Vignette 1."),
    ],
)
def test_a_vignette_must_not_be_written_so(old: str, new: str, line: int, message: str) -> None:
    assert old in NMCQ
    found = {(one.line, one.message) for one in validate("NMCQ", NMCQ.replace(old, new))}
    assert (line, message) in found


def test_items_count_from_one_in_each_vignette() -> None:
    assert validate("NMCQ", NMCQ + "\n" + NMCQ.replace("Vignette 1", "Vignette 2")) == []


def test_a_vignette_needs_items() -> None:
    assert messages("NMCQ", "Clinical Vignette 1: T\nA case.") == ["The vignette has no items."]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("1. Heart", "1) Heart"),
        ("1. Heart", "A title\n\n1. Heart"),
        ("High Yield\n", "High-Yield Facts:\n"),
        ("- Breathless when lying down.", "1. Breathless.\n2. Lying down.\n3. Tired."),
    ],
)
def test_a_summary_may_be_written_so(old: str, new: str) -> None:
    assert old in SUMMARY
    assert validate("SUMMARY", SUMMARY.replace(old, new)) == []


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("High Yield\n", "", 1, "High Yield is missing."),
        ("Key Insights\n", "", 1, "Key Insights is missing."),
        ("it goes away within minutes of rest", "ten chars.", 9, TOO_SHORT),
        ("Water goes where gravity takes it.\n", "", 4, TOO_SHORT),
        ("2. Angina", "Angina", 8, "High Yield stands here a second time."),
        ("2. Angina", "3. Angina", 8, "High Yield stands here a second time."),
        ("1. Heart failure", "Heart failure", 2, "High Yield must stand in a numbered block."),
        ("takes it.\n", "takes it.\n2. Empty\n3. Next\nHigh Yield\n", 6, NO_INSIGHTS),
    ],
)
def test_a_summary_must_not_be_written_so(old: str, new: str, line: int, message: str) -> None:
    assert old in SUMMARY
    found = validate("SUMMARY", SUMMARY.replace(old, new))
    assert (line, message) in {(one.line, one.message) for one in found}


@pytest.mark.parametrize(("insight", "is_valid"), [("x" * 10, False), ("x" * 19, False),
                                                   ("x" * 20, True), ("x" * 25, True)])  # fmt: skip
def test_key_insights_need_twenty_characters(insight: str, is_valid: bool) -> None:
    text = f"1. Title\nHigh Yield\nfacts\nKey Insights\n{insight}"
    assert (validate("SUMMARY", text) == []) is is_valid


def test_a_summary_without_blocks_is_wrong() -> None:
    assert messages("SUMMARY", "Just some text.") == ["There is no block that is numbered 1."]


def test_only_cr_and_lf_end_a_line() -> None:
    assert [line.number for line in lines_of("a\x0bb\x85c\u2028d\r\ne\rf\n\ng")] == [1, 2, 3, 5]


WORDS = [*MCQ.split("\n"), *NMCQ.split("\n"), *SUMMARY.split("\n"), "\r", "\x00", "é", "٣. x"]


@given(st.sampled_from(CONTENT_TYPES), st.lists(st.sampled_from(WORDS) | st.text(), max_size=40))
def test_any_text_gets_the_same_few_problems_within_its_lines(kind: str, parts: list[str]) -> None:
    text = "\n".join(parts)
    found = validate(kind, text)
    assert found == validate(kind, text)
    assert len(found) <= MAX_PROBLEMS
    assert [one.line for one in found] == sorted(one.line for one in found)
    assert all(1 <= one.line <= text.count("\n") + text.count("\r") + 1 for one in found)
    assert all(one.message.endswith(".") for one in found)


@given(st.sampled_from(CONTENT_TYPES), st.data())
def test_blank_lines_may_stand_anywhere(kind: str, data: st.DataObject) -> None:
    lines = VALID[kind].split("\n")
    place = data.draw(st.integers(0, len(lines)))
    assert validate(kind, "\n".join([*lines[:place], " \t", *lines[place:]])) == []


@pytest.mark.parametrize("kind", CONTENT_TYPES)
@pytest.mark.parametrize(
    "unit",
    ["Question 1\n", "Question ", "1. x: y\n", "1. ", "Answer: B\n", "A) x\n", "High Yield ",
     "Key Insights\n", "1. True/False: x\n", "Options: a,", " ", "\r", ":", "Explanation of the "],
)  # fmt: skip
def test_hostile_text_of_full_length_is_checked_in_linear_time(kind: str, unit: str) -> None:
    text = (VALID[kind] + unit * (500_000 // len(unit)))[:500_000]
    began = time.process_time()
    validate(kind, text)
    assert time.process_time() - began < 5.0
