"""Giving the markers of a finished text other numbers."""

from collections.abc import Mapping

from engine.citations.markers import Literal, parse
from engine.citations.spacing import Spacing


def renumber(text: str, numbers: Mapping[int, int | None]) -> str:
    """Rewrite each marker by `numbers`; one that maps to None or is missing there is removed.

    The white space around a removed marker is closed up.
    """
    spacing = Spacing(after="\n")
    pieces: list[str] = []
    for segment in parse(text):
        if isinstance(segment, Literal):
            pieces.append(spacing.add_text(segment.text))
            continue
        kept = [number for one in segment.numbers if (number := numbers.get(one)) is not None]
        pieces += [spacing.add_marker(f"[{number}]") for number in kept]
        if not kept:
            spacing.remove_marker()
    return "".join(pieces) + spacing.rest()
