"""What an export is made from and how it is wanted, as plain values for another process."""

from typing import Literal

import msgspec

from engine.types import Citation, Id

Format = Literal["docx", "pdf", "markdown", "html", "evidence"]
Style = Literal["footnotes", "references"]


class FileType(msgspec.Struct, frozen=True):
    """What a format is called where files are named and sent."""

    suffix: str
    media_type: str


FILE_TYPES: dict[Format, FileType] = {
    "docx": FileType(
        ".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    ),
    "pdf": FileType(".pdf", "application/pdf"),
    "markdown": FileType(".md", "text/markdown"),
    "html": FileType(".html", "text/html"),
    "evidence": FileType(".json", "application/json"),
}


class Verification(msgspec.Struct, frozen=True):
    """Who has compared a citation with its passage, and when."""

    by: str
    at: str


class Manuscript(msgspec.Struct, frozen=True, kw_only=True):
    """A draft as it is exported; `version` is its own, `exported_at` a time of `utc_now`.

    `hashes` holds the SHA-256 of each cited document version that still exists, by `hash_key`;
    `verified` is by the number of the citation.
    """

    draft_id: Id
    title: str
    content: str
    citations: list[Citation]
    status: str
    version: int
    author: str
    exported_at: str
    hashes: dict[str, str] = {}
    verified: dict[int, Verification] = {}


def hash_key(document_id: Id, version: int) -> str:
    """Return the key of a document version among the hashes."""
    return f"{document_id}:{version}"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A manuscript and the file wanted of it; `base` is the path of a Word file to build on."""

    manuscript: Manuscript
    format: Format
    style: Style = "footnotes"
    base: str | None = None


class Written(msgspec.Struct, tag=True):
    """The file that was ordered."""

    data: bytes


class Refused(msgspec.Struct, tag=True):
    """Why an order cannot be carried out, in a sentence, and the field at fault."""

    message: str
    field: str | None


Outcome = Written | Refused
