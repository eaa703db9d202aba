"""What all dialects of streamed answers have in common, without any input or output of its own.

Text comes in deltas and thoughts beside it or before it in tags; torn characters are joined, the
size is capped, and only a reason for stopping makes an answer complete.
"""

import json
from abc import ABC, abstractmethod
from typing import TypeVar

import msgspec

from engine.errors import ProviderFailed
from engine.writers.surrogates import SurrogateJoiner
from engine.writers.thinking import ThinkFilter
from engine.writers.writer import Finished, Piece, Text, Thinking

T = TypeVar("T")

BROKE_OFF = "The model server broke off before the text was complete. Try again."
REPORTED = "The model server reported an error while it was writing. Try again."
GARBLED = "The model server sent something that cannot be read. Try again."
TOO_MUCH = "The model server sent more text than is accepted. Ask for a shorter text."


class AnswerReader(ABC):
    """Feed it the body cut anywhere, get pieces; `feed` answers with none when nothing moved on.

    `failure` is set once the stream has gone wrong; the pieces returned with it came before it.
    `reason` is set once the model said why it stopped, `is_done` when nothing is to follow.
    """

    def __init__(self, *, max_chars: int = 2_000_000) -> None:
        """Take the size the whole text may have."""
        self.failure: ProviderFailed | None = None
        self.reason: str | None = None
        self.is_done = False
        self._joiner = SurrogateJoiner()
        self._thoughts = ThinkFilter()
        self._chars_left = max_chars
        self._counts: tuple[object, object] = (None, None)
        self._texts: list[str] = []
        self._moved = False

    def feed(self, chunk: bytes) -> list[Piece]:
        """Return all text in `chunk` as one piece, or a sign of life."""
        self._decode(chunk)
        return self._pieces(is_last=self.failure is not None)

    def close(self) -> list[Piece]:
        """Return what was held and `Finished`; without a reason for stopping set `failure`."""
        if self.failure is None and not self.is_done:
            self._decode_rest()
        pieces = self._pieces(is_last=True)
        if self.failure is None and self.reason is None:
            self._fail(BROKE_OFF)
        if self.failure is None and self.reason is not None:
            prompt, completion = self._counts
            pieces.append(Finished(self.reason, _count(prompt), _count(completion)))
        return pieces

    @abstractmethod
    def _decode(self, chunk: bytes) -> None:
        """Take what is complete now: say, think, count, and set how it ends."""

    def _decode_rest(self) -> None:  # noqa: B027 - most dialects have nothing like it
        """Take what is complete only because the body is at its end."""

    def _say(self, text: str) -> None:
        self._moved = True
        self._chars_left -= len(text)
        if self._chars_left < 0:
            self._fail(TOO_MUCH)
            return
        self._texts.append(text)

    def _think(self) -> None:
        self._moved = True

    def _count_tokens(self, prompt: object, completion: object) -> None:
        self._counts = (prompt, completion)

    def _fail(self, message: str) -> None:
        self.failure = self.failure or ProviderFailed(message)

    def _pieces(self, *, is_last: bool) -> list[Piece]:
        moved, self._moved = self._moved, False
        text = self._thoughts.feed(self._joiner.feed("".join(self._texts)))
        self._texts.clear()
        if is_last:
            text += self._thoughts.feed(self._joiner.close()) + self._thoughts.close()
        if text:
            return [Text(text)]
        return [Thinking()] if moved else []


def parsed(data: str, decoder: msgspec.json.Decoder[T]) -> T | None:
    """Return `data` decoded, or None when it is not what the decoder is for.

    msgspec refuses halves of surrogate pairs, which json lets through, so that is the second try.
    """
    try:
        return decoder.decode(data)
    except (msgspec.MsgspecError, RecursionError):
        pass
    try:
        return msgspec.convert(json.loads(data), decoder.type)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) else None
