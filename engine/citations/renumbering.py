"""Giving the markers of a finished text other numbers."""

from collections.abc import Mapping

from engine.citations.markers import Literal, parse


def renumber(text: str, numbers: Mapping[int, int | None]) -> str:
    """Rewrite each marker by `numbers`; one that maps to None or is missing there is removed.

    The white space before a removed marker goes with it.
    """
    pieces: list[str] = []
    for segment in parse(text):
        if isinstance(segment, Literal):
            pieces.append(segment.text)
            continue
        kept = [numbers.get(number) for number in segment.numbers]
        markers = "".join(f"[{number}]" for number in kept if number is not None)
        if not markers and pieces:
            pieces[-1] = pieces[-1].rstrip(" ")
        pieces.append(markers)
    return "".join(pieces)
