"""Kill -9: what is lost, doubled or left without an end after a hundred random moments.

    python bench/kills.py [--kills 100 --readers 20 --seed 1]

Twenty readers at a time read drafts from a server process that is killed at a random moment and
started again on the same data, where they read on from what they saw. Killed streams are gone on
with, finished ones are followed by new ones. Then every draft is read to its end, and what readers
saw is compared with the journal: no event lost, none twice, one terminal event each.
"""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from time import monotonic

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.fake_model import FakeModel
from tests.faults import ledger
from tests.faults.reader import Reader, Refused, seqs
from tests.faults.test_processes import WORDS, is_prefix_of_log, knowledge_base, paced, serve
from tests.process import run
from tests.test_process import token

_PATH = "/api/v1/generate?dialect=native"
_GAP_S = 0.05
_LONGEST_LIFE_S = 1.0

_DOCUMENT = "# Sign-in\n\nSign-in uses OAuth 2.0 with PKCE for every web client since 2021.\n"


class Tally:
    """What is wrong after all kills."""

    def __init__(self) -> None:
        self.lost = 0
        self.doubled = 0
        self.without_one_end = 0
        self.other_text = 0

    def take(self, reader: Reader, ends: int) -> None:
        """Count the faults of one reader whose run has so many terminal events."""
        seen = seqs(reader.events)
        self.doubled += len(seen) - len(set(seen))
        self.lost += len(set(range(1, max(seen, default=0) + 1)) - set(seen))
        self.without_one_end += ends != 1 or not reader.is_ended
        self.other_text += reader.text != " ".join(WORDS)

    @property
    def faults(self) -> int:
        """All of them."""
        return self.lost + self.doubled + self.without_one_end + self.other_text


async def measure(folder: Path, *, kills: int, count: int, seed: int) -> Tally:
    """Kill a server so often; return what came of it."""
    chance, readers = random.Random(seed), list[Reader]()
    data = await _prepare(folder)
    secret, kb_id = await token(data), knowledge_base(data)
    body = {"kb_id": kb_id, "document_type": "custom", "context": "How does sign-in work?"}
    async with FakeModel() as model:
        paced(model, _GAP_S)
        settings = {"llm_provider": "openai", "llm_url": model.url, "llm_model": "fake"}
        vanished = 0
        for kill in range(kills):
            async with serve(data, **settings) as server:
                open_ones = [reader for reader in readers if not reader.is_ended]
                missing = count - len(open_ones)
                new = [Reader("", secret, _PATH, body) for _ in range(missing)]
                readers += new
                reading = [
                    asyncio.create_task(_read(reader, server.base)) for reader in open_ones + new
                ]
                await asyncio.sleep(chance.uniform(0.0, _LONGEST_LIFE_S))
                await server.end(signal.SIGKILL)
                await asyncio.gather(*reading)
            stored = ledger.events(data)
            vanished += sum(not is_prefix_of_log(reader, stored) for reader in readers)
            print(f"\r{kill + 1} kills, {len(readers)} drafts", end="", file=sys.stderr)
        print(file=sys.stderr)
        async with serve(data, **settings) as server:
            for reader in readers:
                reader.base = server.base
            await asyncio.gather(*(r.read_to_end() for r in readers if not r.is_ended))
            await server.end(signal.SIGTERM)
    ledger.check(data)
    return _tally(readers, ledger.events(data), vanished)


def _tally(readers: list[Reader], stored: dict[str, list[dict[str, str]]], vanished: int) -> Tally:
    tally = Tally()
    tally.lost = vanished
    for reader in readers:
        log = stored[reader.run_id or ""]
        tally.take(reader, sum(event["event"] in ledger.TERMINAL for event in log))
    runs = {reader.run_id for reader in readers}
    print(f"{len(readers)} drafts in {len(runs)} runs, {sum(map(len, stored.values()))} events")
    return tally


async def _prepare(folder: Path) -> Path:
    document, data = folder / "sign-in.md", folder / "data"
    document.write_text(_DOCUMENT)
    status, _, errors = await run(
        "ingest", "--data", str(data), "--kb", "Bench", str(document), sample="false"
    )
    if status:
        raise SystemExit(errors)
    return data


async def _read(reader: Reader, base: str) -> None:
    reader.base = base
    with suppress(OSError, Refused):
        await reader.read()


def main() -> int:
    """Run, print the figures, and fail when one of them is not 0."""
    parser = argparse.ArgumentParser(prog="bench/kills.py", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--readers", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = monotonic()
    with tempfile.TemporaryDirectory() as folder:
        work = measure(Path(folder), kills=options.kills, count=options.readers, seed=options.seed)
        tally = asyncio.run(work)
    print(f"{options.kills} kills with {options.readers} readers, {monotonic() - began:.0f} s:")
    print(f"  events lost                       {tally.lost}")
    print(f"  events doubled                    {tally.doubled}")
    print(f"  drafts without one terminal event {tally.without_one_end}")
    print(f"  drafts with another text          {tally.other_text}")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
