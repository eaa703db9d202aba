"""The claims of a draft: which sentences are any, and the same ones for every cut of the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.citations.claims import ClaimReader, claims_in
from engine.citations.examination import examine
from engine.types import Citation

TEXT = """A first sentence stands here. It costs 3.5 dollars [2], e.g. for Mr. Smith. No?

## One

A sentence about things [1]. Another thing that
goes on over the line [2][3]. *Not* alone, this one.

- Item one is here with words [4].
- Item two is here with words

```python
code line is here. more code is here now [1].
## no heading at all
```

*The documents contain nothing about this.*

### A heading with many words in it

## Two

| Requirement of the city | State of the thing |
|---|---|
| The system must do it [1]. | It does so already [2]. |
| None found anywhere here | None found there either |

日本語の文です。次の文は引用します [1]。 Ends in the middle of a sentence with"""


def said(text: str) -> list[tuple[int, str, tuple[int, ...]]]:
    return [(claim.section, claim.text, claim.numbers) for claim in claims_in(text)]


def test_claims_are_the_sentences_of_the_prose() -> None:
    assert said(TEXT) == [
        (0, "A first sentence stands here.", ()),
        (0, "It costs 3.5 dollars [2], e.g. for Mr. Smith.", (2,)),
        (1, "A sentence about things [1].", (1,)),
        (1, "Another thing that\ngoes on over the line [2][3].", (2, 3)),
        (1, "*Not* alone, this one.", ()),
        (1, "- Item one is here with words [4].", (4,)),
        (1, "- Item two is here with words", ()),
        (2, "The system must do it [1].", (1,)),
        (2, "It does so already [2].", (2,)),
        (2, "次の文は引用します [1]。", (1,)),
        (2, "Ends in the middle of a sentence with", ()),
    ]


def test_a_claim_says_where_it_stands() -> None:
    for claim in claims_in(TEXT):
        assert TEXT[claim.start : claim.end] == claim.text


@given(st.lists(st.integers(1, 40), max_size=200))
def test_every_cut_gives_the_same_claims(sizes: list[int]) -> None:
    assert cut(TEXT, sizes) == claims_in(TEXT)


@given(
    st.text(st.sampled_from("aB .!?\n#|`~*-1[]。") | st.characters(codec="utf-8"), max_size=200),
    st.lists(st.integers(1, 9), max_size=60),
)
def test_every_cut_of_any_text_gives_the_same_claims(text: str, sizes: list[int]) -> None:
    assert cut(text, sizes) == claims_in(text)


def cut(text: str, sizes: list[int]) -> list[object]:
    reader, found, at = ClaimReader(), [], 0
    for size in sizes:
        found += reader.feed(text[at : at + size])
        at += size
    return [*found, *reader.feed(text[at:]), *reader.close()]


@pytest.mark.parametrize(
    "text",
    ["e.g. " * 20_000, "`" * 50_000, "|" * 50_000, "a\n" * 50_000, "# " * 50_000, "x" * 50_000],
)
def test_hostile_text_gives_small_claims_soon(text: str) -> None:
    claims = cut(text, [7] * (len(text) // 7))
    assert all(len(str(claim)) < 10_000 for claim in claims)


def test_a_sentence_is_judged_by_what_it_cites_alone() -> None:
    citation = Citation(
        1, "d", "D", None, None, "Sign-in uses OAuth 2.0 with PKCE.", 1.0, "c", 1, 0, 33
    )
    good, bad, bare = examine(
        "Sign-in uses OAuth 2.0 with PKCE [1]. Sign-in uses 7 dragons of Oz [1]."
        " Sign-in uses OAuth 2.0 with PKCE.",
        [citation],
    )
    assert (good.supported, good.score, good.verdict) == (True, 1.0, "quoted")
    assert not bad.supported
    assert bad.reasons == [
        "The number 7 is not in the source.",
        "The name Oz is not in the source.",
    ]
    assert (bare.supported, bare.citations, bare.reasons) == (False, (), [])
