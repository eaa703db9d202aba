"""A model server that misbehaves costs its reader a sentence, and the server nothing."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.fake_model import (
    ENDING,
    Answer,
    Cut,
    FakeModel,
    Finish,
    Heartbeats,
    Raw,
    Say,
    Signal,
    Stall,
    Think,
    Usage,
    Wait,
    busy,
    page,
    wire,
)
from tests.faults import ledger
from tests.faults.waiting import until
from tests.handlers.site import Site, frames, kinds, open_site, text_of, with_model

ASK = {"document_type": "custom", "context": "How does sign-in work?"}


async def test_heartbeats_without_text_do_not_keep_a_run_alive(
    data: Path, model: FakeModel
) -> None:
    model.script(Say("some text"), Heartbeats(0.01))
    async with open_site(data, **with_model(model, llm_idle_timeout_s=0.3)) as site:
        found = await site.generate(site.topics)
        assert (found[-1]["event"], found[-1]["code"]) == ("error", "LLM_TIMEOUT")
        assert text_of(found) == "some text"
        async with asyncio.timeout(1):
            await (await model.call(0)).closed.wait()


async def test_long_reasoning_is_shown_as_work_and_is_not_timed_out(
    data: Path, model: FakeModel
) -> None:
    gates = [asyncio.Event() for _ in range(6)]
    thinking = [step for gate in gates for step in (Think("hmm "), Signal(gate))]
    going = asyncio.Event()
    model.script(*thinking, Wait(going), Say("answer"), *ENDING)
    async with open_site(data, **with_model(model, llm_idle_timeout_s=0.5)) as site:
        body = {"kb_id": site.topics, **ASK}
        async with site.stream("/api/v1/generate?dialect=native", body) as stream:
            await stream.until_text(b"hinking")
            going.set()
            events = await stream.rest()
        found = frames([e for e in events if e.event not in ("block", "caught_up")])
        assert "".join(f["text"] for f in found if f["event"] == "delta") == "answer"
        assert b"hmm" not in stream.raw


async def test_one_enormous_piece_ends_the_run_with_little_memory(
    modelled: Site, model: FakeModel
) -> None:
    model.script(Say("kept "), Say("x" * 10_000_000), *ENDING)
    found = await modelled.generate(modelled.topics)
    assert (found[-1]["event"], found[-1]["code"]) == ("error", "LLM_ERROR")
    assert text_of(found) == "kept"
    async with asyncio.timeout(1):
        await until(lambda: modelled.engine.runs.open_count() == 0)


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ([Answer(401, "{}")], "LLM_ERROR"),
        ([Answer(402, "{}")], "LLM_ERROR"),
        ([Answer(429, '{"error": {"code": "insufficient_quota"}}')], "LLM_ERROR"),
        ([Answer(400, '{"error": {"code": "context_length_exceeded"}}')], "LLM_ERROR"),
        ([busy("3600")], "RATE_LIMITED"),
        ([page()], "LLM_ERROR"),
        ([Say("text"), Cut()], "LLM_ERROR"),
        ([Say("text"), Raw(b"data: \xff\xfe{\n\n")], "LLM_ERROR"),
        ([Say("text"), Raw(b"\xef\xbb\xbfdata: {]\n\n")], "LLM_ERROR"),
        ([Raw(b"data: {}\n\n")], "LLM_ERROR"),
    ],
)
async def test_what_a_new_try_cannot_mend_is_one_call_and_one_sentence(
    modelled: Site, model: FakeModel, steps: list[Any], code: str
) -> None:
    model.script(*steps)
    found = await modelled.generate(modelled.topics)
    end = found[-1]
    assert (end["event"], end["code"]) == ("error", code)
    assert end["message"].endswith(".") and len(end["message"]) < 200
    assert len(model.calls) == 1
    if code == "RATE_LIMITED":
        assert end["retry_after"] == 3600
    draft = await modelled.draft(end["draft_id"])
    assert (draft["status"], draft["content"]) == ("partial", text_of(found))


async def test_a_filtered_answer_is_said_in_words(modelled: Site, model: FakeModel) -> None:
    model.script(Say("cut"), Finish("content_filter"), Usage())
    end = (await modelled.generate(modelled.topics))[-1]
    assert end["finish_reason"] == "content_filter"
    assert "filter" in end["warnings"][0]


async def test_a_model_that_is_down_holds_no_place(data: Path) -> None:
    settings = {"llm_provider": "openai", "llm_url": "http://127.0.0.1:9/v1", "llm_model": "m"}
    async with open_site(data, **settings, max_streams_per_user=1) as site:
        for _ in range(4):
            found = await site.generate(site.topics)
            assert found[-1]["code"] == "SERVICE_UNAVAILABLE"
        assert site.engine.runs.open_count() == 0


async def test_a_model_that_accepts_and_says_nothing_is_given_up(
    data: Path, model: FakeModel
) -> None:
    model.script(Wait(asyncio.Event()))
    async with open_site(data, **with_model(model, llm_idle_timeout_s=0.3)) as site:
        found = await site.generate(site.topics)
        assert found[-1]["code"] == "LLM_TIMEOUT"
        async with asyncio.timeout(1):
            await (await model.call(0)).closed.wait()


@pytest.mark.parametrize(
    "phase", ["connecting", "waiting for a busy model", "first token", "tokens", "after the last"]
)
async def test_stop_in_any_phase_ends_the_run_once_and_lets_go_of_the_model(
    data: Path, model: FakeModel, phase: str
) -> None:
    reached, never = asyncio.Event(), asyncio.Event()
    accepted: list[asyncio.StreamWriter] = []

    def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted.append(writer)
        reached.set()

    silent = await asyncio.start_server(accept, "127.0.0.1", 0)
    script: dict[str, list[Any]] = {
        "connecting": [],
        "waiting for a busy model": [busy("20")],
        "first token": [Signal(reached), Wait(never)],
        "tokens": [Say("text "), Signal(reached), Stall()],
        "after the last": [Raw(wire(Say("text "), Finish())), Signal(reached), Stall()],
    }
    settings = with_model(model)
    if phase == "connecting":
        settings["llm_url"] = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/v1"
    model.script(*script[phase])
    async with open_site(data, **settings) as site:
        body = {"kb_id": site.topics, **ASK}
        async with site.stream("/api/v1/generate", body) as stream:
            run_id = stream.response.headers["X-Run-Id"]
            if phase == "waiting for a busy model":
                await stream.until_text(b"waiting for the model")
            else:
                async with asyncio.timeout(5):
                    await reached.wait()
            async with asyncio.timeout(1):
                stops = await asyncio.gather(
                    *(site.call("POST", f"/api/v1/runs/{run_id}/cancel") for _ in range(5))
                )
            assert {status for status, _ in stops} == {200}
            found = frames(await stream.rest())
        if model.calls and phase != "waiting for a busy model":
            async with asyncio.timeout(1):
                await model.calls[0].closed.wait()
        ends = [kind for kind in kinds(found) if kind in ("generation_complete", "error")]
        assert len(ends) == 1
        assert found[-1]["code"] == "CANCELLED"
        assert site.engine.runs.open_count() == 0
        assert len(model.calls) <= 1
    silent.close()
    for writer in accepted:
        writer.transport.abort()
    ledger.check(data)


async def test_a_stop_after_the_end_changes_nothing(modelled: Site, model: FakeModel) -> None:
    model.script(Say("whole"), *ENDING)
    body = {"kb_id": modelled.topics, **ASK}
    async with modelled.stream("/api/v1/generate", body) as stream:
        found = frames(await stream.rest())
        run_id = stream.response.headers["X-Run-Id"]
    status, run = await modelled.call("POST", f"/api/v1/runs/{run_id}/cancel")
    assert (status, run["state"]) == (200, "completed")
    assert (await modelled.draft(found[-1]["draft_id"]))["status"] == "complete"
