"""Behind nginx as it comes, and as people set it up: the same stream."""

import asyncio
from pathlib import Path

import pytest

from tests.fake_model import ENDING, FakeModel, Pause, Say, Wait
from tests.faults import ledger
from tests.faults.nginx import needs_nginx, nginx
from tests.faults.reader import Reader, seqs
from tests.faults.test_cuts import TEXT, port, reader_of, words
from tests.faults.waiting import until
from tests.handlers.site import Site, frames, open_site, text_of, with_model

pytestmark = [pytest.mark.slow, needs_nginx]

COMPRESS_ALL = """
gzip on; gzip_types *; gzip_proxied any; gzip_http_version 1.0; gzip_min_length 0;
"""


async def test_nginx_as_it_comes_holds_nothing_back(
    modelled: Site, model: FakeModel, tmp_path: Path
) -> None:
    gate = asyncio.Event()
    model.script(Say("one "), Wait(gate), Say("two"), *ENDING)
    with nginx(tmp_path / "nginx", port(modelled)) as proxy:
        reader = await reader_of(modelled, proxy.base)
        reading = asyncio.create_task(reader.read())
        await until(lambda: reader.text == "one", 5)
        gate.set()
        await reading
    assert reader.text == "one two"
    assert reader.frames[-1]["event"] == "generation_complete"


async def test_nginx_that_compresses_everything_holds_nothing_back_either(
    modelled: Site, model: FakeModel, tmp_path: Path
) -> None:
    gate = asyncio.Event()
    model.script(Say("one "), Wait(gate), Say("two"), *ENDING)
    with nginx(tmp_path / "nginx", port(modelled), COMPRESS_ALL) as proxy:
        encoding = {"Accept-Encoding": "gzip"}
        url = f"{proxy.base}/api/v1/kbs"
        async with modelled.session.get(url, headers=encoding) as plain:
            assert plain.headers["Content-Encoding"] == "gzip"
        direct, modelled.base = modelled.base, proxy.base
        body = {"kb_id": modelled.topics, "document_type": "custom", "context": "sign-in"}
        async with modelled.stream("/api/v1/generate", body, headers=encoding) as stream:
            assert stream.response.headers["Content-Encoding"] == "gzip"  # whatever we ask for
            await stream.until_text(b'"delta":"one"')
            gate.set()
            found = frames(await stream.rest())
        modelled.base = direct
    assert text_of(found) == "one two"
    assert found[-1]["event"] == "generation_complete"


@pytest.mark.parametrize(("heartbeat_s", "cuts"), [(0.3, 0), (15, 1)])
async def test_heartbeats_keep_a_proxy_with_little_patience_waiting(
    data: Path, model: FakeModel, tmp_path: Path, heartbeat_s: float, cuts: int
) -> None:
    model.script(Say("one "), Pause(2.5), Say("two"), *ENDING)
    async with open_site(data, **with_model(model, heartbeat_s=heartbeat_s)) as site:
        with nginx(tmp_path / "nginx", port(site), "proxy_read_timeout 1s;") as proxy:
            reader = await reader_of(site, proxy.base)
            await reader.read()
            assert reader.is_ended == (cuts == 0)
            await reader.read_to_end()
    assert reader.text == "one two"
    assert len(model.calls) == 1
    ledger.check(data)


async def test_a_proxy_that_cuts_again_and_again_costs_no_word(
    modelled: Site, model: FakeModel, tmp_path: Path
) -> None:
    model.default = words(TEXT, gap_s=0.15)
    with nginx(tmp_path / "nginx", port(modelled)) as proxy:
        reader = await reader_of(modelled, proxy.base)
        reading = asyncio.create_task(reader.read_to_end())
        for count in (4, 7, 10):
            await until(lambda count=count: len(reader.events) >= count)
            proxy.cut()
        await reading
    assert reader.text == TEXT
    assert seqs(reader.events) == sorted(set(seqs(reader.events)))
    assert len(model.calls) == 1


async def test_a_sign_in_page_of_a_proxy_starts_nothing_and_ends_no_run(
    modelled: Site, model: FakeModel, tmp_path: Path
) -> None:
    gate = asyncio.Event()
    model.script(Say("one "), Wait(gate), Say("two"), *ENDING)
    with nginx(tmp_path / "nginx", port(modelled)) as proxy:
        reader = await reader_of(modelled, proxy.base)
        await reader.read(enough=3)
        proxy.ask_to_sign_in(True)
        async with modelled.session.get(f"{proxy.base}{events_of(reader)}") as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
        proxy.ask_to_sign_in(False)
        gate.set()
        await reader.read_to_end()
    assert reader.text == "one two"
    assert len(model.calls) == 1


def events_of(reader: Reader) -> str:
    return f"/api/v1/runs/{reader.run_id}/events"
