"""Frames of `text/event-stream`, byte for byte: the only place that writes them.

WHATWG HTML, section 9.2: a field per line, a blank line ends the event, lines that begin with a
colon are comments. Here lines end with LF alone, in the order id, event, data.
"""

import re

HEARTBEAT = b": hb\n\n"
RETRY = b"retry: 1000\n\n"
RETRY_AFTER_RESTART = b"retry: 2000\n\n"

_LINE_END = re.compile(r"\r\n|\n|\r")


def frame(data: bytes, *, event: str, event_id: str | None = None) -> bytes:
    """Return one frame whose data is a single line, such as JSON."""
    head = f"id: {event_id}\nevent: {event}\n" if event_id else f"event: {event}\n"
    return b"%bdata: %b\n\n" % (head.encode(), data)


def text_data(text: str) -> bytes:
    """Return raw text as the data of a frame: one `data:` line for each line of the text."""
    return "\ndata: ".join(_LINE_END.split(text)).encode()


def comment(text: str) -> bytes:
    """Return a comment line, which every client ignores; `text` is one line of ours."""
    return f": {text}\n\n".encode()
