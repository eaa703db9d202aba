"""Writes a document as a Word file with footnotes, lists, tables and styles that are Word's own."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from io import BytesIO

import msgspec

from engine.export.document import (
    Block,
    Break,
    Cell,
    Code,
    Document,
    Heading,
    Inline,
    Listing,
    Mark,
    Paragraph,
    Quote,
    Reference,
    Rule,
    Run,
    Table,
)
from engine.export.docx_base import open_base
from engine.export.docx_parts import DEEPEST, Footnotes, Numbering
from engine.export.docx_styles import DEEPEST_HEADING, Styles
from engine.export.docx_xml import Element, bookmark, run, text, w
from engine.export.manuscript import Style

_INDENT = 360
_TABLE_FIFTIETHS = 5000  # of a percent: the whole width
_MIRRORED = {"left": "right", "right": "left"}


def write(document: Document, style: Style, base: str | None, made_at: str) -> bytes:
    """Return the file, built on the Word file at `base` where one is given.

    Raises:
        Invalid: that file cannot be used.
    """
    file = open_base(base)
    properties = file.core_properties
    properties.title, properties.author, properties.comments = document.title[:255], "", ""
    properties.created = properties.modified = datetime.fromisoformat(made_at)
    writer = _Writer(document, style, Styles(file), Footnotes(file), Numbering(file))
    end = file.element.body.get_or_add_sectPr()
    for element in writer.write():
        end.addprevious(element)
    data = BytesIO()
    file.save(data)
    return data.getvalue()


class _Writer:
    def __init__(
        self,
        document: Document,
        style: Style,
        styles: Styles,
        footnotes: Footnotes,
        numbering: Numbering,
    ) -> None:
        self._document = document
        self._has_footnotes = style == "footnotes"
        # Word counts footnotes itself; where the draft counts otherwise, each says its own number.
        self._counts_up = document.counts_up
        self._references = {one.number: one for one in document.references}
        self._styles = styles
        self._footnotes = footnotes
        self._numbering = numbering

    def write(self) -> list[Element]:
        """Return the paragraphs and tables of the whole file."""
        document = self._document
        parts = [
            self._paragraph("Title", run(document.title), rtl=document.rtl),
            self._paragraph("Subtitle", run(document.byline)),
        ]
        if document.note:
            parts.append(self._paragraph("Draft Note", run(document.note)))
        parts += self._blocks(document.blocks, 0, None)
        if not self._has_footnotes and document.references:
            parts.append(self._paragraph("heading 1", run("References")))
            parts += map(self._listed, document.references)
        return parts

    def _blocks(self, blocks: Sequence[Block], depth: int, look: str | None) -> Iterator[Element]:
        """Yield blocks within so many lists, in the style `look` unless they have their own."""
        for block in blocks:
            yield from self._block(block, depth, look)

    def _block(self, block: Block, depth: int, look: str | None) -> Iterator[Element]:
        match block:
            case Heading(level=level, inlines=inlines, rtl=rtl):
                heading = f"heading {min(level, DEEPEST_HEADING)}"
                yield self._paragraph(heading, self._line(inlines), rtl=rtl)
            case Paragraph(inlines=inlines, rtl=rtl):
                name = look or ("List Continue" if depth else None)
                yield self._paragraph(name, self._line(inlines), rtl=rtl, depth=depth)
            case Code(text=code):
                yield self._paragraph("Code Block", [w("r", *text(code))], depth=depth)
            case Rule():
                border = w("pBdr", w("bottom", val="single", sz=6, space=1, color="999999"))
                yield w("p", w("pPr", border))
            case Quote(blocks=inner):
                yield from self._blocks(inner, depth, "Quote")
            case Listing():
                yield from self._listing(block, depth)
            case Table():
                yield self._table(block)
                yield w("p")  # two tables in a row would become one

    def _listing(self, listing: Listing, depth: int) -> Iterator[Element]:
        level = min(depth, DEEPEST)
        number = self._numbering.list_of(listing.start, level)
        name = "List Bullet" if listing.start is None else "List Number"
        for item in listing.items:
            first, rest = item[:1], item[1:]
            if not first or not isinstance(first[0], Paragraph):
                first, rest = [Paragraph([])], item
            counted = w("numPr", w("ilvl", val=level), w("numId", val=number))
            for opening in first:
                assert isinstance(opening, Paragraph)
                line = self._line(opening.inlines)
                yield self._paragraph(name, line, rtl=opening.rtl, counted=counted)
            yield from self._blocks(rest, depth + 1, None)

    def _table(self, table: Table) -> Element:
        columns = max(len(table.head), 1)
        is_rtl = any(cell.rtl for cell in table.head[:1])
        properties = w(
            "tblPr",
            w("tblStyle", val=self._styles["Table Grid"]),
            w("bidiVisual") if is_rtl else None,
            w("tblW", type="pct", w=_TABLE_FIFTIETHS),
        )
        grid = w("tblGrid", *(w("gridCol", w=9000 // columns) for _ in range(columns)))
        head = w("tr", w("trPr", w("tblHeader")), *map(self._head_cell, table.head))
        rows = (w("tr", *map(self._cell, row)) for row in table.rows)
        return w("tbl", properties, grid, head, *rows)

    def _head_cell(self, cell: Cell) -> Element:
        inlines = [
            msgspec.structs.replace(inline, strong=True) if isinstance(inline, Run) else inline
            for inline in cell.inlines
        ]
        return self._cell(msgspec.structs.replace(cell, inlines=inlines))

    def _cell(self, cell: Cell) -> Element:
        line = self._line(cell.inlines)
        return w("tc", self._paragraph(None, line, rtl=cell.rtl, align=cell.align))

    def _listed(self, reference: Reference) -> Element:
        """Return the entry of a source in the references section."""
        number = reference.number
        label = bookmark(number, f"Source{number}", *run(f"[{number}] "))
        return self._paragraph(None, [*label, *self._said(reference)])

    def _said(self, reference: Reference) -> Iterator[Element]:
        yield from run(reference.document, self._look("Strong"))
        place = f", {reference.place}" if reference.place else ""
        yield from run(f"{place}. “{reference.excerpt}”")

    def _line(self, inlines: Sequence[Inline]) -> Iterator[Element]:
        for inline in inlines:
            match inline:
                case Run():
                    yield from run(inline.text, *self._dress(inline))
                case Mark():
                    yield from self._mark(inline)
                case Break():
                    yield w("r", w("br"))

    def _dress(self, inline: Run) -> Iterator[Element]:
        """Yield the look of a run: one style of Word's, and what comes on top of it."""
        names = ("Code", inline.code), ("Strong", inline.strong), ("Emphasis", inline.emphasis)
        worn = [name for name, is_on in names if is_on]
        if worn:
            yield self._look(worn[0])
        if "Strong" in worn[1:]:
            yield w("b")
        if "Emphasis" in worn[1:]:
            yield w("i")
        if inline.struck:
            yield w("strike")

    def _mark(self, mark: Mark) -> Iterator[Element]:
        if mark.spaced:
            yield from run("\u00a0")
        if not self._has_footnotes:
            yield w("hyperlink", *run(f"[{mark.number}]"), anchor=f"Source{mark.number}")
            return
        if mark.joins and not mark.spaced:
            yield from run(",", self._look("footnote reference"))
        yield from self._note(mark) if mark.first else self._repeated(mark.number)

    def _note(self, mark: Mark) -> list[Element]:
        """Return the first mark of a source, which carries its footnote."""
        number = mark.number
        look = self._look("footnote reference")
        own = None if self._counts_up else w("t")
        label = w("r", w("rPr", look), w("footnoteRef"))
        if own is not None:
            own.text = str(number)
            [label] = run(str(number), look)
        entry = [label, *run(" "), *self._said(self._references[number])]
        note_id = self._footnotes.add(self._paragraph("footnote text", entry))
        follows = None if self._counts_up else 1
        place = w("footnoteReference", customMarkFollows=follows, id=note_id)
        anchor = w("r", w("rPr", self._look("footnote reference")), place, own)
        return bookmark(number, f"Note{number}", anchor)

    def _repeated(self, number: int) -> Iterator[Element]:
        """Yield a mark that refers to a footnote which is there already."""
        shown = run(str(number), self._look("footnote reference"))
        if self._counts_up:
            yield w("fldSimple", *shown, instr=f" NOTEREF Note{number} \\f \\h ")
        else:
            yield from shown

    def _look(self, name: str) -> Element:
        return w("rStyle", val=self._styles[name])

    def _paragraph(
        self,
        name: str | None,
        content: Iterable[Element],
        *,
        rtl: bool = False,
        depth: int = 0,
        counted: Element | None = None,
        align: str = "",
    ) -> Element:
        # Left is where a line begins, so in a paragraph from right to left it is the right.
        side = _MIRRORED.get(align, align) if rtl else align
        properties = w(
            "pPr",
            w("pStyle", val=self._styles[name]) if name else None,
            counted.__copy__() if counted is not None else None,
            w("bidi") if rtl else None,
            w("ind", left=_INDENT * depth) if depth else None,
            w("jc", val=side) if side else None,
        )
        return w("p", properties if len(properties) else None, *content)
