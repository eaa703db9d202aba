"""Reads the body of one streamed chat completion, without any input or output of its own.

The dialect is OpenAI's as its many imitators speak it: chunks of JSON in an event stream, text in
`choices[0].delta.content`, thoughts in `reasoning_content` or `reasoning`, token counts in a last
chunk without choices, then `[DONE]`. Only a `finish_reason` makes a completion complete.
"""

import json

import msgspec

from engine.errors import ProviderFailed
from engine.writers.sse import EventStreamDecoder, EventTooLarge, ServerSentEvent
from engine.writers.surrogates import SurrogateJoiner
from engine.writers.thinking import ThinkFilter
from engine.writers.writer import Finished, Piece, Text, Thinking

_BROKE_OFF = "The model server broke off before the text was complete. Try again."
_REPORTED = "The model server reported an error while it was writing. Try again."
_GARBLED = "The model server sent something that cannot be read. Try again."
_TOO_MUCH = "The model server sent more text than is accepted. Ask for a shorter text."

_REASONS = {"length": "length", "max_tokens": "length", "content_filter": "content_filter"}


class _Part(msgspec.Struct):
    type: str = ""
    text: str = ""


class _Delta(msgspec.Struct):
    content: str | list[_Part] | None = None
    reasoning_content: object = None
    reasoning: object = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: object = None
    error: object = None


_CHUNKS = msgspec.json.Decoder(_Chunk)


class CompletionStream:
    """Feed it the body cut anywhere, get pieces; `feed` answers with none when nothing moved on.

    `failure` is set once the stream has gone wrong; the pieces returned with it came before it.
    `reason` is set once the model said why it stopped, `is_done` after `[DONE]`.
    """

    def __init__(self, *, max_event_bytes: int = 1 << 20, max_chars: int = 2_000_000) -> None:
        """Take the size one event and the whole text may have."""
        self.failure: ProviderFailed | None = None
        self.reason: str | None = None
        self.is_done = False
        self._events = EventStreamDecoder(max_event_bytes=max_event_bytes)
        self._joiner = SurrogateJoiner()
        self._thoughts = ThinkFilter()
        self._chars_left = max_chars
        self._usage: dict[str, object] = {}
        self._texts: list[str] = []
        self._moved = False

    def feed(self, chunk: bytes) -> list[Piece]:
        """Return the text of all events in `chunk` as one piece, or a sign of life."""
        try:
            events = self._events.feed(chunk)
        except EventTooLarge as error:
            self._take(error.events)
            self._fail(_TOO_MUCH)
        else:
            self._take(events)
        return self._pieces(is_last=self.failure is not None)

    def close(self) -> list[Piece]:
        """Return what was held and `Finished`; without a finish reason set `failure` instead."""
        pieces = self._pieces(is_last=True)
        if self.failure is None and self.reason is None:
            self._fail(_BROKE_OFF)
        if self.failure is None and self.reason is not None:
            pieces.append(self._finished(self.reason))
        return pieces

    def _take(self, events: list[ServerSentEvent]) -> None:
        for event in events:
            if self.failure is not None or self.is_done:
                return
            self._take_event(event)

    def _take_event(self, event: ServerSentEvent) -> None:
        if event.event == "error":
            self._fail(_REPORTED)
        elif event.event != "message" or not (data := event.data.strip()):
            return
        elif data == "[DONE]":
            self.is_done = True
            if self.reason is None:
                self._fail(_BROKE_OFF)
        elif not event.is_utf8 or (chunk := _parsed(data)) is None:
            self._fail(_GARBLED)
        else:
            self._take_chunk(chunk)

    def _take_chunk(self, chunk: _Chunk) -> None:
        if chunk.error:
            self._fail(_REPORTED)
            return
        if isinstance(chunk.usage, dict):
            self._usage = chunk.usage
        for choice in (chunk.choices or ())[:1]:
            self._take_delta(choice.delta or _Delta())
            self._take_reason(choice.finish_reason)

    def _take_delta(self, delta: _Delta) -> None:
        if delta.reasoning_content or delta.reasoning:
            self._moved = True
        if not delta.content:
            return
        content = delta.content if isinstance(delta.content, str) else _joined(delta.content)
        self._moved = True
        self._chars_left -= len(content)
        if self._chars_left < 0:
            self._fail(_TOO_MUCH)
            return
        self._texts.append(content)

    def _take_reason(self, reason: str | None) -> None:
        if reason == "error":
            self._fail(_REPORTED)
        elif reason:
            self.reason = _REASONS.get(reason, "stop")

    def _pieces(self, *, is_last: bool) -> list[Piece]:
        moved, self._moved = self._moved, False
        text = self._thoughts.feed(self._joiner.feed("".join(self._texts)))
        self._texts.clear()
        if is_last:
            text += self._thoughts.feed(self._joiner.close()) + self._thoughts.close()
        if text:
            return [Text(text)]
        return [Thinking()] if moved else []

    def _finished(self, reason: str) -> Finished:
        return Finished(reason, self._count("prompt_tokens"), self._count("completion_tokens"))

    def _count(self, name: str) -> int | None:
        count = self._usage.get(name)
        return count if isinstance(count, int) else None

    def _fail(self, message: str) -> None:
        self.failure = self.failure or ProviderFailed(message)


def _joined(parts: list[_Part]) -> str:
    return "".join(part.text for part in parts if part.type == "text")


def _parsed(data: str) -> _Chunk | None:
    """Return the chunk, or None when `data` is not one.

    msgspec refuses halves of surrogate pairs, which json lets through, so that is the second try.
    """
    try:
        return _CHUNKS.decode(data)
    except (msgspec.MsgspecError, RecursionError):
        pass
    try:
        return msgspec.convert(json.loads(data), _Chunk)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
