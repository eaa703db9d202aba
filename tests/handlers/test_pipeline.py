"""Pipeline: stages, the draft, the result and its JSON twin, whatever the model writes."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fake_model import ENDING, Answer, Cut, FakeModel, Finish, Say, Stall, Wait, busy
from tests.formatted_texts import MCQ, NMCQ, SUMMARY
from tests.handlers.site import Site, open_site, with_model

ASK = {"content_type": "MCQ", "input_text": "Notes on chest pain.", "num_questions": 2}
DRAFT = "  A draft of\na question.\n"
BROKEN = "Question 1\nNo options here."
STAGES = [
    ("load_prompts", 10),
    ("generator", 30),
    ("formatter", 60),
    ("validator", 80),
]

Frames = list[tuple[str, dict[str, Any]]]


async def frames_of(site: Site, path: str = "/run/stream", **fields: Any) -> Frames:
    events = await site.read(path, ASK | fields)
    return [(event.event, msgspec.json.decode(event.data)) for event in events]


def script(model: FakeModel, *texts: str) -> None:
    """Let the model answer each request with one text, in pieces."""
    for text in texts:
        model.script(*(Say(text[at : at + 7]) for at in range(0, len(text), 7)), *ENDING)


def stages(found: Frames) -> list[tuple[str, int]]:
    return [(data["stage"], data["progress"]) for name, data in found if name == "progress"]


async def test_a_good_run_goes_through_all_stages(modelled: Site, model: FakeModel) -> None:
    script(model, DRAFT, MCQ)
    found = await frames_of(modelled)
    assert found[0] == ("start", {"message": "Pipeline started", "stage": "init"})
    assert stages(found) == [*STAGES, ("done", 100)]
    assert {name for name, _ in found} == {"start", "progress", "draft", "complete"}
    assert found[-1][0] == "complete"
    result = found[-1][1]
    assert result["success"] is True
    assert result["output"] == MCQ.strip()
    assert result["draft"] == DRAFT.strip()
    assert result["validation_errors"] == []
    assert "partial_output" not in result
    metadata = result["metadata"]
    assert metadata["content_type"] == "MCQ"
    assert metadata["generator_model"] == "fake"
    assert metadata["num_questions"] == 2
    assert metadata["formatter_retries"] == 0
    assert metadata["model_ids"] == {"generator": "fake", "formatter": "fake"}
    assert set(metadata["latencies"]) == {"generator", "formatter", "validator"}
    assert metadata["total_time"] >= metadata["latencies"]["generator"]


async def test_the_whole_draft_comes_once_before_the_formatter(
    modelled: Site, model: FakeModel
) -> None:
    script(model, DRAFT, MCQ)
    found = await frames_of(modelled)
    [place] = [n for n, (name, _) in enumerate(found) if name == "draft"]
    assert found[place][1] == {
        "stage": "generator",
        "message": "Draft ready",
        "progress": 50,
        "draft": DRAFT.strip(),
    }
    assert found[place + 1][1]["stage"] == "formatter"


async def test_a_broken_form_is_mended_from_the_original_draft(
    modelled: Site, model: FakeModel
) -> None:
    script(model, DRAFT, BROKEN, MCQ)
    found = await frames_of(modelled)
    assert stages(found) == [*STAGES, ("retry", 90), ("done", 100)]
    assert found[-1][1]["success"] is True
    assert found[-1][1]["metadata"]["formatter_retries"] == 1
    first, second = (call.body["messages"][-1]["content"] for call in model.calls[1:])
    assert first == f"<draft>\n{DRAFT.strip()}\n</draft>"
    assert second.startswith(first)
    assert "There must be 4 or 5 options; there are 0." in second
    assert "No options here" not in second


async def test_a_form_that_stays_broken_is_told_with_its_errors(
    modelled: Site, model: FakeModel
) -> None:
    script(model, DRAFT, "Question 1", BROKEN)
    found = await frames_of(modelled)
    assert stages(found) == [*STAGES, ("retry", 90), ("fail", 100)]
    result = found[-1][1]
    assert found[-1][0] == "complete"
    assert result["success"] is False
    assert result["output"] is None
    assert result["partial_output"] == BROKEN
    assert all(set(one) == {"line", "message", "section"} for one in result["validation_errors"])
    assert result["validation_errors"]
    assert len(model.calls) == 3


@pytest.mark.parametrize("failing", [0, 1])
@pytest.mark.parametrize("how", [Cut(), Answer(401, '{"error": {"message": "secret"}}')])
async def test_a_failing_model_ends_the_run_with_a_plain_error(
    modelled: Site, model: FakeModel, failing: int, how: Any
) -> None:
    script(model, *[DRAFT][:failing])
    model.script(*([Say("some")] if isinstance(how, Cut) else []), how)
    found = await frames_of(modelled)
    name, data = found[-1]
    assert name == "error"
    assert list(data) == ["error"]
    assert "secret" not in data["error"]
    assert "complete" not in {name for name, _ in found}


async def test_a_text_that_was_cut_at_its_limit_is_warned_of(
    modelled: Site, model: FakeModel
) -> None:
    model.script(Say(DRAFT), Finish("length"))
    script(model, MCQ)
    result = (await frames_of(modelled))[-1][1]
    assert result["success"] is True
    assert len(result["metadata"]["warnings"]) == 1
    assert "length limit" in result["metadata"]["warnings"][0]


async def test_an_empty_draft_is_an_error(modelled: Site, model: FakeModel) -> None:
    model.script(Say("  \n"), *ENDING)
    assert (await frames_of(modelled))[-1][0] == "error"


# The JSON twin


@pytest.mark.parametrize("path", ["/run", "/api/v1/run"])
async def test_the_twin_has_the_output_of_the_stream(
    modelled: Site, model: FakeModel, path: str
) -> None:
    script(model, DRAFT, MCQ, DRAFT, MCQ)
    streamed = (await frames_of(modelled, path + "/stream"))[-1][1]
    status, answer = await modelled.call("POST", path, ASK)
    assert status == 200
    assert answer["output"] == streamed["output"] == MCQ.strip()
    assert answer.keys() == streamed.keys()
    assert answer["metadata"].keys() == streamed["metadata"].keys()


async def test_the_twin_of_a_broken_form_is_422_with_everything(
    modelled: Site, model: FakeModel
) -> None:
    script(model, DRAFT, BROKEN, BROKEN)
    status, answer = await modelled.call("POST", "/run", ASK)
    assert status == 422
    assert answer["success"] is False
    assert answer["output"] is None
    assert answer["partial_output"] == BROKEN
    assert answer["validation_errors"][0].keys() == {"line", "message", "section"}
    assert answer["metadata"]["formatter_retries"] == 1
    assert answer["error"]["code"] == "VALIDATION_FAILED"
    assert answer["detail"] == answer["error"]["message"]


async def test_the_twin_of_a_failure_is_an_error(modelled: Site, model: FakeModel) -> None:
    model.script(Say("some"), Cut())
    status, answer = await modelled.call("POST", "/run", ASK)
    assert (status, answer["error"]["code"]) == (503, "LLM_ERROR")


@pytest.mark.parametrize(
    ("kind", "text", "status"),
    [
        ("MCQ", MCQ.replace(") ", ". ").replace(" - ", " — "), 200),
        ("NMCQ", NMCQ, 200),
        ("SUMMARY", SUMMARY, 200),
        ("SUMMARY", "1. T\nHigh Yield\nfacts\nKey Insights\n" + "x" * 10, 422),
        ("SUMMARY", "1. T\nHigh Yield\nfacts\nKey Insights\n" + "x" * 25, 200),
    ],
)
async def test_the_validator_decides(
    modelled: Site, model: FakeModel, kind: str, text: str, status: int
) -> None:
    script(model, DRAFT, text, text)
    found, answer = await modelled.call("POST", "/run", ASK | {"content_type": kind})
    assert found == status, answer


# Requests


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"content_type": "INVALID"}, "content_type"),
        ({"content_type": None}, "content_type"),
        ({"input_text": " 123456789\n"}, "input_text"),
        ({"input_text": "x" * 500_001}, "input_text"),
        ({"num_questions": 0}, "num_questions"),
        ({"num_questions": 21}, "num_questions"),
        ({"generator_temperature": 1.1}, "generator_temperature"),
        ({"formatter_top_p": -0.1}, "formatter_top_p"),
        ({"generator_model": "m" * 201}, "generator_model"),
    ],
)
@pytest.mark.parametrize("path", ["/run", "/run/stream"])
async def test_a_wrong_field_is_422_and_named(
    modelled: Site, model: FakeModel, path: str, change: dict[str, Any], field: str
) -> None:
    status, answer = await modelled.call("POST", path, ASK | change)
    assert status == 422
    assert answer["error"]["code"] == "VALIDATION_ERROR"
    assert answer["error"]["field"] == field
    assert model.calls == []


async def test_another_content_type_is_said_to_be_invalid(modelled: Site) -> None:
    _, answer = await modelled.call("POST", "/run", ASK | {"content_type": "INVALID"})
    assert "invalid content type" in answer["detail"]


async def test_a_body_over_the_limit_is_413(data: Path) -> None:
    async with open_site(data, max_body_bytes=2000) as site:
        status, answer = await site.call("POST", "/run", ASK | {"input_text": "x" * 3000})
    assert (status, answer["error"]["code"]) == (413, "PAYLOAD_TOO_LARGE")


async def test_only_post_is_possible(site: Site) -> None:
    began = time.monotonic()
    async with site.session.get(site.base + "/run/stream") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "POST"
    assert time.monotonic() - began < 1.0


async def test_nobody_runs_it_without_signing_in(site: Site) -> None:
    headers = {"Authorization": ""}
    for path in ("/run", "/run/stream"):
        status, _ = await site.call("POST", path, ASK, headers=headers)
        assert status == 401


async def test_the_choices_reach_the_model(modelled: Site, model: FakeModel) -> None:
    script(model, DRAFT, MCQ)
    found = await frames_of(
        modelled,
        generator_model="big",
        generator_temperature=0.9,
        generator_top_p=0.8,
        formatter_temperature=0.1,
        formatter_top_p=0.2,
        focus_areas="the heart",
        num_questions=3,
    )
    first, second = (call.body for call in model.calls)
    assert (first["model"], first["temperature"], first["top_p"]) == ("big", 0.9, 0.8)
    assert (second["model"], second["temperature"], second["top_p"]) == ("fake", 0.1, 0.2)
    assert "the heart" in first["messages"][-1]["content"]
    assert "3 questions" in first["messages"][0]["content"]
    assert found[-1][1]["metadata"]["model_ids"] == {"generator": "big", "formatter": "fake"}


async def test_what_is_not_chosen_is_left_to_the_settings(data: Path, model: FakeModel) -> None:
    script(model, DRAFT, MCQ)
    async with open_site(data, **with_model(model, llm_temperature=0.7)) as site:
        await frames_of(site)
    first, second = (call.body for call in model.calls)
    assert (first["temperature"], second["temperature"]) == (0.7, 0.0)
    assert "top_p" not in first | second


# Two steps


async def test_a_draft_alone_can_be_asked_for(modelled: Site, model: FakeModel) -> None:
    script(model, DRAFT)
    found = await frames_of(modelled, draft_only=True)
    assert stages(found) == [("load_prompts", 10), ("generator", 30), ("done", 100)]
    assert [data["draft"] for name, data in found if name == "draft"] == [DRAFT.strip()]
    assert found[-1][1]["success"] is True
    assert found[-1][1]["output"] == DRAFT.strip()


async def test_an_edited_draft_goes_straight_to_the_formatter(
    modelled: Site, model: FakeModel
) -> None:
    script(model, MCQ)
    found = await frames_of(modelled, draft="My own edited draft.")
    assert stages(found) == [("load_prompts", 10), *STAGES[2:], ("done", 100)]
    assert "draft" not in {name for name, _ in found}
    assert model.calls[0].body["messages"][-1]["content"] == (
        "<draft>\nMy own edited draft.\n</draft>"
    )


# Tokens


async def test_tokens_join_to_the_draft_and_to_the_output(modelled: Site, model: FakeModel) -> None:
    script(model, DRAFT, MCQ)
    found = await frames_of(modelled, "/run/stream?tokens=1")
    texts = {
        stage: "".join(data["token"] for name, data in found if name == f"{stage}_token")
        for stage in ("draft", "formatted")
    }
    assert texts == {"draft": DRAFT.strip(), "formatted": MCQ.strip()}
    assert {d["stage"] for name, d in found if name == "formatted_token"} == {"formatted"}
    percents = [data["progress"] for _, data in found if "progress" in data]
    assert percents == sorted(percents)


async def test_without_the_switch_there_are_no_tokens(modelled: Site, model: FakeModel) -> None:
    script(model, DRAFT, MCQ)
    assert not [name for name, _ in await frames_of(modelled) if name.endswith("_token")]


# The life of a run


async def test_a_stopped_run_closes_the_model(modelled: Site, model: FakeModel) -> None:
    model.script(Say("A"), Stall())
    async with modelled.stream("/run/stream", ASK) as stream:
        await stream.until(3)
        run_id = stream.response.headers["X-Run-Id"]
        call = await model.call(0)
        status, run = await modelled.call("POST", f"/api/v1/runs/{run_id}/cancel")
        assert (status, run["state"]) == (200, "cancelled")
        events = await stream.rest()
    assert events[-1].event == "error"
    async with asyncio.timeout(5):
        await call.closed.wait()


async def test_a_reader_who_comes_back_gets_the_rest_only(modelled: Site, model: FakeModel) -> None:
    gate = asyncio.Event()
    script(model, DRAFT)
    model.script(Wait(gate), Say(MCQ), *ENDING)
    async with modelled.stream("/run/stream", ASK) as stream:
        seen = list(await stream.until(5))
    assert seen[-1].event == "progress"
    assert '"formatter"' in seen[-1].data
    gate.set()
    headers = {"Last-Event-ID": seen[-1].id}
    rest = await modelled.read("/run/stream", ASK, headers=headers)
    assert [event.event for event in rest] == ["progress", "progress", "complete"]
    assert len(model.calls) == 2


async def test_a_reader_who_comes_back_with_another_body_is_refused(
    modelled: Site, model: FakeModel
) -> None:
    script(model, DRAFT, MCQ)
    events = await modelled.read("/run/stream", ASK)
    status, answer = await modelled.call(
        "POST", "/run/stream", ASK | {"num_questions": 3}, headers={"Last-Event-ID": events[1].id}
    )
    assert (status, answer["error"]["code"]) == (409, "RESUME_UNAVAILABLE")
    assert len(model.calls) == 2


async def test_the_same_key_joins_the_first_run(modelled: Site, model: FakeModel) -> None:
    script(model, DRAFT, MCQ)
    headers = {"Idempotency-Key": "k1"}
    first = await modelled.call("POST", "/run", ASK, headers=headers)
    second = await modelled.call("POST", "/run", ASK, headers=headers)
    assert first == second
    assert len(model.calls) == 2


async def test_more_than_ten_starts_a_minute_are_too_many(data: Path) -> None:
    ask = ASK | {"content_type": "SUMMARY"}
    async with open_site(data) as site:
        for _ in range(10):
            assert (await site.call("POST", "/run", ask))[0] == 200
        async with site.session.post(site.base + "/run", json=ask) as response:
            assert response.status == 429
            assert 1 <= int(response.headers["Retry-After"]) <= 60
            assert (await response.json())["error"]["code"] == "RATE_LIMITED"


async def test_three_runs_of_a_user_are_open_at_most(modelled: Site, model: FakeModel) -> None:
    model.default = (Stall(),)
    async with (
        modelled.stream("/run/stream", ASK),
        modelled.stream("/run/stream", ASK),
        modelled.stream("/run/stream", ASK),
    ):
        status, answer = await modelled.call("POST", "/run/stream", ASK)
    assert (status, answer["error"]["code"]) == (429, "TOO_MANY_STREAMS")


async def test_a_server_with_a_slow_model_still_answers(modelled: Site, model: FakeModel) -> None:
    model.script(Say("A"), Stall())
    async with modelled.stream("/run/stream", ASK) as stream:
        await stream.until(3)
        for _ in range(20):
            began = time.monotonic()
            assert (await modelled.call("GET", "/healthz"))[0] == 200
            assert time.monotonic() - began < 1.0


async def test_a_restart_ends_the_run_as_interrupted(data: Path, model: FakeModel) -> None:
    model.script(Say("A"), Stall())
    settings = with_model(model, shutdown_s=0.1)
    async with open_site(data, **settings) as site:
        async with site.stream("/run/stream", ASK) as stream:
            await stream.until(3)
            run_id = stream.response.headers["X-Run-Id"]
            await site.runner.cleanup()
    async with open_site(data, **settings) as site:
        events = await site.read(f"/api/v1/runs/{run_id}/events?dialect=pipeline", method="GET")
        _, run = await site.call("GET", f"/api/v1/runs/{run_id}")
    assert events[-1].event == "error"
    assert (run["state"], run["error"]) == ("failed", "INTERRUPTED")
    assert len(model.calls) == 1


async def test_nothing_of_the_notes_is_kept_with_the_run(modelled: Site, model: FakeModel) -> None:
    script(model, DRAFT, MCQ)
    async with modelled.stream("/run/stream", ASK) as stream:
        run_id = stream.response.headers["X-Run-Id"]
        await stream.rest()
    run = await modelled.engine.runs.find(
        (await modelled.engine.identity.administrator())[0], run_id
    )
    assert run is not None
    assert run.request == b"{}"
    assert run.usage == {"prompt_tokens": 22, "completion_tokens": 14}


async def test_a_heartbeat_comes_at_the_pace_of_the_pipeline(data: Path, model: FakeModel) -> None:
    model.script(Stall())
    async with open_site(data, **with_model(model, pipeline_heartbeat_s=0.05)) as site:
        async with site.stream("/run/stream", ASK) as stream:
            await stream.until_text(b": hb\n\n: hb\n\n")


async def test_waiting_for_a_busy_model_is_a_comment(modelled: Site, model: FakeModel) -> None:
    model.script(busy("0"))
    script(model, DRAFT, MCQ)
    async with modelled.stream("/run/stream", ASK) as stream:
        await stream.rest()
    assert b": waiting for the model\n\n" in stream.raw
    assert stream.events[-1].event == "complete"


# Without a model


async def test_a_summary_needs_no_model(site: Site) -> None:
    notes = "# Angina\n\nAngina is pain on effort. It goes away at rest.\n"
    found = await frames_of(site, content_type="SUMMARY", input_text=notes)
    result = found[-1][1]
    assert result["success"] is True
    assert result["output"].startswith("1. Angina\nHigh Yield\n- ")
    assert result["metadata"]["generator_model"] == "extractive"


@pytest.mark.parametrize("kind", ["MCQ", "NMCQ"])
async def test_question_sets_need_a_model(site: Site, kind: str) -> None:
    status, answer = await site.call("POST", "/run/stream", ASK | {"content_type": kind})
    assert status == 400
    assert answer["error"]["field"] == "content_type"
    assert answer["detail"] == (
        "Question sets need a language model. Set FOOTNOTE_LLM_URL, or choose SUMMARY."
    )


async def test_the_longest_notes_are_summarised(site: Site) -> None:
    notes = ("A fact stands here. " * 25_000)[:500_000]
    status, answer = await site.call(
        "POST", "/run", ASK | {"content_type": "SUMMARY", "input_text": notes}
    )
    assert (status, answer["success"]) == (200, True)
