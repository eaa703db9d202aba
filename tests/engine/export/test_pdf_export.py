from pathlib import Path

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.export.manuscript import Style
from engine.export.pdf import write
from engine.export.reading import read
from tests.exporting import manuscript, numbers_of, pdf_text, said, tokens

MADE_AT = "2026-11-21T05:00:00.000000+00:00"


def exported(content: str, style: Style = "footnotes", **changes: str) -> bytes:
    return write(read(manuscript(content, **changes)), style, MADE_AT)


def pages(data: bytes) -> list[str]:
    file = pypdfium2.PdfDocument(data)
    found = [page.get_textpage().get_text_bounded() for page in file]
    file.close()
    return found


@pytest.mark.parametrize("style", ["footnotes", "references"])
def test_pdftotext_finds_every_source_and_every_word(style: Style, tmp_path: Path) -> None:
    document = read(manuscript(status="partial"))
    text = pdf_text(write(document, style, MADE_AT), tmp_path)
    flat = " ".join(text.split())
    for number in range(1, 6):
        label = f"{number}" if style == "footnotes" else f"[{number}]"
        assert f"{label} Source <{number}> & more.pdf, page {number + 10}, Security" in flat
    assert "x<y & AT&T" in flat
    assert "left | right" in flat
    latin = {word for word in said(document) if word.isascii()}
    absent = {"References"} if style == "footnotes" else set()
    assert latin - tokens(text).keys() == absent


def test_the_title_has_a_page_and_the_others_have_numbers() -> None:
    front, *rest = pages(exported("word " * 2000, status="partial"))
    assert "A Rich Draft" in front
    assert "Ann, 21 November 2026" in front
    assert "This is a partial draft" in front
    assert len(rest) > 1
    for number, text in enumerate(rest, start=1):
        assert text.split()[-1] == str(number)
    assert front.split()[-1] != "0"


def test_a_footnote_stands_on_the_page_of_its_mark() -> None:
    _, *rest = pages(exported("First [1]. " + "word " * 2000 + " Last [2]."))
    assert "Source <1>" in rest[0]
    assert "Source <2>" not in rest[0]
    assert "Source <2>" in rest[-1]


def test_numbers_stay_those_of_the_draft() -> None:
    _, text = pages(exported("Yes [3], no [1], yes [3]."))
    first, rest = text.split("\n", 1)
    assert "".join(first.split()).startswith("Yes3,no1,yes3.")
    assert rest.index("3 Source <3>") < rest.index("1 Source <1>")


def test_text_is_data_and_never_typst() -> None:
    hostile = '#read("/etc/passwd") #import "@preview/x:1.0.0" $x^2$ @ref <label> #{ panic() }'
    _, text = pages(
        exported(f"{hostile}\n\n`{hostile}`\n\n```typst\n{hostile}\n```", title=hostile)
    )
    assert "".join(text.split()).count('#read("/etc/passwd")') == 3
    assert "root:" not in text


def test_the_same_order_makes_the_same_file() -> None:
    assert exported("Text [1].") == exported("Text [1].")


def test_nothing_in_the_file_reaches_out() -> None:
    data = exported("See [this](https://evil.example/) [1].", "references")
    for name in (b"/URI", b"/JavaScript", b"/Launch", b"/EmbeddedFile", b"/GoToR"):
        assert name not in data


@pytest.mark.parametrize("sign", ["> ", "- ", "1. "])
def test_what_is_nested_deeply_is_still_there(sign: str) -> None:
    text = "\n".join(pages(exported(f"{sign * 9}deep words [1]", "references")))
    assert "deep words" in " ".join(text.split())


@settings(max_examples=15, deadline=None)
@given(st.text("ab é*_`~[]()<>&|#+-=.:!\\\"'^$@1 \n\t", max_size=60))
def test_the_file_says_the_words_of_the_document(content: str) -> None:
    document = read(manuscript(content, status="partial"))
    text = "\n".join(pages(write(document, "references", MADE_AT)))
    assert tokens(text) == said(document)
    assert all(f"[{number}]" in text for number in numbers_of(document))
