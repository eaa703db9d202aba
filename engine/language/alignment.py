"""Which parts of two texts are the same: in about linear time, whatever the texts.

Two sequences are lined up at the items that each has exactly once, in the order that keeps most of
them (patience diff); then the gaps between, in the same way. A small gap without such items is
solved exactly. A large one stays whole, so a bad case costs accuracy and never time.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import regex

_DEEPEST = 12
_MOST_EDITS = 64
"""Items put in or taken out of a large gap that are still looked for."""
_SMALL = 10_000
"""Pairs of items that may be compared one by one in a gap."""

_SINGLE = r"\p{Han}\p{Hiragana}\p{Katakana}"
_SIGN = rf"\[[0-9]+\]|[{_SINGLE}]|[[\p{{L}}\p{{M}}\p{{N}}_'’]--[{_SINGLE}]]+|\S"
_WORD = regex.compile(rf"(?:{_SIGN})\s*|\s+", regex.V1)
_BARE_WORD = regex.compile(rf"{_SIGN}|\s+", regex.V1)
_LINE = regex.compile(r"[^\n]*\n+|[^\n]+")


class Match(NamedTuple):
    """`first[a : a + size]` equals `second[b : b + size]`."""

    a: int
    b: int
    size: int


class Gap(NamedTuple):
    """`first[a:a_end]` and `second[b:b_end]`, yet to be compared."""

    a: int
    a_end: int
    b: int
    b_end: int
    depth: int


def words(text: str) -> list[str]:
    """Cut a text into words and signs with the white space after each; joined they are the text."""
    return [match[0] for match in _WORD.finditer(text)]


def bare_words(text: str) -> list[str]:
    """Cut a text into words, signs, and the white space between; joined they are the text."""
    return [match[0] for match in _BARE_WORD.finditer(text)]


def lines(text: str) -> list[str]:
    """Cut a text into lines with the line breaks after each; joined they are the text."""
    return [match[0] for match in _LINE.finditer(text)]


def align(first: Sequence[str], second: Sequence[str]) -> tuple[list[Match], bool]:
    """Return what is equal, in order, and whether a stretch was too large to look into."""
    found: list[Match] = []
    is_coarse = False
    gaps = [Gap(0, len(first), 0, len(second), 0)]
    while gaps:
        gap = _trimmed(first, second, gaps.pop(), found)
        if gap.a == gap.a_end or gap.b == gap.b_end:
            continue
        anchors = _anchors(first, second, gap) if gap.depth < _DEEPEST else []
        if anchors:
            gaps += _between(anchors, gap)
        elif (gap.a_end - gap.a) * (gap.b_end - gap.b) <= _SMALL:
            found += _exact(first, second, gap)
        elif (few := _with_few_edits(first, second, gap)) is not None:
            found += few
        else:
            is_coarse = True
    return _joined(sorted(found)), is_coarse


def _trimmed(first: Sequence[str], second: Sequence[str], gap: Gap, found: list[Match]) -> Gap:
    """Take what is equal at both ends of a gap."""
    a, a_end, b, b_end, depth = gap
    while a < a_end and b < b_end and first[a] == second[b]:
        a, b = a + 1, b + 1
    if a > gap.a:
        found.append(Match(gap.a, gap.b, a - gap.a))
    while a < a_end and b < b_end and first[a_end - 1] == second[b_end - 1]:
        a_end, b_end = a_end - 1, b_end - 1
    if a_end < gap.a_end:
        found.append(Match(a_end, b_end, gap.a_end - a_end))
    return Gap(a, a_end, b, b_end, depth)


def _anchors(first: Sequence[str], second: Sequence[str], gap: Gap) -> list[tuple[int, int]]:
    """Return the items that stand once on each side, as many as keep one order."""
    once = Counter(first[gap.a : gap.a_end])
    others = Counter(second[gap.b : gap.b_end])
    places = {
        item: place
        for place, item in enumerate(second[gap.b : gap.b_end], start=gap.b)
        if others[item] == 1 and once.get(item) == 1
    }
    pairs = [
        (place, places[item])
        for place, item in enumerate(first[gap.a : gap.a_end], start=gap.a)
        if item in places
    ]
    return _longest_rise(pairs)


def _longest_rise(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the longest part of the pairs in which the second numbers rise as the first do."""
    ends: list[int] = []
    at: list[int] = []
    before: list[int] = []
    for index, (_, value) in enumerate(pairs):
        length = bisect_left(ends, value)
        before.append(at[length - 1] if length else -1)
        ends[length : length + 1] = [value]
        at[length : length + 1] = [index]
    chain: list[tuple[int, int]] = []
    index = at[-1] if at else -1
    while index >= 0:
        chain.append(pairs[index])
        index = before[index]
    return chain[::-1]


def _between(anchors: Sequence[tuple[int, int]], gap: Gap) -> Iterator[Gap]:
    """Yield the gaps that anchors leave; each begins with its anchor, which is equal."""
    a, b = gap.a, gap.b
    for next_a, next_b in [*anchors, (gap.a_end, gap.b_end)]:
        yield Gap(a, next_a, b, next_b, gap.depth + 1)
        a, b = next_a, next_b


def _exact(first: Sequence[str], second: Sequence[str], gap: Gap) -> Iterator[Match]:
    """Yield a longest common subsequence of a small gap."""
    left, right = first[gap.a : gap.a_end], second[gap.b : gap.b_end]
    lengths = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in range(len(left) - 1, -1, -1):
        row, below = lengths[i], lengths[i + 1]
        for j in range(len(right) - 1, -1, -1):
            row[j] = below[j + 1] + 1 if left[i] == right[j] else max(below[j], row[j + 1])
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] == right[j]:
            yield Match(gap.a + i, gap.b + j, 1)
            i, j = i + 1, j + 1
        elif lengths[i + 1][j] >= lengths[i][j + 1]:
            i += 1
        else:
            j += 1


def _with_few_edits(first: Sequence[str], second: Sequence[str], gap: Gap) -> list[Match] | None:
    """Return what is equal in a gap if at most `_MOST_EDITS` items differ, else None.

    `furthest[k]` is how far into the first side the diagonal `k` (first less second) is reached.
    """
    length, width = gap.a_end - gap.a, gap.b_end - gap.b
    furthest = {1: 0}
    rounds: list[dict[int, int]] = []
    for edits in range(min(_MOST_EDITS, length + width) + 1):
        rounds.append(dict(furthest))
        for k in range(-edits, edits + 1, 2):
            goes_down = k == -edits or (
                k != edits and furthest.get(k - 1, -1) < furthest.get(k + 1, -1)
            )
            x = furthest.get(k + 1, 0) if goes_down else furthest[k - 1] + 1
            while x < length and x - k < width and first[gap.a + x] == second[gap.b + x - k]:
                x += 1
            furthest[k] = x
            if x >= length and x - k >= width:
                return _walked_back(rounds, gap)
    return None


def _walked_back(rounds: Sequence[dict[int, int]], gap: Gap) -> list[Match]:
    """Return the equal stretches on the way that Myers' search has found."""
    x, y = gap.a_end - gap.a, gap.b_end - gap.b
    found: list[Match] = []
    for edits in range(len(rounds) - 1, -1, -1):
        furthest, k = rounds[edits], x - y
        goes_down = k == -edits or (
            k != edits and furthest.get(k - 1, -1) < furthest.get(k + 1, -1)
        )
        before = k + 1 if goes_down else k - 1
        old_x = furthest.get(before, 0)
        start = old_x if goes_down else old_x + 1
        start = 0 if edits == 0 else start
        if x > start:
            found.append(Match(gap.a + start, gap.b + start - k, x - start))
        x, y = old_x, old_x - before
    return found


def _joined(found: Sequence[Match]) -> list[Match]:
    """Join matches that follow each other directly."""
    joined: list[Match] = []
    for match in found:
        last = joined[-1] if joined else None
        if last and (last.a + last.size, last.b + last.size) == (match.a, match.b):
            joined[-1] = Match(last.a, last.b, last.size + match.size)
        else:
            joined.append(match)
    return joined
