"""NMCQ: clinical vignettes with questions that are not multiple choice.

    Clinical Vignette 1: Title
    The case, any number of lines.
    Questions and Answers:                  may be missing
    1. True/False: A statement.             or "Yes/No", or "Drop Down"
    Answer: True
    Explanation: Some text.

Vignettes count from 1, and items from 1 in each. The options of a Drop Down stand below it, one on
a line, or after `Options:` with commas or bars between them.
"""

import re
from collections.abc import Sequence

from engine.validation.numbered import check_numbered
from engine.validation.problems import Line, Part, Report

_VIGNETTE = re.compile(r"Clinical\s+Vignette\s+([0-9]{1,6})\s*(?::\s*(.*))?", re.IGNORECASE)
_HEADING = re.compile(r"Questions\s+and\s+Answers\s*:?", re.IGNORECASE)
_ITEM = re.compile(r"([0-9]{1,6})\.\s*(True/False|Yes/No|Drop[ -]?Down)\s*:\s*(.*)", re.IGNORECASE)
_OTHER_ITEM = re.compile(
    r"([0-9]{1,6})\.\s*+(?:[^:]{1,40}+:|True/False|Yes/No|Drop).*", re.IGNORECASE
)
_LABELS = {
    "Answer": re.compile(r"Answer\s*:\s*(.*)", re.IGNORECASE),
    "Explanation": re.compile(r"Explanation\s*:\s*(.*)", re.IGNORECASE),
}
_OPTIONS = re.compile(r"Options\s*:\s*(.*)", re.IGNORECASE)
_BETWEEN = re.compile(r"[,|]")
_ANSWERS = {"true/false": ("True", "False"), "yes/no": ("Yes", "No")}
_LEAST_OPTIONS = 2


class _Item:
    """One item as it is read, line by line."""

    def __init__(self, line: Line, match: re.Match[str], name: str, report: Report) -> None:
        self._line = line.number
        self._kind = match[2].lower()
        self._name = name
        self._report = report
        self._text = match[3]
        self._options = 0
        self._parts: dict[str, Part] = {}
        self._current: Part | None = None

    @property
    def is_answered(self) -> bool:
        """Whether all its parts have come."""
        return len(self._parts) == len(_LABELS)

    def take(self, line: Line) -> None:
        """Read the next line of the item."""
        for label, pattern in _LABELS.items():
            match = pattern.fullmatch(line.text)
            if match:
                self._begin(label, line, match[1])
                return
        if self._current is not None:
            self._current.add(line)
        else:
            self._take_before_parts(line)

    def _begin(self, label: str, line: Line, beside: str) -> None:
        self._current = Part(line, beside)
        if label in self._parts:
            self._report.add(line.number, f"{label} stands here a second time.", self._name)
        else:
            self._parts[label] = self._current

    def _take_before_parts(self, line: Line) -> None:
        listed = _OPTIONS.fullmatch(line.text)
        if listed:
            self._options += sum(bool(one.strip()) for one in _BETWEEN.split(listed[1]))
        elif self._text:
            self._options += 1
        else:
            self._text = line.text

    def close(self) -> None:
        """Report what is wrong or missing, now that all of the item was read."""
        if not self._text:
            self._object("The item has no text.")
        if self._kind not in _ANSWERS and self._options < _LEAST_OPTIONS:
            self._object("A Drop Down must have at least two options.")
        for label in _LABELS:
            part = self._parts.get(label)
            if part is None:
                self._object(f"{label} is missing.")
            elif not part.text():
                self._object(f"{label} has no text.", part.line)
        self._check_answer()

    def _check_answer(self) -> None:
        words, part = _ANSWERS.get(self._kind), self._parts.get("Answer")
        if words and part and part.text() and part.text().capitalize() not in words:
            self._object(f"The answer must be {words[0]} or {words[1]}, nothing else.", part.line)

    def _object(self, message: str, line: int | None = None) -> None:
        self._report.add(line or self._line, message, self._name)


class _Vignette:
    """One vignette as it is read, line by line."""

    def __init__(self, line: Line, title: str | None, name: str, report: Report) -> None:
        self._line = line.number
        self._name = name
        self._report = report
        self._has_body = False
        self._has_heading = False
        self._item: _Item | None = None
        self._items = 0
        if not title:
            report.add(line.number, "The vignette has no title.", name)

    def take(self, line: Line) -> None:
        """Read the next line of the vignette."""
        match = _ITEM.fullmatch(line.text)
        if match:
            self._begin(line, match)
        elif _HEADING.fullmatch(line.text) and self._item is None and not self._has_heading:
            self._has_heading = True
        elif self._is_other_item(line):
            self._report.add(
                line.number, "An item must be True/False, Yes/No or Drop Down.", self._name
            )
        elif self._item is not None:
            self._item.take(line)
        elif self._has_heading:
            self._report.add(line.number, "Here the first item must stand.", self._name)
        else:
            self._has_body = True

    def _begin(self, line: Line, match: re.Match[str]) -> None:
        if self._item is not None:
            self._item.close()
        self._items += 1
        name = f"{self._name}, item {self._items}"
        if int(match[1]) != self._items:
            self._report.add(line.number, f"This must be item {self._items}.", name)
        self._item = _Item(line, match, name, self._report)

    def _is_other_item(self, line: Line) -> bool:
        """Whether a line looks like the next item, of a kind there is not."""
        match = _OTHER_ITEM.fullmatch(line.text)
        is_due = self._item.is_answered if self._item is not None else self._has_heading
        return match is not None and is_due and int(match[1]) == self._items + 1

    def close(self) -> None:
        """Report what is missing, now that all of the vignette was read."""
        if not self._has_body:
            self._report.add(self._line, "The vignette has no case.", self._name)
        if self._item is not None:
            self._item.close()
        else:
            self._report.add(self._line, "The vignette has no items.", self._name)


def check_vignettes(lines: Sequence[Line], report: Report) -> None:
    """Report what keeps the lines from being a set of vignettes."""
    check_numbered(
        lines,
        report,
        kind="Clinical Vignette",
        heading=_VIGNETTE,
        begin=lambda line, match, name: _Vignette(line, match[2], name, report),
    )
