"""Word documents: paragraphs, headings, lists, tables and notes, in reading order.

The XML parts are read straight from the archive, not through python-docx: that one loads every
picture into memory, and its paragraph text leaves out tracked insertions, content controls and text
boxes. Here all of that is text; deleted text is not.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile

from lxml import etree

from engine.errors import Unsupported
from engine.ingest.archive import DAMAGED, open_checked
from engine.ingest.body import Body, collapse
from engine.ingest.kinds import ALLOWED, DOCX
from engine.ingest.limits import Limits
from engine.ingest.parsed import Extracted, ParseFailed

_STRICT = b"http://purl.oclc.org/ooxml/wordprocessingml/main"
_COMMON = b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_W = f"{{{_COMMON.decode()}}}"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_MAIN_PART = re.compile(r"word/document\d*\.xml")
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
    with open_checked(path, limits) as archive:
        main = next((name for name in archive.namelist() if _MAIN_PART.fullmatch(name)), None)
        if main is None:
            raise Unsupported(f"This archive is not a Word document. {ALLOWED}")
        reader = _Reader(_styles(_part(archive, "word/styles.xml")))
        reader.read_blocks(_part(archive, main))
        for name in ("word/footnotes.xml", "word/endnotes.xml"):
            reader.read_notes(_part(archive, name))
        title = _property_title(_part(archive, "docProps/core.xml")) or reader.title
    body = reader.body
    title = title or next((heading.title for heading in body.headings), None)
    return Extracted(DOCX, title, body.text(), body.headings)


def _part(archive: ZipFile, name: str) -> etree._Element:
    if name not in archive.NameToInfo:
        return etree.Element("absent")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        return etree.fromstring(archive.read(name).replace(_STRICT, _COMMON), parser)
    except etree.XMLSyntaxError as error:
        raise ParseFailed(DAMAGED) from error


def _property_title(properties: etree._Element) -> str | None:
    return " ".join((properties.findtext(_TITLE) or "").split()) or None


def _styles(root: etree._Element) -> dict[str, _Style]:
    return {
        style.get(f"{_W}styleId", ""): _Style(
            _value(style, "basedOn"),
            _style_level(style),
            style.find(f"{_W}pPr/{_W}numPr") is not None,
        )
        for style in root.iter(f"{_W}style")
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

    def read_notes(self, root: etree._Element) -> None:
        """Add footnotes or endnotes as paragraphs."""
        for note in root:
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
