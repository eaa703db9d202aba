"""Rewriting by quoting: other passages for a selection, more of them, or fewer sentences.

Without a model nothing can be put in other words; what the sources say elsewhere can be offered.
Where they say nothing else the selection comes back as it is.
"""

import re
from collections.abc import Iterator

import msgspec

from engine.language.sentences import sentence_spans
from engine.writers import layout
from engine.writers.quoting import Quotations
from engine.writers.selection import Written
from engine.writers.writer import Assignment

_MARKER = re.compile(r"\[(\d{1,6})\]")
_SHORTER = 0.6
_LEAST_WORDS = 20
_HEADING = re.compile(r"^(#{1,6}[ \t][^\n]*\n*)", re.MULTILINE)
_TABLE_ROW = re.compile(r"^\s*\|", re.MULTILINE)


def rewritten(assignment: Assignment) -> Iterator[str]:
    """Yield the text that may take the place of `assignment.material`; its headings stay."""
    quotations = Quotations(assignment)
    written = Written()
    written.add_draft(f"{assignment.around}\n\n{assignment.material}")
    for part in _HEADING.split(assignment.material):
        body = part.strip()
        if not body or _HEADING.match(part) or _TABLE_ROW.search(part):
            yield part
            continue
        lead, trail = part[: part.index(body[0])], part[len(part.rstrip()) :]
        yield lead + _anew(assignment, body, quotations, written) + trail


def _anew(assignment: Assignment, body: str, quotations: Quotations, written: Written) -> str:
    if assignment.action == "shorten":
        return shortened(body)
    share = len(body.split()) / max(1, len(assignment.material.split()))
    more = _more(quotations, share, written, is_one_paragraph="\n" not in body)
    if assignment.action == "expand":
        return _joined(body, more) if more else body
    return more or body


def _more(quotations: Quotations, share: float, written: Written, *, is_one_paragraph: bool) -> str:
    """Return quotations that are written nowhere yet, and count them as written; "" without any."""
    plan = quotations.plans[0]
    words = max(_LEAST_WORDS, round(plan.target_words * share))
    text = quotations.body(msgspec.structs.replace(plan, target_words=words), written)
    if text == layout.NOTHING_FOUND:
        return ""
    written.add_draft(text)
    return text if "\n- " in text or not is_one_paragraph else " ".join(text.split("\n\n"))


def _joined(text: str, more: str) -> str:
    gap = " " if "\n" not in text and "\n" not in more and not text.startswith("- ") else "\n\n"
    return text + gap + more


class _Sentence(msgspec.Struct):
    gap: str
    text: str
    numbers: set[str]


def shortened(text: str) -> str:
    """Return about three fifths of a text: every source once, cited sentences before others."""
    sentences = _sentences(text)
    room = _SHORTER * len(text.split())
    kept: set[int] = set()
    for index in _by_worth(sentences):
        words = len(sentences[index].text.split())
        is_new = not kept or sentences[index].numbers - _numbers_of(sentences, kept)
        if is_new or words <= room:
            kept.add(index)
            room -= words
    parts = [sentences[index] for index in sorted(kept)]
    return "".join(part.gap + part.text for part in parts).strip()


def _numbers_of(sentences: list[_Sentence], kept: set[int]) -> set[str]:
    return set().union(*(sentences[index].numbers for index in kept))


def _by_worth(sentences: list[_Sentence]) -> list[int]:
    """Return the places of the sentences: first those with a source not cited before."""
    seen: set[str] = set()
    ranks: list[tuple[int, int]] = []
    for index, sentence in enumerate(sentences):
        rank = 0 if sentence.numbers - seen else 1 if sentence.numbers else 2
        ranks.append((rank, index))
        seen |= sentence.numbers
    return [index for _, index in sorted(ranks)]


def _sentences(text: str) -> list[_Sentence]:
    found: list[_Sentence] = []
    end = 0
    for start, stop in sentence_spans(text):
        numbers = set(_MARKER.findall(text[start:stop]))
        found.append(_Sentence(text[end:start], text[start:stop], numbers))
        end = stop
    return found
