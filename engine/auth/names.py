"""User names: what one may be called, and one spelling for each."""

import re
import unicodedata

from engine.errors import Invalid

_NAME = re.compile(r"[\w][\w.@+-]{0,63}")
_MOST_CHARS = 200


def normal_name(name: str) -> str:
    """Return the one spelling of a name, which is what is stored and looked for."""
    return unicodedata.normalize("NFKC", name[:_MOST_CHARS]).strip().casefold()


def new_name(name: str) -> str:
    """Return the one spelling of a name that somebody wants to have.

    Raises:
        Invalid: it has other characters than letters, digits and . _ @ + -, or is too long.
    """
    normal = normal_name(name)
    if len(name) > _MOST_CHARS or not _NAME.fullmatch(normal):
        raise Invalid(
            "username: 1 to 64 letters, digits and . _ @ + -, a letter or digit first.",
            field="username",
        )
    return normal


def name_from_elsewhere(name: str) -> str:
    """Return a possible name for somebody whose name a proxy or an identity provider tells."""
    kept = re.sub(r"[^\w.@+-]", "-", normal_name(name)).lstrip(".@+-")[:60]
    return kept or "user"
