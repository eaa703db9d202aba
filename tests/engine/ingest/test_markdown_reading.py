from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ingest import markdown

DOCUMENT = """---
title: Front
---
# The *plan* {#plan}

Words.

## 1. Scope [here](x) ##
```
# not a heading
```
Underlined
----------
##1.0 Without a blank
> # quoted
"""


def test_headings_have_exact_places_and_clean_titles() -> None:
    document = markdown.read(DOCUMENT)
    assert [(heading.level, heading.title) for heading in document.headings] == [
        (1, "The plan"),
        (2, "1. Scope here"),
        (2, "Underlined"),
        (2, "1.0 Without a blank"),
    ]
    lines = [DOCUMENT[heading.start : heading.end] for heading in document.headings]
    assert lines == [
        "# The *plan* {#plan}",
        "## 1. Scope [here](x) ##",
        "Underlined\n----------",
        "##1.0 Without a blank",
    ]


def test_the_text_is_kept_and_front_matter_is_neither_title_nor_body() -> None:
    document = markdown.read(DOCUMENT)
    assert document.text == DOCUMENT
    assert document.title == "The plan"
    assert DOCUMENT[document.body_start :].startswith("# The")


def test_a_rule_at_the_top_is_no_front_matter() -> None:
    assert markdown.read("---\n\nwords\n").body_start == 0


@pytest.mark.parametrize("text", ["", "#", "##\n", "\n\n", "---", "---\n---", "a\n=\n"])
def test_odd_documents_are_read(text: str) -> None:
    assert markdown.read(text).text == text


@given(st.text(alphabet="# a`~>-=[](){}\n\t*é😀", max_size=200))
def test_headings_lie_in_order_within_the_text(text: str) -> None:
    end = 0
    for heading in markdown.read(text).headings:
        assert end <= heading.start < heading.end <= len(text)
        assert not text[heading.start].isspace() and not text[heading.end - 1].isspace()
        end = heading.end


@pytest.mark.parametrize("unit", ["[", "> ", "`", "- ", "#", "*_", "![](", "|", "<!--", "\\"])
def test_hostile_lines_take_linear_time(unit: str) -> None:
    text = "# " + unit * (200_000 // len(unit))
    before = process_time()
    markdown.read(text)
    assert process_time() - before < 5
