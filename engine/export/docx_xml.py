"""WordprocessingML in few words (ECMA-376, part 1)."""

from collections.abc import Iterator
from typing import Any

import regex
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

Element = Any
"""An element of lxml; python-docx gives it no type."""

_RIGHT_TO_LEFT = r"[\p{bc=R}\p{bc=AL}]"
_BEGINS_RIGHT_TO_LEFT = regex.compile(_RIGHT_TO_LEFT)
# Spaces and digits between two words of such a script belong to them.
_DIRECTIONS = regex.compile(
    rf"{_RIGHT_TO_LEFT}+(?:[^\p{{bc=L}}\p{{bc=R}}\p{{bc=AL}}]+{_RIGHT_TO_LEFT}+)*"
    r"|[^\p{bc=R}\p{bc=AL}]+"
)
_BREAKS = regex.compile(r"[\t\n]|[^\t\n]+")


def w(tag: str, *children: Element | None, **attributes: object) -> Element:
    """Return the element `w:tag`; its attributes are of the same namespace, None ones left out."""
    element = OxmlElement(f"w:{tag}")
    for name, value in attributes.items():
        if value is not None:
            element.set(qn(f"w:{name}"), str(value))
    element.extend(child for child in children if child is not None)
    return element


def text(words: str) -> list[Element]:
    """Return text as a run holds it, with tabs and line ends."""
    return [_piece(match[0]) for match in _BREAKS.finditer(words)]


def run(words: str, *properties: Element) -> Iterator[Element]:
    """Yield runs of one look, one for each direction of writing in the text."""
    for match in _DIRECTIONS.finditer(words):
        is_rtl = _BEGINS_RIGHT_TO_LEFT.match(match[0])
        look = [_copy(one) for one in properties] + ([w("rtl")] if is_rtl else [])
        yield w("r", w("rPr", *look) if look else None, *text(match[0]))


def bookmark(number: int, name: str, *content: Element) -> list[Element]:
    """Return content with a name that other places of the document can refer to."""
    start = w("bookmarkStart", id=number, name=name)
    return [start, *content, w("bookmarkEnd", id=number)]


def _piece(words: str) -> Element:
    if words == "\t":
        return w("tab")
    if words == "\n":
        return w("br")
    element = w("t")
    element.text = words
    element.set(qn("xml:space"), "preserve")
    return element


def _copy(element: Element) -> Element:
    return element.__copy__()
