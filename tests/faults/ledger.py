"""The invariants of the journal, checked on the database file itself."""

import json
import sqlite3
from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import Any

TERMINAL = {"completed", "failed", "cancelled"}


def events(data: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the stored events of every run, after a look at their numbers."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with closing(sqlite3.connect(data / "footnote.db")) as connection:
        rows = connection.execute("select run_id, seq, data from events order by run_id, seq")
        for run_id, seq, value in rows:
            found[run_id].append(json.loads(value))
            assert seq == len(found[run_id]), f"run {run_id} has a hole before {seq}"
    return found


def states(data: Path) -> dict[str, str]:
    """Return the stored state of every run."""
    with closing(sqlite3.connect(data / "footnote.db")) as connection:
        return dict(connection.execute("select id, state from runs"))


def check(data: Path) -> None:
    """Check the file, the numbers, the ends, and that drafts are what their runs said."""
    with closing(sqlite3.connect(data / "footnote.db")) as connection:
        assert connection.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert connection.execute("pragma foreign_key_check").fetchall() == []
        drafts = connection.execute(
            "select d.status, d.content, r.id from drafts d join runs r on r.draft_id = d.id"
            " where (select count(*) from runs where draft_id = d.id) = 1"
        ).fetchall()
    stored, state_of = events(data), states(data)
    for run_id, state in state_of.items():
        ends = [event["event"] for event in stored[run_id] if event["event"] in TERMINAL]
        assert ends == ([] if state == "running" else [state])
        assert not ends or stored[run_id][-1]["event"] == state
    for status, content, run_id in drafts:
        assert (status == "streaming") == (state_of[run_id] == "running")
        assert content == ("" if status == "streaming" else text_of(stored[run_id]))


def text_of(history: list[dict[str, Any]]) -> str:
    """Return the text of a run's stored events."""
    return "".join(event["text"] for event in history if event["event"] == "delta")
