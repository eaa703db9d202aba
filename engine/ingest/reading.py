"""One file in, one parsed document out: finds the type, reads it, cuts it into chunks.

Each reader is imported when it is needed, since this runs in a process of its own per document.
"""

from pathlib import Path

from engine.ingest import kinds
from engine.ingest.chunking import cut
from engine.ingest.decoding import decode
from engine.ingest.limits import Limits
from engine.ingest.parsed import Extracted, Parsed, ParseFailed


def parse_file(path: Path, name: str, limits: Limits) -> Parsed:
    """Parse the file at `path`, which its owner calls `name`. Blocks, and trusts nobody's limits.

    Raises:
        Unsupported: its bytes are of no allowed type. ParseFailed: they cannot be read.
    """
    media_type = kinds.detect(path, name, limits)
    document = _read(media_type, path, limits)
    if len(document.text) > limits.max_characters:
        raise ParseFailed(
            f"This document has more than {limits.max_characters:,} characters of text. "
            "Split it into smaller ones."
        )
    if not document.text.strip():
        raise ParseFailed("This document has no text.")
    return Parsed(
        media_type=document.media_type,
        title=document.title,
        text=document.text,
        pages=document.pages,
        headings=document.headings,
        chunks=cut(document),
        warnings=document.warnings,
    )


def _read(media_type: str, path: Path, limits: Limits) -> Extracted:
    if media_type == kinds.PDF:
        from engine.ingest import pdf

        return pdf.read(path, limits)
    if media_type == kinds.DOCX:
        from engine.ingest import docx

        return docx.read(path, limits)
    if media_type == kinds.HTML:
        from engine.ingest import html

        return html.read(path.read_bytes())
    return _read_prose(media_type, path, limits)


def _read_prose(media_type: str, path: Path, limits: Limits) -> Extracted:
    text = decode(path.read_bytes())
    if text is None:
        raise ParseFailed("This file holds binary data and cannot be read as text.")
    if len(text) > limits.max_characters:
        return Extracted(media_type, None, text)
    if media_type == kinds.MARKDOWN:
        from engine.ingest import markdown

        return markdown.read(text)
    from engine.ingest import text as plain

    return plain.read(text)
