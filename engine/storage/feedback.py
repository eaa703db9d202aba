"""What people said of drafts."""

from engine.storage.database import Connection
from engine.types import Id, new_id, utc_now


async def insert(
    tx: Connection, draft_id: Id, user_id: Id, feedback_type: str, comments: str
) -> Id:
    """Keep what somebody said of a draft; return its id."""
    feedback_id = new_id()
    await tx.execute_fetchall(
        "insert into draft_feedback (id, draft_id, user_id, feedback_type, comments, created_at)"
        " values (?, ?, ?, ?, ?, ?)",
        (feedback_id, draft_id, user_id, feedback_type, comments, utc_now()),
    )
    return feedback_id
