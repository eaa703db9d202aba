"""Cut a growing Markdown text into top-level blocks as soon as each is closed.

A block is closed when nothing that may follow can change how it reads: a heading or a rule at the
end of its line, a fence at its closing line, a paragraph, quote or table at a blank line, a list or
indented code at the first line that does not belong to it. The rules are those of CommonMark 0.31
(and of GFM tables) as markdown-it-py applies them, looked at from the outermost level only: what
happens inside a list item or a quote never matters, except for knowing where the item ends.

Long lists and tables are cut in front of an item or a row once their open piece holds `PIECE_CHARS`
characters, so what is still open stays small. Such a piece says how it goes on (`number`, `head`).

Rendering the blocks one by one equals rendering the text at once, with two exceptions: each piece
of a cut list decides for itself whether its items are spaced; and a line of text directly under a
list or a quote (no blank line between, no indent) is taken for a part of it even where it is not,
which shows only if a fence, a rule or a numbered item then follows, still without a blank line.
"""

import re
from typing import Self

import msgspec

PIECE_CHARS = 4000

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\n|\r(?!\Z))")
_HEADING = re.compile(r"#{1,6}(?:[ \t]|$)")
_RULE = re.compile(r"([-_*])[ \t]*(?:\1[ \t]*){2,}$")
_UNDERLINE = re.compile(r"(?:-+|=+)[ \t]*$")
_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")
_MARKER = re.compile(r"(?:([0-9]{1,9})([.)])|([-+*]))(?:([ \t]+)|$)")
_TABLE_RULE_CELL = re.compile(r":?-+:?")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_NOWHERE = 1 << 30


class Block(msgspec.Struct, frozen=True):
    """A closed piece: `source == text[start:end]`, in code points; joined they are the text.

    A piece that goes on with an ordered list carries the `number` of its first item; one that goes
    on with a table carries the table's `head`, two lines that are not a part of `source`.
    """

    index: int
    start: int
    end: int
    source: str
    number: int | None = None
    head: str = ""


class BlockSplitter:
    """Feed text in any pieces; closed blocks come out. Any cut of it gives the same blocks."""

    def __init__(self) -> None:
        """Start at the beginning of a text."""
        self._partial: list[str] = []
        self._lines: list[str] = []
        self._size = 0
        self._open: _Open | None = None
        self._index = 0
        self._start = 0

    def feed(self, text: str) -> list[Block]:
        """Take more text and return the blocks that it closes."""
        self._partial.append(text)
        if "\n" not in text and "\r" not in text and not self._is_after_return():
            return []
        text = "".join(self._partial)
        blocks: list[Block] = []
        end = 0
        for match in _LINE.finditer(text):
            blocks += self._take(match[0])
            end = match.end()
        self._partial = [text[end:]]
        return blocks

    def close(self) -> list[Block]:
        """End the text: return what was still open, or nothing."""
        rest = "".join(self._partial)
        self._partial = []
        blocks = self._take(rest) if rest else []
        return blocks + self._cut(len(self._lines))

    def _is_after_return(self) -> bool:
        """Whether a carriage return waits to be told from half of a CRLF."""
        return len(self._partial) > 1 and self._partial[-2].endswith("\r")

    def _take(self, raw: str) -> list[Block]:
        """Add one line: close what it does not belong to, then what it ends."""
        line = _Line.read(raw)
        blocks = self._make_room(line, raw)
        if self._open:
            self._open.add(line)
        elif not line.is_blank:
            self._open = _open_with(line)
        self._lines.append(raw)
        self._size += len(raw)
        if self._open and self._open.is_closed:
            blocks += self._cut(len(self._lines))
        return blocks

    def _make_room(self, line: "_Line", raw: str) -> list[Block]:
        """Close the open block, all or in part, if this line starts something else."""
        if self._open is None:
            return []
        if isinstance(self._open, _Paragraph) and self._open.is_table_head(line):
            blocks = self._cut(len(self._lines) - 1) if self._open.is_begun else []
            self._open = _Table(self._lines[-1] + raw)
            return blocks
        if not self._open.accepts(line):
            return self._cut(len(self._lines))
        rest = self._open.rest_from(line) if self._size >= PIECE_CHARS else None
        if rest is None:
            return []
        blocks = self._cut(len(self._lines))
        self._open = rest
        return blocks

    def _cut(self, lines: int) -> list[Block]:
        """Close the first so many lines as a block; an empty block is none."""
        source = "".join(self._lines[:lines])
        if not source:
            return []
        end = self._start + len(source)
        number, head = (self._open.number, self._open.head) if self._open else (None, "")
        block = Block(self._index, self._start, end, source, number, head)
        self._lines = self._lines[lines:]
        self._size -= len(source)
        self._index += 1
        self._start = end
        self._open = None
        return [block]


class _Line(msgspec.Struct, frozen=True):
    """A line without its end: `body` after `indent` columns of white space, tab stops at 4."""

    indent: int
    body: str

    @classmethod
    def read(cls, raw: str) -> Self:
        text = raw.rstrip("\r\n")
        body = text.lstrip(" \t")
        return cls(_columns(text[: len(text) - len(body)], 0), body)

    @property
    def is_blank(self) -> bool:
        return not self.body

    @property
    def is_indented(self) -> bool:
        """Deep enough to be code, and to be nothing else."""
        return self.indent > 3

    def interrupts_quote(self) -> bool:
        """Whether this line cannot be a lazy continuation, nor a row of a table."""
        if self.is_indented or self.is_blank:
            return False
        return self._starts_leaf() or _Item.read(self) is not None

    def interrupts_paragraph(self) -> bool:
        if self.is_indented or self.is_blank:
            return False
        item = _Item.read(self)
        interrupting_item = item and not item.is_empty and item.number in (None, 1)
        is_underline = _UNDERLINE.match(self.body)
        return bool(interrupting_item) or (self._starts_leaf() and not is_underline)

    def _starts_leaf(self) -> bool:
        body = self.body
        starts = _HEADING.match(body) or _FENCE.match(body) or _RULE.match(body)
        return bool(starts) or body[0] == ">"


class _Item(msgspec.Struct, frozen=True):
    """A list item's marker: its sign, its number, the column its content starts at."""

    sign: str
    number: int | None
    offset: int
    is_empty: bool

    @classmethod
    def read(cls, line: _Line) -> Self | None:
        match = _MARKER.match(line.body)
        if line.is_indented or not match or _RULE.match(line.body):
            return None
        digits, delimiter, bullet, gap = match.groups()
        marker_end = line.indent + len(digits or "") + 1
        is_empty = match.end() == len(line.body)
        width = _columns(gap or "", marker_end) - marker_end
        inner = 1 if is_empty or width > 4 else width
        number = int(digits) if digits else None
        return cls(delimiter or bullet, number, marker_end + inner, is_empty)


class _Open:
    """The block being written. Subclasses say which lines belong to it and when it is complete."""

    is_closed = False
    number: int | None = None
    head = ""

    def accepts(self, line: _Line) -> bool:
        """Whether the line goes on with this block."""
        raise NotImplementedError

    def add(self, line: _Line) -> None:
        """Take an accepted line."""
        self.is_closed = line.is_blank

    def rest_from(self, line: _Line) -> "_Open | None":
        """Return what goes on if a long block is cut in front of an accepted line, if it may be."""
        return None


class _Single(_Open):
    """A heading or a rule: one line."""

    is_closed = True


class _Paragraph(_Open):
    """`is_begun` says that it has more than the one line that may yet be a table's head."""

    def __init__(self, line: _Line) -> None:
        self.is_begun = False
        self._last = line

    def accepts(self, line: _Line) -> bool:
        return not line.interrupts_paragraph()

    def add(self, line: _Line) -> None:
        self.is_begun = True
        is_underline = not line.is_indented and _UNDERLINE.match(line.body)
        self.is_closed = line.is_blank or bool(is_underline)
        self._last = line

    def is_table_head(self, rule: _Line) -> bool:
        """Whether the last line and the next one, `rule`, are the head of a table."""
        if self._last.is_indented or rule.is_indented or "|" not in self._last.body:
            return False
        columns = _rule_columns(rule.body)
        return columns > 0 and columns == _head_columns(self._last.body)


class _Quote(_Open):
    def accepts(self, line: _Line) -> bool:
        is_quoted = not line.is_indented and line.body.startswith(">")
        return is_quoted or not line.interrupts_quote()


class _Table(_Open):
    """`head` stays empty for the first piece, which holds its head itself."""

    def __init__(self, head: str, *, is_rest: bool = False) -> None:
        self._head = head
        self.head = head if is_rest else ""

    def accepts(self, line: _Line) -> bool:
        return line.is_blank or not (line.is_indented or line.interrupts_quote())

    def rest_from(self, line: _Line) -> "_Open | None":
        return None if line.is_blank else _Table(self._head, is_rest=True)


class _Code(_Open):
    """Indented code, which goes on after blank lines."""

    def accepts(self, line: _Line) -> bool:
        return line.is_blank or line.is_indented

    def add(self, line: _Line) -> None:
        pass


class _Fence(_Open):
    def __init__(self, fence: str) -> None:
        self._end = re.compile(rf"{fence[0]}{{{len(fence)},}}[ \t]*$")

    def accepts(self, line: _Line) -> bool:
        return True

    def add(self, line: _Line) -> None:
        self.is_closed = not line.is_indented and bool(self._end.match(line.body))


class _List(_Open):
    def __init__(self, item: _Item) -> None:
        self._item = item
        self._next_number = None if item.number is None else item.number + 1
        self._offset = item.offset
        self._is_at_marker = True
        self._is_after_blank = False

    def accepts(self, line: _Line) -> bool:
        if line.is_blank or line.indent >= self._offset:
            return True
        if item := _Item.read(line):
            return item.sign == self._item.sign
        return not self._is_after_blank and not line.interrupts_quote()

    def add(self, line: _Line) -> None:
        item = self._sibling(line)
        if item:
            self._start_item(item)
        elif line.is_blank and self._is_at_marker and self._item.is_empty:
            self._offset = _NOWHERE  # an item cannot begin with two blank lines
        self._is_at_marker = item is not None
        self._is_after_blank = line.is_blank

    def rest_from(self, line: _Line) -> "_Open | None":
        item = self._sibling(line)
        if item is None:
            return None
        rest = _List(item)
        rest.number = rest._next_number = self._next_number
        return rest

    def _sibling(self, line: _Line) -> _Item | None:
        return _Item.read(line) if line.indent < self._offset else None

    def _start_item(self, item: _Item) -> None:
        self._item, self._offset = item, item.offset
        if self._next_number is not None:
            self._next_number += 1


def _open_with(line: _Line) -> _Open:
    """Return the block that begins with this line, which is not blank."""
    if line.is_indented:
        return _Code()
    if _HEADING.match(line.body) or _RULE.match(line.body):
        return _Single()
    if fence := _FENCE.match(line.body):
        return _Fence(fence[1] or fence[2])
    if line.body[0] == ">":
        return _Quote()
    if item := _Item.read(line):
        return _List(item)
    return _Paragraph(line)


def _columns(space: str, column: int) -> int:
    """Return the column reached after white space that starts at `column`."""
    for char in space:
        column += 4 - column % 4 if char == "\t" else 1
    return column


def _rule_columns(body: str) -> int:
    """Return the number of columns of a table's second line, 0 if it is not one."""
    if len(body) < 2 or body[0] not in "|-:" or (body[0] == "-" and body[1] in " \t"):
        return 0
    cells = [cell.strip(" \t") for cell in body.split("|")]
    cells = cells[not cells[0] : len(cells) - (not cells[-1])]
    return len(cells) if all(map(_TABLE_RULE_CELL.fullmatch, cells)) else 0


def _head_columns(body: str) -> int:
    cells = _CELL_BORDER.split(body.strip(" \t"))
    return len(cells) - (not cells[0]) - (len(cells) > 1 and not cells[-1])
