"""Going on after text that is already written, with no gap and no repeat.

Markers may have other numbers in the text so far, since the reader's numbers follow first use:
texts are compared without them. Text that is the beginning of what the writer would write now goes
on exactly where it stops. Other text (its sources have changed, or a person has edited it) keeps
what it has: its open sentence is ended, its last section filled up, and the missing sections
follow.
"""

import re
from collections.abc import Iterator

import msgspec

from engine.language.sentences import sentence_spans
from engine.writers import layout
from engine.writers.quoting import Quotations, opening
from engine.writers.selection import Written
from engine.writers.writer import SectionPlan

_MARKER = re.compile(r"\s{0,4}\[\d{1,6}\]")
_UNIT_START = re.compile(r"^(?:\| |- )|\n\n(?=\S)", re.MULTILINE)
_LINE_HEAD = re.compile(r"(?:- )?")
_WORTH_ADDING = 15


def continued(quotations: Quotations, so_far: str) -> Iterator[str]:
    """Yield what is still to come after `so_far`, a section at a time."""
    for index, start in [*_sections_in(quotations, so_far), (0, 0)]:
        whole = "".join(quotations.sections(index, so_far[:start])).lstrip("\n")
        rest = remainder(whole, so_far[start:])
        if rest is not None:
            return iter([rest] if rest else [])
    return _mended(quotations, so_far)


def remainder(whole: str, so_far: str) -> str | None:
    """Return what of `whole` is still to come after `so_far`, or None if it is not its beginning.

    A marker directly at the end still comes unless `so_far` has it.
    """
    if whole.startswith(so_far):
        return whole[len(so_far) :]
    body = so_far.rstrip()
    bare = _MARKER.sub("", body)
    if not _MARKER.sub("", whole).startswith(bare):
        return None
    cut = _position(whole, len(bare), _closing_markers(body))
    return _without_overlap(whole[cut:], so_far[len(body) :])


def _closing_markers(text: str) -> int:
    """Count the markers at the very end."""
    found = list(_MARKER.finditer(text))
    end, count = len(text), 0
    while found and found[-1].end() == end:
        end = found.pop().start()
        count += 1
    return count


def _position(whole: str, bare_length: int, closing_markers: int) -> int:
    """Return where in `whole` that many characters, and then that many markers, have passed."""
    removed = 0
    for marker in _MARKER.finditer(whole):
        at = marker.start() - removed
        if at > bare_length or (at == bare_length and closing_markers == 0):
            break
        closing_markers -= at == bare_length
        removed += marker.end() - marker.start()
    return bare_length + removed


def _without_overlap(text: str, blank: str) -> str:
    """Drop the white space from the head of `text` that is there already."""
    shared = 0
    while shared < min(len(text), len(blank)) and text[shared] == blank[shared]:
        shared += 1
    return text[shared:]


def _sections_in(quotations: Quotations, so_far: str) -> list[tuple[int, int]]:
    """Return the sections whose headings are in `so_far`, with their positions, last one first."""
    found = []
    for index, plan in enumerate(quotations.plans):
        heading = re.search(rf"^## {re.escape(plan.title)}[^\S\n]*$", so_far, re.MULTILINE)
        if plan.title and heading:
            found.append((index, heading.start()))
    return found[::-1]


def _mended(quotations: Quotations, so_far: str) -> Iterator[str]:
    plans = quotations.plans
    untitled = bool(plans) and not plans[0].title
    last, start = next(iter(_sections_in(quotations, so_far)), (0 if untitled else -1, 0))
    heading = _open_heading(plans[last + 1 : last + 2], so_far)
    if heading:
        so_far += heading
        yield heading
        last, start = last + 1, so_far.rindex("## ")
    if last >= 0:
        end = _finished(quotations, plans[last], so_far, start)
        so_far += end
        yield from [end] if end else []
    yield from quotations.sections(last + 1, so_far)


def _open_heading(plans: tuple[SectionPlan, ...], so_far: str) -> str:
    """Return the rest of the next section's heading if the text breaks off inside it."""
    line = so_far[so_far.rfind("\n") + 1 :]
    heading = opening(plans[0]).rstrip() if plans else ""
    return heading[len(line) :] if line.startswith("#") and heading.startswith(line) else ""


def _finished(quotations: Quotations, plan: SectionPlan, so_far: str, start: int) -> str:
    """Return the end of a section from `start`: of its open sentence, then what is missing."""
    fixed = opening(plan) + (f"{layout.TABLE_HEAD}\n" if plan.form == "table" else "")
    rest = remainder(fixed, so_far[start:])
    if rest is not None and so_far[start:].strip():
        return rest + _more(quotations, plan, so_far, plan.target_words).removeprefix(
            f"{layout.TABLE_HEAD}\n"
        )
    end = _open_end(quotations, plan, so_far[start:])
    left = plan.target_words - len(_MARKER.sub("", so_far[start:] + end).split())
    more = _more(quotations, plan, so_far + end, left) if left >= _WORTH_ADDING else ""
    if not more or more == layout.NOTHING_FOUND:
        return end
    return end + _joined(plan, so_far + end, more)


def _more(quotations: Quotations, plan: SectionPlan, so_far: str, words: int) -> str:
    written = Written()
    written.add_draft(so_far)
    return quotations.body(msgspec.structs.replace(plan, target_words=words), written)


def _joined(plan: SectionPlan, so_far: str, more: str) -> str:
    """Set new text apart from what the section has: rows and items go on without a blank line."""
    last_line = so_far.rstrip().rpartition("\n")[2].lstrip()
    if plan.form == "table" and last_line.startswith("|"):
        return "\n" + more.removeprefix(f"{layout.TABLE_HEAD}\n")
    return ("\n" if plan.form == "checklist" and last_line.startswith("-") else "\n\n") + more


def _open_end(quotations: Quotations, plan: SectionPlan, section: str) -> str:
    """Return the rest of the sentence, item or row in which the section breaks off."""
    begins = [
        found.end() if found[0].isspace() else found.start()
        for found in _UNIT_START.finditer(section)
    ]
    tail = section[begins[-1] if begins else 0 :]
    if plan.form not in ("checklist", "table"):
        tail = tail.removeprefix("- ")
        spans = sentence_spans(tail)
        tail = tail[spans[-1][0] :] if spans else ""
    if not tail.strip():
        return ""
    return next((rest for unit in quotations.units(plan) if (rest := remainder(unit, tail))), "")
