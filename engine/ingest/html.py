"""HTML: the words a reader of the page would see, without its navigation and scripts."""

import codecs
import re

from lxml import etree

from engine.ingest.body import Body, collapse
from engine.ingest.decoding import decode
from engine.ingest.kinds import HTML
from engine.ingest.parsed import Extracted, ParseFailed

_CHARSET = re.compile(
    rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([A-Za-z0-9_:.-]{2,40})", re.IGNORECASE
)
_DROPPED = frozenset(
    """script style template noscript nav aside svg math iframe object embed canvas video audio map
    button select textarea input datalist dialog""".split()
)
_PAGE_FRAME = frozenset({"header", "footer"})
_ARTICLE = frozenset({"article", "main", "section"})
_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS = frozenset(
    """address article aside blockquote body caption center dd details div dl dt fieldset
    figcaption figure footer form header hr html legend li main ol p pre section summary table tbody
    tfoot thead tr ul""".split()
)
_LISTS = frozenset({"ul", "ol", "menu"})
_CELLS = frozenset({"td", "th"})
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)


def read(data: bytes) -> Extracted:
    """Return the text of an HTML page.

    Raises:
        ParseFailed: it has no text or cannot be read.
    """
    text = _decoded(data)
    parser = etree.HTMLParser(
        encoding="utf-8", no_network=True, huge_tree=True, remove_comments=True
    )
    try:
        root = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        raise ParseFailed("This HTML file cannot be read.") from error
    if root is None:
        raise ParseFailed("This file has no text.")
    reader = _Reader()
    reader.walk(root)
    body = reader.body
    title = reader.title or next((heading.title for heading in body.headings), None)
    return Extracted(HTML, title, body.text(), body.headings)


def _decoded(data: bytes) -> str:
    found = _CHARSET.search(data, 0, 4096)
    encoding = found[1].decode() if found else ""
    if encoding.lower().replace("-", "") not in ("", "utf8") and _is_encoding(encoding):
        return data.decode(encoding, "replace").replace("\0", "")
    text = decode(data)
    if text is None:
        raise ParseFailed("This HTML file is not text.")
    return text


def _is_encoding(name: str) -> bool:
    try:
        return codecs.lookup(name)._is_text_encoding and not name.lower().startswith("utf")
    except LookupError:
        return False


class _Reader:
    """Walks the tree without recursion, however deep it is, and gathers blocks."""

    def __init__(self) -> None:
        self.body = Body()
        self.title: str | None = None
        self._pieces: list[str] = []
        self._cells: list[str] | None = None
        self._pre = 0
        self._articles = 0
        self._lists = 0
        self._is_in_list = False
        self._is_item = False
        self._is_in_table = False

    def walk(self, root: etree._Element) -> None:
        """Read the whole tree."""
        walker = etree.iterwalk(root, events=("start", "end"))
        dropped: etree._Element | None = None
        for event, element in walker:
            if dropped is not None:
                if event == "end" and element is dropped:
                    dropped = None
                    self._take(element.tail)
            elif event == "start" and self._is_dropped(element):
                dropped = element
                walker.skip_subtree()
            elif event == "start":
                self._enter(element)
            else:
                self._leave(element)
        self._flush()

    def _is_dropped(self, element: etree._Element) -> bool:
        tag = element.tag
        if not isinstance(tag, str) or tag in _DROPPED:
            return True
        if tag in _PAGE_FRAME:
            return self._articles == 0
        if tag == "title":
            self.title = self.title or " ".join((element.text or "").split()) or None
            return True
        return _is_hidden(element)

    def _enter(self, element: etree._Element) -> None:
        tag = element.tag
        if tag == "br":
            self._pieces.append("\n")
        elif tag == "tr":
            self._flush()
            self._cells = []
        elif tag in _CELLS:
            self._end_cell()
        elif tag in _BLOCKS or tag in _HEADINGS:
            self._break()
        self._count(tag, 1)
        if tag == "li":
            self._is_item = True
        self._take(element.text)

    def _leave(self, element: etree._Element) -> None:
        tag = element.tag
        if tag in _HEADINGS and self._cells is None:
            self._end_heading(int(tag[1]))
        elif tag == "tr":
            self._end_row()
        elif tag in _CELLS:
            self._end_cell()
        elif tag in _BLOCKS:
            self._break()
        self._count(tag, -1)
        self._take(element.tail)

    def _count(self, tag: str, step: int) -> None:
        self._pre += step * (tag == "pre")
        self._articles += step * (tag in _ARTICLE)
        self._lists += step * (tag in _LISTS)
        if tag in _LISTS and self._lists == 0:
            self._is_in_list = self._is_item = False
        if tag == "table":
            self._is_in_table = False

    def _take(self, text: str | None) -> None:
        if text:
            self._pieces.append(text if self._pre else re.sub(r"\s+", " ", text))

    def _break(self) -> None:
        """End a block: a paragraph, or, inside a table row, only a word."""
        if self._cells is not None:
            self._pieces.append(" ")
        else:
            self._flush()

    def _flush(self) -> None:
        text = self._gathered()
        if not text:
            return
        if self._is_item:
            self.body.line("- " + text, first=not self._is_in_list)
            self._is_in_list, self._is_item = True, False
        else:
            self.body.paragraph(text)
            self._is_in_list = False

    def _gathered(self) -> str:
        raw = "".join(self._pieces)
        self._pieces.clear()
        return raw.strip("\n").rstrip() if self._pre else collapse(raw).strip()

    def _end_heading(self, level: int) -> None:
        title = self._gathered()
        self._is_in_list = self._is_item = False
        self.body.heading(title, level)

    def _end_cell(self) -> None:
        text = " ".join(self._gathered().split())
        if self._cells is not None and text:
            self._cells.append(text)

    def _end_row(self) -> None:
        self._end_cell()
        cells, self._cells = self._cells or [], None
        self._is_in_list = self._is_item = False
        if len(cells) == 1:
            self.body.paragraph(cells[0])
        elif cells:
            self.body.line("| " + " | ".join(cells) + " |", first=not self._is_in_table)
            self._is_in_table = True


def _is_hidden(element: etree._Element) -> bool:
    if element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    return _HIDDEN_STYLE.search(element.get("style") or "") is not None
