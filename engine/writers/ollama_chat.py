"""Reads the body of one streamed answer of Ollama's `/api/chat`, without any input or output.

Each line is an object with text in `message.content` and thoughts in `message.thinking`; the last
one says `done` with a `done_reason` and the token counts. An object with `error` may come at any
time, and a `done` without a reason means that the model was cut off.
"""

import msgspec

from engine.writers.answer import BROKE_OFF, GARBLED, REPORTED, TOO_MUCH, AnswerReader, parsed
from engine.writers.ndjson import LineDecoder, LineTooLong

_NO_ANSWER = {"load", "unload"}


class _Message(msgspec.Struct):
    content: str | None = None
    thinking: object = None


class _Line(msgspec.Struct):
    message: _Message | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: object = None
    eval_count: object = None
    error: object = None


_LINES = msgspec.json.Decoder(_Line)


class OllamaAnswer(AnswerReader):
    """Reads lines; `is_done` after the one that says so."""

    def __init__(self, *, max_line_bytes: int = 1 << 20, max_chars: int = 2_000_000) -> None:
        """Take the size one line and the whole text may have."""
        super().__init__(max_chars=max_chars)
        self._lines = LineDecoder(max_line_bytes=max_line_bytes)

    def _decode(self, chunk: bytes) -> None:
        try:
            lines = self._lines.feed(chunk)
        except LineTooLong as error:
            self._take(error.lines)
            self._fail(TOO_MUCH)
        else:
            self._take(lines)

    def _decode_rest(self) -> None:
        """Take a last line without an end; one that cannot be read was cut."""
        for data in self._lines.close():
            line = _parsed(data)
            if line is None:
                self._fail(BROKE_OFF)
            else:
                self._take_line(line)

    def _take(self, lines: list[bytes]) -> None:
        for data in lines:
            if self.failure is not None or self.is_done:
                return
            line = _parsed(data)
            if line is None:
                self._fail(GARBLED)
            else:
                self._take_line(line)

    def _take_line(self, line: _Line) -> None:
        if line.error:
            self._fail(REPORTED)
            return
        message = line.message or _Message()
        if message.thinking:
            self._think()
        if message.content:
            self._say(message.content)
        if line.done:
            self._take_end(line)

    def _take_end(self, line: _Line) -> None:
        self.is_done = True
        if not line.done_reason or line.done_reason in _NO_ANSWER:
            self._fail(BROKE_OFF)
            return
        self.reason = "length" if line.done_reason == "length" else "stop"
        self._count_tokens(line.prompt_eval_count, line.eval_count)


def _parsed(data: bytes) -> _Line | None:
    try:
        return parsed(data.decode(), _LINES)
    except UnicodeDecodeError:
        return None
