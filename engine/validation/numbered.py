"""Texts of numbered parts: each begins with its heading and is read by itself."""

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from engine.validation.problems import Line, Report


class Numbered(Protocol):
    """A part as it is read, line by line."""

    def take(self, line: Line) -> None:
        """Read the next line."""

    def close(self) -> None:
        """Report what is wrong or missing, now that all of it was read."""


def check_numbered(
    lines: Sequence[Line],
    report: Report,
    *,
    kind: str,
    heading: re.Pattern[str],
    begin: Callable[[Line, re.Match[str], str], Numbered],
) -> None:
    """Have every part read, and report what stands before the first or has a wrong number.

    `heading` has the number as its first group; `begin` gets the line, its match and the name the
    part must have.
    """
    part: Numbered | None = None
    count = 0
    for line in lines:
        match = heading.fullmatch(line.text)
        if match:
            if part:
                part.close()
            count += 1
            name = f"{kind} {count}"
            if int(match[1]) != count:
                report.add(line.number, f"This must be {name}.", name)
            part = begin(line, match, name)
        elif part:
            part.take(line)
        elif line is lines[0]:
            report.add(line.number, f"The text must begin with {kind} 1.", "")
    if part:
        part.close()
