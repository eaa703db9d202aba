"""The type of a file, found from its bytes.

A name is what somebody typed, so it decides nothing except between Markdown and plain text, where
the bytes may fit both.
"""

import re
from pathlib import Path, PurePath

from engine.errors import Unsupported
from engine.ingest.archive import part_names
from engine.ingest.decoding import decode
from engine.ingest.limits import Limits

PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
HTML = "text/html"
MARKDOWN = "text/markdown"
TEXT = "text/plain"

ALLOWED = "Allowed are PDF, Word (.docx), HTML, Markdown and plain text."

_HEAD_BYTES = 64 * 1024
_ZIP = b"PK\x03\x04"
_CONTENT_TYPES = "[Content_Types].xml"
_OTHER_OFFICE = ("xl/", "ppt/", "visio/")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NOT_PROSE = (b"{\\rtf", b"%!PS")

_HTML_PROLOG = re.compile(r"\s*(?:<\?xml[^>]*>|<!--.*?-->)\s*", re.DOTALL)
_HTML_START = re.compile(r"\s*<(?:!doctype\s+html|html|head|body|title|meta)\b", re.IGNORECASE)
_HTML_FRAGMENT = re.compile(
    r"\s*<(?:h[1-6]|p|div|main|section|article|table|[uo]l)\b", re.IGNORECASE
)
_MARKDOWN_MARKS = (
    re.compile(r"^#{1,6} \S", re.MULTILINE),
    re.compile(r"^(?:```|~~~)", re.MULTILINE),
    re.compile(r"\[[^\]\n]{1,200}\]\([^)\s]{1,500}\)"),
    re.compile(r"\*\*[^*\s][^*\n]{0,200}\*\*"),
    re.compile(r"^\|? ?:?-{3,}:? ?\|", re.MULTILINE),
)
_MARKDOWN_NAMES = frozenset({".md", ".markdown", ".mdown", ".mkd"})


def detect(path: Path, name: str, limits: Limits) -> str:
    """Return the media type of the file at `path`; `name` is what its owner calls it.

    Reads the beginning, and of an archive its directory, never the whole file into memory.

    Raises:
        Unsupported: none of the five formats. ParseFailed: an archive without a sound directory.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if head.lstrip()[:5] == b"%PDF-":
        return PDF
    if head.startswith(_ZIP):
        return _of_archive(path, limits)
    if head.startswith(_OLE):
        raise Unsupported(
            "This is an old Word file, or one protected by a password. "
            "Save it as .docx without a password."
        )
    if head.startswith(_NOT_PROSE):
        raise Unsupported(f"This file has a type that cannot be read. {ALLOWED}")
    return _of_prose(head, name)


def _of_archive(path: Path, limits: Limits) -> str:
    """Return Word's type for an Office package of a text; what it holds is seen when it is read."""
    names = part_names(path, limits)
    if _CONTENT_TYPES in names and not any(name.startswith(_OTHER_OFFICE) for name in names):
        return DOCX
    raise Unsupported(f"This archive is not a Word document. {ALLOWED}")


def _of_prose(head: bytes, name: str) -> str:
    text = decode(head, is_cut=len(head) == _HEAD_BYTES)
    if text is None:
        if b"%PDF-" in head[:1024]:
            return PDF
        raise Unsupported(f"This file has a type that cannot be read. {ALLOWED}")
    if _is_html(text):
        return HTML
    suffix = PurePath(name).suffix.lower()
    marks = sum(mark.search(text) is not None for mark in _MARKDOWN_MARKS)
    return MARKDOWN if marks > 1 or suffix in _MARKDOWN_NAMES else TEXT


def _is_html(text: str) -> bool:
    position = 0
    while (prolog := _HTML_PROLOG.match(text, position)) is not None:
        position = prolog.end()
    if _HTML_START.match(text, position):
        return True
    return _HTML_FRAGMENT.match(text, position) is not None and text.rstrip().endswith(">")
