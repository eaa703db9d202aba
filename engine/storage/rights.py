"""Who may do what in which knowledge base: the one rule that every query about one joins.

What a reader has no right to see has no row here, so for that reader it does not exist.
"""

import msgspec

from engine.errors import Forbidden
from engine.types import Id, Level

READABLE = (
    " (select kb_id, max(level) as level from rights where user_id = :user_id"
    " and (:only_kb is null or kb_id = :only_kb) group by kb_id) "
)
"""The knowledge bases a reader may see, with the highest level; its parameters are `reading`."""


class Reader(msgspec.Struct, frozen=True, kw_only=True):
    """Whose rights count; an API key may be confined to one knowledge base."""

    id: Id
    only_kb: Id | None = None


def reading(reader: Reader) -> dict[str, object]:
    """Return the parameters of `READABLE`."""
    return {"user_id": reader.id, "only_kb": reader.only_kb}


def require(level: int, least: Level) -> None:
    """Refuse to do what a reader may see but not do.

    Raises:
        Forbidden: the level does not suffice.
    """
    if level < least:
        raise Forbidden(f"You may not do this here: it needs the right {least.name}.")
