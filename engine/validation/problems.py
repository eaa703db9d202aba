"""What a validator reports, and the lines it reads."""

import re

import msgspec

MAX_PROBLEMS = 100
"""More than these help nobody to mend a text."""

_LINE_END = re.compile(r"\r\n|\r|\n")


class Problem(msgspec.Struct, frozen=True):
    """One rule that a text breaks: where (lines count from 1), what, and in which part of it."""

    line: int
    message: str
    section: str


class Line(msgspec.Struct, frozen=True):
    """A line that is not blank, without the white space around it."""

    number: int
    text: str


def lines_of(text: str) -> list[Line]:
    """Return the lines of a text that are not blank; CR, LF and CRLF end a line, nothing else."""
    stripped = (line.strip() for line in _LINE_END.split(text))
    return [Line(number, line) for number, line in enumerate(stripped, start=1) if line]


class Part:
    """A labelled part of a text: the words beside its label, and the lines below it."""

    def __init__(self, line: Line, beside: str | None = "") -> None:
        """Begin at a line, with what it says after the label."""
        self.line = line.number
        self.texts = [beside] if beside else []

    def add(self, line: Line) -> None:
        """Take one more line."""
        self.texts.append(line.text)

    def text(self) -> str:
        """Return all of it on one line."""
        return " ".join(self.texts)


class Report:
    """Collects problems, in the order of the lines."""

    def __init__(self) -> None:
        """Start with nothing to object to."""
        self._problems: list[Problem] = []

    def add(self, line: int, message: str, section: str) -> None:
        """Note that a rule is broken."""
        self._problems.append(Problem(line, message, section))

    def problems(self) -> list[Problem]:
        """Return the first problems."""
        return sorted(self._problems, key=lambda problem: problem.line)[:MAX_PROBLEMS]
