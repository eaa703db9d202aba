"""Two changes of one text joined: by paragraphs, and inside a paragraph by words.

Where both sides changed the same place in different ways there is a conflict: the merged text has
their side there and the conflict holds all three, so nothing is lost.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

from engine.language.alignment import align, bare_words, lines

Side = Literal["mine", "theirs"]


class Conflict(msgspec.Struct, frozen=True):
    """A place that both changed; `start`, `end` are where the merged text has `theirs`."""

    start: int
    end: int
    base: str
    mine: str
    theirs: str


class Merged(msgspec.Struct, frozen=True):
    """A text with what both sides changed."""

    content: str
    conflicts: list[Conflict]


class _Part(NamedTuple):
    base: str
    mine: str
    theirs: str

    @property
    def settled(self) -> str | None:
        """The text, if at most one side changed it or both did the same."""
        if self.mine == self.base or self.mine == self.theirs:
            return self.theirs
        return self.mine if self.theirs == self.base else None


def merge(base: str, mine: str, theirs: str, prefer: Side | None = None) -> Merged:
    """Merge two texts that come from `base`; `prefer` settles what both changed."""
    pieces: list[str] = []
    conflicts: list[Conflict] = []
    length = 0
    for part in _parts(base, mine, theirs, lines):
        text = part.settled
        if text is None:
            text = _by_words(part)
        if text is None and prefer is not None:
            text = part.mine if prefer == "mine" else part.theirs
        if text is None:
            text = part.theirs
            conflicts.append(Conflict(length, length + len(text), *part))
        pieces.append(text)
        length += len(text)
    return Merged("".join(pieces), conflicts)


def _by_words(part: _Part) -> str | None:
    """Return the merged words of a paragraph, or None where both changed the same ones."""
    settled = [inner.settled for inner in _parts(*part, bare_words)]
    return None if None in settled else "".join(text or "" for text in settled)


def _parts(base: str, mine: str, theirs: str, cut: Callable[[str], list[str]]) -> Iterator[_Part]:
    """Yield the parts between places where all three agree, those places included."""
    ours, left, right = cut(base), cut(mine), cut(theirs)
    to_left, to_right = _places(ours, left), _places(ours, right)
    i = a = b = 0
    for stable, in_left in enumerate(to_left):
        in_right = to_right[stable]
        if in_left < a or in_right < b:
            continue
        if stable > i or in_left > a or in_right > b:
            yield _part(ours[i:stable], left[a:in_left], right[b:in_right])
        yield _part(ours[stable : stable + 1], ours[stable : stable + 1], ours[stable : stable + 1])
        i, a, b = stable + 1, in_left + 1, in_right + 1
    if i < len(ours) or a < len(left) or b < len(right):
        yield _part(ours[i:], left[a:], right[b:])


def _part(base: Sequence[str], mine: Sequence[str], theirs: Sequence[str]) -> _Part:
    return _Part("".join(base), "".join(mine), "".join(theirs))


def _places(base: Sequence[str], other: Sequence[str]) -> list[int]:
    """Return for each item of `base` where it stands in `other`, -1 where it does not."""
    places = [-1] * len(base)
    for a, b, size in align(base, other)[0]:
        places[a : a + size] = range(b, b + size)
    return places
