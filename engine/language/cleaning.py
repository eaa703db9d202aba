"""Make text that arrives in pieces fit to be stored and sent."""

import re

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")


class TextCleaner:
    """Joins split surrogate pairs, drops control characters, turns CRLF and CR into LF.

    Only line feed and tab stay of the control characters. Half of a surrogate pair, which no
    encoder accepts, waits for its partner and becomes U+FFFD without one.
    """

    def __init__(self) -> None:
        """Start with nothing held."""
        self._high = ""
        self._after_cr = False

    def feed(self, text: str) -> str:
        """Return the clean text so far; any cut of the input gives the same joined result."""
        text = self._join_surrogates(self._high + text)
        if not text:
            return ""
        starts_with_rest = self._after_cr and text[0] == "\n"
        self._after_cr = text[-1] == "\r"
        text = text[1:] if starts_with_rest else text
        return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))

    def close(self) -> str:
        """Return what was held."""
        held, self._high = self._high, ""
        return "\ufffd" if held else ""

    def _join_surrogates(self, text: str) -> str:
        self._high = ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._high = text[:-1], text[-1]
        if not _SURROGATE.search(text):
            return text
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
