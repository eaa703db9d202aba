"""A document that costs its reader all memory is a failed document, and nothing else."""

import asyncio
import os
import signal
import zlib
from contextlib import suppress
from pathlib import Path

import pytest

from tests.engine.ingest.small_files import flate_bomb, pdf_of
from tests.fake_model import ENDING, FakeModel, Say, Wait
from tests.faults import ledger
from tests.faults.test_cuts import reader_of
from tests.faults.waiting import until
from tests.handlers.site import Site, open_site, with_model

pytestmark = pytest.mark.slow

PACKED = b"/Filter/FlateDecode"
TOO_MUCH = flate_bomb(400)
LONG = zlib.compress(b"BT /F 12 Tf 72 700 Td (word) Tj ET\n" * 1_000_000, 9)


async def failed(site: Site, name: str, content: bytes) -> str:
    """Upload a file; return why it could not be read."""
    [document] = await site.upload(site.topics, {name: content})
    found = await site.ready(document["id"])
    assert found["status"] == "failed"
    return str(found["reason"])


def parsers() -> list[int]:
    """Return the processes that read documents for this one."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_ours = f"PPid:\t{os.getpid()}\n" in (place / "status").read_text()
            if is_ours and b"engine.ingest.child" in (place / "cmdline").read_bytes():
                found.append(int(place.name))
    return found


async def test_a_parser_that_runs_out_of_memory_or_is_killed_for_it_ends_alone(
    data: Path, model: FakeModel
) -> None:
    gate = asyncio.Event()
    model.script(Say("one "), Wait(gate), Say("two"), *ENDING)
    async with open_site(data, **with_model(model, parse_memory_bytes=400 << 20)) as site:
        reader = await reader_of(site)
        reading = asyncio.create_task(reader.read())
        await until(lambda: reader.text)
        bomb = pdf_of([TOO_MUCH], entries=PACKED)
        assert "more memory" in await failed(site, "bomb.pdf", bomb)
        killed = asyncio.create_task(failed(site, "long.pdf", pdf_of([LONG], entries=PACKED)))
        await until(parsers)
        os.kill(parsers()[0], signal.SIGKILL)
        assert "more memory" in await killed
        gate.set()
        await reading
        assert reader.text == "one two"
        [after] = await site.upload(site.topics, {"after.md": "# After\n\nStill read.\n"})
        assert (await site.ready(after["id"]))["status"] == "ready"
        await until(lambda: not parsers())
    ledger.check(data)
