"""Word documents: paragraphs, headings, lists, tables and notes, in reading order.

python-docx opens the package. The text is read from the XML it hands out, not from its paragraphs
and tables: those leave out tracked insertions, content controls, text boxes and footnotes, repeat
merged cells and know no outline levels. Here all of that is text; deleted text is not.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from docx.opc.constants import RELATIONSHIP_TYPE as RT
from docx.oxml.ns import nsmap, qn
from lxml import etree

from engine.ingest.body import Body, collapse
from engine.ingest.kinds import DOCX
from engine.ingest.limits import Limits
from engine.ingest.package import open_parts
from engine.ingest.parsed import Extracted

_W = f"{{{nsmap['w']}}}"
_HEADING_NAME = re.compile(r"heading ([1-9])")
_TITLE_LEVEL = 0
_NO_LEVEL = 9
_BREAKS = {f"{_W}tab": " ", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_SKIPPED = frozenset(
    {f"{_W}{name}" for name in ("del", "moveFrom", "pPr", "rPr", "tblPr", "sdtPr", "sectPr")}
    | {"{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
)
_SEPARATORS = frozenset({"separator", "continuationSeparator", "continuationNotice"})


@dataclass(frozen=True, slots=True)
class _Style:
    """What a paragraph style says about structure; None where it leaves that to its parent."""

    parent: str | None
    level: int | None
    is_list: bool


def read(path: Path, limits: Limits) -> Extracted:
    """Return the text of the Word document at `path`.

    Raises:
        ParseFailed: it is damaged, hostile or over a limit.
        Unsupported: it is another kind of archive.
    """
    parts = open_parts(path, limits)
    reader = _Reader(_styles(parts.get(RT.STYLES, ())))
    reader.read_blocks(parts[RT.OFFICE_DOCUMENT])
    for kind in (RT.FOOTNOTES, RT.ENDNOTES):
        reader.read_notes(parts.get(kind, ()))
    body = reader.body
    title = _property_title(parts.get(RT.CORE_PROPERTIES)) or reader.title
    title = title or next((heading.title for heading in body.headings), None)
    return Extracted(DOCX, title, body.text(), body.headings)


def _property_title(properties: etree._Element | None) -> str | None:
    title = None if properties is None else properties.findtext(qn("dc:title"))
    return " ".join((title or "").split()) or None


def _styles(styles: Iterable[etree._Element]) -> dict[str, _Style]:
    return {
        style.get(f"{_W}styleId", ""): _Style(
            _value(style, "basedOn"),
            _style_level(style),
            style.find(f"{_W}pPr/{_W}numPr") is not None,
        )
        for style in styles
        if style.tag == f"{_W}style"
    }


def _style_level(style: etree._Element) -> int | None:
    # The name is the English one in every language of Word; the outline level covers styles of
    # one's own.
    name = (_value(style, "name") or "").lower()
    if name == "title":
        return _TITLE_LEVEL
    found = _HEADING_NAME.fullmatch(name)
    return int(found[1]) if found else _outline_level(style)


def _outline_level(owner: etree._Element) -> int | None:
    value = _value(owner, "pPr", "outlineLvl")
    return int(value) + 1 if value is not None and value.isdecimal() and len(value) == 1 else None


def _value(owner: etree._Element, *names: str) -> str | None:
    found = owner.find("/".join(f"{_W}{name}" for name in names))
    return None if found is None else found.get(f"{_W}val")


class _Reader:
    """Walks blocks into a `Body`; `title` is the first paragraph of the Title style."""

    def __init__(self, styles: dict[str, _Style]) -> None:
        self.body = Body()
        self.title: str | None = None
        self._styles = styles
        self._is_in_list = False

    def read_blocks(self, parent: etree._Element) -> None:
        """Add all paragraphs and tables below `parent`, through whatever wraps them."""
        for child in parent:
            if child.tag == f"{_W}p":
                self._read_paragraph(child)
            elif child.tag == f"{_W}tbl":
                self._read_table(child)
            elif child.tag not in _SKIPPED:
                self.read_blocks(child)

    def read_notes(self, notes: Iterable[etree._Element]) -> None:
        """Add footnotes or endnotes as paragraphs."""
        for note in notes:
            if note.get(f"{_W}type") not in _SEPARATORS:
                self._is_in_list = False
                self.body.paragraph(_flat(note))

    def _read_paragraph(self, paragraph: etree._Element) -> None:
        boxes: list[etree._Element] = []
        text = collapse("".join(_text(paragraph, boxes))).strip()
        level, is_list = self._structure(paragraph)
        if text:
            self._add(text, level, is_list)
        for box in boxes:
            self.read_blocks(box)

    def _add(self, text: str, level: int | None, is_list: bool) -> None:
        if level is not None:
            self._add_heading(text, level)
        elif is_list:
            self.body.line("- " + text, first=not self._is_in_list)
        else:
            self.body.paragraph(text)
        self._is_in_list = is_list and level is None

    def _add_heading(self, text: str, level: int) -> None:
        if level == _TITLE_LEVEL and self.title is None:
            self.title = " ".join(text.split())
        self.body.heading(text, max(level, 1))

    def _structure(self, paragraph: etree._Element) -> tuple[int | None, bool]:
        """Return the heading level and whether it is a list item, from itself and its styles."""
        level = _outline_level(paragraph)
        number = _value(paragraph, "pPr", "numPr", "numId")
        is_list = number not in (None, "0")
        style_id = _value(paragraph, "pPr", "pStyle")
        seen: set[str] = set()
        while style_id in self._styles and style_id not in seen:
            seen.add(style_id)
            style = self._styles[style_id]
            level = style.level if level is None else level
            is_list = is_list or (style.is_list and number is None)
            style_id = style.parent
        return (None if level is None or level > _NO_LEVEL else level), is_list

    def _read_table(self, table: etree._Element) -> None:
        is_first = True
        for row in _children(table, f"{_W}tr"):
            cells = list(_children(row, f"{_W}tc"))
            if len(cells) == 1:  # a frame around text, not a table
                self._is_in_list = False
                self.read_blocks(cells[0])
                is_first = True
                continue
            texts = [" ".join(_flat(cell).split()) for cell in cells]
            if any(texts):
                self.body.line("| " + " | ".join(texts) + " |", first=is_first)
                is_first = False
        self._is_in_list = False


def _children(parent: etree._Element, tag: str) -> Iterator[etree._Element]:
    for child in parent:
        if child.tag == tag:
            yield child
        elif child.tag not in _SKIPPED and child.tag not in (f"{_W}tr", f"{_W}tc"):
            yield from _children(child, tag)


def _flat(parent: etree._Element) -> str:
    """Return all text below `parent`, one line per paragraph."""
    paragraphs = parent.iter(f"{_W}p")
    lines = (collapse("".join(_text(paragraph, []))).strip() for paragraph in paragraphs)
    return "\n".join(line for line in lines if line)


def _text(parent: etree._Element, boxes: list[etree._Element]) -> Iterator[str]:
    """Yield the text of a paragraph; text boxes anchored in it are put into `boxes`."""
    for child in parent:
        tag = child.tag
        if tag == f"{_W}txbxContent":
            boxes.append(child)
        elif tag in _BREAKS:
            yield _BREAKS[tag]
        elif isinstance(tag, str) and tag.endswith("}t"):
            yield child.text or ""
        elif tag not in _SKIPPED:
            yield from _text(child, boxes)
