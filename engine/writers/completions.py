"""Reads the body of one streamed chat completion, without any input or output of its own.

The dialect is OpenAI's as its many imitators speak it: chunks of JSON in an event stream, text in
`choices[0].delta.content`, thoughts in `reasoning_content` or `reasoning`, token counts in a last
chunk without choices, then `[DONE]`. Only a `finish_reason` makes a completion complete.
"""

import msgspec

from engine.writers.answer import BROKE_OFF, GARBLED, REPORTED, TOO_MUCH, AnswerReader, parsed
from engine.writers.sse import EventStreamDecoder, EventTooLarge, ServerSentEvent

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


class CompletionStream(AnswerReader):
    """Reads events; `is_done` after `[DONE]`."""

    def __init__(self, *, max_event_bytes: int = 1 << 20, max_chars: int = 2_000_000) -> None:
        """Take the size one event and the whole text may have."""
        super().__init__(max_chars=max_chars)
        self._events = EventStreamDecoder(max_event_bytes=max_event_bytes)

    def _decode(self, chunk: bytes) -> None:
        try:
            events = self._events.feed(chunk)
        except EventTooLarge as error:
            self._take(error.events)
            self._fail(TOO_MUCH)
        else:
            self._take(events)

    def _take(self, events: list[ServerSentEvent]) -> None:
        for event in events:
            if self.failure is not None or self.is_done:
                return
            self._take_event(event)

    def _take_event(self, event: ServerSentEvent) -> None:
        if event.event == "error":
            self._fail(REPORTED)
        elif event.event != "message" or not (data := event.data.strip()):
            return
        elif data == "[DONE]":
            self.is_done = True
            if self.reason is None:
                self._fail(BROKE_OFF)
        elif not event.is_utf8 or (chunk := parsed(data, _CHUNKS)) is None:
            self._fail(GARBLED)
        else:
            self._take_chunk(chunk)

    def _take_chunk(self, chunk: _Chunk) -> None:
        if chunk.error:
            self._fail(REPORTED)
            return
        if isinstance(chunk.usage, dict):
            self._count_tokens(
                chunk.usage.get("prompt_tokens"), chunk.usage.get("completion_tokens")
            )
        for choice in (chunk.choices or ())[:1]:
            self._take_delta(choice.delta or _Delta())
            self._take_reason(choice.finish_reason)

    def _take_delta(self, delta: _Delta) -> None:
        if delta.reasoning_content or delta.reasoning:
            self._think()
        if delta.content:
            self._say(delta.content if isinstance(delta.content, str) else _joined(delta.content))

    def _take_reason(self, reason: str | None) -> None:
        if reason == "error":
            self._fail(REPORTED)
        elif reason:
            self.reason = _REASONS.get(reason, "stop")


def _joined(parts: list[_Part]) -> str:
    return "".join(part.text for part in parts if part.type == "text")
