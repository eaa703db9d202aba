"""Builds the text of a document block by block and remembers where its headings are."""

import re

from engine.ingest.parsed import Heading

_SPACES = re.compile(r"[^\S\n]+")


class Body:
    """Text that grows at its end, its blocks set apart by blank lines."""

    def __init__(self) -> None:
        """Start empty."""
        self.headings: list[Heading] = []
        self.end = 0
        self._parts: list[str] = []

    def heading(self, title: str, level: int) -> None:
        """Add a heading on one line; `level` is held to 1 to 6."""
        title = " ".join(title.split())
        if not title:
            return
        start = self._append(title, "\n\n")
        self.headings.append(Heading(start, self.end, min(max(level, 1), 6), title))

    def paragraph(self, text: str) -> None:
        """Add a block; line breaks in it stay."""
        self._append(text.strip(), "\n\n")

    def line(self, text: str, *, first: bool = False) -> None:
        """Add a list item or table row directly below the one before, unless it is the `first`."""
        self._append(text.rstrip(), "\n\n" if first else "\n")

    def text(self) -> str:
        """Return all of it."""
        return "".join(self._parts)

    def _append(self, text: str, gap: str) -> int:
        if not text:
            return self.end
        if self._parts:
            text = gap + text
        self._parts.append(text)
        start = self.end + (len(gap) if len(self._parts) > 1 else 0)
        self.end += len(text)
        return start


def collapse(text: str) -> str:
    """Return `text` with runs of blanks made one blank and line breaks kept, each line trimmed."""
    return "\n".join(_SPACES.sub(" ", line).strip() for line in text.split("\n"))
