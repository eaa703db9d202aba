"""Values that cross package borders: passages, sources, citations.

All positions are half-open ranges counted in Python characters (code points) of a document
version's extracted text, so `text[char_start:char_end]` is the passage, always.
"""

from datetime import UTC, datetime
from enum import IntEnum
from uuid import uuid4

import msgspec

Id = str
"""A random UUID in its canonical text form."""


class Level(IntEnum):
    """What somebody may do: each level includes the ones before it."""

    READ = 1
    WRITE = 2
    ADMIN = 3


def new_id() -> Id:
    """Return a fresh random identifier."""
    return str(uuid4())


def utc_now() -> str:
    """Return the time as UTC ISO-8601 with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


class Source(msgspec.Struct, frozen=True):
    """A passage found for a request: what a writer is offered and a reader may open.

    `score` is a relevance from 0 to 1; `page` counts from 1 where the format has pages; `section`
    is the path of headings above the passage, joined by " › ".
    """

    chunk_id: Id
    document_id: Id
    document_name: str
    version: int
    kb_id: Id
    text: str
    char_start: int
    char_end: int
    page: int | None = None
    section: str | None = None
    score: float = 0.0


class Citation(msgspec.Struct, frozen=True):
    """Marker `[number]` of a draft, pinned to a range of an immutable document version.

    `excerpt` is verbatim `text[char_start:char_end]` of that version. `quote_start`, `quote_end`
    are the part of the excerpt (positions within it) that supports the sentence best.
    """

    number: int
    document_id: Id
    document_name: str
    page: int | None
    section: str | None
    excerpt: str
    confidence: float
    chunk_id: Id
    version: int
    char_start: int
    char_end: int
    quote_start: int = 0
    quote_end: int = 0
