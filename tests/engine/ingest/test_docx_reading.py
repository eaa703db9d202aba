import re
import zipfile
from io import BytesIO
from pathlib import Path

import docx
import pytest
from small_files import (
    archive,
    content_types,
    docx_of,
    package,
    paragraph,
    relationships,
    word_styles,
    word_xml,
)

from engine.errors import AppError, Unsupported
from engine.ingest import docx as docx_reader
from engine.ingest.limits import Limits
from engine.ingest.parsed import Extracted, ParseFailed

WORDS = paragraph("Words")


def read(tmp_path: Path, data: bytes, limits: Limits | None = None) -> Extracted:
    path = tmp_path / "content"
    path.write_bytes(data)
    return docx_reader.read(path, limits or Limits())


def reason(tmp_path: Path, data: bytes) -> str:
    with pytest.raises(AppError) as failure:
        read(tmp_path, data)
    assert isinstance(failure.value, ParseFailed | Unsupported)
    return failure.value.message


def test_a_document_made_by_a_library_reads_in_order(tmp_path: Path) -> None:
    made = docx.Document()
    made.add_heading("The plan", 0)
    made.add_heading("Scope", 1)
    made.add_paragraph("First words.")
    made.add_paragraph("one", style="List Bullet")
    made.add_paragraph("two", style="List Number")
    table = made.add_table(2, 2)
    for cell, text in zip(table._cells, ["Role", "Rate", "Lead", "$ 100"], strict=True):
        cell.text = text
    made.add_heading("Details", 2)
    made.add_paragraph("Last words.")
    packed = BytesIO()
    made.save(packed)
    document = read(tmp_path, packed.getvalue())
    assert document.text == (
        "The plan\n\nScope\n\nFirst words.\n\n- one\n- two\n\n"
        "| Role | Rate |\n| Lead | $ 100 |\n\nDetails\n\nLast words."
    )
    assert [(h.level, document.text[h.start : h.end]) for h in document.headings] == [
        (1, "The plan"),
        (1, "Scope"),
        (2, "Details"),
    ]
    assert document.title == "The plan"


def test_headings_are_found_by_outline_level_in_any_language(tmp_path: Path) -> None:
    styles = word_styles(
        '<w:style w:styleId="berschrift2"><w:name w:val="heading 2"/></w:style>'
        '<w:style w:styleId="Kapitel"><w:name w:val="Kapitel"/>'
        '<w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>'
        '<w:style w:styleId="Eigen"><w:name w:val="Eigen"/><w:basedOn w:val="Kapitel"/></w:style>'
        '<w:style w:styleId="A"><w:basedOn w:val="B"/></w:style>'
        '<w:style w:styleId="B"><w:basedOn w:val="A"/></w:style>'
    )
    body = "".join(
        paragraph(style, f'<w:pStyle w:val="{style}"/>')
        for style in ("Kapitel", "berschrift2", "Eigen", "A", "missing")
    )
    body += paragraph("direct", '<w:outlineLvl w:val="2"/>')
    document = read(tmp_path, docx_of(body, {"word/styles.xml": styles}))
    assert [(h.level, h.title) for h in document.headings] == [
        (1, "Kapitel"),
        (2, "berschrift2"),
        (1, "Eigen"),
        (3, "direct"),
    ]


def test_inserted_text_controls_and_boxes_are_read_and_deleted_text_is_not(tmp_path: Path) -> None:
    body = (
        "<w:p><w:ins><w:r><w:t>in</w:t></w:r></w:ins><w:del><w:r><w:delText>out</w:delText></w:r>"
        "</w:del><w:r><w:tab/><w:t>tabbed</w:t><w:br/><w:t>next</w:t></w:r></w:p>"
        f"<w:sdt><w:sdtContent>{paragraph('control')}</w:sdtContent></w:sdt>"
        f"<w:p><w:r><w:pict><w:txbxContent>{paragraph('box')}</w:txbxContent></w:pict></w:r></w:p>"
    )
    assert read(tmp_path, docx_of(body)).text == "in tabbed\nnext\n\ncontrol\n\nbox"


def test_footnotes_come_last(tmp_path: Path) -> None:
    notes = (
        word_xml("")
        .replace(b"<w:body></w:body>", f"<w:footnote>{paragraph('A note.')}</w:footnote>".encode())
        .replace(b"w:document", b"w:footnotes")
    )
    assert read(tmp_path, docx_of(WORDS, {"word/footnotes.xml": notes})).text == "Words\n\nA note."


def test_a_strict_document_reads_the_same(tmp_path: Path) -> None:
    def strict(xml: bytes) -> bytes:
        common = rb"http://schemas\.openxmlformats\.org/(wordprocessingml|officeDocument)/2006/"
        return re.sub(common, rb"http://purl.oclc.org/ooxml/\1/", xml)

    links = relationships({"officeDocument": "word/document.xml"})
    made = package({"word/document.xml": strict(word_xml(WORDS)), "_rels/.rels": strict(links)})
    assert b"purl.oclc.org" in strict(links)
    assert read(tmp_path, made).text == "Words"


def test_parts_are_found_by_their_relationships(tmp_path: Path) -> None:
    links = relationships({"officeDocument": "/main/document2.xml"})
    made = archive(
        {
            "[Content_Types].xml": content_types("application/xml"),
            "_rels/.rels": links,
            "main/document2.xml": word_xml(WORDS),
            "word/document.xml": word_xml(paragraph("not this")),
        }
    )
    assert read(tmp_path, made).text == "Words"


@pytest.mark.parametrize("kind", ["image", "hyperlink", "header"])
def test_a_relationship_that_leads_nowhere_does_no_harm(tmp_path: Path, kind: str) -> None:
    links = relationships({kind: "NULL"})
    made = docx_of(WORDS, {"word/_rels/document.xml.rels": links})
    assert read(tmp_path, made).text == "Words"


def test_a_document_with_macros_is_read_without_them(tmp_path: Path) -> None:
    macro = "application/vnd.ms-word.document.macroEnabled.main+xml"
    made = docx_of(WORDS, {"[Content_Types].xml": content_types(macro)})
    assert read(tmp_path, made).text == "Words"


def test_a_title_is_taken_from_the_properties_and_never_made_up(tmp_path: Path) -> None:
    assert read(tmp_path, docx_of(WORDS)).title is None
    made = docx.Document()
    made.add_paragraph("Words")
    made.core_properties.title = " The \n plan "
    packed = BytesIO()
    made.save(packed)
    assert read(tmp_path, packed.getvalue()).title == "The plan"


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("../../x", "unsafe name"),
        ("/etc/x", "unsafe name"),
        ("..\\x", "unsafe name"),
        ("C:\\x", "unsafe name"),
        ("inner.zip", "another archive"),
        ("word/media/inner.docx", "another archive"),
    ],
)
def test_part_names_that_lead_elsewhere_are_refused(
    tmp_path: Path, name: str, sentence: str
) -> None:
    assert sentence in reason(tmp_path, docx_of(WORDS, {name: b"x"}))


def test_an_embedded_workbook_is_left_alone(tmp_path: Path) -> None:
    parts = {"word/embeddings/sheet.xlsx": b"PK\x03\x04", "word/embeddings/a.docx": b"PK"}
    assert read(tmp_path, docx_of(WORDS, parts)).text == "Words"


def test_links_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("word/media/link")
    link.external_attr = 0o120777 << 16
    packed = BytesIO(docx_of(WORDS))
    with zipfile.ZipFile(packed, "a") as file:
        file.writestr(link, "/etc/passwd")
    assert "link to another file" in reason(tmp_path, packed.getvalue())


def test_bombs_are_refused_before_they_unpack(tmp_path: Path) -> None:
    assert "far more than its size" in reason(
        tmp_path, docx_of(WORDS, {"word/media/a.bin": bytes(20_000_000)})
    )
    assert "far more than its size" in reason(tmp_path, docx_of(paragraph("A" * 20_000_000)))
    with pytest.raises(ParseFailed, match="unpacks to more than 1 MB"):
        read(tmp_path, docx_of(paragraph("A" * 900_000) * 2), Limits(max_unpacked_bytes=1_000_000))


def test_a_hundred_thousand_parts_are_refused(tmp_path: Path) -> None:
    parts = {f"w/{n}": b"" for n in range(100_000)}
    assert "more than 5,000 parts" in reason(tmp_path, docx_of(WORDS, parts))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_definitions_are_refused(tmp_path: Path, encoding: str) -> None:
    prolog = f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE x [<!ENTITY a "aaaa">]>'
    xml = word_xml(WORDS, prolog=prolog).decode().encode(encoding)
    assert "definitions" in reason(tmp_path, archive({"word/document.xml": xml}))


def test_damaged_files_say_so(tmp_path: Path) -> None:
    whole = docx_of(WORDS)
    assert "damaged" in reason(tmp_path, whole[:-30])
    assert "damaged" in reason(tmp_path, package({"word/document.xml": b"<a><b>"}))
    assert "damaged" in reason(tmp_path, docx_of("<w:sdt>" * 100_000))
    spoiled = bytearray(whole)
    spoiled[45:60] = bytes(15)
    assert "damaged" in reason(tmp_path, bytes(spoiled))


@pytest.mark.parametrize(
    "spoiled",
    [
        {"_rels/.rels": b"<a><b>"},
        {"_rels/.rels": relationships({"officeDocument": "word/missing.xml"})},
        {"_rels/.rels": relationships({"officeDocument": "#top"})},
        {"_rels/.rels": relationships({"officeDocument": ""})},
        {"_rels/.rels": relationships({"officeDocument": "x"}).replace(b"Target", b"No")},
        {"[Content_Types].xml": b"<a/>"},
        {"[Content_Types].xml": b"not XML"},
        {"word/styles.xml": b"<a>"},
        {"word/footnotes.xml": b"<a>"},
    ],
)
def test_a_package_put_together_wrongly_is_damaged(
    tmp_path: Path, spoiled: dict[str, bytes]
) -> None:
    assert "damaged" in reason(tmp_path, docx_of(WORDS, spoiled))


def test_a_chain_of_thousands_of_parts_is_damaged(tmp_path: Path) -> None:
    chain = {
        f"word/_rels/{name}.xml.rels": relationships({"styles": f"s{number}.xml"})
        for number, name in enumerate(["document", *(f"s{n}" for n in range(1500))])
    }
    parts = {f"word/s{number}.xml": b"<a/>" for number in range(1501)}
    assert "damaged" in reason(tmp_path, docx_of(WORDS, chain | parts))


def test_another_archive_is_unsupported(tmp_path: Path) -> None:
    sheet = {"xl/workbook.xml": b"<a/>"}
    assert "not a Word document" in reason(tmp_path, archive(sheet))
    assert "not a Word document" in reason(tmp_path, package(sheet))
