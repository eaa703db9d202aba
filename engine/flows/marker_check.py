"""Whether the markers of a text and its citations fit, and putting them in order."""

from collections import Counter
from itertools import count
from typing import Literal

import msgspec

from engine.citations.markers import markers_in
from engine.citations.renumbering import renumber
from engine.types import Citation


class Warning(msgspec.Struct, frozen=True):
    """Something about the markers of a draft that is worth a look."""

    code: str
    numbers: list[int]
    message: str
    severity: Literal["warning", "info"] = "warning"


def check(content: str, citations: list[Citation]) -> list[Warning]:
    """Return what does not fit between the markers of a text and its citations."""
    numbers = markers_in(content, distinct=False)
    used = list(dict.fromkeys(numbers))
    known = [citation.number for citation in citations]
    found = [
        Warning(
            "MARKER_WITHOUT_CITATION",
            sorted(set(used) - set(known)),
            "These markers point at no citation.",
        ),
        Warning(
            "CITATION_WITHOUT_MARKER",
            sorted(set(known) - set(used)),
            "These citations are not used in the text.",
        ),
        Warning(
            "NON_SEQUENTIAL",
            used if used != list(range(1, len(used) + 1)) else [],
            "The markers do not count 1, 2, 3 in the order of the text.",
        ),
        Warning(
            "DUPLICATE_MARKER",
            sorted(number for number, times in Counter(numbers).items() if times > 1),
            "These markers are used more than once, which is fine.",
            "info",
        ),
    ]
    return [warning for warning in found if warning.numbers]


def fixed(
    content: str, citations: list[Citation], *, remove_unused: bool, renumber_markers: bool
) -> tuple[str, list[Citation]]:
    """Return the text and its citations in order.

    A marker that points at no citation points at none afterwards: where its number is given to a
    citation, it gets the next one that is free.
    """
    used = markers_in(content)
    if remove_unused:
        citations = [citation for citation in citations if citation.number in used]
    if not renumber_markers:
        return content, citations
    known = {citation.number for citation in citations}
    order = [number for number in used if number in known]
    order += sorted(known - set(order))
    numbers = {number: place for place, number in enumerate(order, start=1)}
    renumbered = [
        msgspec.structs.replace(citation, number=numbers[citation.number]) for citation in citations
    ]
    unknown = [number for number in used if number not in known]
    free = count(max([len(order), *unknown]) + 1)
    strays = {number: next(free) if number <= len(order) else number for number in unknown}
    return (
        renumber(content, {**strays, **numbers}),
        sorted(renumbered, key=lambda citation: citation.number),
    )
