"""Rewriting without a model: fewer sentences, more of them, others; and where a section lies."""

import pytest

from engine.errors import Invalid
from engine.flows.rewrite_request import section_under
from engine.types import Source
from engine.writers.extractive import compose
from engine.writers.rewriting import shortened
from engine.writers.writer import Action, Assignment, SectionPlan


def source(number: int, text: str) -> Source:
    return Source(f"c{number}", f"d{number}", f"doc{number}.md", 1, "kb", text, 0, len(text))


SOURCES = (
    source(1, "Sign-in uses OAuth 2.0 with PKCE. Tokens for sign-in last for ten minutes."),
    source(2, "Staff sign-in needs a hardware card. Lost cards are blocked within one hour."),
)


def rewrite(material: str, action: Action, around: str = "") -> str:
    assignment = Assignment(
        question="sign-in tokens cards",
        sections=(SectionPlan("", "", 30, (1, 2), form="report"),),
        sources=SOURCES,
        task="rewrite",
        material=material,
        action=action,
        around=around,
    )
    return "".join(compose(assignment))


def test_other_sentences_are_offered_than_the_text_has() -> None:
    said = "Sign-in uses OAuth 2.0 with PKCE [1]."
    text = rewrite(said, "regenerate", around="Staff sign-in needs a hardware card [2].")
    assert "OAuth" not in text and "hardware card" not in text
    assert "ten minutes [1]" in text or "one hour [2]" in text


def test_an_expanded_text_begins_with_what_was_there() -> None:
    said = "Sign-in uses OAuth 2.0 with PKCE [1]."
    text = rewrite(said, "expand")
    assert text.startswith(said + " ") and len(text) > len(said) + 20


def test_a_text_stays_where_the_sources_say_nothing_else() -> None:
    everything = " ".join(one.text for one in SOURCES)
    assert rewrite("Sign-in [1].", "regenerate", around=everything) == "Sign-in [1]."


@pytest.mark.parametrize("action", ["regenerate", "expand", "shorten"])
def test_headings_stay_where_they_are(action: Action) -> None:
    text = rewrite("## One\n\nTokens are here [1].\n\n## Two\n\nCards are there [2].", action)
    parts = text.split("\n\n")
    assert (parts[0], parts[2]) == ("## One", "## Two")
    assert len(parts) == 4 and all(parts)


def test_a_table_is_left_alone() -> None:
    table = "| a | b |\n|---|---|\n| c [1] | d |"
    assert rewrite(table, "shorten") == table


def test_a_shorter_text_keeps_every_source() -> None:
    text = (
        "One says this and that at length [1]. Two says the same again and again [1]. Plain"
        " words stand here without need. Three is a source of its own [2]."
    )
    short = shortened(text)
    assert short == "One says this and that at length [1]. Three is a source of its own [2]."


def test_the_items_of_a_shorter_list_stay_items() -> None:
    assert shortened("- one [1]\n- two two two two [1]\n- three [2]") == "- one [1]\n- three [2]"


TEXT = "Intro.\n\n## One ##\n\nA.\n\n### Deep\n\nB.\n\n## Two\n\nC.\n\n## Empty\n"


@pytest.mark.parametrize(
    ("heading", "body"), [("one", "A.\n\n### Deep\n\nB."), ("## Two", "C."), ("deep", "B.")]
)
def test_a_section_reaches_to_the_next_heading_of_its_level(heading: str, body: str) -> None:
    start, end = section_under(TEXT, heading)
    assert TEXT[start:end].strip() == body


@pytest.mark.parametrize("heading", ["Three", "Empty", ""])
def test_a_section_that_is_none_is_refused(heading: str) -> None:
    with pytest.raises(Invalid):
        section_under(TEXT, heading)


def test_a_hostile_heading_takes_no_time() -> None:
    with pytest.raises(Invalid):
        section_under("# " + " #" * 100_000 + "x", "y")
