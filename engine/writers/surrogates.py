"""Text whose UTF-16 surrogates were torn apart, made whole.

Servers written around UTF-16 cut text between the halves of a character, and JSON lets each half
travel alone (RFC 8259, section 8.2). Python can hold such a half but not encode it.
"""


class SurrogateJoiner:
    """Feed it text cut anywhere, get text that can be encoded; a half without partner is U+FFFD."""

    def __init__(self) -> None:
        """Start with nothing held."""
        self._half = ""

    def feed(self, text: str) -> str:
        """Return `text` repaired; a first half at its end waits for the next piece."""
        if not self._half and is_whole(text):
            return text
        text = self._half + text
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return repaired(text.removesuffix(self._half))

    def close(self) -> str:
        """Return U+FFFD for a half still waiting, else nothing."""
        half, self._half = self._half, ""
        return repaired(half)


def is_whole(text: str) -> bool:
    """Return whether `text` holds no surrogate and so can be encoded."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def repaired(text: str) -> str:
    """Return `text` with pairs of surrogates joined and lone ones replaced by U+FFFD."""
    if is_whole(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
