"""From events to frames: one vocabulary for each API family, and the native one for the page.

All at a glance (a dash: nothing is sent; `comment`: a comment line):

| event      | generate            | query     | chat    | search   | pipeline        |
|------------|---------------------|-----------|---------|----------|-----------------|
| started    | –                   | –         | –       | –        | start           |
| stage      | generation_start, comment while waiting | status | –  | – | progress        |
| cache_hit  | –                   | –         | cached  | –        | –               |
| retrieved  | –                   | –         | meta    | –        | –               |
| sources    | sources_retrieved   | citations | sources | –        | –               |
| cited      | citation            | –         | –       | citation | –               |
| delta      | content_chunk       | token     | token   | token    | –               |
| token      | –                   | –         | –       | –        | …_token, if asked |
| draft_text | –                   | –         | –       | –        | draft           |
| verified   | –                   | –         | verify  | –        | –               |
| completed  | generation_complete | done      | done    | done     | complete        |
| failed, cancelled | error        | error     | error   | error    | error           |

Generate names its kinds in the JSON and sends them all as `event: message`, and so do suggestions
(family rewrite: citation, content_chunk, then suggestion or error). The native dialect sends every
event under its own name. Before the delta that closed them it sends closed Markdown blocks as final
HTML and, where asked, closed sentences with how well they are supported. Each event gives at most
one frame with an id, so a cursor never points into the middle of one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from engine.citations.examination import Checked, Examiner
from engine.markdown.blocks import Block, BlockSplitter
from engine.markdown.html import render_block
from engine.runs import frames
from engine.runs.events import (
    CacheHit,
    Cancelled,
    Cited,
    Completed,
    Delta,
    DraftText,
    Event,
    Failed,
    OfferedSource,
    Retrieved,
    Sources,
    Stage,
    Started,
    Token,
    Verified,
)
from engine.runs.framing import comment, frame, text_data
from engine.runs.journal import Record
from engine.storage.journal import RunRow
from engine.types import Id

Dialect = Callable[[Record], bytes]
"""Returns the frames of one event, possibly none."""


class Said(NamedTuple):
    """What a family says of an event: the name of the frame, and its data."""

    name: str
    data: bytes


Translation = Callable[[RunRow, Event], Said | None]

CAUGHT_UP = frame(b"{}", event="caught_up")

_encode = msgspec.json.Encoder().encode
_TERMINAL = (Completed, Failed, Cancelled)
_SNIPPET_CHARS = 200
_TOP_SOURCES = 5

STOPPED_MESSAGES = {
    "stopped": "This was stopped, as you asked. What you have read so far stays.",
    "abandoned": "This was stopped, because nobody was reading. What was written stays.",
    "shutdown": "The server is restarting. What you have read so far stays.",
}


def dialect(run: RunRow, name: str, *, with_tokens: bool = False) -> Dialect:
    """Return a family's own vocabulary; `with_tokens` lets the pipeline's texts through.

    Raises:
        KeyError: no family is called so.
    """
    translate = FAMILIES[name]

    def framed(record: Record) -> bytes:
        event = record.event
        if isinstance(event, Stage) and event.name == "waiting":
            return comment("waiting for the model")
        if isinstance(event, Token) and not with_tokens:
            return b""
        said = translate(run, event)
        if said is None:
            return b""
        return frame(said.data, event=said.name, event_id=f"{run.id}:{record.seq}")

    return framed


def _json(name: str, value: Any) -> Said:
    return Said(name, _encode(value))


# Contract section 2


def _generate(run: RunRow, event: Event) -> Said | None:
    data = _generate_data(run, event)
    return None if data is None else _json("message", data)


def _generate_data(run: RunRow, event: Event) -> msgspec.Struct | None:
    match event:
        case Stage(name="generating", section=0, message=template):
            return frames.GenerationStart(template, run.draft_id, run.id)
        case Sources(items=items):
            return frames.SourcesRetrieved(len(items), items)
        case Cited(citation=citation):
            return frames.CitationFrame(**msgspec.structs.asdict(citation))
        case Delta(text=text):
            return frames.ContentChunk(text)
        case Completed():
            return frames.GenerationComplete(run.draft_id, **completion(event))
        case Failed() | Cancelled():
            return frames.GenerationError(**ending(event), draft_id=run.draft_id)
        case _:
            return None


def _rewrite(run: RunRow, event: Event) -> Said | None:
    match event:
        case Completed(result=result):
            return _json("message", frames.Suggestion(run_id=run.id, **result))
        case Cancelled():
            again = {"recovery": ["retry"], "draft_id": run.draft_id}
            return _json("message", frames.GenerationError(**(ending(event) | again)))
        case Cited() | Delta() | Failed():
            return _generate(run, event)
        case _:
            return None


# Contract section 3


def _query(run: RunRow, event: Event) -> Said | None:
    match event:
        case Stage(name="retrieving" | "generating" as stage):
            return _json("status", frames.QueryStatus(stage))
        case Sources(items=items) if items:
            return _json("citations", query_citations(items))
        case Delta(text=text):
            return Said("token", text_data(text))
        case Completed():
            return Said("done", b"")
        case Failed() | Cancelled():
            return _json("error", frames.Message(ending(event)["message"]))
        case _:
            return None


def query_citations(items: Sequence[OfferedSource]) -> list[frames.QueryCitation]:
    """Return passages as query lists them."""
    return [
        frames.QueryCitation(
            item.document_id, item.document_name, shortened(item.excerpt), item.score
        )
        for item in items
    ]


# Contract section 4


def _chat(run: RunRow, event: Event) -> Said | None:
    match event:
        case CacheHit(age_s=age_s, answer=answer, sources=sources):
            return _json("cached", frames.ChatCached(answer, chat_sources(sources), age_s))
        case Retrieved(count=count, context_chars=chars):
            return _json("meta", frames.ChatMeta(run.id[:8], _corpus(run), count, chars))
        case Sources(items=items):
            return _json("sources", frames.ChatSources(chat_sources(items)))
        case Delta(text=text):
            return _json("token", frames.ChatToken(text))
        case Verified(score=score, accepted=accepted, issues=issues):
            return _json("verify", frames.ChatVerify(score, accepted, issues))
        case Completed(result=result):
            return _json("done", msgspec.convert(result | warned(event), frames.ChatDone))
        case Failed() | Cancelled():
            return _json("error", frames.Message(ending(event)["message"]))
        case _:
            return None


def chat_sources(items: Sequence[OfferedSource]) -> list[frames.ChatSource]:
    """Return the best sources as chat lists them."""
    return [
        frames.ChatSource(item.document_name, item.score, shortened(item.excerpt))
        for item in items[:_TOP_SOURCES]
    ]


def _corpus(run: RunRow) -> Id:
    return str(msgspec.json.decode(run.request)["corpus_id"])


# Contract section 5


def _search(run: RunRow, event: Event) -> Said | None:
    match event:
        case Delta(text=text):
            return _json("token", frames.SearchToken(text))
        case Cited(citation=citation):
            return _json("citation", citation)
        case Completed(result=result):
            return _json("done", msgspec.convert(result | warned(event), frames.SearchDone))
        case Failed() | Cancelled():
            end = ending(event)
            return _json("error", frames.SearchError(end["message"], end["code"]))
        case _:
            return None


# Contract section 6


def _pipeline(run: RunRow, event: Event) -> Said | None:
    match event:
        case Started():
            return _json("start", frames.PipelineStart("Pipeline started", "init"))
        case Stage(name=name, message=message, percent=percent):
            return _json("progress", frames.PipelineProgress(name, message, percent))
        case Token(stage=stage, text=text):
            return _json(f"{stage}_token", frames.PipelineToken(text, stage))
        case DraftText(text=text):
            return _json("draft", frames.PipelineDraft("generator", "Draft ready", 50, text))
        case Completed(result=result):
            return _json("complete", result)
        case Failed() | Cancelled():
            return _json("error", frames.PipelineError(ending(event)["message"]))
        case _:
            return None


FAMILIES: Mapping[str, Translation] = {
    "generate": _generate,
    "rewrite": _rewrite,
    "query": _query,
    "chat": _chat,
    "search": _search,
    "pipeline": _pipeline,
}


def shortened(text: str) -> str:
    """Return the beginning of a passage, marked where it is cut."""
    return text if len(text) <= _SNIPPET_CHARS else text[:_SNIPPET_CHARS] + "..."


def completion(event: Completed) -> dict[str, Any]:
    """Return the numbers of a finished draft as the contract names them."""
    fields = msgspec.structs.asdict(event)
    del fields["result"]
    sections = fields.pop("sections")
    fields["low_confidence_sections"] = [
        section.title for section in sections if section.confidence_level == "low"
    ]
    return fields


def warned(event: Completed) -> dict[str, Any]:
    """Return what may be wrong with a text, where anything may."""
    return {"warnings": event.warnings} if event.warnings else {}


def ending(event: Failed | Cancelled) -> dict[str, Any]:
    """Return the fields of an error frame; a time to wait only where there is one."""
    if isinstance(event, Cancelled):
        return {
            "code": "CANCELLED",
            "message": STOPPED_MESSAGES[event.reason],
            "retryable": True,
            "recovery": ["resume"],
        }
    fields = msgspec.structs.asdict(event)
    if event.retry_after_s is not None:
        fields["retry_after"] = event.retry_after_s
    del fields["retry_after_s"]
    return fields


class Native:
    """The vocabulary of the page: events as they are, and closed Markdown blocks as final HTML."""

    def __init__(self, run: RunRow, prefix: str = "", examiner: Examiner | None = None) -> None:
        """Begin after `prefix`, the draft's text before the first event that will come.

        An `examiner`, which knows the citations before, also judges each sentence as it closes.
        """
        self._run = run
        self._splitter = BlockSplitter()
        self._examiner = examiner
        self._end = 0
        for block in self._splitter.feed(prefix):
            self._end += _utf16_length(block.source)
        if examiner is not None:
            examiner.skip(prefix)

    def __call__(self, record: Record) -> bytes:
        """Return the frames of one event."""
        derived = [frame(_encode(said), event=name) for name, said in self.closed_by(record)]
        name = record.event.__struct_config__.tag
        own = frame(record.data, event=str(name), event_id=f"{self._run.id}:{record.seq}")
        return b"".join(derived) + own

    def closed_by(self, record: Record) -> list[tuple[str, Any]]:
        """Return the blocks and sentences that an event closes; call it in order, once."""
        blocks: list[Block] = []
        if isinstance(record.event, Delta):
            blocks = self._splitter.feed(record.event.text)
        elif isinstance(record.event, _TERMINAL):
            blocks = self._splitter.close()
        return [
            *(("block", self._fields(block)) for block in blocks),
            *(("checked", sentence) for sentence in self._checked(record.event)),
        ]

    def _fields(self, block: Block) -> dict[str, Any]:
        self._end += _utf16_length(block.source)
        fields = {"index": block.index, "html": render_block(block), "end": self._end}
        return fields | {"char_end": block.end}

    def _checked(self, event: Event) -> list[Checked]:
        if self._examiner is None:
            return []
        if isinstance(event, Cited):
            self._examiner.cite(event.citation)
        elif isinstance(event, Delta):
            return self._examiner.feed(event.text)
        return self._examiner.close() if isinstance(event, _TERMINAL) else []


def _utf16_length(text: str) -> int:
    """Return the length as JavaScript counts it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
