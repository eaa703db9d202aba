"""The event-stream decoder against the rules, however the bytes are cut."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.writers.sse import EventStreamDecoder, EventTooLarge, ServerSentEvent

VECTORS_FILE = Path(__file__).parents[3] / "shared" / "data" / "sse_vectors.json"
VECTORS: list[dict[str, Any]] = (
    json.loads(VECTORS_FILE.read_text("utf-8")) if VECTORS_FILE.exists() else []
)

needs_vectors = pytest.mark.skipif(not VECTORS, reason="the shared vectors are not here")


def decode(*chunks: bytes) -> tuple[list[ServerSentEvent], str, int | None]:
    decoder = EventStreamDecoder()
    events = [event for chunk in chunks for event in decoder.feed(chunk)]
    return events + decoder.close(), decoder.last_event_id, decoder.retry_ms


def each_byte(stream: bytes) -> list[bytes]:
    return [stream[i : i + 1] for i in range(len(stream))]


@needs_vectors
@pytest.mark.parametrize("vector", VECTORS, ids=[vector["name"] for vector in VECTORS])
def test_every_vector_holds_whole_bytewise_and_at_every_split(vector: dict[str, Any]) -> None:
    stream = base64.b64decode(vector["input_bytes_base64"])
    expected = [(e["event"], e["data"], e["id"]) for e in vector["expected_events"]]
    splits = [[stream[:i], stream[i:]] for i in range(len(stream) + 1)]
    for chunks in ([stream], each_byte(stream), *splits):
        events, last_event_id, retry_ms = decode(*chunks)
        assert [(e.event, e.data, e.id) for e in events] == expected
        assert last_event_id == vector["expected_last_event_id"]
        assert retry_ms == vector["expected_retry"]


PARTS = st.sampled_from(
    [
        b"data: a",
        b"data:",
        b"data",
        b"id: 7",
        b"id",
        b"event: x",
        b"retry: 5",
        b": c",
        b"\xef\xbb\xbf",
    ]
    + [b"\n", b"\r", b"\r\n", b"\n\n", b"\xe2\x80\xa8", b"\xff", b"\0", b" ", b":"]
)


@given(st.lists(PARTS, max_size=30).map(b"".join), st.data())
def test_any_cut_gives_the_same_result(stream: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    ends = [*cuts, len(stream)]
    chunks = [stream[a:b] for a, b in zip([0, *cuts], ends, strict=True)]
    assert decode(*chunks) == decode(stream)


def test_bytes_that_are_not_utf8_are_replaced_and_marked() -> None:
    events, _, _ = decode(b"data: a\xffb\n\ndata: fine \xef\xbf\xbd\n\n")
    assert [(e.data, e.is_utf8) for e in events] == [("a\ufffdb", False), ("fine \ufffd", True)]


def test_an_absurdly_long_retry_is_ignored() -> None:
    assert decode(b"retry: 100\nretry: " + b"9" * 10_000 + b"\n\n") == ([], "", 100)


def test_the_cap_holds_for_one_endless_line() -> None:
    decoder = EventStreamDecoder(max_event_bytes=100)
    with pytest.raises(EventTooLarge):
        for _ in range(60):
            decoder.feed(b"xx")


def test_the_cap_holds_for_many_short_data_lines() -> None:
    decoder = EventStreamDecoder(max_event_bytes=100)
    with pytest.raises(EventTooLarge):
        for _ in range(200):
            decoder.feed(b"data:\n")


def test_events_before_the_large_one_are_not_lost() -> None:
    decoder = EventStreamDecoder(max_event_bytes=100)
    with pytest.raises(EventTooLarge) as caught:
        decoder.feed(b"data: kept\n\ndata: " + b"x" * 200 + b"\n\n")
    assert [event.data for event in caught.value.events] == ["kept"]


def test_comments_never_add_up_to_the_cap() -> None:
    decoder = EventStreamDecoder(max_event_bytes=100)
    for _ in range(1000):
        assert decoder.feed(b": heartbeat\n") == []


def test_a_long_line_in_small_pieces_costs_linear_time() -> None:
    def cpu_s(pieces: int) -> float:
        decoder = EventStreamDecoder(max_event_bytes=1 << 30)
        began = time.process_time()
        for _ in range(pieces):
            decoder.feed(b"x" * 1024)
        assert decoder.feed(b"\n\n") == []
        return time.process_time() - began

    small = max(min(cpu_s(1_000) for _ in range(3)), 1e-4)
    assert cpu_s(10_000) < 60 * small
