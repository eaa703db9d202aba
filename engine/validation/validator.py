"""Tells whether a text keeps to the form of its content type."""

from collections.abc import Callable, Mapping, Sequence

from engine.validation.problems import Line, Problem, Report, lines_of
from engine.validation.questions import check_questions
from engine.validation.summaries import check_summary
from engine.validation.vignettes import check_vignettes

_CHECKS: Mapping[str, Callable[[Sequence[Line], Report], None]] = {
    "MCQ": check_questions,
    "NMCQ": check_vignettes,
    "SUMMARY": check_summary,
}

CONTENT_TYPES = tuple(_CHECKS)
UNKNOWN_TYPE = f"invalid content type, must be one of {', '.join(CONTENT_TYPES)}"


def validate(content_type: str, text: str) -> list[Problem]:
    """Return the problems of a text by line, at most `MAX_PROBLEMS`; a valid text has none.

    The same text always gets the same answer, in time linear in its length.
    """
    check = _CHECKS.get(content_type)
    if check is None:
        return [Problem(1, f"{UNKNOWN_TYPE}.", "")]
    lines = lines_of(text)
    if not lines:
        return [Problem(1, "The text is empty.", "")]
    report = Report()
    check(lines, report)
    return report.problems()
