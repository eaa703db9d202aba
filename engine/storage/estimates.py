"""How fast drafts were written so far."""

import msgspec

from engine.storage.database import Connection
from engine.storage.rows import fetch_one, record

_LOOK_BACK = 50


class Pace(msgspec.Struct, frozen=True):
    """The pace of past runs: words per second of writing, seconds to the first text."""

    runs: int
    words_per_s: float
    first_text_s: float


async def past_pace(connection: Connection, family: str, model: str) -> Pace:
    """Return the pace of the last completed runs with this model; zeros when there are none."""
    row = await fetch_one(
        connection,
        "select count(*) as runs, coalesce(avg(first_s), 0) as first_text_s,"
        " coalesce(sum(words) / max(sum(seconds), 0.001), 0) as words_per_s from ("
        " select d.word_count as words,"
        " (julianday(r.ended_at) - julianday(r.first_text_at)) * 86400.0 as seconds,"
        " (julianday(r.first_text_at) - julianday(r.created_at)) * 86400.0 as first_s"
        " from runs r join drafts d on d.run_id = r.id"
        " where r.family = ? and r.model = ? and r.state = 'completed'"
        " and r.first_text_at is not null order by r.created_at desc limit ?)",
        (family, model, _LOOK_BACK),
    )
    return record(row, Pace) if row else Pace(0, 0.0, 0.0)
