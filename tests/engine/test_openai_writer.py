"""The OpenAI-compatible writer against a real server on a loopback port."""

import asyncio
import json
import logging
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import cast

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import Invalid
from engine.writers.completions import CompletionStream
from engine.writers.openai_compat import OpenAIWriter
from engine.writers.refusals import asked_wait_s
from engine.writers.thinking import ThinkFilter
from engine.writers.transport import Body
from engine.writers.writer import Assignment, Finished, Message, Text, Thinking, Waiting
from tests.fake_model import (
    ENDING,
    Answer,
    Comment,
    Cut,
    Done,
    Fail,
    FakeModel,
    Finish,
    Headers,
    Heartbeats,
    Pause,
    Raw,
    Say,
    Signal,
    Stall,
    Step,
    Think,
    Usage,
    Wait,
    busy,
    page,
    wire,
)
from tests.writing import (
    ASSIGNMENT,
    Sleeps,
    closed,
    collect,
    failure_of,
    first_text,
    full_backlog,
    next_pieces,
    no_tasks_but,
    no_wait,
    text_of,
    unused_port,
)

KEY = "sk-test-key-0123456789"
WriterFactory = Callable[..., OpenAIWriter]


@pytest.fixture
async def model() -> AsyncIterator[FakeModel]:
    async with FakeModel() as fake:
        yield fake


@pytest.fixture
async def make_writer() -> AsyncIterator[WriterFactory]:
    """Make writers that wait for nothing between tries and are closed at the end."""
    made: list[OpenAIWriter] = []

    def make(url: str, **options: object) -> OpenAIWriter:
        settings = {"idle_timeout_s": 4.0, "sleep": no_wait, "chance": lambda: 0.5} | options
        writer = OpenAIWriter(url, settings.pop("key", KEY), "fake", **settings)  # type: ignore[arg-type]
        made.append(writer)
        return writer

    yield make
    for writer in made:
        await writer.close()


@pytest.fixture
def writer(model: FakeModel, make_writer: WriterFactory) -> OpenAIWriter:
    return make_writer(model.url)


# A good answer


async def test_text_arrives_in_order_and_ends_with_the_reason_and_the_counts(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    model.script(Say(""), Say("Hello"), Say(" wörld"), Say(" 😀"), *ENDING)
    pieces, failure = await collect(writer)
    assert failure is None
    assert text_of(pieces) == "Hello wörld 😀"
    assert pieces[-1] == Finished("stop", 11, 7)


async def test_the_request_holds_the_prompt_and_asks_for_usage(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    await collect(writer)
    call = await model.call(0)
    assert call.body == {
        "model": "fake",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Who?"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    assert call.headers["Authorization"] == f"Bearer {KEY}"


async def test_temperature_and_length_are_sent_when_they_are_set(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    assignment = Assignment("", (), (), messages=(), temperature=0.0, max_tokens=9)
    async with asyncio.timeout(5):
        assert [piece async for piece in writer.write(assignment)]
    call = await model.call(0)
    assert (call.body["temperature"], call.body["max_tokens"]) == (0.0, 9)


async def test_a_lone_surrogate_in_the_prompt_does_not_break_the_request(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    assignment = Assignment("", (), (), messages=(Message("user", "a\ud83db"),))
    async with asyncio.timeout(5):
        assert [piece async for piece in writer.write(assignment)]
    call = await model.call(0)
    assert call.body["messages"][0]["content"] == "a\ufffdb"


async def test_without_a_key_no_authorization_is_sent(
    model: FakeModel, make_writer: WriterFactory
) -> None:
    _, failure = await collect(make_writer(model.url, key=""))
    assert failure is None
    assert "Authorization" not in (await model.call(0)).headers


async def test_events_that_arrive_together_are_one_piece_of_text(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    model.script(Raw(wire(Say("a"), Comment(), Say("b"), Say("c"))), *ENDING)
    pieces, _ = await collect(writer)
    assert pieces[0] == Text("abc")


async def test_the_body_may_be_cut_at_any_byte(model: FakeModel, writer: OpenAIWriter) -> None:
    body = wire(Say("größer "), Say("😀"), *ENDING).replace(b"\n", b"\r\n")
    model.script(Raw(b"\xef\xbb\xbf" + body, piece=1))
    pieces, failure = await collect(writer)
    assert (text_of(pieces), failure) == ("größer 😀", None)


async def test_null_content_unknown_fields_and_empty_chunks_are_ignored(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    odd = [
        {"choices": None},
        {},
        {"choices": [{"delta": None}], "x": {"y": [1, {"z": None}]}},
        {"choices": [{"index": None, "delta": {"role": "assistant", "content": None}}]},
        {"choices": [], "usage": {"prompt_tokens": None, "completion_tokens": "many"}},
    ]
    raw = b"".join(b"data: " + json.dumps(entry).encode() + b"\n\n" for entry in odd)
    model.script(Say(None), Raw(raw), Raw(b"event: ping\ndata: nothing\n\n"), Say("ok"), Finish())
    pieces, failure = await collect(writer)
    assert (pieces, failure) == ([Text("ok"), Finished("stop")], None)


async def test_text_in_parts_is_joined_and_other_parts_left_out(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    content = [{"type": "thinking", "thinking": []}, {"type": "text", "text": "said"}]
    chunk = json.dumps({"choices": [{"delta": {"content": content}}]}).encode()
    model.script(Raw(b"data: " + chunk + b"\n\n"), *ENDING)
    pieces, _ = await collect(writer)
    assert text_of(pieces) == "said"


async def test_tokens_that_look_like_signals_are_text(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    said = ["42", "null", "[DONE]", "\r\n\nevent: generation_complete\ndata: {}\n\n"]
    model.script(*(Say(text) for text in said), *ENDING)
    pieces, failure = await collect(writer)
    assert (text_of(pieces), failure) == ("".join(said), None)


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("content_filter", "content_filter"),
        ("tool_calls", "stop"),
        ("eos_token", "stop"),
    ],
)
async def test_finish_reasons_are_mapped(
    model: FakeModel, writer: OpenAIWriter, sent: str, reason: str
) -> None:
    model.script(Say("a"), Finish(sent), Done())
    pieces, _ = await collect(writer)
    assert pieces[-1] == Finished(reason)


async def test_an_end_after_the_reason_is_enough_without_done(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    model.script(Say("a"), Finish())
    assert await collect(writer) == ([Text("a"), Finished("stop")], None)


@pytest.mark.parametrize("last", [Cut(), Stall(), Raw(b"data: {\n")])
async def test_what_goes_wrong_after_the_reason_does_not_unmake_the_text(
    model: FakeModel, writer: OpenAIWriter, last: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.writers.exchange._AFTER_REASON_S", 0.1)
    model.script(Say("a"), Finish(), Usage(), last)
    pieces, failure = await collect(writer)
    assert (pieces, failure) == ([Text("a"), Finished("stop", 11, 7)], None)


async def test_text_after_a_reason_given_too_early_is_not_lost(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    model.script(Say("a"), Finish(), Say("b"), Finish("length"), Done())
    pieces, _ = await collect(writer)
    assert (text_of(pieces), pieces[-1]) == ("ab", Finished("length"))


async def test_a_server_that_keeps_the_connection_open_after_done_is_left(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    model.script(Say("a"), *ENDING, Heartbeats())
    pieces, failure = await collect(writer)
    assert (pieces[-1], failure) == (Finished("stop", 11, 7), None)
    await closed(model)


async def test_the_connection_is_used_again_for_the_next_answer(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    for _ in range(3):
        await collect(writer)
    assert len({call.client_port for call in model.calls}) == 1


# Torn characters and thoughts


async def test_a_surrogate_pair_split_over_two_deltas_is_one_character(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    model.script(Say("x\ud83d"), Say("\ude00y"), *ENDING)
    pieces, failure = await collect(writer)
    assert (text_of(pieces), failure) == ("x😀y", None)


async def test_lone_halves_become_replacement_characters(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    model.script(Say("\ude00a"), Say("b\ud83d"), Say("c\ud83d"), *ENDING)
    pieces, failure = await collect(writer)
    assert (text_of(pieces), failure) == ("\ufffdab\ufffdc\ufffd", None)


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
async def test_reasoning_is_a_sign_of_life_and_not_text(
    model: FakeModel, writer: OpenAIWriter, name: str
) -> None:
    thought = asyncio.Event()
    model.script(Think("hmm", name), Wait(thought), Say("a"), *ENDING)
    async with asyncio.timeout(5), aclosing(writer.write(ASSIGNMENT)) as stream:
        assert await anext(stream) == Thinking()
        thought.set()
        assert await first_text(stream) == "a"


async def test_a_think_block_split_over_deltas_never_leaks(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    parts = ["\n<th", "ink>", "secret </th", " </think", ">", "\n\n", "The answer", " <think>"]
    thought = asyncio.Event()
    said = [Say(part) for part in parts]
    model.script(*said[:3], Wait(thought), *said[3:], *ENDING)
    async with asyncio.timeout(5), aclosing(writer.write(ASSIGNMENT)) as stream:
        assert await anext(stream) == Thinking()
        thought.set()
        assert text_of([piece async for piece in stream]) == "The answer <think>"


THOUGHTS = {
    "<think>a</think>b": "b",
    " \n<think>a<think></think>\n\n b </think>": "b </think>",
    "<think>never closed </think": "",
    "<thin": "<thin",
    "  <thinking>b": "  <thinking>b",
    "a<think>b</think>": "a<think>b</think>",
    "<think></think>": "",
    "": "",
    " ": " ",
}


@given(st.sampled_from(sorted(THOUGHTS)), st.data())
def test_any_cut_of_a_thought_gives_the_same_answer(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    thoughts = ThinkFilter()
    ends = zip([0, *cuts], [*cuts, len(text)], strict=True)
    answer = "".join(thoughts.feed(text[a:b]) for a, b in ends) + thoughts.close()
    assert answer == THOUGHTS[text]


def test_endless_white_space_is_not_held_for_a_thought() -> None:
    thoughts = ThinkFilter()
    assert sum(len(thoughts.feed(" ")) for _ in range(1000)) > 900


@given(st.text(max_size=40), st.data())
def test_any_cut_of_a_body_gives_the_same_text(said: str, data: st.DataObject) -> None:
    said = "a" + said  # so that no think block stands at the start
    units = said.encode("utf-16-le")
    deltas = [
        Say(units[i : i + 2].decode("utf-16-le", "surrogatepass")) for i in range(0, len(units), 2)
    ]
    body = wire(*deltas, *ENDING)
    cut = data.draw(st.integers(0, len(body)))
    stream = CompletionStream()
    pieces = stream.feed(body[:cut]) + stream.feed(body[cut:]) + stream.close()
    assert text_of(pieces) == said
    assert stream.failure is None


# Failures inside the stream


@pytest.mark.parametrize(
    "bad",
    [
        Fail("sk-secret detail"),
        Raw(b'data: {"error": "unexpected EOF"}\n\n'),
        Raw(b"event: error\ndata: oops\n\n"),
        Raw(b"data: {not json}\n\n"),
        Raw(b"data: 42\n\n"),
        Raw(b'data: {"choices":[{"delta":{"content":7}}]}\n\n'),
        Raw(b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n'),
        Raw(b"data: " + b"[" * 100_000 + b"\n\n"),
        Raw(b'data: {"choices":' + b"9" * 5_000 + b"}\n\n"),
        Finish("error"),
        Done(),
        Cut(),
        Raw(b""),
    ],
    ids=lambda bad: str(bad)[:40],
)
async def test_a_stream_that_goes_wrong_keeps_the_text_before_it(
    model: FakeModel, writer: OpenAIWriter, bad: Step
) -> None:
    model.script(Say("kept"), Say(" text <"), bad)
    pieces, failure = await collect(writer)
    assert text_of(pieces) == "kept text <"
    assert not any(isinstance(piece, Finished) for piece in pieces)
    assert failure is not None
    assert (failure.code, failure.retryable) == ("LLM_ERROR", True)
    assert "secret" not in failure.message
    assert len(model.calls) == 1


async def test_text_in_the_same_chunk_as_the_error_is_kept(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    model.script(Raw(wire(Say("kept"), Fail(), Say("not this"))))
    pieces, failure = await collect(writer)
    assert (pieces, failure is not None) == ([Text("kept")], True)


async def test_an_empty_chunk_and_an_end_are_not_an_answer(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    model.script(Say(""))
    pieces, failure = await collect(writer)
    assert pieces == []
    assert failure is not None
    assert failure.code == "LLM_ERROR"


async def test_one_enormous_delta_is_refused(model: FakeModel, writer: OpenAIWriter) -> None:
    model.script(Say("kept"), Raw(wire(Say("x" * 10_000_000)), piece=1 << 16), *ENDING)
    pieces, failure = await collect(writer)
    assert text_of(pieces) == "kept"
    assert failure is not None
    assert failure.code == "LLM_ERROR"
    await closed(model)


def test_the_whole_text_has_a_cap() -> None:
    stream = CompletionStream(max_chars=10)
    pieces = stream.feed(wire(Say("123456789"), Say("0")))
    assert stream.failure is None
    assert text_of(pieces + stream.feed(wire(Say("x"), Say("y")))) == "1234567890"
    assert stream.failure is not None


async def test_a_page_or_a_document_is_not_an_answer(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    completion = json.dumps({"choices": [{"message": {"content": "no stream"}}]})
    for reply in (page(), Answer(200, '{"error": {"message": "x"}}'), Answer(200, completion)):
        model.script(reply)
        pieces, failure = await collect(writer)
        assert pieces == []
        assert failure is not None
        assert failure.code == "LLM_ERROR"
        assert "FOOTNOTE_LLM_URL" in failure.message
    assert len(model.calls) == 3


async def test_a_compressed_answer_is_not_unpacked(model: FakeModel, writer: OpenAIWriter) -> None:
    model.script(Headers({"Content-Encoding": "gzip"}), Say("a"), *ENDING)
    assert (await failure_of(writer)).code == "LLM_ERROR"
    assert (await model.call(0)).headers["Accept-Encoding"] == "identity"


# Silence


async def test_silence_before_the_first_byte_ends_by_our_clock(
    model: FakeModel, make_writer: WriterFactory
) -> None:
    model.script(Wait(asyncio.Event()))
    failure = await failure_of(make_writer(model.url, idle_timeout_s=0.1))
    assert (failure.code, failure.retryable) == ("LLM_TIMEOUT", True)
    await closed(model)
    assert len(model.calls) == 1


async def test_silence_after_some_text_keeps_the_text(
    model: FakeModel, make_writer: WriterFactory
) -> None:
    model.script(Say("kept <"), Stall())
    pieces, failure = await collect(make_writer(model.url, idle_timeout_s=0.1))
    assert text_of(pieces) == "kept <"
    assert failure is not None
    assert failure.code == "LLM_TIMEOUT"
    await closed(model)


@pytest.mark.parametrize(
    "heartbeat",
    [Comment(), Say(""), Raw(b"event: ping\ndata: {}\n\n"), Raw(b":"), Raw(b"data: \n\n")],
)
async def test_heartbeats_are_not_progress(
    model: FakeModel, make_writer: WriterFactory, heartbeat: Step
) -> None:
    model.script(Say("a"), *[heartbeat, Pause(0.01)] * 500)
    failure = await failure_of(make_writer(model.url, idle_timeout_s=0.1))
    assert failure.code == "LLM_TIMEOUT"
    await closed(model)


async def test_a_slow_consumer_does_not_use_up_the_servers_time(
    model: FakeModel, make_writer: WriterFactory
) -> None:
    read = asyncio.Event()
    model.script(Say("a"), Wait(read), Say("b"), *ENDING)
    writer = make_writer(model.url, idle_timeout_s=0.2)
    async with asyncio.timeout(5), aclosing(writer.write(ASSIGNMENT)) as stream:
        assert await first_text(stream) == "a"
        read.set()
        await (await model.call(0)).served.wait()
        await asyncio.sleep(0.3)  # the time is what is tested
        rest = [piece async for piece in stream]
    assert rest[-1] == Finished("stop", 11, 7)


async def test_reasoning_keeps_the_clock_from_running_out(
    model: FakeModel, make_writer: WriterFactory
) -> None:
    gates = [asyncio.Event() for _ in range(5)]
    thoughts = [step for gate in gates for step in (Wait(gate), Think("hmm"))]
    model.script(Think("hm"), *thoughts, Say("a"), *ENDING)
    writer = make_writer(model.url, idle_timeout_s=0.4)
    async with asyncio.timeout(5), aclosing(writer.write(ASSIGNMENT)) as stream:
        for gate in gates:
            assert await anext(stream) == Thinking()
            asyncio.get_running_loop().call_later(0.15, gate.set)
        assert await first_text(stream) == "a"


# Before the first token


async def test_a_busy_server_is_waited_for_as_it_asks(
    model: FakeModel, make_writer: WriterFactory
) -> None:
    sleeps = Sleeps()
    model.script(busy("2"))
    model.script(Say("a"), *ENDING)
    pieces, failure = await collect(make_writer(model.url, sleep=sleeps))
    assert failure is None
    assert isinstance(pieces[0], Waiting)
    assert (pieces[0].delay_s, pieces[0].attempt) == (sleeps.waits_s[0], 1)
    assert 2.0 <= sleeps.waits_s[0] <= 3.0
    assert text_of(pieces) == "a"


async def test_a_wait_may_be_asked_for_as_a_date(
    model: FakeModel, make_writer: WriterFactory
) -> None:
    sleeps = Sleeps()
    model.script(busy(format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)))
    await collect(make_writer(model.url, sleep=sleeps))
    assert 15.0 < sleeps.waits_s[0] < 26.0


NOW = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2.0),
        (" 0 ", 0.0),
        ("9" * 5000, 86400.0),
        ("-5", 0.0),
        ("nan", 0.0),
        ("٣", 0.0),
        ("", 0.0),
        ("Wed, 01 Jan 2025 00:00:30 GMT", 30.0),
        ("Wed, 01 Jan 2025 00:00:30 -0000", 30.0),
        ("Tue, 31 Dec 2024 00:00:00 GMT", 0.0),
        ("Fri, 01 Jan 99999999 00:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_read_and_nonsense_ignored(header: str, seconds: float) -> None:
    assert asked_wait_s(header, NOW) == seconds


@pytest.mark.parametrize("retry_after", [None, "3"])
@pytest.mark.parametrize("chance", [0.0, 1.0])
async def test_a_server_that_stays_busy_is_tried_three_times_with_growing_waits(
    model: FakeModel, make_writer: WriterFactory, retry_after: str | None, chance: float
) -> None:
    sleeps = Sleeps()
    model.default = [busy(retry_after)]
    pieces, failure = await collect(make_writer(model.url, sleep=sleeps, chance=lambda: chance))
    assert failure is not None
    assert (failure.code, failure.retryable) == ("RATE_LIMITED", True)
    assert failure.retry_after_s is not None
    assert failure.retry_after_s >= 3
    assert len(model.calls) == 3
    assert [piece.attempt for piece in pieces if isinstance(piece, Waiting)] == [1, 2]
    assert 1.0 <= sleeps.waits_s[0] < sleeps.waits_s[1] < 6.0


async def test_a_wait_that_is_too_long_is_told_at_once(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    model.script(busy("3600"))
    failure = await failure_of(writer)
    assert failure.code == "RATE_LIMITED"
    assert failure.retry_after_s is not None
    assert 3600 <= failure.retry_after_s <= 3601
    assert "minutes" in failure.message
    assert len(model.calls) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 529])
async def test_a_broken_server_is_tried_three_times(
    model: FakeModel, writer: OpenAIWriter, status: int
) -> None:
    model.default = [Answer(status, "secret detail")]
    failure = await failure_of(writer)
    assert len(model.calls) == 3
    assert failure.code == ("SERVICE_UNAVAILABLE" if status == 503 else "LLM_ERROR")
    assert "secret" not in failure.message


@pytest.mark.parametrize("first", [Answer(500), busy(), Cut()])
async def test_a_server_that_recovers_is_not_a_failure(
    model: FakeModel, writer: OpenAIWriter, first: Step
) -> None:
    model.script(first)
    model.script(Say("a"), *ENDING)
    pieces, failure = await collect(writer)
    assert failure is None
    assert [type(piece) for piece in pieces] == [Waiting, Text, Finished]


async def test_an_answer_that_has_begun_is_not_asked_for_again(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    model.script(Comment(), Cut())
    assert (await failure_of(writer)).code == "LLM_ERROR"
    assert len(model.calls) == 1


QUOTA = '{"error": {"code": "insufficient_quota", "message": "You exceeded secret"}}'
CONTEXT = '{"error": {"code": "context_length_exceeded", "message": "maximum secret"}}'


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Answer(401, "secret"), "FOOTNOTE_LLM_KEY"),
        (Answer(403, "secret"), "FOOTNOTE_LLM_KEY"),
        (Answer(402, "secret"), "no credit"),
        (Answer(429, QUOTA), "no credit"),
        (Answer(404, "secret"), "FOOTNOTE_LLM_MODEL"),
        (Answer(400, CONTEXT), "too long"),
        (Answer(413, "secret"), "too long"),
        (Answer(400, "secret"), "refused the request"),
        (Answer(418, "secret"), "refused the request"),
        (Answer(204), "empty"),
        (page(403), "FOOTNOTE_LLM_KEY"),
    ],
)
async def test_what_a_new_try_cannot_mend_is_told_at_once(
    model: FakeModel, writer: OpenAIWriter, reply: Answer, words: str
) -> None:
    model.script(reply)
    failure = await failure_of(writer)
    assert words in failure.message
    assert (failure.code, failure.retryable) == ("LLM_ERROR", False)
    assert "secret" not in failure.message
    assert len(model.calls) == 1


async def test_the_body_of_a_refusal_is_read_only_so_far(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    model.script(Answer(400, "x" * 20_000_000))
    assert "refused the request" in (await failure_of(writer)).message
    await closed(model)


async def test_a_server_that_is_not_there_fails_soon_and_says_when_to_come_back(
    make_writer: WriterFactory,
) -> None:
    sleeps = Sleeps()
    failure = await failure_of(make_writer(f"http://127.0.0.1:{unused_port()}/v1", sleep=sleeps))
    assert (failure.code, failure.retry_after_s) == ("SERVICE_UNAVAILABLE", 30)
    assert failure.retryable
    assert len(sleeps.waits_s) == 2
    assert sum(sleeps.waits_s) < 3.0


async def test_a_name_that_does_not_exist_is_a_server_that_is_not_there(
    make_writer: WriterFactory,
) -> None:
    failure = await failure_of(make_writer("http://nowhere.invalid/v1"))
    assert failure.code == "SERVICE_UNAVAILABLE"
    assert "nowhere" not in failure.message


async def test_a_connection_that_takes_too_long_is_not_tried_again(
    make_writer: WriterFactory,
) -> None:
    sleeps = Sleeps()
    with full_backlog() as url:
        failure = await failure_of(make_writer(url, sleep=sleeps, connect_timeout_s=0.1))
    assert failure.code == "SERVICE_UNAVAILABLE"
    assert sleeps.waits_s == []


# Hostile servers, keys, the environment


async def test_redirects_are_refused_and_the_key_stays_here(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    async with FakeModel() as other:
        for status in (301, 302, 303, 307, 308):
            model.script(Answer(status, headers={"Location": f"{other.url}/chat/completions"}))
            failure = await failure_of(writer)
            assert "FOOTNOTE_LLM_URL" in failure.message
            assert not failure.retryable
        assert other.calls == []


async def test_huge_headers_and_cookies_do_no_harm(model: FakeModel, writer: OpenAIWriter) -> None:
    model.script(Headers({"X-Huge": "x" * 60_000, "Set-Cookie": "a=b"}), Say("a"), *ENDING)
    assert text_of((await collect(writer))[0]) == "a"
    await collect(writer)
    assert "Cookie" not in (await model.call(1)).headers


async def test_the_environment_has_no_influence(
    model: FakeModel, make_writer: WriterFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {
        "OPENAI_API_KEY": "sk-env",
        "OPENAI_ADMIN_KEY": "sk-env",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/env",
        "OPENAI_ORG_ID": "env",
        "OPENAI_PROJECT_ID": "env",
        "OPENAI_WEBHOOK_SECRET": "env",
        "OPENAI_CUSTOM_HEADERS": "X-Env: env\nAuthorization: Bearer env",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "http_proxy": "http://127.0.0.1:9",
        "ALL_PROXY": "http://127.0.0.1:9",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    for key in (KEY, ""):
        _, failure = await collect(make_writer(model.url, key=key))
        assert failure is None
    assert not any("env" in str(call.headers) for call in model.calls)
    assert [call.headers.get("Authorization") for call in model.calls] == [f"Bearer {KEY}", None]


async def test_a_torn_tls_connection_is_a_cut(make_writer: WriterFactory) -> None:
    class Torn:
        content = property(lambda self: self)

        async def readany(self) -> bytes:
            raise ssl.SSLError

    with pytest.raises(ConnectionError):
        await Body(cast(aiohttp.ClientResponse, Torn())).read()


@pytest.mark.parametrize(
    "url",
    ["", "localhost:8000", "file:///etc/passwd", "http://", "http://u:p@host/v1", "http://h/?k=1"]
    + ["http://host:port/v1", "ftp://host/v1"],
)
def test_an_address_that_cannot_work_is_refused_at_once(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        OpenAIWriter(url, KEY, "fake")
    assert caught.value.field == "llm_url"


@pytest.mark.parametrize("key", ["sk-a\nb", "sk-ä", "sk a", "sk-a\r\nX-Evil: 1"])
def test_a_key_that_cannot_be_sent_is_refused_at_once(key: str) -> None:
    with pytest.raises(Invalid) as caught:
        OpenAIWriter("http://127.0.0.1/v1", key, "fake")
    assert caught.value.field == "llm_key"
    assert key not in caught.value.message


async def test_neither_messages_nor_logs_hold_the_key_or_the_servers_words(
    model: FakeModel, make_writer: WriterFactory, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="footnote")
    writer = make_writer(model.url)
    told: list[str] = []
    for steps in ([Answer(500, KEY)], [Answer(401, KEY)], [Answer(400, KEY)], [Fail(KEY)], [Cut()]):
        model.default = steps
        told.append((await failure_of(writer)).message)
    told += [record.getMessage() for record in caplog.records]
    assert len(told) > 5
    assert not any(KEY in words or model.url in words for words in told)
    assert KEY not in repr(writer)


def test_the_sdk_is_not_imported_before_a_writer_is_made() -> None:
    code = "import sys, engine.writers.openai_compat; sys.exit('openai' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=30).returncode == 0


# Leaving


@pytest.mark.parametrize(
    "steps", [[], [Comment()], [Say("a")], [Say("a"), Finish()]], ids=lambda steps: str(steps)
)
async def test_cancelling_the_task_closes_the_upstream(
    model: FakeModel, writer: OpenAIWriter, steps: list[Step]
) -> None:
    before = asyncio.all_tasks()
    reached = asyncio.Event()
    model.script(*steps, Signal(reached), Wait(asyncio.Event()))
    task = asyncio.create_task(next_pieces(writer.write(ASSIGNMENT)))
    async with asyncio.timeout(5):
        await reached.wait()
    task.cancel()
    await closed(model)
    with pytest.raises(asyncio.CancelledError):
        await task
    await no_tasks_but(before)


@pytest.mark.parametrize("steps", [[Say("a")], [Say("a"), Finish()]])
async def test_closing_the_generator_closes_the_upstream(
    model: FakeModel, writer: OpenAIWriter, steps: list[Step]
) -> None:
    before = asyncio.all_tasks()
    model.script(*steps, Stall())
    stream = writer.write(ASSIGNMENT)
    async with asyncio.timeout(5):
        assert await first_text(stream) == "a"
        await stream.aclose()
    await closed(model)
    await no_tasks_but(before)


async def test_closing_the_generator_while_it_waits_for_a_busy_server_ends_it(
    model: FakeModel, make_writer: WriterFactory
) -> None:
    model.default = [busy("5")]
    stream = make_writer(model.url, sleep=asyncio.sleep).write(ASSIGNMENT)
    async with asyncio.timeout(2):
        assert isinstance(await anext(stream), Waiting)
        await stream.aclose()
    assert len(model.calls) == 1


async def test_cancelling_a_wait_for_a_busy_server_ends_it(
    model: FakeModel, make_writer: WriterFactory
) -> None:
    model.default = [busy("5")]
    sleeping = asyncio.Event()

    async def sleep(_: float) -> None:
        sleeping.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(next_pieces(make_writer(model.url, sleep=sleep).write(ASSIGNMENT)))
    async with asyncio.timeout(2):
        await sleeping.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(model.calls) == 1


async def test_cancelling_while_connecting_ends_at_once(make_writer: WriterFactory) -> None:
    with full_backlog() as url:
        task = asyncio.create_task(next_pieces(make_writer(url).write(ASSIGNMENT)))
        await asyncio.sleep(0.05)  # a connection in the making gives no sign to wait for
        task.cancel()
        async with asyncio.timeout(1):
            with pytest.raises(asyncio.CancelledError):
                await task


async def test_many_answers_at_once_do_not_wait_for_each_other(
    model: FakeModel, writer: OpenAIWriter
) -> None:
    gate = asyncio.Event()
    model.default = [Say("a"), Wait(gate), *ENDING]
    tasks = [asyncio.create_task(collect(writer)) for _ in range(150)]
    async with asyncio.timeout(10):
        await model.call(149)
        gate.set()
        assert all(failure is None for _, failure in await asyncio.gather(*tasks))
