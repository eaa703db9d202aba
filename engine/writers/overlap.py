"""Joining a continued text: what a model repeats is removed, and the seam is closed.

A model that is asked to go on often begins again some words, a sentence or the whole section before
the point where the text stopped. The head of the new text is held back while it still reads like a
stretch of the old one; the longest stretch that reaches the old text's end is the overlap.
"""

from collections.abc import AsyncGenerator, AsyncIterator

from engine.errors import ProviderFailed
from engine.writers.writer import Finished, Piece, Text

_LEAST_PART_OF_A_WORD = 4
_WINDOW = 20_000
_BLOCK_STARTS = ("#", "- ", "* ", "|", "> ", "```")


async def without_overlap(pieces: AsyncIterator[Piece], so_far: str) -> AsyncGenerator[Piece, None]:
    """Pass on a writer's pieces, less what they repeat of the text so far."""
    trimmer = OverlapTrimmer(so_far)
    try:
        async for piece in pieces:
            text = trimmer.feed(piece.text) if isinstance(piece, Text) else ""
            if isinstance(piece, Finished):
                text = trimmer.close()
            if text:
                yield Text(text)
            if not isinstance(piece, Text):
                yield piece
    except ProviderFailed:
        if rest := trimmer.close():
            yield Text(rest)
        raise


class OverlapTrimmer:
    """Feed the new text; what belongs after the old one comes out. Any cut gives the same."""

    def __init__(self, so_far: str) -> None:
        """Continue `so_far`, of which the last part is looked at."""
        self._old = so_far[-_WINDOW:]
        self._lead = ""
        self._head = ""
        self._is_open = bool(so_far)
        self._starts = list(range(len(self._old)))

    def feed(self, text: str) -> str:
        """Take more of the new text and return what is certain to be new."""
        if not self._is_open:
            return text
        known = len(self._head)
        if not self._head:
            stripped = text.lstrip()
            self._lead += text[: len(text) - len(stripped)]
            text = stripped
        if not text:
            return ""
        self._head += text
        self._starts = [start for start in self._starts if self._may_repeat(start, known)]
        # One character more than a repeat has tells whether that ended with a word.
        is_open = any(len(self._old) - start >= len(self._head) for start in self._starts)
        return "" if is_open else self._release()

    def close(self) -> str:
        """Return what was still held back."""
        return self._release() if self._is_open else ""

    def _may_repeat(self, start: int, known: int) -> bool:
        stretch = self._old[start + known : start + len(self._head)]
        return self._head.startswith(stretch, known)

    def _release(self) -> str:
        self._is_open = False
        overlap = self._overlap()
        rest = self._head[overlap:]
        return rest if overlap else (self._lead or self._joint(rest)) + rest

    def _overlap(self) -> int:
        lengths = (len(self._old) - start for start in self._starts)
        return max((n for n in lengths if self._is_repeat(n)), default=0)

    def _is_repeat(self, length: int) -> bool:
        """Whether so long a stretch begins with a word, and ends with one or well inside it."""
        if length > len(self._head):
            return False
        before, last = self._old[-length - 1 : -length], self._old[-1]
        ends_inside = last.isalnum() and self._head[length : length + 1].isalnum()
        return not before.isalnum() and (not ends_inside or length >= _LEAST_PART_OF_A_WORD)

    def _joint(self, rest: str) -> str:
        """Return the white space that a fresh answer does not begin with but the text needs."""
        if rest.startswith(_BLOCK_STARTS):
            return "\n\n"
        is_glued = self._old[-1:].isalnum() and rest[:1].isalnum()
        is_sentence = self._old[-1:] in ".!?:;,)]" and rest[:1].isalnum()
        return " " if is_glued or is_sentence else ""
