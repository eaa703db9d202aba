"""Bytes of unknown encoding to text."""

import codecs
import re

from charset_normalizer import from_bytes

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 64 * 1024
_CONTROLS = re.compile(r"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def decode(data: bytes, *, is_cut: bool = False) -> str | None:
    """Return the text with its line ends made `\\n`, or None when the bytes are not text.

    A byte order mark decides, then UTF-8, then a guess over the first 64 KiB. A NUL character, or
    many control characters, mean that this is not text. `is_cut` says that `data` is the head of
    something longer and may end inside a character.
    """
    text = _by_mark(data)
    if text is None:
        text = _unmarked(data, is_cut)
    if text is None or "\0" in text or _is_noise(text):
        return None
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def _by_mark(data: bytes) -> str | None:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    return None


def _unmarked(data: bytes, is_cut: bool) -> str | None:
    if b"\0" in data:
        return _wide(data)
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data, final=not is_cut)
    except UnicodeDecodeError:
        return _guess(data)


def _wide(data: bytes) -> str | None:
    """Return UTF-16 without a mark, known by the zero half of most of its units."""
    sample = data[:_SAMPLE_BYTES]
    if len(data) % 2:
        return None
    for encoding, half in (("utf-16-le", 1), ("utf-16-be", 0)):
        zeros = sample[half::2].count(0)
        if 4 * zeros > len(sample) and sample[1 - half :: 2].count(0) == 0:
            return data.decode(encoding, errors="replace")
    return None


def _guess(data: bytes) -> str | None:
    sample = data[:_SAMPLE_BYTES]
    if len(sample) < len(data):
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    best = from_bytes(sample).best()
    return None if best is None else data.decode(best.encoding, errors="replace")


def _is_noise(text: str) -> bool:
    sample = text[:_SAMPLE_BYTES]
    return len(_CONTROLS.findall(sample)) * 100 > len(sample)
