"""Make the sample PDF and DOCX from their sources: `python -m engine.samples.build`.

Both files are committed and the product only reads them; run this after a change in `source/`.
The same sources give the same bytes: typst uses its embedded fonts and a fixed time, and the parts
of the DOCX archive carry a fixed date.
"""

import io
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import typst
from docx import Document
from docx.document import Document as DocxDocument
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Inches, Pt, RGBColor
from docx.text.paragraph import Paragraph
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

FOLDER = Path(__file__).parent
SOURCE = FOLDER / "source"
EDITION = datetime(2026, 2, 27, 9, 0)
ZIP_DATE = (2026, 2, 27, 9, 0, 0)
HEADINGS = {"h1": "Title", "h2": "Heading 1", "h3": "Heading 2"}
LISTS = {"bullet_list": "List Bullet", "ordered_list": "List Number"}
ACCENT = RGBColor(0x1F, 0x5C, 0x57)


def build_whitepaper() -> bytes:
    """Return the security whitepaper as PDF."""
    source = SOURCE / "security-whitepaper.typ"
    return bytes(typst.compile(source, format="pdf", ignore_system_fonts=True, timestamp=0))


def build_profile() -> bytes:
    """Return the company profile as DOCX."""
    markdown = (SOURCE / "company-profile.md").read_text(encoding="utf-8")
    document = Document()
    _set_properties(document)
    _set_layout(document)
    tree = SyntaxTreeNode(MarkdownIt("commonmark").enable("table").parse(markdown))
    for node in tree.children:
        _add_block(document, node)
    return _fixed_dates(document)


def _set_properties(document: DocxDocument) -> None:
    properties = document.core_properties
    properties.title = "Northlarch Public Systems: Company Profile"
    properties.author = properties.last_modified_by = "Northlarch Public Systems"
    properties.comments = ""
    properties.created = properties.modified = EDITION


def _set_layout(document: DocxDocument) -> None:
    section = document.sections[0]
    section.left_margin = section.right_margin = Inches(1.1)
    normal = document.styles["Normal"]
    normal.font.name = "Calibri"
    normal.font.size = Pt(11)
    normal.paragraph_format.space_after = Pt(8)
    normal.paragraph_format.line_spacing = 1.2
    for name in HEADINGS.values():
        document.styles[name].font.color.rgb = ACCENT
    _add_page_number(section.footer.paragraphs[0])


def _add_page_number(footer: Paragraph) -> None:
    footer.add_run("Northlarch Public Systems · Company Profile\t\tPage ")
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), "PAGE")
    footer._p.append(field)


def _add_block(document: DocxDocument, node: SyntaxTreeNode) -> None:
    if node.type == "table":
        _add_table(document, node)
        return
    style = HEADINGS.get(node.tag) or LISTS.get(node.type)
    for inline in _inlines(node):
        _add_runs(document.add_paragraph(style=style), inline)


def _add_table(document: DocxDocument, node: SyntaxTreeNode) -> None:
    rows = [row.children for part in node.children for row in part.children]
    table = document.add_table(len(rows), len(rows[0]), style="Light Grid")
    for row, cells in zip(table.rows, rows, strict=True):
        for cell, content in zip(row.cells, cells, strict=True):
            _add_runs(cell.paragraphs[0], content.children[0])
    document.add_paragraph()


def _inlines(node: SyntaxTreeNode) -> Iterator[SyntaxTreeNode]:
    return (inner for inner in node.walk() if inner.type == "inline")


def _add_runs(paragraph: Paragraph, inline: SyntaxTreeNode) -> None:
    for text in (inner for inner in inline.walk() if inner.type == "text"):
        run = paragraph.add_run(text.content)
        run.italic = (text.parent is not None and text.parent.type == "em") or None


def _fixed_dates(document: DocxDocument) -> bytes:
    saved, result = io.BytesIO(), io.BytesIO()
    document.save(saved)
    with zipfile.ZipFile(saved) as parts, zipfile.ZipFile(result, "w") as archive:
        for name in parts.namelist():
            entry = zipfile.ZipInfo(name, ZIP_DATE)
            archive.writestr(entry, parts.read(name), zipfile.ZIP_DEFLATED)
    return result.getvalue()


def main() -> None:
    """Write both files next to this module."""
    (FOLDER / "security-whitepaper.pdf").write_bytes(build_whitepaper())
    (FOLDER / "company-profile.docx").write_bytes(build_profile())


if __name__ == "__main__":
    main()
