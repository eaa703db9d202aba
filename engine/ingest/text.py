"""Plain text: kept exactly; lines underlined with = or - are its headings."""

import re

from engine.ingest.kinds import TEXT
from engine.ingest.parsed import Extracted, Heading

_UNDERLINED = re.compile(
    r"(?:(?<=\n\n)|\A\n*)(?P<line>[^\s][^\n]{0,100})\n(?P<rule>={3,}|-{3,})[^\S\n]*(?=\n|\Z)"
)
_CAPITALS = re.compile(r"(?:(?<=\n\n)|\A\n*)(?P<line>[^\W_][^\n]{2,80})(?=\n\n)")


def read(text: str) -> Extracted:
    """Return `text` with the headings that are plain to see.

    Only lines that stand alone after a blank line count: underlined ones, or ones in capitals. A
    numbered line is as often a clause or a list item, so it is none.
    """
    headings = sorted([*_underlined(text), *_capitals(text)], key=lambda heading: heading.start)
    title = next((heading.title for heading in headings), None)
    return Extracted(TEXT, title, text, headings)


def _underlined(text: str) -> list[Heading]:
    return [
        Heading(
            found.start("line"),
            found.end("rule"),
            1 if found["rule"][0] == "=" else 2,
            found["line"].strip(),
        )
        for found in _UNDERLINED.finditer(text)
    ]


def _capitals(text: str) -> list[Heading]:
    return [
        Heading(found.start("line"), found.end("line"), 2, found["line"].strip())
        for found in _CAPITALS.finditer(text)
        if _is_in_capitals(found["line"])
    ]


def _is_in_capitals(line: str) -> bool:
    letters = sum(character.isalpha() for character in line)
    return line.isupper() and letters >= 4 and 2 * letters > len(line)
