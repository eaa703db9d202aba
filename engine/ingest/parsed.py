"""What a parsed document is, whatever its format was.

A format's reader returns `Extracted`; cutting it into chunks makes it `Parsed`. All positions are
half-open ranges counted in characters (code points) of `text`, so `text[start:end]` is the thing.
"""

import msgspec

from engine.errors import AppError


class ParseFailed(AppError):
    """The file has an allowed type and still cannot be read; the sentence says why."""

    code = "PARSE_FAILED"


class Heading(msgspec.Struct, frozen=True):
    """A heading line of the document; `level` counts from 1, `title` is it without its markup."""

    start: int
    end: int
    level: int
    title: str


class Page(msgspec.Struct, frozen=True):
    """The text of one page; `number` counts from 1."""

    number: int
    start: int
    end: int


class Chunk(msgspec.Struct, frozen=True):
    """A passage to be found and cited.

    `page` is where the passage starts, in formats that have pages. `section` is the path of
    headings above it, joined by " › ".
    """

    char_start: int
    char_end: int
    page: int | None
    section: str | None


class Extracted(msgspec.Struct):
    """A document's text and structure; what stands before `body_start` is never cited."""

    media_type: str
    title: str | None
    text: str
    headings: list[Heading] = []
    pages: list[Page] = []
    warnings: list[str] = []
    body_start: int = 0


class Parsed(msgspec.Struct):
    """A document's text, structure and chunks; `warnings` are sentences for its owner."""

    media_type: str
    title: str | None
    text: str
    pages: list[Page]
    headings: list[Heading]
    chunks: list[Chunk]
    warnings: list[str]
