from pathlib import Path

import pytest
from small_files import archive, docx_of, lines, package, paragraph, pdf_of, word_xml

from engine.errors import Unsupported
from engine.ingest import kinds
from engine.ingest.limits import Limits
from engine.ingest.parsed import ParseFailed

PDF = pdf_of([lines((72, 700, 12, "Words"))])


def detected(tmp_path: Path, data: bytes, name: str = "") -> str:
    path = tmp_path / "content"
    path.write_bytes(data)
    return kinds.detect(path, name, Limits())


@pytest.mark.parametrize(
    "name", ["a.pdf", "a.docx", "a.txt", "", "../../x", "CON", "\u202etxt.fdp"]
)
def test_a_pdf_is_one_under_any_name(tmp_path: Path, name: str) -> None:
    assert detected(tmp_path, PDF, name) == kinds.PDF


def test_a_word_file_is_known_by_its_main_part(tmp_path: Path) -> None:
    assert detected(tmp_path, docx_of(paragraph("Words")), "a.pdf") == kinds.DOCX


@pytest.mark.parametrize(
    "text",
    [
        "<!DOCTYPE html><p>x",
        "\n\n<html><body>x</body></html>",
        "<?xml version='1.0'?>\n<!-- c --><!doctype HTML><p>x",
        "<h1>Title</h1><p>text</p>",
    ],
)
def test_html_is_known_by_its_first_tag(tmp_path: Path, text: str) -> None:
    assert detected(tmp_path, text.encode(), "a.md") == kinds.HTML


def test_markdown_that_begins_with_a_tag_stays_markdown(tmp_path: Path) -> None:
    text = b'<p align="center">Logo</p>\n\n# Title\n\nSee [this](x).\n'
    assert detected(tmp_path, text, "README.md") == kinds.MARKDOWN


def test_the_name_decides_between_markdown_and_text_only(tmp_path: Path) -> None:
    assert detected(tmp_path, b"Just words.", "a.MD") == kinds.MARKDOWN
    assert detected(tmp_path, b"Just words.", "a.txt") == kinds.TEXT
    assert detected(tmp_path, b"# Title\n\n**bold** and [link](x)\n", "a.txt") == kinds.MARKDOWN


def test_text_that_speaks_of_pdf_is_text(tmp_path: Path) -> None:
    assert detected(tmp_path, b"A file starts with %PDF-1.7 then.") == kinds.TEXT


def test_utf_16_is_text(tmp_path: Path) -> None:
    assert detected(tmp_path, "Grüße".encode("utf-16")) == kinds.TEXT


def test_a_head_that_ends_inside_a_character_is_still_text(tmp_path: Path) -> None:
    assert detected(tmp_path, ("x" + "é" * 100_000).encode()) == kinds.TEXT


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"words\0words",
        b"{\\rtf1 words}",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100),
        archive({"xl/workbook.xml": b"<a/>"}),
        archive({"word/document.xml": b"<a/>"}),
        archive({"notes.txt": b"the words [Content_Types].xml and word/document.xml"}),
        package({"xl/workbook.xml": b"<a/>"}),
        package({"ppt/presentation.xml": b"<a/>"}),
        bytes(range(256)),
    ],
)
def test_anything_else_is_refused_with_a_sentence(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(Unsupported, match=r"\.$"):
        detected(tmp_path, data, "a.txt")


def test_a_word_file_is_known_wherever_its_main_part_lies(tmp_path: Path) -> None:
    made = package({"main/text.xml": word_xml(paragraph("Words"))})
    assert detected(tmp_path, made) == kinds.DOCX


@pytest.mark.parametrize("data", [b"PK\x03\x04", docx_of(paragraph("Words"))[:-30]])
def test_an_archive_without_its_directory_is_damaged(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ParseFailed, match="damaged"):
        detected(tmp_path, data)
