"""The writer for Ollama's native API against a real server on a loopback port.

What it shares with the OpenAI-compatible writer is tested there in depth and here in its outline.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import make_writer as writer_for
from engine.clock import Beat
from engine.config import Config
from engine.errors import Invalid
from engine.writers.ollama import OllamaWriter
from engine.writers.ollama_chat import OllamaAnswer
from engine.writers.prompt_size import least_tokens
from engine.writers.writer import Assignment, Finished, Message, Text, Thinking, Waiting
from tests.fake_model import (
    Answer,
    Cut,
    Headers,
    Pause,
    Raw,
    Signal,
    Stall,
    Step,
    Wait,
    busy,
    page,
)
from tests.fake_ollama import FakeOllama, end, fail, line, say, tags, think
from tests.writing import (
    ASSIGNMENT,
    Sleeps,
    closed,
    collect,
    failure_of,
    first_text,
    next_pieces,
    no_tasks_but,
    no_wait,
    text_of,
    unused_port,
)

WriterFactory = Callable[..., OllamaWriter]


@pytest.fixture
async def ollama() -> AsyncIterator[FakeOllama]:
    async with FakeOllama() as fake:
        yield fake


@pytest.fixture
async def make_writer() -> AsyncIterator[WriterFactory]:
    """Make writers that wait for nothing between tries and are closed at the end."""
    made: list[OllamaWriter] = []

    def make(url: str, **options: Any) -> OllamaWriter:
        settings = {"idle_timeout_s": 4.0, "sleep": no_wait, "chance": lambda: 0.5} | options
        key, name = settings.pop("key", ""), settings.pop("model", "fake")
        made.append(OllamaWriter(url, key, name, **settings))
        return made[-1]

    yield make
    for writer in made:
        await writer.close()


@pytest.fixture
def writer(ollama: FakeOllama, make_writer: WriterFactory) -> OllamaWriter:
    return make_writer(ollama.url)


# A good answer


async def test_text_arrives_in_order_and_ends_with_the_reason_and_the_counts(
    ollama: FakeOllama, writer: OllamaWriter
) -> None:
    ollama.script(say(""), say("Hello"), say(" wörld"), say(" 😀"), end())
    pieces, failure = await collect(writer)
    assert failure is None
    assert text_of(pieces) == "Hello wörld 😀"
    assert pieces[-1] == Finished("stop", 11, 7)


async def test_the_request_holds_the_prompt_and_forbids_cutting_it(
    ollama: FakeOllama, writer: OllamaWriter
) -> None:
    await collect(writer)
    call = await ollama.call(0)
    assert call.path == "/api/chat"
    assert call.body == {
        "model": "fake",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Who?"},
        ],
        "stream": True,
        "truncate": False,
        "shift": False,
        "options": {"num_ctx": 16_384},
    }
    assert "Authorization" not in call.headers


async def test_what_an_assignment_asks_of_the_model_is_sent(
    ollama: FakeOllama, make_writer: WriterFactory
) -> None:
    assignment = Assignment("", (), (), temperature=0.0, max_tokens=9, top_p=0.5, model="other")
    await collect(make_writer(ollama.url, num_ctx=512, key="secret"), assignment)
    call = await ollama.call(0)
    assert call.body["model"] == "other"
    assert call.body["options"] == {
        "num_ctx": 512,
        "temperature": 0.0,
        "top_p": 0.5,
        "num_predict": 9,
    }
    assert call.headers["Authorization"] == "Bearer secret"


async def test_a_lone_surrogate_in_the_prompt_does_not_break_the_request(
    ollama: FakeOllama, writer: OllamaWriter
) -> None:
    await collect(writer, Assignment("", (), (), messages=(Message("user", "a\ud83db"),)))
    assert (await ollama.call(0)).body["messages"][0]["content"] == "a\ufffdb"


async def test_the_body_may_be_cut_at_any_byte(ollama: FakeOllama, writer: OllamaWriter) -> None:
    body = b"".join(step.data for step in (say("größer "), say("😀"), end()))
    ollama.script(Raw(b"\xef\xbb\xbf" + body.replace(b"\n", b"\r\n"), piece=1))
    pieces, failure = await collect(writer)
    assert (text_of(pieces), failure) == ("größer 😀", None)


@given(st.text(max_size=40), st.data())
def test_any_cut_of_a_body_gives_the_same_text(said: str, data: st.DataObject) -> None:
    said = "a" + said  # so that no think block stands at the start
    body = b"".join(step.data for step in (*map(say, said), end()))
    cut = data.draw(st.integers(0, len(body)))
    reader = OllamaAnswer()
    pieces = reader.feed(body[:cut]) + reader.feed(body[cut:]) + reader.close()
    assert (text_of(pieces), reader.failure) == (said, None)


async def test_null_content_unknown_fields_and_blank_lines_are_ignored(
    ollama: FakeOllama, writer: OllamaWriter
) -> None:
    odd = [Raw(b"\n\r\n"), line(message=None), line(x={"y": [None]}), Raw(b"{}\n"), line(error="")]
    tools = line(message={"content": "", "tool_calls": [{"function": {"name": "f"}}]})
    ollama.script(say(None), *odd, tools, say("ok", logprobs=[]), end(prompt=None, text=None))
    assert await collect(writer) == ([Text("ok"), Finished("stop")], None)


async def test_a_last_line_without_an_end_counts(ollama: FakeOllama, writer: OllamaWriter) -> None:
    ollama.script(say("a"), Raw(end().data.rstrip()))
    assert await collect(writer) == ([Text("a"), Finished("stop", 11, 7)], None)


@pytest.mark.parametrize(
    ("sent", "reason"), [("stop", "stop"), ("length", "length"), ("other", "stop")]
)
async def test_reasons_are_mapped(
    ollama: FakeOllama, writer: OllamaWriter, sent: str, reason: str
) -> None:
    ollama.script(say("a"), end(sent))
    pieces, _ = await collect(writer)
    assert pieces[-1] == Finished(reason, 11, 7)


async def test_what_follows_the_end_is_not_read(ollama: FakeOllama, writer: OllamaWriter) -> None:
    ollama.script(Raw(say("a").data + end().data + say("b").data + fail().data), Stall())
    assert await collect(writer) == ([Text("a"), Finished("stop", 11, 7)], None)
    await closed(ollama)


async def test_the_connection_is_used_again_for_the_next_answer(
    ollama: FakeOllama, writer: OllamaWriter
) -> None:
    for _ in range(3):
        await collect(writer)
    assert len({call.client_port for call in ollama.calls}) == 1


async def test_a_continued_text_is_not_repeated(ollama: FakeOllama, writer: OllamaWriter) -> None:
    ollama.script(say("fox jumps over the"), say(" dog."), end())
    pieces, _ = await collect(writer, Assignment("", (), (), "The quick fox jumps over"))
    assert text_of(pieces) == " the dog."


# Thoughts


async def test_thinking_is_a_sign_of_life_and_not_text(
    ollama: FakeOllama, writer: OllamaWriter
) -> None:
    gate = asyncio.Event()
    ollama.script(think("hmm"), Wait(gate), say("a"), end())
    async with asyncio.timeout(5), aclosing(writer.write(ASSIGNMENT)) as stream:
        assert await anext(stream) == Thinking()
        gate.set()
        assert text_of([piece async for piece in stream]) == "a"


async def test_a_think_block_split_over_lines_never_leaks(
    ollama: FakeOllama, writer: OllamaWriter
) -> None:
    ollama.script(*map(say, ["<th", "ink>", "secret </thi", "nk>", "\n\n", "The answer"]), end())
    pieces, _ = await collect(writer)
    assert text_of(pieces) == "The answer"


# Failures inside the stream


@pytest.mark.parametrize(
    "bad",
    [
        fail("llama runner process has terminated: sk-secret"),
        line(error={"message": "secret"}),
        Raw(b"{not json}\n"),
        Raw(b"42\n"),
        Raw(b'{"message": {"content": 7}}\n'),
        Raw(b'{"message": {"content": "\xff"}}\n'),
        Raw(b"[" * 100_000 + b"\n"),
        Raw(b'{"done": ' + b"9" * 5_000 + b"}\n"),
        end(None),
        end(""),
        end("load"),
        end("unload"),
        Cut(),
        Raw(b""),
        Raw(b'{"message": {"content": "cut'),
        Raw(end().data[:-3]),
    ],
    ids=lambda bad: str(bad)[:40],
)
async def test_a_stream_that_goes_wrong_keeps_the_text_before_it(
    ollama: FakeOllama, writer: OllamaWriter, bad: Step
) -> None:
    ollama.script(say("kept"), say(" text <"), bad)
    pieces, failure = await collect(writer)
    assert text_of(pieces) == "kept text <"
    assert not any(isinstance(piece, Finished) for piece in pieces)
    assert failure is not None
    assert (failure.code, failure.retryable) == ("LLM_ERROR", True)
    assert "secret" not in failure.message
    assert len(ollama.calls) == 1


async def test_text_in_the_same_chunk_as_the_error_is_kept(
    ollama: FakeOllama, writer: OllamaWriter
) -> None:
    ollama.script(Raw(say("kept").data + fail().data + say("not this").data))
    pieces, failure = await collect(writer)
    assert (pieces, failure is not None) == ([Text("kept")], True)


async def test_one_enormous_line_is_refused(ollama: FakeOllama, writer: OllamaWriter) -> None:
    ollama.script(say("kept"), Raw(say("x" * 10_000_000).data, piece=1 << 16), end())
    pieces, failure = await collect(writer)
    assert text_of(pieces) == "kept"
    assert failure is not None
    assert failure.code == "LLM_ERROR"
    await closed(ollama)


def test_the_whole_text_has_a_cap() -> None:
    reader = OllamaAnswer(max_chars=10)
    pieces = reader.feed(say("123456789").data + say("0").data)
    assert reader.failure is None
    assert text_of(pieces + reader.feed(say("x").data + say("y").data)) == "1234567890"
    assert reader.failure is not None


async def test_a_page_or_a_stream_of_events_is_not_an_answer(
    ollama: FakeOllama, writer: OllamaWriter
) -> None:
    events = Answer(200, "data: [DONE]\n\n", content_type="text/event-stream")
    for reply in (page(), events, Answer(200, '{"done": true, "done_reason": "load"}')):
        ollama.script(reply)
        assert "FOOTNOTE_LLM_URL" in (await failure_of(writer)).message
    ollama.script(Headers({"Content-Encoding": "gzip"}), say("a"))
    assert (await failure_of(writer)).code == "LLM_ERROR"


# A prompt that is too long


def prompt(text: str) -> Assignment:
    return Assignment("", (), (), messages=(Message("system", "Be brief."), Message("user", text)))


PROSE = "Every sign-in is written to an audit log kept for four hundred days. "


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        (PROSE * 10, 150),
        ("Die Anmeldung wird protokolliert und vierhundert Tage aufbewahrt. " * 10, 140),
        ("每次登录都会写入审计日志，并保留四百天。" * 10, 130),
        ("1234 5678 90.12 " * 10, 100),
        ("." * 5000 + " " * 5000 + "-" * 5000 + "\n" * 5000, 300),
        ("", 0),
    ],
)
def test_the_size_of_a_prompt_is_never_overestimated(text: str, tokens: int) -> None:
    """The tokens are what common tokenizers make of the text at least."""
    assert least_tokens([text]) <= tokens


async def test_a_prompt_that_cannot_fit_is_refused_before_it_is_sent(
    ollama: FakeOllama, make_writer: WriterFactory
) -> None:
    failure = await failure_of(make_writer(ollama.url, num_ctx=256), prompt(PROSE * 30))
    assert "256 tokens" in failure.message
    assert "FOOTNOTE_OLLAMA_NUM_CTX" in failure.message
    assert (failure.code, failure.retryable) == ("LLM_ERROR", False)
    assert ollama.calls == []


@pytest.mark.parametrize(
    "words",
    [
        "the input length exceeds the context length",
        "the prompt is longer than the context length currently available to the model",
        "the request (5034 tokens) exceeds the available context size (4096 tokens)",
    ],
)
async def test_a_prompt_that_the_server_finds_too_long_is_told_with_what_to_do(
    ollama: FakeOllama, writer: OllamaWriter, words: str
) -> None:
    ollama.script(Answer(400, json.dumps({"error": words})))
    failure = await failure_of(writer)
    assert "FOOTNOTE_OLLAMA_NUM_CTX" in failure.message
    assert not failure.retryable
    assert len(ollama.calls) == 1


@pytest.mark.parametrize("counted", [514, 1024, 1030])
async def test_a_prompt_that_was_cut_in_silence_is_a_warning(
    ollama: FakeOllama, make_writer: WriterFactory, counted: int
) -> None:
    """Ollama leaves half of the context when the prompt is over it, older ones fill it."""
    ollama.script(say("a"), end(prompt=counted))
    pieces, failure = await collect(make_writer(ollama.url, num_ctx=1024), prompt(PROSE * 72))
    assert failure is None
    assert isinstance(pieces[-1], Finished)
    assert (pieces[-1].reason, pieces[-1].prompt_tokens) == ("stop", counted)
    assert "FOOTNOTE_OLLAMA_NUM_CTX" in pieces[-1].warnings[0]


@pytest.mark.parametrize("counted", [None, 1000, 1023])
async def test_a_prompt_that_was_read_whole_is_no_warning(
    ollama: FakeOllama, make_writer: WriterFactory, counted: int | None
) -> None:
    ollama.script(say("a"), end(prompt=counted))
    pieces, _ = await collect(make_writer(ollama.url, num_ctx=1024), prompt(PROSE * 65))
    assert pieces[-1] == Finished("stop", counted, 7)


# Before the first token, silence, leaving


async def test_a_server_that_is_not_there_fails_soon_and_says_when_to_come_back(
    make_writer: WriterFactory,
) -> None:
    sleeps = Sleeps()
    failure = await failure_of(make_writer(f"http://127.0.0.1:{unused_port()}", sleep=sleeps))
    assert (failure.code, failure.retry_after_s) == ("SERVICE_UNAVAILABLE", 30)
    assert len(sleeps.waits_s) == 2


@pytest.mark.parametrize("first", [Answer(500), Answer(503), busy(), Cut()])
async def test_a_server_that_recovers_is_not_a_failure(
    ollama: FakeOllama, writer: OllamaWriter, first: Step
) -> None:
    ollama.script(first)
    ollama.script(say("a"), end())
    pieces, failure = await collect(writer)
    assert failure is None
    assert [type(piece) for piece in pieces] == [Waiting, Text, Finished]


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Answer(404, '{"error": "model \'secret\' not found"}'), "FOOTNOTE_LLM_MODEL"),
        (Answer(400, '{"error": "\\"secret\\" does not support chat"}'), "refused the request"),
        (Answer(401, "secret"), "FOOTNOTE_LLM_KEY"),
    ],
)
async def test_what_a_new_try_cannot_mend_is_told_at_once(
    ollama: FakeOllama, writer: OllamaWriter, reply: Answer, words: str
) -> None:
    ollama.script(reply)
    failure = await failure_of(writer)
    assert words in failure.message
    assert "secret" not in failure.message
    assert not failure.retryable
    assert len(ollama.calls) == 1


async def test_redirects_are_refused_and_the_key_stays_here(
    ollama: FakeOllama, make_writer: WriterFactory
) -> None:
    async with FakeOllama() as other:
        ollama.script(Answer(307, headers={"Location": f"{other.url}/api/chat"}))
        failure = await failure_of(make_writer(ollama.url, key="secret"))
        assert "FOOTNOTE_LLM_URL" in failure.message
        assert other.calls == []


@pytest.mark.parametrize("before", [[], [say("kept <")]])
async def test_silence_ends_by_our_clock_and_keeps_the_text(
    ollama: FakeOllama, make_writer: WriterFactory, before: list[Step]
) -> None:
    ollama.script(*before, Wait(asyncio.Event()))
    pieces, failure = await collect(make_writer(ollama.url, idle_timeout_s=0.1))
    assert text_of(pieces) == ("kept <" if before else "")
    assert failure is not None
    assert failure.code == "LLM_TIMEOUT"
    await closed(ollama)


@pytest.mark.parametrize("heartbeat", [say(""), Raw(b"\n"), Raw(b" ")])
async def test_heartbeats_are_not_progress(
    ollama: FakeOllama, make_writer: WriterFactory, heartbeat: Step
) -> None:
    ollama.script(say("a"), *[heartbeat, Pause(0.05)] * 60)
    failure = await failure_of(make_writer(ollama.url, idle_timeout_s=0.1))
    assert failure.code == "LLM_TIMEOUT"
    await closed(ollama)


@pytest.mark.parametrize("steps", [[], [say("")], [say("a")]], ids=str)
async def test_cancelling_the_task_closes_the_upstream(
    ollama: FakeOllama, writer: OllamaWriter, steps: list[Step]
) -> None:
    before = asyncio.all_tasks()
    reached = asyncio.Event()
    ollama.script(*steps, Signal(reached), Wait(asyncio.Event()))
    task = asyncio.create_task(next_pieces(writer.write(ASSIGNMENT)))
    async with asyncio.timeout(5):
        await reached.wait()
    task.cancel()
    await closed(ollama)
    with pytest.raises(asyncio.CancelledError):
        await task
    await no_tasks_but(before)


async def test_closing_the_generator_closes_the_upstream(
    ollama: FakeOllama, writer: OllamaWriter
) -> None:
    ollama.script(say("a"), Stall())
    stream = writer.write(ASSIGNMENT)
    async with asyncio.timeout(5):
        assert await first_text(stream) == "a"
        await stream.aclose()
    await closed(ollama)


# Models


async def test_the_models_that_can_chat_are_listed_and_the_usual_one_is_first(
    ollama: FakeOllama, make_writer: WriterFactory
) -> None:
    ollama.listing = [
        tags("qwen3:8b", "fake:latest", "", able=["completion", "tools"], not_able=["embedding"])
    ]
    for name in ("fake", "fake:latest"):
        writer = make_writer(ollama.url, model=name)
        assert await writer.models() == ["fake", "qwen3:8b", "able"]
        assert writer.model == "fake"


@pytest.mark.parametrize(
    "listing",
    [
        Answer(500),
        page(),
        Answer(200, "{"),
        Answer(200, "[]"),
        Answer(200, '{"models": [{"name": 7}]}'),
        Answer(200, " " * 5_000_000),
        Cut(),
        Stall(),
    ],
    ids=lambda step: str(step)[:40],
)
async def test_a_server_without_a_list_leaves_the_usual_model(
    ollama: FakeOllama, writer: OllamaWriter, listing: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.writers.exchange._LIST_S", 0.3)
    ollama.listing = [listing]
    async with asyncio.timeout(5):
        assert await writer.models() == ["fake"]


async def test_a_server_that_is_not_there_leaves_the_usual_model(
    make_writer: WriterFactory,
) -> None:
    async with asyncio.timeout(5):
        assert await make_writer(f"http://127.0.0.1:{unused_port()}").models() == ["fake"]


# Settings


@pytest.mark.parametrize("url", ["", "localhost:11434", "file:///etc/passwd", "http://u:p@host"])
def test_an_address_that_cannot_work_is_refused_at_once(url: str) -> None:
    with pytest.raises(Invalid):
        OllamaWriter(url, "", "fake")


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
async def test_the_settings_make_this_writer_and_v1_is_left_out(
    ollama: FakeOllama, path: str
) -> None:
    settings = {
        "FOOTNOTE_LLM_PROVIDER": "ollama",
        "FOOTNOTE_LLM_URL": ollama.url + path,
        "FOOTNOTE_LLM_MODEL": "m",
        "FOOTNOTE_OLLAMA_NUM_CTX": "2048",
    }
    writer = writer_for(Config.from_env(settings), Beat(0.05, 0.05))
    assert isinstance(writer, OllamaWriter)
    _, failure = await collect(writer)
    await writer.close()
    assert failure is None
    call = await ollama.call(0)
    assert (call.path, call.body["model"]) == ("/api/chat", "m")
    assert call.body["options"]["num_ctx"] == 2048


def test_without_a_url_ollama_is_sought_on_this_machine() -> None:
    assert Config(llm_provider="ollama").model_url == "http://127.0.0.1:11434"


def test_neither_http_client_nor_sdk_is_imported_before_it_is_used() -> None:
    code = (
        "import sys, engine.writers.ollama as o; assert 'httpx2' not in sys.modules;"
        " o.OllamaWriter('http://h', '', 'm'); sys.exit('openai' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=30).returncode == 0
