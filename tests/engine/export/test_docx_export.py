import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.enum.style import WD_STYLE_TYPE
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import Invalid
from engine.export.docx import write
from engine.export.docx_xml import w
from engine.export.manuscript import Style
from engine.export.reading import read
from tests.exporting import (
    RICH,
    WORD,
    docx_part,
    docx_text,
    manuscript,
    numbers_of,
    pdf_text,
    said,
    tokens,
)

MADE_AT = "2026-11-21T05:00:00.000000+00:00"
W = {"w": WORD.strip("{}")}


def exported(
    content: str = RICH, style: Style = "footnotes", base: Path | None = None, **changes: Any
) -> bytes:
    document = read(manuscript(content, **changes))
    return write(document, style, str(base) if base else None, MADE_AT)


def body(data: bytes) -> Any:
    return docx_part(data, "word/document.xml")


def values(tree: Any, path: str) -> list[str]:
    """Return `w:val` of what an XPath finds."""
    return [element.get(f"{WORD}val") for element in tree.xpath(path, namespaces=W)]


def test_every_source_is_one_footnote() -> None:
    notes = docx_part(exported(), "word/footnotes.xml").xpath("w:footnote", namespaces=W)
    kinds = [note.get(f"{WORD}type") for note in notes]
    assert kinds == ["separator", "continuationSeparator", None, None, None, None, None]
    for number, note in enumerate(notes[2:], start=1):
        assert note.get(f"{WORD}id") == str(number)
        assert docx_text(note).strip() == (
            f"Source <{number}> & more.pdf, page {number + 10}, Security › Backups."
            f" “Passage number {number} says so.”"
        )


def test_marks_refer_to_their_footnotes_in_order() -> None:
    document = read(manuscript())
    tree = body(exported())
    shown = [
        int(field.get(f"{WORD}instr").split()[1].removeprefix("Note"))
        if field.tag == f"{WORD}fldSimple"
        else int(field.get(f"{WORD}id"))
        for field in tree.iter(f"{WORD}footnoteReference", f"{WORD}fldSimple")
    ]
    assert shown == numbers_of(document)
    references = tree.xpath("//w:footnoteReference/@w:id", namespaces=W)
    assert references == ["1", "2", "3", "4", "5"]


def test_footnotes_keep_numbers_that_word_would_not_give() -> None:
    data = exported("Yes [3], no [1], yes [3].")
    references = body(data).xpath("//w:footnoteReference", namespaces=W)
    assert all(one.get(f"{WORD}customMarkFollows") == "1" for one in references)
    assert docx_text(body(data)).split()[-6:] == ["Yes", "3,", "no", "1,", "yes", "3."]
    notes = docx_part(data, "word/footnotes.xml").xpath("w:footnote", namespaces=W)[2:]
    assert [docx_text(note).split()[0] for note in notes] == ["3", "1"]


def test_the_package_names_its_footnotes() -> None:
    with zipfile.ZipFile(BytesIO(exported())) as archive:
        types = archive.read("[Content_Types].xml").decode()
        links = archive.read("word/_rels/document.xml.rels").decode()
        settings_ = archive.read("word/settings.xml").decode()
    assert "wordprocessingml.footnotes+xml" in types
    assert "relationships/footnotes" in links
    assert '<w:footnotePr><w:footnote w:id="-1"/>' in settings_.replace("\n", "").replace("  ", "")


def test_python_docx_opens_what_was_written() -> None:
    file = docx.Document(BytesIO(exported()))
    names = [paragraph.style.name for paragraph in file.paragraphs]
    assert names[:3] == ["Title", "Subtitle", "Heading 1"]
    assert {"List Bullet", "List Number", "Quote", "Code Block", "List Continue"} <= set(names)
    [table] = file.tables
    assert [[cell.text for cell in row.cells] for row in table.rows][1] == [
        "OAuth 2.0",
        "left | right",
        "",
    ]
    runs = [run for paragraph in file.paragraphs for run in paragraph.runs]
    styled = {run.style.name: run.text for run in reversed(runs) if run.style}
    assert styled["Strong"] == "Bold words"
    assert styled["Emphasis"] == "slanted words"
    assert styled["Code"] == "code | pipe"
    assert file.core_properties.title == "A Rich Draft"


def test_lists_count_for_themselves_and_nest() -> None:
    tree = body(exported("3. a\n4. b\n   - c\n\nBetween.\n\n1. d"))
    levels = values(tree, "//w:numPr/w:ilvl")
    numbers = values(tree, "//w:numPr/w:numId")
    assert levels == ["0", "0", "1", "0"]
    assert numbers[0] == numbers[1]
    assert len({numbers[0], numbers[2], numbers[3]}) == 3
    numbering = docx_part(exported("3. a\n4. b"), "word/numbering.xml")
    assert values(numbering, "//w:startOverride")[-1:] == ["3"]


def test_text_from_right_to_left_is_marked() -> None:
    tree = body(exported("שלום OAuth [1]."))
    [paragraph] = tree.xpath("//w:p[w:pPr/w:bidi]", namespaces=W)
    assert paragraph.xpath(".//w:r[w:rPr/w:rtl]/w:t/text()", namespaces=W) == ["שלום"]


def test_code_keeps_its_lines_and_tabs() -> None:
    [code] = body(exported("```\na\n\tb  c\n```")).xpath(
        "//w:p[w:pPr/w:pStyle/@w:val='CodeBlock']", namespaces=W
    )
    pieces = [child.tag.removeprefix(WORD) for child in code.iter() if child.tag != f"{WORD}r"]
    assert pieces[3:] == ["t", "br", "tab", "t"]
    assert code.xpath(".//w:t/text()", namespaces=W) == ["a", "b  c"]


def test_references_stand_in_a_section_of_their_own() -> None:
    data = exported(style="references")
    tree = body(data)
    anchors = tree.xpath("//w:hyperlink/@w:anchor", namespaces=W)
    assert anchors == [f"Source{number}" for number in numbers_of(read(manuscript()))]
    names = tree.xpath("//w:bookmarkStart/@w:name", namespaces=W)
    assert set(anchors) == set(names)
    assert "[5] Source <5> & more.pdf, page 15" in docx_text(tree)
    assert not docx_part(data, "word/footnotes.xml").xpath("w:footnote[3]", namespaces=W)


def test_a_partial_draft_says_so() -> None:
    assert "This is a partial draft" in docx_text(body(exported(status="partial")))


def test_nothing_in_the_file_leads_or_reaches_out() -> None:
    with zipfile.ZipFile(BytesIO(exported())) as archive:
        for name in archive.namelist():
            if name.endswith(".rels"):
                assert b"External" not in archive.read(name)
        assert not [name for name in archive.namelist() if "vba" in name.lower()]
    instructions = body(exported()).xpath("//@w:instr", namespaces=W)
    assert {instruction.split()[0] for instruction in instructions} == {"NOTEREF"}


# The order in which the schema wants children (ECMA-376, part 1, annex A), as far as they are used.
ORDERS = {
    "p": "pPr *",
    "r": "rPr *",
    "pPr": "pStyle keepNext numPr pBdr shd bidi spacing ind jc outlineLvl rPr sectPr",
    "rPr": "rStyle rFonts b bCs i iCs strike noProof color sz szCs vertAlign rtl",
    "tbl": "tblPr tblGrid tr",
    "tblPr": "tblStyle bidiVisual tblW tblBorders",
    "tr": "trPr tc",
    "numbering": "numPicBullet abstractNum num numIdMacAtCleanup",
    "num": "abstractNumId lvlOverride",
    "lvl": "start numFmt lvlText lvlJc pPr",
    "footnote": "p",
}


def out_of_order(tree: Any) -> Iterator[str]:
    """Yield where children stand otherwise than the schema wants, as far as both are known."""
    for parent in tree.iter(*(f"{WORD}{name}" for name in ORDERS)):
        order = ORDERS[parent.tag.removeprefix(WORD)].split()
        names = [child.tag.removeprefix(WORD) for child in parent]
        places = [order.index(n if n in order else "*") for n in names if {n, "*"} & {*order}]
        single = [name for name in names if name.endswith("Pr")]
        if places != sorted(places) or len(single) != len(set(single)):
            yield f"{parent.tag}: {names}"


@pytest.mark.parametrize("has_base", [False, True])
def test_word_finds_everything_where_its_schema_wants_it(tmp_path: Path, has_base: bool) -> None:
    def word_s_own_end(file: Any) -> None:
        file.part.numbering_part.element.append(w("numIdMacAtCleanup", val=1))
        file.sections[0]._sectPr.insert(0, w("footnotePr", w("numRestart", val="eachPage")))

    base = base_file(tmp_path / "base.docx", word_s_own_end) if has_base else None
    data = exported(status="partial", base=base)
    with zipfile.ZipFile(BytesIO(data)) as archive:
        parts = [name for name in archive.namelist() if re.fullmatch(r"word/\w+\.xml", name)]
    assert {"word/footnotes.xml", "word/numbering.xml"} <= set(parts)
    for part in parts:
        assert list(out_of_order(docx_part(data, part))) == []
    assert not body(data).xpath("//w:sectPr/w:footnotePr", namespaces=W)


@pytest.mark.parametrize("style", ["footnotes", "references"])
@settings(max_examples=40, deadline=None)
@given(content=st.text("ab é中ש*_`~[]()<>&|#+-=.:!\\\"'^$1 \n\t", max_size=60))
def test_the_file_says_the_words_of_the_document(style: Style, content: str) -> None:
    document = read(manuscript(content, status="partial"))
    data = write(document, style, None, MADE_AT)
    text = docx_text(body(data)) + docx_text(docx_part(data, "word/footnotes.xml"))
    wanted = said(document)
    if style == "footnotes" and document.references:
        wanted -= tokens("References")
    assert tokens(text) == wanted


def base_file(path: Path, change: Callable[[Any], None] = lambda _: None) -> Path:
    """Make a team's Word file with a header, a style of its own, and text to be taken out."""
    file = docx.Document()
    file.add_paragraph("Write here.")
    file.sections[0].header.paragraphs[0].text = "Northlarch"
    file.styles["Heading 1"].font.name = "Team Sans"
    file.styles.add_style("Code", WD_STYLE_TYPE.CHARACTER).font.name = "Team Mono"
    change(file)
    file.save(str(path))
    return path


def repacked(path: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """Change one part of a Word file, which is made when it is not there."""
    with zipfile.ZipFile(path) as archive:
        parts = {one: archive.read(one) for one in archive.namelist()}
    parts[name] = change(parts.get(name, b""))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for one, data in parts.items():
            archive.writestr(one, data)
    return path


def test_a_team_s_own_file_gives_styles_and_header(tmp_path: Path) -> None:
    data = exported(base=base_file(tmp_path / "team.docx"))
    file = docx.Document(BytesIO(data))
    assert file.sections[0].header.paragraphs[0].text == "Northlarch"
    assert file.styles["Heading 1"].font.name == "Team Sans"
    assert file.styles["Code"].font.name == "Team Mono"
    assert "Write here." not in docx_text(body(data))


def test_an_export_can_be_the_base_of_another(tmp_path: Path) -> None:
    path = tmp_path / "again.docx"
    path.write_bytes(exported())
    data = exported("Only [1].", base=path)
    assert len(docx_part(data, "word/footnotes.xml").xpath("w:footnote", namespaces=W)) == 3
    assert docx_text(body(data)).split()[-1] == "."


def test_a_base_without_styles_and_numbers_will_do(tmp_path: Path) -> None:
    def strip(file: Any) -> None:
        styles = file.styles.element
        for style in styles.xpath("w:style"):
            styles.remove(style)
        for key, link in list(file.part.rels.items()):
            if link.reltype.endswith("/numbering"):
                del file.part.rels[key]

    data = exported(base=base_file(tmp_path / "bare.docx", strip))
    names = {style.name for style in docx.Document(BytesIO(data)).styles}
    assert {"Title", "Heading 1", "List Bullet", "footnote text", "Table Grid"} <= names


LINK = (
    b'<Relationship Id="x9" Type="http://x/%s" Target="https://evil.example/"'
    b' TargetMode="External"/></Relationships>'
)


@pytest.mark.parametrize(
    ("part", "old", "new", "reason"),
    [
        ("[Content_Types].xml", b"document.main+xml", b"document.macroEnabled.main+xml", "macros"),
        ("word/vbaProject.bin", b"", b"macro", "macros"),
        ("word/_rels/document.xml.rels", b"</Relationships>", LINK % b"hyperlink", "outside"),
        (
            "word/_rels/document.xml.rels",
            b"</Relationships>",
            LINK % b"attachedTemplate",
            "outside",
        ),
        (
            "word/_rels/document.xml.rels",
            b"</Relationships>",
            b'<Relationship Id="x9" Type="http://x/oleObject" Target="a"/></Relationships>',
            "embedded",
        ),
        (
            "word/document.xml",
            b"<w:p>",
            b'<w:p><w:fldSimple w:instr="INCLUDEPICTURE &quot;http://evil/x&quot;"/>',
            "fetches",
        ),
        (
            "word/document.xml",
            b"<w:p>",
            b"<w:p><w:r><w:instrText>DD</w:instrText></w:r><w:r><w:instrText>E x"
            b"</w:instrText></w:r>",
            "fetches",
        ),
        ("word/document.xml", b"<w:document", b"<!DOCTYPE a><w:document", "DTD"),
        ("word/document.xml", b"</w:body>", b"", "damaged"),
    ],
)
def test_a_base_that_could_do_something_is_refused(
    tmp_path: Path, part: str, old: bytes, new: bytes, reason: str
) -> None:
    path = repacked(
        base_file(tmp_path / "bad.docx"), part, lambda data: data.replace(old, new) if old else new
    )
    with pytest.raises(Invalid, match=reason) as refused:
        exported(base=path)
    assert refused.value.field == "template"


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x05\x06" + b"\0" * 18])
def test_a_base_that_is_no_word_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "no.docx"
    path.write_bytes(data)
    with pytest.raises(Invalid):
        exported(base=path)


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_libreoffice_shows_the_words_and_the_footnotes(tmp_path: Path) -> None:
    (tmp_path / "draft.docx").write_bytes(exported(status="partial"))
    home = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", home, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path)]
    subprocess.run(
        [*command, str(tmp_path / "draft.docx")], check=True, capture_output=True, timeout=120
    )
    text = pdf_text((tmp_path / "draft.pdf").read_bytes(), tmp_path)
    flat = " ".join(text.split())
    for number in range(1, 6):
        assert f"Source <{number}> & more.pdf, page {number + 10}, Security" in flat
    for words in (
        "This is a partial draft",
        "x<y & AT&T. Again 1!",
        "code | pipe here 2,3.",
        "left | right",
        "3. third",
        "List<String> names = new ArrayList<>(); // [1] stays",
        "中文文本，引用在这里",
        "<script>alert(1)</script>",
    ):
        assert words in flat
    latin = {word for word in said(read(manuscript(status="partial"))) if word.isascii()}
    assert latin - tokens(text).keys() <= {"References"}
