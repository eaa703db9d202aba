"""The words that may stand at a place of a body, to be told to whoever sent another one."""

import re
from collections.abc import Iterator
from typing import Any

from msgspec import inspect
from msgspec.inspect import EnumType, ListType, LiteralType, StructType, Type, UnionType

_STEP = re.compile(r"[^.\[\]]+")


def choices(kind: Any, path: str) -> list[str]:
    """Return the words for a place like `feedback.type` or `outline[0].form`; none if any may."""
    places = list(_each(inspect.type_info(kind)))
    for step in _STEP.findall(path):
        places = [inner for place in places for inner in _within(place, step)]
    return [str(word) for place in places for word in _words(place)]


def _each(kind: Type) -> Iterator[Type]:
    yield from kind.types if isinstance(kind, UnionType) else (kind,)


def _within(place: Type, step: str) -> Iterator[Type]:
    if isinstance(place, ListType):
        yield from _each(place.item_type)
    elif isinstance(place, StructType):
        for field in place.fields:
            if field.encode_name == step:
                yield from _each(field.type)


def _words(place: Type) -> Iterator[Any]:
    if isinstance(place, LiteralType):
        yield from place.values
    elif isinstance(place, EnumType):
        yield from (member.value for member in place.cls)
