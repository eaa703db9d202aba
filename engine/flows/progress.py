"""Where a draft stands while it is written: which section, and about how much of the whole."""

from engine.flows.planning import Plan
from engine.runs.events import Stage

_FIRST, _LAST = 10, 95
_STEP = 5
_LINE_CHARS = 300


class Progress:
    """Watches the text go by and says when something worth telling has changed."""

    def __init__(self, plan: Plan, so_far: str) -> None:
        """Begin after `so_far`."""
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
        title = self._titles[self._section - 1] if self._section else ""
        return Stage("generating", title, self._told, max(self._section, 1), len(self._titles))
