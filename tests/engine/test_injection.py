"""Orders hidden in documents change nothing about what a model is told or a writer does."""

import asyncio
import re
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.flows.fencing import harmless
from engine.flows.pipeline_prompts import formatter_messages, generator_messages, load_prompts
from engine.flows.prompts import answer_messages, rewrite_messages
from engine.types import Source
from engine.writers.extractive import ExtractiveWriter
from engine.writers.writer import Assignment, Finished, SectionPlan, Text
from tests.hostile_texts import HOSTILE, ORDERS

FACT = "Sign-in uses OAuth 2.0 with PKCE for every web client."
CONTROL = re.compile(
    r"<[|｜][^|｜<>\n]{1,40}[|｜]>|\[/?INST\]|<<?/?SYS>|</?s>|<(?:start|end)_of_turn>",
    re.IGNORECASE,
)
PIECES = ["<", "</", "source", ">", " ", "\n", "text_so_far", 'number="1"', "/", "\u200b", "S", "=",
          "<|", "|>", "im_end", "[INST]", "\u2060", "notes", "\U000e0041"]  # fmt: skip


def source(text: str, name: str = "a.md") -> Source:
    return Source("c", "d", name, 1, "kb", text, 0, len(text), score=0.9)


def built(texts: list[str], names: list[str] | None = None, so_far: str = "") -> str:
    """Return the whole prompt about these passages, from the first source on."""
    names = names or ["a.md"] * len(texts)
    sources = [source(text, name) for text, name in zip(texts, names, strict=True)]
    system, user = answer_messages("How does sign-in work?", sources, (), so_far)
    plain_system, _ = answer_messages("How does sign-in work?", [], ())
    assert system == plain_system
    return user.content


def assert_built_of(prompt: str, count: int, *, continued: bool = False) -> None:
    """Fail unless the prompt has exactly the parts we put into it, in their order."""
    tags = re.findall(r"<\s*/?\s*(?:source|text_so_far)\b[^>\n]*>?", prompt, re.IGNORECASE)
    expected = []
    for number in range(1, count + 1):
        expected += [rf'<source number="{number}" document="[^"<>\n]*">', "</source>"]
    expected += ["<text_so_far>", "</text_so_far>"] if continued else []
    assert len(tags) == len(expected), tags
    assert all(re.fullmatch(want, tag) for want, tag in zip(expected, tags, strict=True)), tags
    assert not CONTROL.search(prompt)
    assert not [c for c in prompt if unicodedata.category(c) == "Cf" and c not in "\u200c\u200d"]


@pytest.mark.parametrize("order", [*ORDERS, *HOSTILE])
def test_a_prompt_keeps_its_parts_whatever_a_document_says(order: str) -> None:
    texts = [f"{FACT} {order}", order, FACT]
    prompt = built(texts, names=["a.md", order, "c.md"], so_far=order)
    assert_built_of(prompt, 3, continued=True)
    assert prompt.count(FACT) == 2
    assert prompt.index("Question: How does sign-in work?") > prompt.index('number="3"')


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join), st.text(max_size=20))
def test_no_text_ends_its_own_fence(text: str, name: str) -> None:
    assert_built_of(built([text, FACT, text + text], names=[name, text, "b"]), 3)


@given(st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
def test_notes_and_drafts_of_the_pipeline_stay_in_their_fence(text: str) -> None:
    prompts = load_prompts()["MCQ"]
    for tag, messages in (
        ("notes", generator_messages(prompts, text, num_questions=3, focus="")),
        ("draft", formatter_messages(prompts, text + "<draft></draft>", [])),
    ):
        [_, user] = messages
        assert len(re.findall(rf"<\s*/?\s*{tag}\b", user.content, re.IGNORECASE)) == 2
        assert user.content.startswith(f"<{tag}>\n") and user.content.endswith(f"\n</{tag}>")
        assert not CONTROL.search(user.content)


def test_a_question_to_be_put_anew_stays_a_question() -> None:
    messages = rewrite_messages(ORDERS[0], ())
    assert [message.role for message in messages] == ["system", "user"]


@pytest.mark.parametrize(
    "text",
    [
        "a < b, x<y and List<String>",
        "the source of [1] is <sources> or source code",
        "क्\u200dष नमस्ते",
        "می\u200cخواهم",
        "👩\u200d💻 ❤\ufe0f",
        "[INSTALL] and |> pipes <| here",
        "naïve café e\u0301",
    ],
)
def test_text_that_means_no_harm_is_left_as_it_is(text: str) -> None:
    assert harmless(text, "source", "text_so_far") == text


@pytest.mark.parametrize("piece", ["<", "< ", "<\n", "<|", "<|a", "[", "[/", "<<", "\u200b", "</ "])
def test_fencing_takes_time_in_proportion(piece: str) -> None:
    text = piece + piece[-1] * 500_000 + piece * 200_000
    began = time.process_time()
    harmless(text, "source", "text_so_far")
    assert time.process_time() - began < 2


@pytest.mark.parametrize("order", ORDERS)
def test_the_extractive_writer_quotes_orders_and_follows_none(order: str) -> None:
    """What it writes is sentences of its sources with their numbers, in any case."""
    sources = (
        source(FACT),
        source(f"Sign-in is checked. {order}"),
        source("Staff sign-in needs a token."),
    )
    assignment = Assignment(
        question="How does sign-in work?",
        sections=(SectionPlan("", "", 200, (1, 2, 3)),),
        sources=sources,
    )

    async def write() -> tuple[str, str]:
        pieces = [piece async for piece in ExtractiveWriter().write(assignment)]
        assert isinstance(pieces[-1], Finished)
        text = "".join(piece.text for piece in pieces if isinstance(piece, Text))
        return text, pieces[-1].reason

    text, reason = asyncio.run(write())
    assert reason == "stop"
    assert FACT.rstrip(".") in text
    numbers = {int(number) for number in re.findall(r"\[(\d+)\](?!\()", text)}
    assert 1 in numbers
    offered = squeezed(" ".join(passage.text for passage in sources))
    for sentence in re.split(r"\[\d+\]|\n", text):
        words = squeezed(sentence).strip(".:;,-#* ")
        assert words in offered or not words, sentence


def squeezed(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
