"""Keeps what a model thinks aloud, `<think>…</think>` before its answer, out of the answer.

Only a block at the very start counts; the same letters later in the text are text. The tags may be
cut anywhere. White space around the block goes with it.
"""

from collections.abc import Callable

_OPENING = "<think>"
_CLOSING = "</think>"
_LONGEST_HOLD = 64


class ThinkFilter:
    """Feed it text cut anywhere, get the part that belongs to the answer."""

    def __init__(self) -> None:
        """Start before the first character."""
        self._held = ""
        self._handle: Callable[[str], str] = self._look_for_opening

    def feed(self, text: str) -> str:
        """Return what is certainly answer; what could still be a tag is held."""
        return self._handle(text)

    def close(self) -> str:
        """Return what was held and turned out to be answer; an unclosed thought is dropped."""
        held = self._held
        self._held = ""
        return held if self._handle == self._look_for_opening else ""

    def _look_for_opening(self, text: str) -> str:
        seen = self._held + text
        start = seen.lstrip()
        if start.startswith(_OPENING):
            self._become(self._look_for_closing)
            return self._look_for_closing(start[len(_OPENING) :])
        if _OPENING.startswith(start) and len(seen) <= _LONGEST_HOLD:
            self._held = seen
            return ""
        self._become(self._pass)
        return seen

    def _look_for_closing(self, text: str) -> str:
        seen = self._held + text
        _, tag, answer = seen.partition(_CLOSING)
        if tag:
            self._become(self._skip_space)
            return self._skip_space(answer)
        self._held = seen[-len(_CLOSING) + 1 :]
        return ""

    def _skip_space(self, text: str) -> str:
        answer = text.lstrip()
        if answer:
            self._become(self._pass)
        return answer

    def _pass(self, text: str) -> str:
        return text

    def _become(self, state: Callable[[str], str]) -> None:
        self._held = ""
        self._handle = state
