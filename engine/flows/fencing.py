"""Text of others inside a prompt, made harmless as far as its form goes.

It cannot end the fence it stands in, cannot be taken for the words by which models tell who speaks,
and says nothing to a model that a person who reads the document does not see.
"""

import re

import regex

_OPENERS = {"<": "‹", "[": "［"}
# What chat templates are made of: <|im_start|>, [INST], <<SYS>>, </s>, <start_of_turn> and so on.
_CONTROL = re.compile(
    r"<[|｜](?=[^|｜<>\n]{1,40}[|｜]>)|\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_\w{1,20})\])"
    r"|<(?=<?/?(?:SYS|s|bos|eos|pad|unk|(?:start|end)_of_(?:turn|image))>)",
    re.IGNORECASE,
)
# Joiners and the emoji selector belong to the writing of words; everything else that is not drawn
# can carry a hidden message.
_INVISIBLE = regex.compile(r"[\p{Default_Ignorable_Code_Point}--[\u200c\u200d\ufe0f]]+", regex.V1)


def harmless(text: str, *tags: str) -> str:
    """Return a text to be put between any of these tags."""
    seen = _INVISIBLE.sub("", text)
    own = re.compile(rf"<(?=\s*+/?+\s*+(?:{'|'.join(tags)})\b)", re.IGNORECASE)
    return _CONTROL.sub(_defused, own.sub("‹", seen))


def _defused(match: re.Match[str]) -> str:
    return _OPENERS[match[0][0]] + match[0][1:]
