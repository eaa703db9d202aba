"""Reads a manuscript into a document."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from engine.citations.markers import Literal, parse
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
from engine.export.manuscript import Manuscript
from engine.markdown.html import blocks_of, tokens_of
from engine.types import Citation

PARTIAL = "This is a partial draft: writing ended before the whole text was there."
_MAX_EXCERPT_CHARS = 400
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKER = re.compile(r"\[([0-9]{1,3})\]")


def read(manuscript: Manuscript) -> Document:
    """Return the document of a manuscript. Linear in the length of its text."""
    known = {citation.number: citation for citation in manuscript.citations}
    title = _line(manuscript.title) or "Draft"
    reader = _Reader(set(known))
    blocks = _without_title(reader.blocks(clean(manuscript.content)), title)
    return Document(
        title=title,
        byline=_byline(manuscript),
        note=PARTIAL if manuscript.status == "partial" else "",
        blocks=_levelled(blocks),
        references=[_reference(known[number]) for number in sorted(reader.cited)],
        rtl=is_right_to_left(title),
    )


def clean(text: str) -> str:
    """Take out what XML cannot hold: control characters, lone surrogates, non-characters."""
    return _NOT_XML.sub("", text)


def is_right_to_left(text: str) -> bool:
    """Whether the first letter belongs to a script written from right to left."""
    for character in text:
        match unicodedata.bidirectional(character):
            case "R" | "AL":
                return True
            case "L":
                return False
    return False


def _byline(manuscript: Manuscript) -> str:
    day = datetime.fromisoformat(manuscript.exported_at)
    written = f"{day.day} {day:%B %Y}"
    return f"{clean(manuscript.author)}, {written}" if manuscript.author else written


def _without_title(blocks: list[Block], title: str) -> list[Block]:
    """Take out a first heading that says the title once more."""
    if blocks and isinstance(blocks[0], Heading) and _plain(blocks[0].inlines) == title:
        return blocks[1:]
    return blocks


def _levelled(blocks: list[Block]) -> list[Block]:
    """Number the levels of headings from 1."""
    levels = [block.level for block in blocks if isinstance(block, Heading)]
    above = min(levels, default=1) - 1
    return [
        msgspec.structs.replace(block, level=max(1, block.level - above))
        if isinstance(block, Heading)
        else block
        for block in blocks
    ]


def _reference(citation: Citation) -> Reference:
    page = f"page {citation.page}" if citation.page else ""
    excerpt = _excerpt(citation)
    return Reference(
        number=citation.number,
        document=_line(citation.document_name),
        place=", ".join(filter(None, (page, _line(citation.section or "")))),
        excerpt=excerpt,
        rtl=is_right_to_left(excerpt),
    )


def _excerpt(citation: Citation) -> str:
    """Return the passage; of a long one the sentence that was cited, at a bounded length."""
    passage = _line(citation.excerpt)
    if len(passage) <= _MAX_EXCERPT_CHARS:
        return passage
    quote = _line(citation.excerpt[citation.quote_start : citation.quote_end]) or passage
    if len(quote) <= _MAX_EXCERPT_CHARS:
        return quote
    return quote[:_MAX_EXCERPT_CHARS].rpartition(" ")[0] + " …"


def _line(text: str) -> str:
    return " ".join(clean(text).split())


@dataclass(frozen=True, slots=True)
class _Dress:
    """How the text being read is set off."""

    strong: bool = False
    emphasis: bool = False
    struck: bool = False

    def run(self, text: str, *, code: bool = False) -> Run:
        return Run(text, self.strong, self.emphasis, self.struck, code)


class _Reader:
    """Turns Markdown into blocks; `cited` are the numbers that were found in it."""

    def __init__(self, known: set[int]) -> None:
        self._known = known
        self.cited: set[int] = set()

    def blocks(self, content: str) -> list[Block]:
        """Return the blocks of a text. Pieces of one long list or table become one again."""
        found: list[Block] = []
        for piece in blocks_of(self._with_plain_markers(content)):
            tokens = tokens_of(piece)
            read = [_as_written(piece.source)] if tokens is None else self._tree(tokens)
            if found and read and _goes_on(found[-1], read[0], piece.number, piece.head):
                _append(found[-1], read.pop(0))
            found += read
        return found

    def _with_plain_markers(self, content: str) -> str:
        """Write `[1, 3]` as `[1][3]`, as the page knows markers, where both are citations."""
        pieces: list[str] = []
        for segment in parse(content):
            if isinstance(segment, Literal):
                pieces.append(segment.text)
            elif self._known.issuperset(segment.numbers):
                pieces += (f"[{number}]" for number in segment.numbers)
            else:
                pieces.append(segment.raw)
        return "".join(pieces)

    def _tree(self, tokens: Sequence[Token]) -> list[Block]:
        return list(self._children(SyntaxTreeNode(tokens)))

    def _children(self, node: SyntaxTreeNode) -> Iterator[Block]:
        for child in node.children:
            match child.type:
                case "heading":
                    inlines = self._line(child)
                    yield Heading(int(child.tag[1:]), inlines, is_right_to_left(_plain(inlines)))
                case "paragraph":
                    inlines = self._line(child)
                    yield Paragraph(inlines, is_right_to_left(_plain(inlines)))
                case "fence" | "code_block":
                    yield Code(child.content.removesuffix("\n").replace("\r", ""))
                case "hr":
                    yield Rule()
                case "blockquote":
                    yield Quote(list(self._children(child)))
                case "bullet_list" | "ordered_list":
                    yield self._listing(child)
                case "table":
                    yield self._table(child)

    def _listing(self, node: SyntaxTreeNode) -> Listing:
        is_numbered = node.type == "ordered_list"
        start = int(node.attrs.get("start", 1)) if is_numbered else None
        return Listing(start, [list(self._children(item)) for item in node.children])

    def _table(self, node: SyntaxTreeNode) -> Table:
        parts = {part.type: part.children for part in node.children}
        head = [self._cells(row) for row in parts.get("thead", ())]
        rows = [self._cells(row) for row in parts.get("tbody", ())]
        return Table(head[0] if head else [], rows)

    def _cells(self, row: SyntaxTreeNode) -> list[Cell]:
        return [self._cell(cell) for cell in row.children]

    def _cell(self, node: SyntaxTreeNode) -> Cell:
        align = str(node.attrs.get("style", "")).removeprefix("text-align:")
        inlines = self._line(node)
        return Cell(inlines, align, is_right_to_left(_plain(inlines)))

    def _line(self, node: SyntaxTreeNode) -> list[Inline]:
        inlines = (i for inline in node.children for i in self._inlines(inline, _Dress()))
        return self._settled(inlines)

    def _inlines(self, node: SyntaxTreeNode, dress: _Dress) -> Iterator[Inline]:
        for child in node.children:
            match child.type:
                case "text":
                    yield dress.run(child.content)
                case "code_inline":
                    yield dress.run(child.content, code=True)
                case "softbreak":
                    yield dress.run(" ")
                case "hardbreak":
                    yield Break()
                case "citation_marker":
                    yield self._mark(int(child.info), dress)
                case "link":
                    yield from self._link(child, dress)
                case "image":
                    yield dress.run(_plain(list(self._inlines(child, dress))))
                case _:
                    yield from self._inlines(child, _within(child.type, dress))

    def _mark(self, number: int, dress: _Dress) -> Inline:
        if number not in self._known:
            return dress.run(f"[{number}]")
        return Mark(number)

    def _link(self, node: SyntaxTreeNode, dress: _Dress) -> Iterator[Inline]:
        """Yield the text of a link and, unless the text says so already, where it leads."""
        inlines = list(self._inlines(node, dress))
        yield from inlines
        address = str(node.attrs["href"]).removeprefix("mailto:")
        if _plain(inlines).removeprefix("mailto:") != address and node.info != "auto":
            yield dress.run(f" ({address})")

    def _settled(self, inlines: Iterable[Inline]) -> list[Inline]:
        """Join neighbouring runs in one dress, and tell every mark where it stands."""
        settled: list[Inline] = []
        for inline in inlines:
            last = settled[-1] if settled else None
            match inline:
                case Run(text=""):
                    continue
                case Run() if isinstance(last, Run) and _same_dress(last, inline):
                    settled[-1] = msgspec.structs.replace(last, text=last.text + inline.text)
                case Mark():
                    settled.append(self._placed(settled, inline.number))
                case _:
                    settled.append(inline)
        return settled

    def _placed(self, before: list[Inline], number: int) -> Mark:
        last = before[-1] if before else None
        spaced = isinstance(last, Run) and not last.code and last.text.endswith(" ")
        if isinstance(last, Run) and spaced:
            before.pop()
            text = last.text.rstrip(" ")
            before += [msgspec.structs.replace(last, text=text)] if text else []
        joins = bool(before) and isinstance(before[-1], Mark)
        first = number not in self.cited
        self.cited.add(number)
        return Mark(number, spaced, joins, first)


def _as_written(source: str) -> Paragraph:
    inlines: list[Inline] = []
    for line in source.strip().split("\n"):
        inlines += (Run(line), Break())
    return Paragraph(inlines[:-1], is_right_to_left(source))


def _goes_on(last: Block, block: Block, number: int | None, head: str) -> bool:
    """Whether a block is the rest of the one before, which was cut because of its length."""
    if isinstance(last, Table) and isinstance(block, Table):
        return bool(head)
    if isinstance(last, Listing) and isinstance(block, Listing):
        is_bulleted = last.start is None and block.start is None
        return is_bulleted or (last.start is not None and number is not None)
    return False


def _append(last: Block, rest: Block) -> None:
    match last, rest:
        case Table(), Table():
            last.rows.extend(rest.rows)
        case Listing(), Listing():
            last.items.extend(rest.items)


def _within(element: str, dress: _Dress) -> _Dress:
    return _Dress(
        dress.strong or element == "strong",
        dress.emphasis or element == "em",
        dress.struck or element == "s",
    )


def _same_dress(one: Run, other: Run) -> bool:
    return one == msgspec.structs.replace(other, text=one.text)


def _plain(inlines: Sequence[Inline]) -> str:
    parts: list[str] = []
    for inline in inlines:
        match inline:
            case Run(text=text):
                parts.append(text)
            case Mark(number=number):
                parts.append(f"[{number}]")
            case Break():
                parts.append(" ")
    return "".join(parts)
