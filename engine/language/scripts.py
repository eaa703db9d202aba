"""Which writing systems put spaces between words."""

import regex

_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_SPACED_WORD = regex.compile(rf"[[\p{{L}}\p{{M}}\p{{N}}_]--[{_UNSPACED}]]", regex.V1)


def is_spaced_word(character: str) -> bool:
    """Whether `character` (or none) belongs to a word, in a script that spaces its words."""
    if character.isascii():
        return character.isalnum() or character == "_"
    return _SPACED_WORD.match(character) is not None
