"""PDF: the text of each page, with paragraphs and headings found from where the letters stand.

pdfium gives lines in reading order and the place and size of each letter; `layout.py` makes
paragraphs of lines. Nothing in a PDF is run: no form is opened, so its JavaScript has no engine,
and attachments are never looked at.
"""

import ctypes
import math
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from engine.ingest.body import Body
from engine.ingest.kinds import PDF
from engine.ingest.layout import Block, Line, blocks_of
from engine.ingest.limits import Limits
from engine.ingest.parsed import Extracted, Page, ParseFailed

_LINE_END = re.compile(r"(?P<hyphen>[\x02\ufffe\xad])(?:\r\n)?|\r\n|\n|\r")
_UNWANTED = {code: None for code in (*range(9), *range(11, 32), 0x7F, 0xFFFE, 0xFFFF, 0xAD)}
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xA0: " "}
_CLEAN = _UNWANTED | {0x09: " "} | _LIGATURES
_FILE_NAME = re.compile(r"\.\w{2,5}$|^untitled|^microsoft word", re.IGNORECASE)
_BLANKS = re.compile(r"\s+")
_BOLD_NAMES = (b"bold", b"black", b"heavy")
_FONT_NAME_BYTES = 128
_WIDE = 0.58
_MAX_LISTED = 12


def read(path: Path, limits: Limits) -> Extracted:
    """Return the text of the PDF at `path`.

    Raises:
        ParseFailed: it is locked, damaged, scanned, or over a limit.
    """
    document = _open(path)
    try:
        count = len(document)
        if count > limits.max_pages:
            raise ParseFailed(
                f"This PDF has {count:,} pages. At most {limits.max_pages:,} can be read."
            )
        pages, scans = _read_pages(document, count)
        return _assembled(pages, scans, _metadata_title(document))
    finally:
        document.close()


def _open(path: Path) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        locked = error.err_code in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY)
        message = (
            "This PDF is protected by a password."
            if locked
            else "This PDF is damaged and cannot be opened."
        )
        raise ParseFailed(message) from error


def _read_pages(document: pdfium.PdfDocument, count: int) -> tuple[list[list[Line]], list[int]]:
    """Return the lines of all pages, and the numbers of those with pictures and no text."""
    pages: list[list[Line]] = []
    scans: list[int] = []
    for index in range(count):
        lines, has_pictures = _read_page(document, index)
        pages.append(lines)
        if has_pictures and not lines:
            scans.append(index + 1)
    return pages, scans


def _read_page(document: pdfium.PdfDocument, index: int) -> tuple[list[Line], bool]:
    try:
        page = document[index]
    except pdfium.PdfiumError as error:
        raise ParseFailed(f"Page {index + 1} of this PDF is damaged and cannot be read.") from error
    try:
        text_page = page.get_textpage()
        lines = list(_lines(text_page))
        text_page.close()
        return lines, not lines and _has_pictures(page)
    finally:
        page.close()


def _has_pictures(page: pdfium.PdfPage) -> bool:
    pictures = (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_FORM)
    return any(
        raw.FPDFPageObj_GetType(raw.FPDFPage_GetObject(page, index)) in pictures
        for index in range(raw.FPDFPage_CountObjects(page))
    )


def _lines(text_page: pdfium.PdfTextPage) -> Iterator[Line]:
    text = _page_text(text_page)
    start = 0
    for found in _LINE_END.finditer(text):
        yield from _line(text_page, text, start, found.start(), found["hyphen"] is not None)
        start = found.end()
    yield from _line(text_page, text, start, len(text), False)


def _page_text(text_page: pdfium.PdfTextPage) -> str:
    count = raw.FPDFText_CountChars(text_page)
    if count <= 0:
        return ""
    buffer = (ctypes.c_ushort * (2 * count + 1))()
    written = raw.FPDFText_GetText(text_page, 0, count, buffer)
    return bytes(memoryview(buffer))[: 2 * max(written - 1, 0)].decode("utf-16-le", "ignore")


def _line(
    page: pdfium.PdfTextPage, text: str, start: int, end: int, is_hyphenated: bool
) -> Iterator[Line]:
    piece = text[start:end]
    content = piece.strip()
    if not content:
        return
    first = start + len(piece) - len(piece.lstrip())
    last = first + len(content) - 1
    middle = first + len(content[: len(content) // 2 + 1].rstrip()) - 1
    left, _, baseline = _place(page, first)
    _, right, _ = _place(page, last)
    size = _size(page, middle)
    gaps = _gaps(page, first, content, size) if _is_wide(right - left, content, size) else []
    words = _cells(content, gaps)
    if words:
        is_bold = all(_is_bold(page, position) for position in (middle, first, last))
        yield Line(words, left, right, baseline, size, is_bold, is_hyphenated, bool(gaps))


def _place(page: pdfium.PdfTextPage, position: int) -> tuple[float, float, float]:
    """Return left, right and baseline of the letter at `position`, in points."""
    letter = raw.FPDFText_GetCharIndexFromTextIndex(page, position)
    box = raw.FS_RECTF()
    x, y = ctypes.c_double(), ctypes.c_double()
    raw.FPDFText_GetLooseCharBox(page, letter, box)
    raw.FPDFText_GetCharOrigin(page, letter, x, y)
    return box.left, box.right, y.value


def _size(page: pdfium.PdfTextPage, position: int) -> float:
    """Return the size of a letter in points as it appears on the page."""
    letter = raw.FPDFText_GetCharIndexFromTextIndex(page, position)
    matrix = raw.FS_MATRIX()
    scale = 1.0
    if raw.FPDFText_GetMatrix(page, letter, matrix):
        scale = math.hypot(matrix.c, matrix.d)
    return round(float(raw.FPDFText_GetFontSize(page, letter)) * scale, 1)


def _is_bold(page: pdfium.PdfTextPage, position: int) -> bool:
    letter = raw.FPDFText_GetCharIndexFromTextIndex(page, position)
    name = ctypes.create_string_buffer(_FONT_NAME_BYTES)
    raw.FPDFText_GetFontInfo(page, letter, name, _FONT_NAME_BYTES, None)
    return any(word in name.value.lower() for word in _BOLD_NAMES)


def _is_wide(width: float, content: str, size: float) -> bool:
    """Tell whether a line has more room than its letters need: it may be a row of a table."""
    return len(content) > 3 and width > _WIDE * len(content) * size


def _gaps(page: pdfium.PdfTextPage, first: int, content: str, size: float) -> list[int]:
    """Return where in `content` a blank is wider than the letters are high."""
    gaps = []
    for blank in _BLANKS.finditer(content):
        _, before, _ = _place(page, first + blank.start() - 1)
        after, _, _ = _place(page, first + blank.end())
        if after - before > 1.2 * size:
            gaps.append(blank.start())
    return gaps


def _cells(content: str, gaps: list[int]) -> str:
    cells = [content[start:end] for start, end in pairwise([0, *gaps, len(content)])]
    cleaned = (" ".join(cell.translate(_CLEAN).split()) for cell in cells)
    return " | ".join(cell for cell in cleaned if cell)


def _metadata_title(document: pdfium.PdfDocument) -> str | None:
    title = " ".join(document.get_metadata_value("Title").translate(_CLEAN).split())
    return None if not title or _FILE_NAME.search(title) else title


def _assembled(pages: list[list[Line]], scans: list[int], title: str | None) -> Extracted:
    if not any(pages):
        raise ParseFailed(_no_text(len(pages), scans))
    body = Body()
    ranges = []
    for number, blocks in enumerate(blocks_of(pages), start=1):
        before = body.end
        for block in blocks:
            _add(body, block)
        start = min(before + 2, body.end) if before else 0
        ranges.append(Page(number, start, body.end))
    title = title or next((heading.title for heading in body.headings), None)
    warnings = [_scan_warning(scans)] if scans else []
    return Extracted(PDF, title, body.text(), body.headings, ranges, warnings)


def _add(body: Body, block: Block) -> None:
    if block.level:
        body.heading(block.text, block.level)
    else:
        body.paragraph(block.text)


def _no_text(count: int, scans: list[int]) -> str:
    if not scans:
        return "This PDF has no text."
    if count == 1:
        return "The page of this PDF has no text. It looks like a scan."
    return "No page of this PDF has text. It looks like a scan."


def _scan_warning(scans: list[int]) -> str:
    if len(scans) == 1:
        return f"Page {scans[0]} has no text; it looks like a scan."
    listed = ", ".join(map(str, scans[:_MAX_LISTED]))
    more = f" and {len(scans) - _MAX_LISTED} more" if len(scans) > _MAX_LISTED else ""
    return f"Pages {listed}{more} have no text; they look like scans."
