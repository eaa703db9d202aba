"""Two texts side by side: what was taken out, what was put in."""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from engine.citations.markers import count_words
from engine.language.alignment import align, lines, words

Op = Literal["equal", "delete", "insert"]


class Change(msgspec.Struct, frozen=True):
    """A stretch of text; those that are not inserted are the first text, joined."""

    op: Op
    text: str


class Diff(msgspec.Struct, frozen=True):
    """A comparison by words; `is_coarse` where a stretch differs too much for that."""

    changes: list[Change]
    inserted_words: int
    deleted_words: int
    is_coarse: bool


def compare(first: str, second: str) -> Diff:
    """Compare two texts by lines, and where lines differ by words."""
    matched, is_coarse = align(lines(first), lines(second))
    changes: list[Change] = []
    for op, old, new in _stretches(lines(first), lines(second), matched):
        if op == "equal":
            changes.append(Change("equal", old))
            continue
        left, right = words(old), words(new)
        inner, inner_coarse = align(left, right)
        is_coarse = is_coarse or inner_coarse
        for inner_op, taken, put in _stretches(left, right, inner):
            if inner_op == "equal":
                changes.append(Change("equal", taken))
                continue
            changes += [Change("delete", taken)] if taken else []
            changes += [Change("insert", put)] if put else []
    changes = _joined(changes)
    return Diff(
        changes,
        sum(count_words(change.text) for change in changes if change.op == "insert"),
        sum(count_words(change.text) for change in changes if change.op == "delete"),
        is_coarse,
    )


def _stretches(
    first: Sequence[str], second: Sequence[str], matched: Sequence[tuple[int, int, int]]
) -> Iterator[tuple[Literal["equal", "changed"], str, str]]:
    """Yield equal and changed stretches in turn."""
    a = b = 0
    for next_a, next_b, size in [*matched, (len(first), len(second), 0)]:
        if next_a > a or next_b > b:
            yield "changed", "".join(first[a:next_a]), "".join(second[b:next_b])
        if size:
            same = "".join(first[next_a : next_a + size])
            yield "equal", same, same
        a, b = next_a + size, next_b + size


def _joined(changes: Sequence[Change]) -> list[Change]:
    joined: list[Change] = []
    for change in changes:
        if joined and joined[-1].op == change.op:
            joined[-1] = Change(change.op, joined[-1].text + change.text)
        else:
            joined.append(change)
    return joined
