"""Statements as Markdown: paragraphs, lists, the checklist and the gap analysis table.

Every quoted sentence is an unchanged slice of its passage with the marker before its final stop.
Sentences of ours carry no marker and make no claim about the subject.
"""

import re
from collections import defaultdict
from itertools import groupby
from os.path import commonprefix

from engine.writers.evidence import Evidence
from engine.writers.requirements import Finding
from engine.writers.statements import Statement

NOTHING_FOUND = "*The documents contain nothing about this.*"
TABLE_HEAD = (
    "| Requirement | Current State | Gap | Recommendation | Source |\n|---|---|---|---|---|"
)
_NOT_COVERED = "Not covered by the documents"
_NO_NOTES = "The documents contain no answer to this."
_PARAGRAPH_SENTENCES = 5
_PARAGRAPH_WORDS = 90
_FINAL_STOP = re.compile(r"[.!…。！।۔:]+$")
_BREAK = re.compile(r"\s*\n\s*")
_NUMBER = re.compile(
    r"(?:sec(?:tion|\.)?\s)?\(?(?:\d{1,3}(?:\.\d{1,3})*|[A-Z](?=[.)]))[.):]*\s+", re.IGNORECASE
)
_GENERIC_TITLES = frozenset(
    """
    approach scope outcomes results overview introduction summary background general details notes
    description conclusion objective objectives purpose other
    """.split()
)
_UNUSUAL = re.compile(r"[^\w .,()&+-]+|_")


def cited(text: str, number: int) -> str:
    """Return a slice with its marker before the final stop, or behind the last word."""
    stop = _FINAL_STOP.search(text)
    cut = stop.start() if stop else len(text)
    return f"{text[:cut]} [{number}]{text[cut:]}"


def prose(chosen: list[Statement], evidence: Evidence, with_topics: bool) -> str:
    """Return paragraphs and lists of the statements, in the order given.

    `with_topics` puts statements under the headings of their documents where that makes at least
    two topics; what belongs to none comes first.
    """
    topics = _topics(chosen, evidence) if with_topics else {}
    if len(topics) < 2:
        return _paragraphs(chosen, evidence)
    placed = {id(one) for group in topics.values() for one in group}
    opening = _paragraphs([one for one in chosen if id(one) not in placed], evidence)
    parts = [f"### {title}\n\n{_paragraphs(group, evidence)}" for title, group in topics.items()]
    return "\n\n".join([opening, *parts] if opening else parts)


def _topics(chosen: list[Statement], evidence: Evidence) -> dict[str, list[Statement]]:
    """Group statements by the highest heading in which the passages of their document differ."""
    paths: dict[str, list[list[str]]] = defaultdict(list)
    for one in chosen:
        paths[evidence.document(one)].append(_path(one, evidence))
    shared = {document: len(commonprefix(found)) for document, found in paths.items()}
    groups: dict[str, list[Statement]] = defaultdict(list)
    for one in chosen:
        path = _path(one, evidence)
        groups[_topic(path, shared[evidence.document(one)])].append(one)
    return {title: group for title, group in groups.items() if title and len(group) > 1}


def _path(one: Statement, evidence: Evidence) -> list[str]:
    section = evidence.sources[one.source - 1].section
    return section.split(" › ") if section else []


def _topic(path: list[str], shared: int) -> str:
    """Return the heading below the `shared` ones, or the nearest above that says something."""
    titles = [_topic_title(heading) for heading in path[: shared + 1]]
    return next((title for title in titles[::-1] if title.lower() not in _GENERIC_TITLES), "")


def _topic_title(heading: str) -> str:
    """Return a heading without its number, or nothing when it is no plain short line."""
    title = _NUMBER.sub("", heading).strip()
    title = title.capitalize() if title.isupper() else title
    return title if 2 < len(title) <= 70 and not _UNUSUAL.search(title) else ""


def _paragraphs(chosen: list[Statement], evidence: Evidence) -> str:
    parts: list[str] = []
    paragraph: list[Statement] = []
    for run in _runs(chosen):
        if paragraph and (len(run) > 1 or _starts_anew(run[0], paragraph, evidence)):
            parts.append(_paragraph(paragraph))
            paragraph = []
        if len(run) > 1:
            parts.append("\n".join(f"- {cited(one.text, one.source)}" for one in run))
        elif run[0].items:
            parts.append(_list(run[0]))
        else:
            paragraph.append(run[0])
    if paragraph:
        parts.append(_paragraph(paragraph))
    return "\n\n".join(parts)


def _runs(chosen: list[Statement]) -> list[list[Statement]]:
    """Put items of one list together; every other statement stands alone."""

    def key(pair: tuple[int, Statement]) -> tuple[int, int]:
        index, one = pair
        return (one.source, one.block) if one.is_item and not one.items else (0, index)

    return [[one for _, one in run] for _, run in groupby(enumerate(chosen), key)]


def _starts_anew(one: Statement, paragraph: list[Statement], evidence: Evidence) -> bool:
    last = paragraph[-1]
    if one.items:
        return True
    if one.leans:
        return False
    return (
        evidence.document(one) != evidence.document(last)
        or len(paragraph) >= _PARAGRAPH_SENTENCES
        or sum(each.words for each in paragraph) >= _PARAGRAPH_WORDS
    )


def _paragraph(statements: list[Statement]) -> str:
    return " ".join(cited(one.text, one.source) for one in statements)


def _list(one: Statement) -> str:
    items = "\n".join(f"- {cited(item, one.source)}" for item in one.items)
    return f"{cited(one.text, one.source)}\n\n{items}"


def checklist_item(finding: Finding) -> str:
    """Return a requirement in bold with its status and notes below."""
    text = cited(finding.requirement.text, finding.requirement.source)
    strong = text if "*" in text else f"**{text}**"
    status = "covered" if finding.is_covered else "to check"
    answer = finding.answer
    notes = cited(answer.text, answer.source) if answer else _NO_NOTES
    return f"- {strong}\n  - Status: {status}\n  - Notes: {notes}"


def table_row(finding: Finding, evidence: Evidence) -> str:
    """Return a row of the gap analysis; a line break of a quotation is a space there."""
    requirement, answer = finding.requirement, finding.answer
    state = cited(answer.text, answer.source) if answer else _NOT_COVERED
    sources = [requirement] if answer is None else [requirement, answer]
    names = "; ".join(dict.fromkeys(_name(one, evidence) for one in sources))
    cells = (cited(requirement.text, requirement.source), state, *_judgement(finding), names)
    return f"| {' | '.join(_BREAK.sub(' ', cell) for cell in cells)} |"


def _judgement(finding: Finding) -> tuple[str, str]:
    if finding.answer is None:
        return "No statement found", "Provide evidence"
    if not finding.is_covered:
        return "Only partly stated", "Compare and complete"
    return "None found", "Confirm"


def _name(one: Statement, evidence: Evidence) -> str:
    name = evidence.sources[one.source - 1].document_name
    return " ".join(_UNUSUAL.sub(" ", name).split())[:80] or "document"
