"""A draft as a document: the words, their order and their numbers, apart from any file format.

Every format is written from this one value, so all of them say the same. It comes from the
Markdown of record (`engine/markdown`), with three differences to a page: a link is its text and its
address in plain words, since no file we give out leads anywhere by itself; headings are counted
from the draft's own highest level; characters that no XML file can hold are gone.
"""

from collections.abc import Iterator, Sequence

import msgspec

Align = str
"""`left`, `center`, `right`, or empty where nothing was asked for."""


class Run(msgspec.Struct, frozen=True, tag="run"):
    """Text in one dress, without line breaks."""

    text: str
    strong: bool = False
    emphasis: bool = False
    struck: bool = False
    code: bool = False


class Mark(msgspec.Struct, frozen=True, tag="mark"):
    """A citation marker.

    `spaced` says that a space stands before it, which belongs to it; `joins` that nothing else
    stands between it and the mark before; `first` that its source was not cited before.
    """

    number: int
    spaced: bool = False
    joins: bool = False
    first: bool = False


class Break(msgspec.Struct, frozen=True, tag="break"):
    """The end of a line within a paragraph."""


Inline = Run | Mark | Break


class Heading(msgspec.Struct, frozen=True, tag="heading"):
    """A heading; the highest of a draft have level 1, below its title."""

    level: int
    inlines: list[Inline]
    rtl: bool = False


class Paragraph(msgspec.Struct, frozen=True, tag="paragraph"):
    """A paragraph; `rtl` when it begins in a script written from right to left."""

    inlines: list[Inline]
    rtl: bool = False


class Code(msgspec.Struct, frozen=True, tag="code"):
    """Lines of code, joined by line feeds."""

    text: str


class Rule(msgspec.Struct, frozen=True, tag="rule"):
    """A line across the page."""


class Quote(msgspec.Struct, frozen=True, tag="quote"):
    """A quotation."""

    blocks: list["Block"]


class Listing(msgspec.Struct, frozen=True, tag="listing"):
    """A list: numbered from `start` on, or with bullets when there is none."""

    start: int | None
    items: list[list["Block"]]


class Cell(msgspec.Struct, frozen=True):
    """A cell of a table."""

    inlines: list[Inline]
    align: Align = ""
    rtl: bool = False


class Table(msgspec.Struct, frozen=True, tag="table"):
    """A table: every row, the head too, has the same number of cells."""

    head: list[Cell]
    rows: list[list[Cell]]


Block = Heading | Paragraph | Code | Rule | Quote | Listing | Table


class Reference(msgspec.Struct, frozen=True):
    """What a footnote says: a document, the place in it (may be empty) and its words there."""

    number: int
    document: str
    place: str
    excerpt: str
    rtl: bool = False


class Document(msgspec.Struct, frozen=True):
    """A whole document; `note` is empty unless the draft is incomplete."""

    title: str
    byline: str
    note: str
    blocks: list[Block]
    references: list[Reference]
    rtl: bool = False

    @property
    def counts_up(self) -> bool:
        """Whether the sources are numbered 1, 2, 3 … as they are first cited."""
        numbers = [mark.number for mark in marks(self.blocks) if mark.first]
        return numbers == list(range(1, len(numbers) + 1))


def marks(blocks: Sequence[Block]) -> Iterator[Mark]:
    """Yield the citation marks in the order of the text."""
    for inlines in texts(blocks):
        yield from (inline for inline in inlines if isinstance(inline, Mark))


def texts(blocks: Sequence[Block]) -> Iterator[list[Inline]]:
    """Yield every line of inlines in the order of the text."""
    for block in blocks:
        match block:
            case Heading(inlines=inlines) | Paragraph(inlines=inlines):
                yield inlines
            case Quote(blocks=inner):
                yield from texts(inner)
            case Listing(items=items):
                for item in items:
                    yield from texts(item)
            case Table(head=head, rows=rows):
                for row in (head, *rows):
                    yield from (cell.inlines for cell in row)
