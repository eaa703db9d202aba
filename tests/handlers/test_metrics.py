"""What the server counts and times."""

import asyncio

import pytest

from engine.storage.identities import User
from tests.fake_model import ENDING, FakeModel, Say, Signal, Stall
from tests.handlers.site import Site

ASK = {"query": "Which OAuth version does sign-in use?"}


async def value_of(site: Site, name: str, **labels: str) -> float:
    """Return one sample, 0 when there is none."""
    status, found = await site.call("GET", "/api/v1/metrics")
    assert status == 200
    samples = [sample for metric in found["metrics"] for sample in metric["samples"]]
    wanted = [one["value"] for one in samples if (one["name"], one["labels"]) == (name, labels)]
    return float(wanted[0]) if wanted else 0.0


async def test_runs_tokens_and_times_are_counted(modelled: Site, model: FakeModel) -> None:
    model.script(Say("Hello"), *ENDING)
    await modelled.read("/query/stream", ASK)
    assert await value_of(modelled, "footnote_runs_total", family="query", state="completed") == 1
    for name in ("footnote_open_runs", "footnote_open_streams"):
        assert await value_of(modelled, name, family="query") == 0
    assert await value_of(modelled, "footnote_first_text_seconds_count", family="query") == 1
    assert await value_of(modelled, "footnote_retrieval_seconds_count") == 1
    for kind in ("prompt", "completion"):
        assert await value_of(modelled, "footnote_tokens_total", family="query", kind=kind) > 0


async def test_answers_from_the_cache_are_told_from_fresh_ones(
    modelled: Site, model: FakeModel
) -> None:
    model.script(Say("Answer"), *ENDING)
    for _ in range(2):
        await modelled.read("/api/chat/stream", ASK | {"corpus_id": "Topics"})
    for origin in ("fresh", "cached"):
        assert await value_of(modelled, "footnote_chat_answers_total", origin=origin) == 1


async def test_a_reader_who_leaves_is_counted_and_stops_the_model_query_012(
    modelled: Site, model: FakeModel
) -> None:
    reached = asyncio.Event()
    before = [Say(f"word{n} ") for n in range(5)]
    model.script(*before, Say("six "), Stall(), Signal(reached), *[Say("more ")] * 494, *ENDING)
    async with modelled.stream("/query/stream", ASK) as stream:
        await stream.until_text(b"six")
        assert await value_of(modelled, "footnote_open_streams", family="query") == 1
        stream.response.close()
    async with asyncio.timeout(5):
        await (await model.call(0)).closed.wait()
        while not await value_of(modelled, "footnote_disconnected_streams_total", family="query"):
            await asyncio.sleep(0)
        while await value_of(modelled, "footnote_open_streams", family="query"):
            await asyncio.sleep(0)
    assert not reached.is_set()
    assert await value_of(modelled, "footnote_disconnected_streams_total", family="query") == 1
    assert await value_of(modelled, "footnote_runs_total", family="query", state="cancelled") == 1
    _, talks = await modelled.call("GET", "/api/v1/conversations")
    assert talks["total"] == 0


async def test_prometheus_reads_them_with_a_token(site: Site) -> None:
    async with site.session.get(site.base + "/metrics") as response:
        text = await response.text()
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=")
    assert "# TYPE footnote_runs_total counter" in text or "# TYPE footnote_runs counter" in text
    assert "process_resident_memory_bytes" in text


@pytest.mark.parametrize("path", ["/metrics", "/api/v1/metrics"])
async def test_only_an_administrator_sees_them(
    site: Site, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await site.call("GET", path, headers={"Authorization": ""}))[0] == 401
    monkeypatch.setattr(User, "is_admin", property(lambda _: False))
    assert (await site.call("GET", path))[0] == 403
