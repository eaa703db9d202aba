"""Where a draft stands while it is written: which section, and about how much of the whole."""

from collections.abc import Sequence

from engine.flows.planning import Plan
from engine.runs.events import Stage

_FIRST, _LAST = 10, 95
_STEP = 5
_LINE_CHARS = 300


class Progress:
    """Watches the text go by and says when something worth telling has changed."""

    def __init__(self, plan: Plan, so_far: str, skipped: Sequence[str] = ()) -> None:
        """Begin after `so_far`, in which the sections `skipped` were stopped early."""
        self.skipped = list(skipped)
        self._titles = [section.title for section in plan.sections]
        self._target_chars = max(1, sum(section.target_words for section in plan.sections) * 6)
        self._chars = 0
        self._line = ""
        self._section = 0
        self._told = _FIRST
        self._is_thinking = False
        self.feed(so_far)

    def feed(self, text: str) -> Stage | None:
        """Take more text; return a stage when a section begins or a good step is made."""
        self._chars += len(text)
        before = self._section
        *lines, rest = (self._line + text).split("\n")
        self._line = rest[:_LINE_CHARS]
        for line in lines:
            self._look_at(line)
        if self._section == before and self._percent() < self._told + _STEP:
            return None
        return self._stage()

    @property
    def current(self) -> str:
        """The title of the section that is being written, or nothing."""
        return self._titles[self._section - 1] if self._section else ""

    def skip(self) -> str:
        """Count the section as stopped early; return the title of the next, or nothing."""
        self.skipped.append(self.current)
        return "".join(self._titles[self._section : self._section + 1])

    def thinking(self) -> Stage | None:
        """Return a stage the first time a model thinks before it writes."""
        if self._is_thinking or self._chars:
            return None
        self._is_thinking = True
        return Stage("waiting", "The model is thinking", self._told)

    def waiting(self, delay_s: float) -> Stage:
        """Return the stage for a pause that the model server asked for."""
        message = f"Waiting for the model, {delay_s:.0f} s"
        return Stage("waiting", message, self._told, delay_s=round(delay_s, 1))

    def _look_at(self, line: str) -> None:
        title = line[3:].strip() if line.startswith("## ") else None
        if title and title in self._titles[self._section :]:
            self._section = self._titles.index(title) + 1

    def _percent(self) -> int:
        share = min(self._chars / self._target_chars, 1.0)
        return _FIRST + round(share * (_LAST - _FIRST))

    def _stage(self) -> Stage:
        self._told = max(self._told, self._percent())
        return Stage(
            "generating",
            self.current,
            self._told,
            max(self._section, 1),
            len(self._titles),
            states=self._states(),
        )

    def _states(self) -> list[str]:
        if not any(self._titles):
            return []
        return [self._state(place, title) for place, title in enumerate(self._titles, start=1)]

    def _state(self, place: int, title: str) -> str:
        if title in self.skipped:
            return "skipped"
        if place == self._section:
            return "writing"
        return "done" if place < self._section else "waiting"
