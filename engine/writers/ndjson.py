"""A decoder of newline-delimited JSON, without any input or output of its own.

Follows https://github.com/ndjson/ndjson-spec: a line ends at LF, a CR before it is white space, and
blank lines mean nothing. Every cut of the input gives the same lines. The cost is linear in the
bytes fed; one line may hold `max_line_bytes` at most, so memory is bounded.
"""

_BOM = b"\xef\xbb\xbf"


class LineTooLong(ValueError):
    """A line is longer than the cap; `lines` are those complete before it in the same chunk."""

    def __init__(self, lines: list[bytes]) -> None:
        """Take the lines that were complete before the long one."""
        super().__init__("a line of the stream is over the size limit")
        self.lines = lines


class LineDecoder:
    """Feed it bytes cut anywhere, get the lines complete so far, without their ends."""

    def __init__(self, *, max_line_bytes: int = 1 << 20) -> None:
        """Take the number of bytes one line may have, its LF not counted."""
        self._max_line_bytes = max_line_bytes
        self._line = bytearray()
        self._at_start = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """Return the lines that `chunk` completes, blank ones left out.

        Raises:
            LineTooLong: a line passed the cap. The decoder is of no further use.
        """
        lines: list[bytes] = []
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            self._extend(part, lines)
            self._complete(lines)
        self._extend(rest, lines)
        return lines

    def close(self) -> list[bytes]:
        """Return what stands after the last LF, which a stream may leave out."""
        lines: list[bytes] = []
        self._complete(lines)
        return lines

    def _extend(self, part: bytes, lines: list[bytes]) -> None:
        if len(self._line) + len(part) > self._max_line_bytes:
            raise LineTooLong(lines)
        self._line += part

    def _complete(self, lines: list[bytes]) -> None:
        line = bytes(self._line)
        self._line.clear()
        if self._at_start:
            line = line.removeprefix(_BOM)
            self._at_start = False
        if line := line.strip(b" \t\r"):
            lines.append(line)
