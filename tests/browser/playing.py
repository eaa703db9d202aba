"""Streams that a test makes up and a page plays."""

import json
from collections.abc import Iterable

from playwright.sync_api import Route

from tests.browser.conftest import Desk

RUN = "00000000-0000-4000-8000-000000000000"

Event = dict[str, object]


def frames(run_id: str, events: Iterable[Event], *, first: int = 1) -> str:
    """Write events as the native dialect does."""
    return "retry: 1000\n\n" + "".join(
        f"id: {run_id}:{seq}\nevent: {event['event']}\ndata: {json.dumps(event)}\n\n"
        for seq, event in enumerate(events, first)
    )


def play(desk: Desk, pattern: str, events: list[Event]) -> None:
    """Let the POST that starts a run start one that has these events."""

    def start(route: Route) -> None:
        route.fulfill(status=202, json={"run_id": RUN, "draft_id": None})

    def answer(route: Route) -> None:
        headers = {"Content-Type": "text/event-stream; charset=utf-8", "X-Run-Id": RUN}
        route.fulfill(status=200, headers=headers, body=frames(RUN, events))

    desk.without_worker()
    desk.page.route(pattern, start)
    desk.page.route(f"**/api/v1/runs/{RUN}/events*", answer)


def source(name: str = "fees.pdf", kb_id: str = "kb") -> Event:
    """Return a passage as a run lists it."""
    return {
        "chunk_id": f"chunk-{name}", "document_id": "d", "document_name": name, "page": 4,
        "section": "Fees", "excerpt": "The yearly fee is 48,000 dollars.", "score": 0.9,
        "kb_id": kb_id, "char_start": 0, "char_end": 33,
    }  # fmt: skip
