"""A decoder of `text/event-stream`, without any input or output of its own.

Follows https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation:
lines end at LF, CR LF or CR and at nothing else, a block is complete at its blank line, and what
is unfinished when the stream ends is dropped. Every cut of the input gives the same events. The
cost is linear in the bytes fed; one block may hold `max_event_bytes` at most, so memory is bounded.
"""

import msgspec

_BOM = b"\xef\xbb\xbf"
_LONGEST_RETRY_DIGITS = 15


class ServerSentEvent(msgspec.Struct, frozen=True, gc=False):
    """One dispatched block; `id` is the last event id in force when it was dispatched.

    `is_utf8` is False when bytes of `data` were not UTF-8 and stand there as U+FFFD.
    """

    event: str
    data: str
    id: str
    is_utf8: bool = True


class EventTooLarge(ValueError):
    """A block is larger than the cap; `events` are those complete before it in the same chunk."""

    def __init__(self, events: list[ServerSentEvent]) -> None:
        """Take the events that were decoded before the large one."""
        super().__init__("an event of the stream is over the size limit")
        self.events = events


class EventStreamDecoder:
    """Feed it bytes cut anywhere, get the events complete so far.

    `last_event_id` and `retry_ms` are what a client would need to reconnect.
    """

    def __init__(self, *, max_event_bytes: int = 1 << 20) -> None:
        """Take the number of bytes one block (its data and its unfinished line) may have."""
        self.last_event_id = ""
        self.retry_ms: int | None = None
        self._max_event_bytes = max_event_bytes
        self._line = bytearray()
        self._at_start = True
        self._after_cr = False
        self._event = ""
        self._id = ""
        self._data: list[bytes] = []
        self._data_bytes = 0

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Return the events that `chunk` completes.

        Raises:
            EventTooLarge: a block passed the cap. The decoder is of no further use.
        """
        events: list[ServerSentEvent] = []
        lines = self._split(chunk)
        unfinished = lines.pop()
        for line in lines:
            if line.startswith(b"data: "):
                self._add_data(line[6:])
            elif line:
                self._take_field(line)
            else:
                self._dispatch(events)
            if self._data_bytes > self._max_event_bytes:
                raise EventTooLarge(events)
        self._line += unfinished
        if self._data_bytes + len(self._line) > self._max_event_bytes:
            raise EventTooLarge(events)
        return events

    def close(self) -> list[ServerSentEvent]:
        """Drop what is unfinished, as the rules demand; there is never an event in it."""
        self._line.clear()
        self._forget_block()
        self._id = self.last_event_id
        return []

    def _split(self, chunk: bytes) -> list[bytes]:
        """Return the lines that are complete now, and the unfinished rest as the last item.

        A CR ends its line at once; the LF that may follow in the next chunk is then skipped.
        """
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = chunk.split(b"\n")
        if len(lines) > 1:
            self._complete_first(lines)
        return lines

    def _complete_first(self, lines: list[bytes]) -> None:
        if self._line:
            lines[0] = bytes(self._line) + lines[0]
            self._line.clear()
        if self._at_start:
            lines[0] = lines[0].removeprefix(_BOM)
            self._at_start = False

    def _add_data(self, value: bytes) -> None:
        self._data.append(value)
        self._data_bytes += len(value) + 1

    def _take_field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._add_data(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
        elif name == b"id" and b"\0" not in value:
            self._id = value.decode("utf-8", "replace")
        elif name == b"retry" and value.isdigit() and len(value) <= _LONGEST_RETRY_DIGITS:
            self.retry_ms = int(value)

    def _dispatch(self, events: list[ServerSentEvent]) -> None:
        self.last_event_id = self._id
        if self._data:
            data, is_utf8 = _decoded(b"\n".join(self._data))
            event = ServerSentEvent(self._event or "message", data, self._id, is_utf8)
            events.append(event)
        self._forget_block()

    def _forget_block(self) -> None:
        self._event = ""
        self._data.clear()
        self._data_bytes = 0


def _decoded(data: bytes) -> tuple[str, bool]:
    try:
        return data.decode(), True
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace"), False
