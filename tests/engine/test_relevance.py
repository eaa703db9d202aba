"""Good questions find passages, nonsense finds none: in the sample and in real documents."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine import Engine, open_engine, samples
from engine.command_line import ingest
from engine.config import Config
from tests.asked import GOOD, GOOD_SAMPLE, NONSENSE, OFF_TOPIC

CORPUS = Path(__file__).parents[3] / "shared/data/corpus"


async def found_for(engine: Engine, questions: Sequence[str]) -> list[str]:
    """Return the questions for which anything relevant is found."""
    user, _ = await engine.identity.administrator()
    return [question for question in questions if await engine.search.quick(user, question, 3)]


@pytest.mark.parametrize(
    ("paths", "good"),
    [
        (samples.paths(), GOOD_SAMPLE),
        pytest.param([CORPUS], GOOD, marks=pytest.mark.slow),
    ],
    ids=["sample", "corpus"],
)
async def test_good_questions_are_answered_and_others_refused(
    tmp_path: Path, paths: Sequence[Path], good: Sequence[str]
) -> None:
    if not all(path.exists() for path in paths):
        pytest.skip("the documents are not here")
    config = Config(data=tmp_path, sample=False)
    async with asyncio.timeout(120):
        await ingest(config, "Real", list(paths))
        async with open_engine(config) as engine:
            assert await found_for(engine, NONSENSE) == []
            # One in twenty may share its words with a document by chance.
            assert len(await found_for(engine, OFF_TOPIC)) <= len(OFF_TOPIC) // 20
            assert await found_for(engine, good) == list(good)
