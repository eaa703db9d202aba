"""From events to frames: one vocabulary for each API family, and the native one for the page.

All at a glance:

| event     | generate (`event: message`, kind in the JSON) | native (`event: <kind>`)        |
|-----------|-----------------------------------------------|---------------------------------|
| started   | –                                             | started                         |
| stage     | generation_start (the first `generating`),    | stage                           |
|           | a comment line while waiting                  |                                 |
| sources   | sources_retrieved                             | sources                         |
| cited     | citation                                      | cited                           |
| delta     | content_chunk                                 | block (if it closes one), delta |
| completed | generation_complete                           | block, completed                |
| failed    | error                                         | block, failed                   |
| cancelled | error, CANCELLED                              | block, cancelled                |

Each event gives at most one frame with an id, so a cursor never points into the middle of one.
"""

from collections.abc import Callable
from typing import Any, assert_never

import msgspec

from engine.markdown.blocks import Block, BlockSplitter
from engine.markdown.html import render_block
from engine.runs.events import (
    Cancelled,
    Cited,
    Completed,
    Delta,
    Event,
    Failed,
    Sources,
    Stage,
    Started,
)
from engine.runs.framing import comment, frame
from engine.runs.journal import Record
from engine.storage.journal import RunRow

Dialect = Callable[[Record], bytes]
"""Returns the frames of one event, possibly none."""

CAUGHT_UP = frame(b"{}", event="caught_up")

_encode = msgspec.json.Encoder().encode
_TERMINAL = (Completed, Failed, Cancelled)

STOPPED_MESSAGES = {
    "stopped": "You stopped this. What was written is kept as a partial draft.",
    "abandoned": "Nobody was reading any more. What was written is kept as a partial draft.",
    "shutdown": "The server is restarting. What was written is kept as a partial draft.",
}


def generate(run: RunRow, template: str) -> Dialect:
    """Return the vocabulary of contract section 2."""

    def frames(record: Record) -> bytes:
        event = record.event
        if isinstance(event, Stage) and event.name == "waiting":
            return comment("waiting for the model")
        fields = _generate_fields(run, template, event)
        if fields is None:
            return b""
        return frame(_encode(fields), event="message", event_id=f"{run.id}:{record.seq}")

    return frames


def _generate_fields(run: RunRow, template: str, event: Event) -> dict[str, Any] | None:
    match event:
        case Started():
            return None
        case Stage(name="generating", section=0):
            return {
                "event": "generation_start",
                "template": template,
                "draft_id": run.draft_id,
                "run_id": run.id,
            }
        case Stage():
            return None
        case Sources(items=items):
            return {"event": "sources_retrieved", "count": len(items), "sources": items}
        case Cited(citation=citation):
            return {"event": "citation", **msgspec.structs.asdict(citation)}
        case Delta(text=text):
            return {"event": "content_chunk", "delta": text}
        case Completed():
            return {
                "event": "generation_complete",
                "draft_id": run.draft_id,
                **completion(event),
            }
        case Failed():
            return {"event": "error", **failure(event), "draft_id": run.draft_id}
        case Cancelled(reason=reason):
            return {"event": "error", **cancellation(reason), "draft_id": run.draft_id}
        case _:
            assert_never(event)


def completion(event: Completed) -> dict[str, Any]:
    """Return the numbers of a finished draft as the contract names them."""
    fields = msgspec.structs.asdict(event)
    sections = fields.pop("sections")
    fields["low_confidence_sections"] = [
        section.title for section in sections if section.confidence_level == "low"
    ]
    return fields


def failure(event: Failed) -> dict[str, Any]:
    """Return the fields of an error frame; a time to wait only where there is one."""
    fields = msgspec.structs.asdict(event)
    if event.retry_after_s is not None:
        fields["retry_after"] = event.retry_after_s
    del fields["retry_after_s"]
    return fields


def cancellation(reason: str) -> dict[str, Any]:
    """Return the fields of the error frame that ends a cancelled stream."""
    return {
        "code": "CANCELLED",
        "message": STOPPED_MESSAGES[reason],
        "retryable": True,
        "recovery": ["resume"],
    }


class Native:
    """The vocabulary of the page: events as they are, and closed Markdown blocks as final HTML."""

    def __init__(self, run: RunRow, prefix: str = "") -> None:
        """Begin after `prefix`, the draft's text before the first event that will come."""
        self._run = run
        self._splitter = BlockSplitter()
        self._end = 0
        for block in self._splitter.feed(prefix):
            self._end += _utf16_length(block.source)

    def __call__(self, record: Record) -> bytes:
        """Return the frames of one event."""
        event = record.event
        blocks: list[Block] = []
        if isinstance(event, Delta):
            blocks = self._splitter.feed(event.text)
        elif isinstance(event, _TERMINAL):
            blocks = self._splitter.close()
        name = event.__struct_config__.tag
        own = frame(record.data, event=str(name), event_id=f"{self._run.id}:{record.seq}")
        return b"".join(map(self._block, blocks)) + own

    def _block(self, block: Block) -> bytes:
        self._end += _utf16_length(block.source)
        fields = {"index": block.index, "html": render_block(block), "end": self._end}
        return frame(_encode(fields), event="block")


def _utf16_length(text: str) -> int:
    """Return the length as JavaScript counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
