"""What an export is made from and how it is wanted, as plain values for another process."""

from typing import Literal

import msgspec

from engine.types import Citation, Id

Format = Literal["docx", "pdf", "markdown", "html", "evidence"]
Style = Literal["footnotes", "references"]


class Verification(msgspec.Struct, frozen=True):
    """Who has compared a citation with its passage, and when."""

    by: str
    at: str


class Manuscript(msgspec.Struct, frozen=True, kw_only=True):
    """A draft as it is exported; `version` is its own, `exported_at` a time of `utc_now`.

    `hashes` holds the SHA-256 of each cited document version that still exists, by the id of the
    document and the version joined by a colon. `verified` is by the number of the citation.
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


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A manuscript and the file wanted of it; `base` is the path of a Word file to build on."""

    manuscript: Manuscript
    format: Format
    style: Style = "footnotes"
    base: str | None = None
