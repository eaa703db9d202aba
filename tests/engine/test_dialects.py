"""The bytes of every frame of every family, as a client sees them."""

from typing import get_args

import msgspec
import pytest

from engine.runs.dialects import FAMILIES, dialect
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
from engine.runs.frames import FRAMES
from engine.runs.journal import Record
from engine.storage.journal import RunRow
from engine.types import Citation

RUN = "11111111-2222-3333-4444-555555555555"
SOURCE = OfferedSource("c1", "d1", "fees.pdf", 4, "Fees", "x" * 201, 0.5, "k1", 3, 204)
CITATION = Citation(1, "d1", "fees.pdf", 4, None, "The fee.", 0.9, "c1", 2, 3, 11)
FAILED = Failed("LLM_ERROR", "It broke.", True, 7, ["retry"])
SHORT = '"' + "x" * 200 + '..."'
OFFERED = (
    '{"chunk_id":"c1","document_id":"d1","document_name":"fees.pdf","page":4,"section":"Fees",'
    f'"excerpt":"{"x" * 201}","score":0.5,"kb_id":"k1","char_start":3,"char_end":204}}'
)
CITED = (
    '"number":1,"document_id":"d1","document_name":"fees.pdf","page":4,"section":null,'
    '"excerpt":"The fee.","confidence":0.9,"chunk_id":"c1","version":2,"char_start":3,'
    '"char_end":11,"quote_start":0,"quote_end":0'
)
SUGGESTED = {
    "draft_id": "dr",
    "action": "shorten",
    "regenerated_text": "New.",
    "citations": [],
    "selection_start": 0,
    "selection_end": 4,
    "selected_text": "Old.",
    "version": 2,
    "changed": True,
    "warnings": [],
}
PIPELINE = {
    "success": True,
    "output": "O",
    "draft": "D",
    "metadata": {"content_type": "MCQ"},
    "validation_errors": [],
}

GOLDEN: dict[str, list[tuple[Event, str]]] = {
    "generate": [
        (Started("generate"), ""),
        (Stage("retrieving", "Searching", 5), ""),
        (
            Sources([SOURCE], 201),
            f'message\n{{"event":"sources_retrieved","count":1,"sources":[{OFFERED}]}}',
        ),
        (
            Stage("generating", "Report", 20),
            'message\n{"event":"generation_start","template":"Report","draft_id":"dr",'
            f'"run_id":"{RUN}"}}',
        ),
        (Stage("generating", "Fees", 30, 2, 4), ""),
        (Cited(CITATION), f'message\n{{"event":"citation",{CITED}}}'),
        (Delta('a "b"\nü'), 'message\n{"event":"content_chunk","delta":"a \\"b\\"\\nü"}'),
        (
            Completed(confidence=0.8, citation_count=1, word_count=9, summary="S."),
            'message\n{"event":"generation_complete","draft_id":"dr","confidence":0.8,'
            '"citation_count":1,"word_count":9,"sources_used":0,"documents_used":0,'
            '"summary":"S.","unsupported_sentences":0,"invalid_markers":0,'
            '"finish_reason":"stop","warnings":[],"low_confidence_sections":[]}',
        ),
        (
            FAILED,
            'message\n{"event":"error","code":"LLM_ERROR","message":"It broke.",'
            '"retryable":true,"recovery":["retry"],"retry_after":7,"draft_id":"dr"}',
        ),
    ],
    "rewrite": [
        (Started("rewrite", draft_id="dr"), ""),
        (Stage("generating", "Writing a suggestion", 20), ""),
        (Cited(CITATION), f'message\n{{"event":"citation",{CITED}}}'),
        (Delta("New."), 'message\n{"event":"content_chunk","delta":"New."}'),
        (
            Completed(result=SUGGESTED),
            f'message\n{{"event":"suggestion","run_id":"{RUN}","draft_id":"dr",'
            '"action":"shorten","regenerated_text":"New.","citations":[],"selection_start":0,'
            '"selection_end":4,"selected_text":"Old.","version":2,"changed":true,"warnings":[]}',
        ),
        (
            FAILED,
            'message\n{"event":"error","code":"LLM_ERROR","message":"It broke.",'
            '"retryable":true,"recovery":["retry"],"retry_after":7,"draft_id":"dr"}',
        ),
    ],
    "query": [
        (Stage("retrieving", "Searching", 5), 'status\n{"stage":"retrieving"}'),
        (
            Sources([SOURCE], 201),
            'citations\n[{"document_id":"d1","filename":"fees.pdf",'
            f'"chunk_text":{SHORT},"relevance_score":0.5}}]',
        ),
        (Sources([], 0), ""),
        (Stage("generating", "Writing", 20), 'status\n{"stage":"generating"}'),
        (Delta("42"), "token\n42"),
        (Delta("a\n b"), "token\na\n b"),
        (Completed(result={"answer": "42"}), "done\n"),
        (FAILED, 'error\n{"message":"It broke."}'),
    ],
    "chat": [
        (
            CacheHit(3.5, "A", [SOURCE]),
            'cached\n{"answer":"A","sources":[{"doc":"fees.pdf","score":0.5,'
            f'"snippet":{SHORT}}}],"age_s":3.5}}',
        ),
        (
            Retrieved(8, 900),
            'meta\n{"run_id":"11111111","corpus_id":"Fees","retrieved":8,"ctx_chars":900}',
        ),
        (
            Sources([SOURCE] * 6, 900),
            'sources\n{"sources":['
            + ",".join([f'{{"doc":"fees.pdf","score":0.5,"snippet":{SHORT}}}'] * 5)
            + "]}",
        ),
        (Delta(" x"), 'token\n{"t":" x"}'),
        (Verified(0.7, True, []), 'verify\n{"score":0.7,"accepted":true,"issues":[]}'),
        (
            Completed(result={"answer": "x", "cached": False, "duration_ms": 5, "key": None}),
            'done\n{"answer":"x","cached":false,"duration_ms":5}',
        ),
        (
            Completed(
                result={"answer": "x", "cached": True, "duration_ms": 5}, warnings=["Short."]
            ),
            'done\n{"answer":"x","cached":true,"duration_ms":5,"warnings":["Short."]}',
        ),
        (FAILED, 'error\n{"message":"It broke."}'),
    ],
    "search": [
        (Sources([SOURCE], 201), ""),
        (Delta("x"), 'token\n{"text":"x"}'),
        (Cited(CITATION), f"citation\n{{{CITED}}}"),
        (
            Completed(result={"confidence_score": 81, "confidence": 0.81, "result_count": 2}),
            'done\n{"confidence_score":81,"confidence":0.81,"result_count":2}',
        ),
        (FAILED, 'error\n{"message":"It broke.","code":"LLM_ERROR"}'),
    ],
    "pipeline": [
        (Started("pipeline"), 'start\n{"message":"Pipeline started","stage":"init"}'),
        (
            Stage("formatter", "Form", 60),
            'progress\n{"stage":"formatter","message":"Form","progress":60}',
        ),
        (Token("draft", "x"), 'draft_token\n{"token":"x","stage":"draft"}'),
        (
            DraftText("D"),
            'draft\n{"stage":"generator","message":"Draft ready","progress":50,"draft":"D"}',
        ),
        (Token("formatted", "y"), 'formatted_token\n{"token":"y","stage":"formatted"}'),
        (
            Completed(result=PIPELINE),
            "complete\n" + msgspec.json.encode(PIPELINE).decode(),
        ),
        (FAILED, 'error\n{"error":"It broke."}'),
    ],
}


def row(family: str) -> RunRow:
    return RunRow(
        id=RUN,
        family=family,
        user_id="u",
        state="running",
        request=b'{"corpus_id":"Fees"}',
        request_hash="",
        created_at="",
        draft_id="dr",
    )


def framed(said: str, seq: int) -> bytes:
    """Write what is said as a frame: its name, then its data line by line."""
    if not said:
        return b""
    name, *lines = said.split("\n")
    data = "".join(f"data: {line}\n" for line in lines)
    return f"id: {RUN}:{seq}\nevent: {name}\n{data}\n".encode()


@pytest.mark.parametrize("family", GOLDEN)
def test_every_event_gives_the_same_bytes_as_ever(family: str) -> None:
    translate = dialect(row(family), family, with_tokens=True)
    for seq, (event, said) in enumerate(GOLDEN[family], start=1):
        assert translate(Record(seq, event, b"")) == framed(said, seq), event


@pytest.mark.parametrize("family", FAMILIES)
def test_every_frame_is_as_described(family: str) -> None:
    described = FRAMES[family]
    names = set()
    for _, said in GOLDEN[family]:
        name, _, data = said.partition("\n")
        names.add(name)
        if name and described[name] is not None and said != GOLDEN["pipeline"][5][1]:
            msgspec.json.decode(data.encode(), type=described[name], strict=True)
    assert names - {""} == described.keys()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("reason", ["stopped", "abandoned", "shutdown"])
def test_a_cancelled_run_ends_with_one_error(family: str, reason: str) -> None:
    sent = dialect(row(family), family)(Record(1, Cancelled(reason), b""))
    assert sent.count(b"event: ") == 1
    assert b"error" in sent


def test_tokens_are_sent_only_on_request() -> None:
    assert dialect(row("pipeline"), "pipeline")(Record(1, Token("draft", "x"), b"")) == b""


@pytest.mark.parametrize("family", FAMILIES)
def test_a_waiting_model_is_a_comment_or_progress(family: str) -> None:
    sent = dialect(row(family), family)(Record(1, Stage("waiting", "Wait", 20, 0, 0, 3.0), b""))
    assert sent == b": waiting for the model\n\n"


def test_the_golden_frames_leave_no_event_out() -> None:
    seen: set[type] = {type(event) for frames in GOLDEN.values() for event, _ in frames}
    assert seen | {Cancelled} == set(get_args(Event))
