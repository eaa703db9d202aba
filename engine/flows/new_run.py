"""The row a run begins with: what every family fills in the same way."""

from typing import Any

import msgspec

from engine.storage.identities import User
from engine.storage.journal import RunRow
from engine.types import new_id, utc_now


def new_run(
    family: str,
    user: User,
    request: msgspec.Struct,
    *,
    key: str | None,
    body_hash: str,
    **fields: Any,
) -> RunRow:
    """Return the row of a run that has just been asked for; `fields` are those of its family."""
    return RunRow(
        id=new_id(),
        family=family,
        user_id=user.id,
        state="running",
        request=msgspec.json.encode(request),
        request_hash=body_hash,
        idempotency_key=key,
        created_at=utc_now(),
        **fields,
    )
