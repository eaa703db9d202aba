"""Runs: read again, resumed, joined, limited, expired, and foreign ones that do not exist."""

import asyncio
import uuid
from pathlib import Path

import msgspec
import pytest

from engine.storage import identities
from engine.writers.sse import ServerSentEvent
from tests.fake_model import ENDING, FakeModel, Say, Stall, Wait
from tests.handlers.site import Site, frames, open_site, text_of, with_model

ASK = {"document_type": "custom", "context": "How does sign-in work?"}


def seqs(events: list[ServerSentEvent]) -> list[int]:
    return [int(event.id.partition(":")[2]) for event in events]


async def finished(site: Site) -> tuple[str, list[ServerSentEvent]]:
    body = {"kb_id": site.topics, **ASK}
    async with site.stream("/api/v1/generate", body) as stream:
        events = await stream.rest()
        return stream.response.headers["X-Run-Id"], events


async def test_a_finished_run_is_replayed_whole(site: Site) -> None:
    run_id, events = await finished(site)
    path = f"/api/v1/runs/{run_id}/events?dialect=generate"
    assert await site.read(path + "&after=0", method="GET") == events
    assert await site.read(path, method="GET") == events


async def test_a_reader_gets_exactly_the_rest_after_every_cursor(site: Site) -> None:
    run_id, events = await finished(site)
    path = f"/api/v1/runs/{run_id}/events?dialect=generate"
    for place, event in enumerate(events[::3]):
        rest = await site.read(path, method="GET", headers={"Last-Event-ID": event.id})
        assert rest == events[place * 3 + 1 :]


async def test_a_reader_who_comes_back_goes_on_live(modelled: Site, model: FakeModel) -> None:
    gate = asyncio.Event()
    model.script(Say("one "), Wait(gate), Say("two"), *ENDING)
    async with modelled.stream("/api/v1/generate", {"kb_id": modelled.topics, **ASK}) as stream:
        seen = list(await stream.until(3))
        run_id = stream.response.headers["X-Run-Id"]
        stream.response.close()
    path = f"/api/v1/runs/{run_id}/events?dialect=generate"
    headers = {"Last-Event-ID": seen[-1].id}
    async with modelled.stream(path, method="GET", headers=headers) as stream:
        gate.set()
        rest = await stream.rest()
    assert text_of(frames(seen + rest)) == "one two"
    assert seqs(seen + rest) == sorted(set(seqs(seen + rest)))
    assert len(model.calls) == 1


async def test_the_native_dialect_has_every_event_without_holes(site: Site) -> None:
    run_id, _ = await finished(site)
    async with site.stream(f"/api/v1/runs/{run_id}/events", method="GET") as stream:
        events = await stream.rest()
    own = [e for e in events if e.event not in ("block", "caught_up")]
    assert seqs(own) == list(range(1, len(own) + 1))
    assert own[0].event == "started"
    assert own[-1].event == "completed"
    assert "caught_up" not in {e.event for e in events}
    text = "".join(msgspec.json.decode(e.data)["text"] for e in own if e.event == "delta")
    blocks = [msgspec.json.decode(e.data) for e in events if e.event == "block"]
    assert [block["index"] for block in blocks] == list(range(len(blocks)))
    assert blocks[-1]["end"] == len(text.encode("utf-16-le")) // 2
    assert "citation-marker" in blocks[0]["html"]


async def test_a_reader_is_told_once_that_it_has_caught_up(
    modelled: Site, model: FakeModel
) -> None:
    gate = asyncio.Event()
    model.script(Say("one "), Wait(gate), Say("two"), *ENDING)
    async with modelled.stream("/api/v1/generate", {"kb_id": modelled.topics, **ASK}) as first:
        await first.until(3)
        run_id = first.response.headers["X-Run-Id"]
        async with modelled.stream(f"/api/v1/runs/{run_id}/events", method="GET") as second:
            await second.until_text(b"event: caught_up\ndata: {}\n\n")
            gate.set()
            events = await second.rest()
    assert [e.event for e in events].count("caught_up") == 1
    assert events[-1].event == "completed"


async def test_native_blocks_after_a_cursor_are_those_of_the_whole(
    modelled: Site, model: FakeModel
) -> None:
    model.script(Say("# One 😀\n\ntwo\n\n"), Say("three\n\n"), Say("- four\n- five"), *ENDING)
    run_id, events = await finished(modelled)
    path = f"/api/v1/runs/{run_id}/events"

    async def blocks(after: int) -> dict[int, bytes]:
        events = await modelled.read(f"{path}?after={after}", method="GET")
        found = [msgspec.json.decode(e.data) for e in events if e.event == "block"]
        return {block["index"]: msgspec.json.encode(block) for block in found}

    whole = await blocks(0)
    assert len(whole) == 4
    for after in seqs(events):
        assert (await blocks(after)).items() <= whole.items()


async def test_polling_gives_the_same_events(site: Site) -> None:
    run_id, _ = await finished(site)
    streamed = await site.read(f"/api/v1/runs/{run_id}/events", method="GET")
    after, events = 0, []
    for _ in range(100):
        _, got = await site.call("GET", f"/api/v1/runs/{run_id}/events?poll=1&after={after}")
        events += got["events"]
        after = got["next"]
        if got["done"]:
            break
    assert [event["event"] for event in events] == [event.event for event in streamed]
    blocks = [msgspec.json.decode(event.data) for event in streamed if event.event == "block"]
    assert [event for event in events if event["event"] == "block"] == [
        {"event": "block", **block} for block in blocks
    ]
    numbers = [event["seq"] for event in events if event["event"] != "block"]
    assert numbers == list(range(1, len(numbers) + 1))
    assert events[-1]["event"] == "completed"


async def test_blocks_go_on_from_poll_to_poll(site: Site) -> None:
    run_id, _ = await finished(site)
    path = f"/api/v1/runs/{run_id}/events?poll=1"
    _, whole = await site.call("GET", f"{path}&after=0")
    for place in range(1, len(whole["events"])):
        rest = whole["events"][place:]
        if "seq" not in whole["events"][place - 1]:
            continue
        _, got = await site.call("GET", f"{path}&after={whole['events'][place - 1]['seq']}")
        assert got["events"] == rest


async def test_a_start_that_prefers_no_stream_is_answered_with_what_it_started(site: Site) -> None:
    body = {"kb_id": site.topics, **ASK}
    headers = {"Prefer": "respond-async", "Idempotency-Key": "once"}
    got = [await site.call("POST", "/api/v1/generate", body, headers=headers) for _ in range(2)]
    assert [status for status, _ in got] == [202, 202]
    assert got[0] == got[1]
    run_id = got[0][1]["run_id"]
    events = await site.read(f"/api/v1/runs/{run_id}/events", method="GET")
    assert events[-1].event == "completed"
    status, draft = await site.call("GET", f"/api/v1/drafts/{got[0][1]['draft_id']}")
    assert (status, draft["status"]) == (200, "complete")


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (f"{uuid.UUID(int=3)}:3", 409),
        ("-1", 400),
        ("text", 400),
        ("RUN:999999999999999999999", 400),
        ("RUN:99999", 409),
        ("RUN:-1", 400),
        ("RUN:1; drop", 400),
        ("x" * 7000, 400),
    ],
)
async def test_a_wrong_cursor_is_refused(site: Site, value: str, status: int) -> None:
    run_id, _ = await finished(site)
    headers = {"Last-Event-ID": value.replace("RUN", run_id)}
    path = f"/api/v1/runs/{run_id}/events"
    found, answer = await site.call("GET", path, headers=headers)
    assert found == status, answer
    assert answer["error"]["code"] in ("INVALID_REQUEST", "RESUME_UNAVAILABLE")


async def test_an_expired_run_is_gone_and_its_draft_is_not(data: Path) -> None:
    async with open_site(data, run_retention_s=0) as site:
        run_id, events = await finished(site)
        path = f"/api/v1/runs/{run_id}/events"
        status, answer = await site.call("GET", path, headers={"Last-Event-ID": events[2].id})
        assert (status, answer["error"]["code"]) == (410, "RUN_EXPIRED")
        draft = await site.draft(frames(events)[-1]["draft_id"])
        assert draft["content"] == text_of(frames(events))


async def test_a_post_with_an_unknown_cursor_starts_nothing(site: Site) -> None:
    status, answer = await site.call(
        "POST",
        "/api/v1/generate",
        {"kb_id": site.topics, **ASK},
        headers={"Last-Event-ID": f"{uuid.uuid4()}:4"},
    )
    assert (status, answer["error"]["code"]) == (409, "RESUME_UNAVAILABLE")
    assert (await site.call("GET", "/api/v1/runs?family=generate"))[1]["runs"] == []


async def test_a_post_with_the_cursor_of_its_run_joins_it(modelled: Site, model: FakeModel) -> None:
    gate = asyncio.Event()
    model.script(Say("one "), Wait(gate), Say("two"), *ENDING)
    body = {"kb_id": modelled.topics, **ASK}
    async with modelled.stream("/api/v1/generate", body) as stream:
        seen = list(await stream.until(3))
        stream.response.close()
    gate.set()
    headers = {"Last-Event-ID": seen[-1].id}
    rest = await modelled.read("/api/v1/generate", body, headers=headers)
    assert text_of(frames(seen + rest)) == "one two"
    assert len(model.calls) == 1
    status, answer = await modelled.call(
        "POST", "/api/v1/generate", body | {"context": "other"}, headers=headers
    )
    assert (status, answer["error"]["code"]) == (409, "RESUME_UNAVAILABLE")


async def test_the_same_key_twice_at_once_is_one_run(modelled: Site, model: FakeModel) -> None:
    model.script(Say("once"), *ENDING)
    body = {"kb_id": modelled.topics, **ASK}
    headers = {"Idempotency-Key": "k-1"}
    first, second = await asyncio.gather(
        modelled.read("/api/v1/generate", body, headers=headers),
        modelled.read("/api/v1/generate", body, headers=headers),
    )
    assert first == second
    assert len(model.calls) == 1
    assert (await modelled.call("GET", "/api/v1/drafts"))[1]["total"] == 1


async def test_the_same_key_with_another_body_starts_nothing(site: Site) -> None:
    headers = {"Idempotency-Key": "k-1"}
    body = {"kb_id": site.topics, **ASK}
    await site.read("/api/v1/generate", body, headers=headers)
    status, answer = await site.call(
        "POST", "/api/v1/generate", body | {"context": "other"}, headers=headers
    )
    assert (status, answer["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert (await site.call("GET", "/api/v1/drafts"))[1]["total"] == 1


async def test_one_run_too_many_is_refused_and_the_others_go_on(
    data: Path, model: FakeModel
) -> None:
    model.default = (Say("text"), Stall())
    async with open_site(data, **with_model(model, max_streams_per_user=2)) as site:
        body = {"kb_id": site.topics, **ASK}
        async with (
            site.stream("/api/v1/generate", body) as first,
            site.stream("/api/v1/generate", body) as second,
        ):
            await first.until(3)
            await second.until(3)
            async with site.stream("/api/v1/generate", body) as third:
                assert third.response.status == 429
                assert int(third.response.headers["Retry-After"]) > 0
                assert (await third.response.json())["error"]["code"] == "TOO_MANY_STREAMS"
            run_id = first.response.headers["X-Run-Id"]
            await site.call("POST", f"/api/v1/runs/{run_id}/cancel")
            async with site.stream("/api/v1/generate", body) as fourth:
                assert fourth.response.status == 200
                await fourth.until(3)


async def test_twenty_at_once_never_pass_the_limit(data: Path, model: FakeModel) -> None:
    model.default = (Say("text"), *ENDING)
    async with open_site(data, **with_model(model, max_streams_per_user=3)) as site:
        body = {"kb_id": site.topics, **ASK}
        answers = await asyncio.gather(
            *(
                site.call("POST", "/api/v1/generate", body, headers={"Accept": "application/json"})
                for _ in range(20)
            )
        )
        statuses = [status for status, _ in answers]
        assert set(statuses) <= {200, 429}
        assert statuses.count(200) >= 3
        assert site.engine.runs.open_count() == 0


async def test_a_heartbeat_is_sent_in_silence(data: Path, model: FakeModel) -> None:
    gate = asyncio.Event()
    model.script(Wait(gate), Say("late"), *ENDING)
    async with open_site(data, **with_model(model, heartbeat_s=0.05)) as site:
        async with site.stream("/api/v1/generate", {"kb_id": site.topics, **ASK}) as stream:
            await stream.until_text(b": hb\n\n: hb\n\n")
            gate.set()
            found = frames(await stream.rest())
    assert text_of(found) == "late"


async def test_a_run_tells_its_state_and_times(site: Site) -> None:
    run_id, _ = await finished(site)
    status, run = await site.call("GET", f"/api/v1/runs/{run_id}")
    assert (status, run["state"], run["model"]) == (200, "completed", "extractive")
    times = run["timings"]
    assert times["queued"] <= times["first_event"] <= times["first_text"] <= times["end"]


async def test_a_foreign_run_does_not_exist(site: Site) -> None:
    run_id, _ = await finished(site)
    async with site.engine.database.transaction() as tx:
        other = await identities.create(tx, "somebody")
        await tx.execute_fetchall("update runs set user_id = ?", (other,))
        await tx.execute_fetchall("update knowledge_bases set owner_id = ?", (other,))
    unknown = uuid.uuid4()
    for method, path in [
        ("GET", "/api/v1/runs/{}"),
        ("GET", "/api/v1/runs/{}/events"),
        ("POST", "/api/v1/runs/{}/cancel"),
    ]:
        foreign_status, foreign = await site.call(method, path.format(run_id))
        unknown_status, nothing = await site.call(method, path.format(unknown))
        assert foreign_status == unknown_status == 404
        assert foreign["error"]["message"] == nothing["error"]["message"]


async def test_an_unknown_dialect_is_refused(site: Site) -> None:
    run_id, _ = await finished(site)
    status, answer = await site.call("GET", f"/api/v1/runs/{run_id}/events?dialect=klingon")
    assert (status, answer["error"]["field"]) == (400, "dialect")


async def test_a_run_stops_reading_its_model_when_the_reader_of_json_leaves(
    data: Path, model: FakeModel
) -> None:
    model.script(Say("text"), Stall())
    async with open_site(data, **with_model(model, grace_s=0.0)) as site:
        body = {"kb_id": site.topics, **ASK}
        waiting = asyncio.create_task(
            site.call("POST", "/api/v1/generate", body, headers={"Accept": "application/json"})
        )
        call = await model.call(0)
        waiting.cancel()
        async with asyncio.timeout(5):
            await call.closed.wait()


async def test_the_native_dialect_may_be_asked_of_the_post(site: Site) -> None:
    body = {"kb_id": site.topics, **ASK}
    events = await site.read("/api/v1/generate?dialect=native", body)
    assert events[0].event == "started"
    assert events[-1].event == "completed"
    assert "message" not in {event.event for event in events}
