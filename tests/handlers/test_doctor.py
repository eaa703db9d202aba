"""What an administrator is told of how the server is."""

import asyncio
from pathlib import Path

import pytest

from tests.fake_model import Answer, FakeModel, models
from tests.handlers.site import Site, open_site, with_model


async def findings(site: Site) -> dict[str, tuple[bool, str, str]]:
    status, report = await site.call("GET", "/api/v1/admin/doctor")
    assert status == 200
    return {
        one["name"]: (one["is_well"], one["found"], one["advice"]) for one in report["findings"]
    }


async def test_a_server_in_good_order_has_nothing_to_advise(site: Site) -> None:
    found = await findings(site)
    assert set(found) == {"Model server", "Database", "Disk", "Load", "Open files"}
    well, text, advice = found["Database"]
    assert (well, advice) == (True, "")
    assert "SQLite 3." in text
    assert found["Model server"][0]
    assert "GB free" in found["Disk"][1]


async def test_a_model_server_is_reached_or_it_is_said_why_not(
    modelled: Site, model: FakeModel
) -> None:
    model.listing = [models("fake")]
    assert (await findings(modelled))["Model server"][0]
    model.listing = [Answer(401, "{}")]
    is_well, text, advice = (await findings(modelled))["Model server"]
    assert not is_well
    assert text and "FOOTNOTE_LLM_KEY" in advice


async def test_a_model_server_that_is_not_there_is_told(data: Path, model: FakeModel) -> None:
    settings = with_model(model) | {"llm_url": "http://127.0.0.1:1/v1", "llm_key": "hush-hush"}
    async with open_site(data, **settings) as site:
        is_well, text, _ = (await findings(site))["Model server"]
    assert not is_well
    assert "hush-hush" not in text


async def test_too_few_files_for_the_streams_that_may_be_open(data: Path) -> None:
    async with open_site(data, max_streams=10_000_000) as site:
        is_well, _, advice = (await findings(site))["Open files"]
    assert not is_well
    assert "ulimit -n 20000100" in advice


async def test_a_full_disk_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def usage(path: Path) -> object:
        return type("Usage", (), {"free": 10**8, "total": 10**11})

    monkeypatch.setattr("engine.flows.doctor.shutil.disk_usage", usage)
    assert (await findings(site))["Disk"][:2] == (False, "0.1 of 100.0 GB free")


async def test_the_trial_stream_comes_piece_by_piece(site: Site) -> None:
    path = f"{site.base}/admin/doctor/stream"
    async with asyncio.timeout(10), site.session.get(path) as response:
        assert response.headers["X-Accel-Buffering"] == "no"
        first = await response.content.readuntil(b"\n\n")
        assert b'{"number":0}' in first
        assert not response.content.at_eof()
        rest = await response.read()
    assert rest.count(b"event: beat\n") == 4
