"""SUMMARY: numbered blocks, each with what is asked most often and what follows from it.

    1. Title
    High Yield
    - Some facts.
    Key Insights
    At least 20 characters.

Text may stand beside a label, after a colon, and lines before the first block are a title.
"""

import re
from collections.abc import Sequence

from engine.validation.problems import Line, Part, Report

_BLOCK = re.compile(r"([0-9]{1,6})[.)]\s+\S.*")
_LABELS = {
    "High Yield": re.compile(
        r"High[ -]Yield(?:\s+[^\s:]{1,40}){0,3}\s*(?::\s*(.*))?", re.IGNORECASE
    ),
    "Key Insights": re.compile(r"Key\s+Insights\s*(?::\s*(.*))?", re.IGNORECASE),
}
_LEAST_CHARS = 20


class _Block:
    """One numbered block as it is read, line by line."""

    def __init__(self, line: Line, number: int, report: Report) -> None:
        self._line = line.number
        self._name = f"Block {number}"
        self._report = report
        self._parts: dict[str, Part] = {}
        self._current = Part(line)

    @property
    def has_insights(self) -> bool:
        """Whether its last part has come."""
        return "Key Insights" in self._parts

    def take(self, line: Line, label: str) -> None:
        """Read the next line of the block, which may be a label."""
        if not label:
            self._current.add(line)
            return
        match = _LABELS[label].fullmatch(line.text)
        self._current = Part(line, match[1] if match else "")
        if label in self._parts:
            self._report.add(line.number, f"{label} stands here a second time.", self._name)
        else:
            self._parts[label] = self._current

    def close(self) -> None:
        """Report what is missing, now that all of the block was read."""
        for label in _LABELS:
            if label not in self._parts:
                self._report.add(self._line, f"{label} is missing.", self._name)
        insights = self._parts.get("Key Insights")
        if insights is not None and len(insights.text()) < _LEAST_CHARS:
            message = f"Key Insights must have at least {_LEAST_CHARS} characters."
            self._report.add(insights.line, message, self._name)


def check_summary(lines: Sequence[Line], report: Report) -> None:
    """Report what keeps the lines from being a summary in numbered blocks.

    High Yield may hold a numbered list, so the next number opens a block only after Key Insights,
    or when High Yield is the next label.
    """
    labels = [_label_of(line.text) for line in lines]
    following = _following(labels)
    block: _Block | None = None
    count = 0
    for line, label, next_label in zip(lines, labels, following, strict=True):
        match = _BLOCK.fullmatch(line.text)
        is_open = block is not None and not block.has_insights and next_label != "High Yield"
        if match and int(match[1]) == count + 1 and not is_open:
            if block:
                block.close()
            count += 1
            block = _Block(line, count, report)
        elif block:
            block.take(line, label)
        elif label:
            report.add(line.number, f"{label} must stand in a numbered block.", "")
    if block:
        block.close()
    else:
        report.add(lines[0].number, "There is no block that is numbered 1.", "")


def _label_of(text: str) -> str:
    return next((label for label, form in _LABELS.items() if form.fullmatch(text)), "")


def _following(labels: Sequence[str]) -> list[str]:
    """Return for each place the label that comes next, at it or after it."""
    found: list[str] = []
    label = ""
    for own in reversed(labels):
        label = own or label
        found.append(label)
    return found[::-1]
