"""Writes a document as Markdown that every reader of CommonMark and GFM takes for the same text.

Whatever might be more than text there (an element of HTML, a picture, a link) is escaped, so that
what was inert on the page stays inert in whatever shows the file.
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import zip_longest

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
from engine.export.manuscript import Style

# The last two are where GFM would begin a link, which takes in a footnote's mark that touches it.
_SPECIAL = re.compile(
    r"[\\`*\[\]<~|]|&(?=#?[0-9A-Za-z]+;)|(?<![^\W_])_|_(?![^\W_])|(?<=:)/(?=/)|(?<=www)\.", re.I
)
_BLOCK_START = re.compile(r"(?m)^([ \t]*(?:[0-9]{1,9}(?=[.)]))?)(#|[-+=>]|[.)](?=\s|$))")
_CLOSING_SIGNS = re.compile(r"#+$")
_BACKTICKS = re.compile("`+")
_RULES = {"left": ":--", "center": ":-:", "right": "--:", "": "---"}
_DEEPEST = 6


def write(document: Document, style: Style) -> bytes:
    """Return the file, in UTF-8."""
    return _Writer(style).write(document).encode()


class _Writer:
    def __init__(self, style: Style) -> None:
        self._style = style

    def write(self, document: Document) -> str:
        parts = [f"# {_escaped(document.title)}", _escaped(document.byline)]
        if document.note:
            parts.append(f"> **{_escaped(document.note)}**")
        parts.append(self._blocks(document.blocks))
        if document.references:
            parts += ["## References", *map(self._reference, document.references)]
        return "\n\n".join(filter(None, parts)) + "\n"

    def _reference(self, reference: Reference) -> str:
        name = f"**{_escaped(reference.document)}**"
        place = f", {_escaped(reference.place)}" if reference.place else ""
        number = reference.number
        label = f"[^{number}]:" if self._style == "footnotes" else f"\\[{number}\\]"
        return f"{label} {name}{place}. “{_escaped(reference.excerpt)}”"

    def _blocks(self, blocks: Sequence[Block]) -> str:
        written: list[str] = []
        alternates = False
        for before, block in zip([None, *blocks], blocks, strict=False):
            alternates = not alternates and _would_join(before, block)
            written.append(self._block(block, alternates))
        return "\n\n".join(filter(None, written))

    def _block(self, block: Block, alternates: bool) -> str:
        match block:
            case Heading(level=level, inlines=inlines):
                line = _CLOSING_SIGNS.sub(r"\\\g<0>", self._line(inlines))
                return "#" * min(level + 1, _DEEPEST) + " " + line
            case Paragraph(inlines=inlines):
                return _BLOCK_START.sub(r"\1\\\2", self._line(inlines))
            case Code(text=text):
                fence = _fence(text, 3)
                return f"{fence}\n{text}\n{fence}"
            case Rule():
                return "---"
            case Quote(blocks=inner):
                return _prefixed(self._blocks(inner), "> ", "> ")
            case Listing():
                return self._listing(block, alternates)
            case Table():
                return self._table(block)

    def _listing(self, listing: Listing, alternates: bool) -> str:
        is_tight = all(len(item) <= 1 for item in listing.items)
        items: list[str] = []
        for index, item in enumerate(listing.items):
            sign = "*" if alternates else "-"
            if listing.start is not None:
                sign = f"{listing.start + index}{')' if alternates else '.'}"
            items.append(_prefixed(self._blocks(item), sign + " ", " " * (len(sign) + 1)))
        return ("\n" if is_tight else "\n\n").join(items)

    def _table(self, table: Table) -> str:
        rules = (_RULES.get(cell.align, "---") for cell in table.head)
        rows = [self._row(table.head), f"| {' | '.join(rules)} |", *map(self._row, table.rows)]
        return "\n".join(rows)

    def _row(self, cells: Sequence[Cell]) -> str:
        return f"| {' | '.join(self._line(cell.inlines, in_table=True) for cell in cells)} |"

    def _line(self, inlines: Sequence[Inline], *, in_table: bool = False) -> str:
        parts = [""]
        for inline, after in zip_longest(inlines, inlines[1:]):
            match inline:
                case Run():
                    part = _run(inline, parts[-1][-1:], _first(after), in_table)
                case Mark(number=number, spaced=spaced):
                    mark = f"[^{number}]" if self._style == "footnotes" else f"\\[{number}\\]"
                    part = " " * spaced + mark
                case Break():
                    part = "\\\n"
            parts.append(part)
        return "".join(parts).strip()


def _would_join(before: Block | None, block: Block) -> bool:
    """Whether two blocks are lists that would be read as one, did their signs not differ."""
    if not isinstance(before, Listing) or not isinstance(block, Listing):
        return False
    return (before.start is None) == (block.start is None)


def _run(run: Run, before: str, after: str, in_table: bool) -> str:
    text = _code(run.text, in_table) if run.code else _escaped(run.text)
    sign = "**" * run.strong + "*" * run.emphasis + "~~" * run.struck
    body = text.strip()
    if not sign or not body:
        return text
    start = text.index(body[0])
    lead, trail = text[:start], text[start + len(body) :]
    opens = _opens(lead[-1:] or before, body[0])
    closes = _opens(trail[:1] or after, body[-1])
    if not opens or not closes:
        return text  # said without emphasis rather than with stray signs
    return lead + sign + body + sign[::-1] + trail


def _opens(outside: str, inside: str) -> bool:
    """Whether a sign of emphasis between these two counts (CommonMark 0.31, section 6.2)."""
    if outside in ("*", "~", "`"):
        return False
    return not _is_punctuation(inside) or not outside.strip() or _is_punctuation(outside)


def _is_punctuation(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


def _first(inline: Inline | None) -> str:
    """Return the character that an inline begins with, as it will be written."""
    match inline:
        case Run(code=True):
            return "`"
        case Run(text=text) as run:
            return "*" if run.strong or run.emphasis or run.struck else text[:1]
        case Mark(spaced=spaced):
            return " " if spaced else "["
    return ""


def _code(text: str, in_table: bool) -> str:
    fence = _fence(text, 1)
    pad = " " if text[:1] == "`" or text[-1:] == "`" or text[:1] == text[-1:] == " " else ""
    body = text.replace("|", "\\|") if in_table else text
    return f"{fence}{pad}{body}{pad}{fence}"


def _fence(text: str, least: int) -> str:
    longest = max(map(len, _BACKTICKS.findall(text)), default=0)
    return "`" * max(least, longest + 1)


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\g<0>", text)


def _prefixed(text: str, first: str, others: str) -> str:
    lines = [f"{others}{line}" if line else others.rstrip() for line in text.split("\n")]
    return "\n".join([first + lines[0].removeprefix(others), *lines[1:]])
