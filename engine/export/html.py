"""Writes a document as one HTML file that stands alone: no script, nothing fetched from anywhere.

Its content security policy allows its own style and nothing else, whatever the text may hold.
"""

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from pathlib import Path

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

_CSS = Path(__file__).with_name("html.css").read_text(encoding="utf-8")
_CSS_HASH = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_CSS_HASH}'; base-uri 'none'; form-action 'none'"
_DEEPEST = 6


def write(document: Document, style: Style) -> bytes:
    """Return the file, in UTF-8."""
    return _Writer(style).write(document).encode()


class _Writer:
    def __init__(self, style: Style) -> None:
        self._style = style

    def write(self, document: Document) -> str:
        title = escape(document.title)
        note = f'<p class="note" role="note">{escape(document.note)}</p>\n' if document.note else ""
        return (
            '<!doctype html>\n<html lang="">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="referrer" content="no-referrer">\n'
            f"<title>{title}</title>\n<style>{_CSS}</style>\n</head>\n<body>\n<main>\n<header>\n"
            f"<h1{_direction(document.rtl)}>{title}</h1>\n"
            f'<p class="byline">{escape(document.byline)}</p>\n{note}</header>\n'
            f"{self._blocks(document.blocks)}{self._references(document.references)}"
            "</main>\n</body>\n</html>\n"
        )

    def _references(self, references: Sequence[Reference]) -> str:
        if not references:
            return ""
        items = "".join(map(self._reference, references))
        return (
            '<section class="references" aria-labelledby="references">\n'
            f'<h2 id="references">References</h2>\n<ol>\n{items}</ol>\n</section>\n'
        )

    def _reference(self, reference: Reference) -> str:
        number = reference.number
        place = f", {escape(reference.place)}" if reference.place else ""
        excerpt = f"<q{_direction(reference.rtl)}>{escape(reference.excerpt)}</q>"
        back = f'<a href="#mark-{number}" aria-label="Back to the text">↩</a>'
        return (
            f'<li id="note-{number}" value="{number}"><cite>{escape(reference.document)}</cite>'
            f"{place}. {excerpt} {back}</li>\n"
        )

    def _blocks(self, blocks: Sequence[Block]) -> str:
        return "".join(map(self._block, blocks))

    def _block(self, block: Block) -> str:
        match block:
            case Heading(level=level, inlines=inlines, rtl=rtl):
                tag = f"h{min(level + 1, _DEEPEST)}"
                return f"<{tag}{_direction(rtl)}>{self._line(inlines)}</{tag}>\n"
            case Paragraph(inlines=inlines, rtl=rtl):
                return f"<p{_direction(rtl)}>{self._line(inlines)}</p>\n"
            case Code(text=text):
                return f'<pre dir="ltr"><code>{escape(text)}</code></pre>\n'
            case Rule():
                return "<hr>\n"
            case Quote(blocks=inner):
                return f"<blockquote>\n{self._blocks(inner)}</blockquote>\n"
            case Listing(start=start, items=items):
                tag, attribute = ("ul", "") if start is None else ("ol", f' start="{start}"')
                body = "".join(f"<li>{self._blocks(item)}</li>\n" for item in items)
                return f"<{tag}{attribute}>\n{body}</{tag}>\n"
            case Table(head=head, rows=rows):
                body = "".join(self._row(row, "td") for row in rows)
                return (
                    f"<table>\n<thead>\n{self._row(head, 'th')}</thead>\n"
                    f"<tbody>\n{body}</tbody>\n</table>\n"
                )

    def _row(self, cells: Sequence[Cell], tag: str) -> str:
        return f"<tr>{''.join(self._cell(cell, tag) for cell in cells)}</tr>\n"

    def _cell(self, cell: Cell, tag: str) -> str:
        align = f' class="{cell.align}"' if cell.align in ("left", "center", "right") else ""
        return f"<{tag}{align}{_direction(cell.rtl)}>{self._line(cell.inlines)}</{tag}>"

    def _line(self, inlines: Sequence[Inline]) -> str:
        return "".join(map(self._inline, inlines))

    def _inline(self, inline: Inline) -> str:
        match inline:
            case Run():
                return _run(inline)
            case Mark():
                return self._mark(inline)
            case Break():
                return "<br>\n"

    def _mark(self, mark: Mark) -> str:
        number = mark.number
        place = f' id="mark-{number}"' if mark.first else ""
        link = f'<a{place} href="#note-{number}">[{number}]</a>'
        space = "&nbsp;" if mark.spaced else ""
        return space + (f"<sup>{link}</sup>" if self._style == "footnotes" else link)


def _run(run: Run) -> str:
    html = escape(run.text)
    for tag, is_on in (
        ("code", run.code),
        ("s", run.struck),
        ("em", run.emphasis),
        ("strong", run.strong),
    ):
        html = f"<{tag}>{html}</{tag}>" if is_on else html
    return html


def _direction(rtl: bool) -> str:
    return ' dir="rtl"' if rtl else ""
