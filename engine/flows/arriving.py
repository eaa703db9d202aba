"""A text that a writer sends in pieces, as it is told to readers and as it is in the end."""

import time

from engine.errors import ProviderFailed
from engine.runs.events import Event, Stage, Token
from engine.writers.writer import Finished, Piece, Text, Waiting


class ArrivingText:
    """Collects a text; it never begins or ends with white space, in its events neither."""

    def __init__(self, stage: str, percent: int) -> None:
        """Begin now; `stage` and `percent` are those of the events."""
        self.finished: Finished | None = None
        self.took_s = 0.0
        self._stage = stage
        self._percent = percent
        self._began = time.monotonic()
        self._texts: list[str] = []
        self._space: list[str] = []

    def take(self, piece: Piece) -> Event | None:
        """Return the event that a piece gives rise to."""
        match piece:
            case Text(text=text):
                shown = self._shown(text)
                return Token(self._stage, shown) if shown else None
            case Waiting(delay_s=delay_s):
                message = f"Waiting for the model, {delay_s:.0f} s"
                return Stage("waiting", message, self._percent, delay_s=round(delay_s, 1))
            case Finished():
                self.finished = piece
                self.took_s = time.monotonic() - self._began
        return None

    def _shown(self, text: str) -> str:
        """Return what can be shown: white space waits for what follows it."""
        if not self._texts:
            text = text.lstrip()
        body = text.rstrip()
        if not body:
            self._space.append(text)
            return ""
        shown = "".join(self._space) + body
        self._space = [text[len(body) :]]
        self._texts.append(shown)
        return shown

    def whole(self) -> str:
        """Return the text.

        Raises:
            ProviderFailed: the writer did not say that it is done, or wrote nothing.
        """
        if self.finished is None or not self._texts:
            raise ProviderFailed("The model wrote nothing. Try again, or ask in other words.")
        return "".join(self._texts)
