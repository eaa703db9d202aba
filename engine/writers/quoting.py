"""A whole draft out of quotations, section by section.

A section's text follows from its plan, the sources, the question and the text before it, and from
nothing else. So the same assignment gives the same bytes, and a section can be computed again at
any time to see how it goes on.
"""

from collections.abc import Iterator

from engine.writers import layout
from engine.writers.evidence import Evidence
from engine.writers.requirements import Finding, findings
from engine.writers.selection import Written, choose
from engine.writers.writer import Assignment, SectionPlan

_WORDS_FOR_TOPICS = 200
"""A section of this length has headings of its own."""


class Quotations:
    """What an assignment's sources have to say, as sections of Markdown."""

    def __init__(self, assignment: Assignment) -> None:
        """Read the sources; linear in their length."""
        self.plans = assignment.sections
        self.evidence = Evidence(assignment.sources)
        self._question = assignment.question

    def sections(self, first: int, before: str) -> Iterator[str]:
        """Yield the sections from position `first` on, as they follow after the text `before`."""
        written = Written()
        written.add_draft(before)
        gap = "\n\n" if before.strip() else ""
        for plan in self.plans[first:]:
            text = opening(plan) + self.body(plan, written)
            yield gap + text
            written.add_draft(text)
            gap = "\n\n"

    def body(self, plan: SectionPlan, earlier: Written) -> str:
        """Return a section without its heading; nothing in it was said `earlier`."""
        if plan.form in ("checklist", "table"):
            return self._findings(plan, earlier)
        chosen = choose(self.evidence, self._question, plan, earlier)
        if not chosen:
            return layout.NOTHING_FOUND
        with_topics = bool(plan.title) and plan.target_words >= _WORDS_FOR_TOPICS
        return layout.prose(chosen, self.evidence, with_topics)

    def units(self, plan: SectionPlan) -> Iterator[str]:
        """Yield every sentence, item or row that may stand in a section, as it is written there."""
        if plan.form in ("checklist", "table"):
            for finding in findings(self.evidence, self._question, plan, Written()):
                yield self._unit(plan, finding)
            return
        for one in self.evidence.of(plan):
            yield from (layout.cited(text, one.source) for text in (one.text, *one.items))
        yield layout.NOTHING_FOUND

    def _findings(self, plan: SectionPlan, earlier: Written) -> str:
        found = findings(self.evidence, self._question, plan, earlier)
        if not found:
            return layout.NOTHING_FOUND
        head = f"{layout.TABLE_HEAD}\n" if plan.form == "table" else ""
        return head + "\n".join(self._unit(plan, finding) for finding in found)

    def _unit(self, plan: SectionPlan, finding: Finding) -> str:
        if plan.form == "table":
            return layout.table_row(finding, self.evidence)
        return layout.checklist_item(finding)


def opening(plan: SectionPlan) -> str:
    """Return the heading of a section and the blank line after it; nothing without a title."""
    return f"## {plan.title}\n\n" if plan.title else ""
