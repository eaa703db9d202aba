"""MCQ: questions with options, one right answer, and what is to be learned from it.

    Question 1 – Title                      the dash and the title may be missing
    The stem, any number of lines.
    A) First option                         or "A."; four or five, in sequence
    …
    Correct Answer: B                       or "Answer: B"
    Explanation                             or "Explanation of the Correct Answer"
    Some text.
    Analysis of the Other Options           or "Distractors"
    Key Insights
    Some text.

Text may stand beside a label, after a colon. Questions count from 1, parts stand in this order, and
none stands twice.
"""

import re
from collections.abc import Sequence

from engine.validation.numbered import check_numbered
from engine.validation.problems import Line, Part, Report

_QUESTION = re.compile(r"Question\s+([0-9]{1,6})(?:\s*[-‐‑‒–—―]\s*.*|[.:])?", re.IGNORECASE)
_OPTION = re.compile(r"([A-Z])(?:\)\s*|\.\s+|\.$)(.*)")
_LABELS = {
    "Correct Answer": re.compile(r"(?:Correct\s+)?Answer\s*:\s*(.*)", re.IGNORECASE),
    "Explanation": re.compile(
        r"Explanation(?:\s+of\s+the\s+Correct\s+Answer)?(?:\s*:\s*(.*))?", re.IGNORECASE
    ),
    "Distractors": re.compile(
        r"(?:Distractors|Analysis\s+of\s+(?:the\s+)?Other\s+Options)(?:\s*:\s*(.*))?", re.IGNORECASE
    ),
    "Key Insights": re.compile(r"Key\s+Insights(?:\s*:\s*(.*))?", re.IGNORECASE),
}
_ORDER = tuple(_LABELS)
_MAY_BE_EMPTY = "Distractors"
_LETTER = re.compile(r"([A-Z])(?:[.)](?:\s.*)?)?")
_OPTIONS = (4, 5)


class _Question:
    """One question as it is read, line by line."""

    def __init__(self, line: Line, name: str, report: Report) -> None:
        self._line = line.number
        self._name = name
        self._report = report
        self._stem = Part(line)
        self._options: list[tuple[str, Part]] = []
        self._parts: dict[str, Part] = {}
        self._current = self._stem

    def take(self, line: Line) -> None:
        """Read the next line of the question."""
        label, beside = _label_of(line.text)
        option = None if self._parts else _OPTION.fullmatch(line.text)
        if label:
            self._begin(label, line, beside)
        elif option:
            self._current = Part(line, option[2])
            self._options.append((option[1], self._current))
        else:
            self._current.add(line)

    def _begin(self, label: str, line: Line, beside: str | None) -> None:
        self._current = Part(line, beside)
        if label in self._parts:
            self._object(f"{label} stands here a second time.", line.number)
            return
        late = [other for other in self._parts if _ORDER.index(other) > _ORDER.index(label)]
        if late:
            self._object(f"{label} must stand before {late[0]}.", line.number)
        self._parts[label] = self._current

    def close(self) -> None:
        """Report what is wrong or missing, now that all of the question was read."""
        if not self._stem.text():
            self._object("The question has no stem.")
        self._check_options()
        self._check_answer()
        for label in _ORDER:
            part = self._parts.get(label)
            if part is None:
                self._object(f"{label} is missing.")
            elif not part.text() and label != _MAY_BE_EMPTY:
                self._object(f"{label} has no text.", part.line)

    def _check_options(self) -> None:
        letters = [letter for letter, _ in self._options]
        if len(letters) not in _OPTIONS:
            self._object(f"There must be 4 or 5 options; there are {len(letters)}.")
        for (letter, part), expected in zip(self._options, "ABCDE", strict=False):
            if letter != expected:
                self._object(f"Option {letter} stands where {expected} is due.", part.line)
                break
        for letter, part in self._options[: _OPTIONS[-1]]:
            if not part.text():
                self._object(f"Option {letter} has no text.", part.line)

    def _check_answer(self) -> None:
        part = self._parts.get("Correct Answer")
        if part is None or not part.text():
            return
        letter = _LETTER.fullmatch(part.text())
        if not letter:
            self._object("The correct answer must be one letter.", part.line)
        elif letter[1] not in {option for option, _ in self._options}:
            self._object(f"The correct answer {letter[1]} is not among the options.", part.line)

    def _object(self, message: str, line: int | None = None) -> None:
        self._report.add(line or self._line, message, self._name)


def check_questions(lines: Sequence[Line], report: Report) -> None:
    """Report what keeps the lines from being a set of questions."""
    check_numbered(
        lines,
        report,
        kind="Question",
        heading=_QUESTION,
        begin=lambda line, _, name: _Question(line, name, report),
    )


def _label_of(text: str) -> tuple[str, str | None]:
    for label, pattern in _LABELS.items():
        match = pattern.fullmatch(text)
        if match:
            return label, match[1]
    return "", None
