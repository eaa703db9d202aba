"""White space between visible pieces, held until it is known what follows.

Text must neither begin nor end with white space, and a marker taken out must leave neither two
spaces nor one before a full stop. Both need the space to wait for the next visible character.
"""

from engine.language.scripts import is_spaced_word

_CLOSING = ".,;:!?…)]}”’»›。，、；：！？）】」』؟،।"


class Spacing:
    """Returns text as soon as it is visible, with the white space before it."""

    def __init__(self, after: str = "") -> None:
        """Take the text already there; without any, leading white space is dropped."""
        self._last = after[-1:]
        self._is_after_marker = False
        self._is_definition = False  # with a colon, the marker shown last would define a link
        self._space: list[str] = []
        self._removed = False  # a marker was taken out after `_space`
        self._after: list[str] = []  # white space since then

    def add_text(self, text: str) -> str:
        """Return what of `text` and of the space held before it can be shown now."""
        body = text.strip()
        if not body:
            self._hold(text)
            return ""
        begin = text.index(body[0])
        self._hold(text[:begin])
        space = self._release_before_text(body[0])
        self._last = body[-1]
        self._is_after_marker = False
        self._hold(text[begin + len(body) :])
        return space + body

    def add_marker(self, marker: str) -> str:
        """Return the marker with the space held before it.

        A space is added where the marker would not be read as one: after a word, a backslash, or
        other brackets.
        """
        space = self._release()
        if not space and not self._is_after_marker and _hides_marker(self._last):
            space = " "
        self._is_definition = not self._last or "\n" in space
        self._last = marker[-1:]
        self._is_after_marker = True
        return space + marker

    def remove_marker(self) -> None:
        """Note that a marker stood here and is not shown."""
        self._close_gap()
        self._removed = True

    def rest(self) -> str:
        """Return the white space that is still held."""
        return self._release()

    def _hold(self, space: str) -> None:
        if space:
            (self._after if self._removed else self._space).append(space)

    def _release_before_text(self, first: str) -> str:
        """Return the space before text that begins with `first`."""
        is_gap = self._removed and not self._after
        if is_gap and first in _CLOSING:
            self._drop_space()
        space = self._release()
        parts_words = is_gap and first not in _CLOSING
        makes_link = self._is_after_marker and (
            first == "(" or (first == ":" and self._is_definition)
        )
        return " " if not space and self._last and (parts_words or makes_link) else space

    def _release(self) -> str:
        self._close_gap()
        space = "".join(self._space) if self._last else ""
        self._space = []
        return space

    def _close_gap(self) -> None:
        """Make one gap of the white space on both sides of a marker taken out."""
        if not self._removed:
            return
        if self._after and not self._drop_space() and self._is_at_line_start():
            self._after[0] = self._after[0].removeprefix(" ")
        self._space += filter(None, self._after)
        self._after = []
        self._removed = False

    def _drop_space(self) -> bool:
        """Drop one space before the marker taken out."""
        if not self._space or self._space[-1][-1:] != " ":
            return False
        self._space[-1] = self._space[-1][:-1]
        if not self._space[-1]:
            self._space.pop()
        return True

    def _is_at_line_start(self) -> bool:
        before = self._space[-1] if self._space else self._last
        return before[-1:] in ("", "\n")


def _hides_marker(before: str) -> bool:
    return before in ("\\", "[", "]") or is_spaced_word(before)
