"""The relevance floor: which one tells answers from nonsense best, and how well it does.

    python bench/relevance.py [--data ../shared/data]

Every question takes the product's own way to its passages, through files and parsing where there
are files. A question counts as answered when the best score is not below the floor. Of the XQuAD
collections every second article is indexed: questions of its own must be answered, those of the
articles left out (`near`: same style, same language, another subject), of collections about
something else (`far`), off-topic ones and nonsense must be refused. Each kind of question counts
the same in each knowledge base, however many there are.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.retrieval import Collection, index, load, owner
from engine import open_engine, samples
from engine.command_line import ingest
from engine.config import Config
from engine.retrieval.search import Retriever
from engine.storage import knowledge
from engine.storage.database import open_database
from engine.storage.rights import Reader
from tests.asked import GOOD, GOOD_SAMPLE, NONSENSE, OFF_TOPIC

LANGUAGES = ("en", "de", "ru", "ar", "zh")
FLOORS = [n / 100 for n in range(1, 80)]
MOST = 300
NEARLY = 0.0025
"""The balance is flat around its best; there the lowest floor is taken, since a good question that
is refused is worse than a far one that gets passages its reader can judge."""

Scores = dict[str, list[float]]
"""The best score of each question, by kind of question: own, near, far, off-topic, nonsense."""


class Base(NamedTuple):
    """A knowledge base and the best scores in it."""

    name: str
    scores: Scores


async def measured(data: Path, folder: Path) -> AsyncIterator[Base]:
    """Ask every knowledge base its questions."""
    known = {name: load(path) for path in sorted((data / "ir").iterdir()) for name in [path.name]}
    for language in LANGUAGES:
        own, near = halves(known[f"xquad_{language}"])
        asked = {"own": [*own.questions.values()], "near": near}
        asked["far"] = far_from(known, f"xquad_{language}")
        yield Base(f"xquad_{language}", await of_rows(folder, f"xquad_{language}", own, asked))
    for name in ("cranfield", "npl"):
        asked = {"own": [*known[name].questions.values()], "far": far_from(known, name)}
        yield Base(name, await of_rows(folder, name, known[name], asked))
    for name, paths, own_questions in (
        ("corpus", [data / "corpus"], GOOD),
        ("sample", list(samples.paths()), GOOD_SAMPLE),
    ):
        asked = {"own": list(own_questions), "far": far_from(known, name)}
        yield Base(name, await of_files(folder / name, name, paths, asked))


def halves(collection: Collection) -> tuple[Collection, list[str]]:
    """Return every second article with its questions, and the questions of the others."""

    def is_kept(key: str) -> bool:
        return int(key.partition("-")[0]) % 2 == 0

    place = {question: next(iter(found)) for question, found in collection.relevant.items()}
    kept = {q: text for q, text in collection.questions.items() if is_kept(place[q])}
    left = [text for q, text in collection.questions.items() if not is_kept(place[q])]
    rows = [row for row in collection.rows if is_kept(row[0])]
    return Collection(rows, kept, {q: collection.relevant[q] for q in kept}), left


def far_from(known: Mapping[str, Collection], name: str) -> list[str]:
    """Return questions of collections about something else."""
    others = [other for other in ("cranfield", "npl", "xquad_en") if other != name]
    if name.startswith("xquad"):
        others = ["cranfield", "npl"]
    return [q for other in others for q in _some(list(known[other].questions.values()))]


def _some(questions: Sequence[str]) -> list[str]:
    return list(questions[:: max(1, len(questions) // MOST)])


async def of_rows(
    folder: Path, name: str, own: Collection, asked: Mapping[str, list[str]]
) -> Scores:
    """Index passages as they are, and ask."""
    async with open_database(folder / f"{name}.db") as database:
        kb_id = await index(database, name, own.rows)
        return await _ask(Retriever(database), await owner(database), kb_id, asked)


async def of_files(
    folder: Path, name: str, paths: list[Path], asked: Mapping[str, list[str]]
) -> Scores:
    """Read files as people upload them, and ask."""
    config = Config(data=folder, sample=False)
    await ingest(config, name, paths)
    async with open_engine(config) as engine:
        user, _ = await engine.identity.administrator()
        async with engine.database.read() as connection:
            [kb] = await knowledge.list_all(connection, user.id)
        return await _ask(engine.retriever, kb.id, asked)


async def _ask(
    retriever: Retriever, reader: Reader, kb_id: str, asked: Mapping[str, list[str]]
) -> Scores:
    everywhere = {"off-topic": list(OFF_TOPIC), "nonsense": list(NONSENSE)}
    return {
        kind: [await _best(retriever, reader, kb_id, question) for question in _some(questions)]
        for kind, questions in {**asked, **everywhere}.items()
    }


async def _best(retriever: Retriever, reader: Reader, kb_id: str, question: str) -> float:
    found = await retriever.search(reader, [kb_id], question, 5)
    return found[0].score if found else 0.0


def right(kind: str, scores: Sequence[float], floor: float) -> float:
    """Return the share of questions that a floor treats as it should."""
    passed = sum(score >= floor for score in scores) / len(scores)
    return passed if kind == "own" else 1 - passed


def balance(bases: Sequence[Base], floor: float) -> float:
    """Return the mean of good questions answered and of others refused."""
    answered = [right("own", base.scores["own"], floor) for base in bases]
    refused = [
        right(kind, scores, floor)
        for base in bases
        for kind, scores in base.scores.items()
        if kind != "own"
    ]
    return (statistics.fmean(answered) + statistics.fmean(refused)) / 2


def report(bases: Sequence[Base], floor: float) -> None:
    """Print the distribution, and what the floor does with each kind of question."""
    print(
        f"\n{'':10} {'questions':10} {'p5':>5} {'p25':>5} {'p50':>5} {'p75':>5} {'p95':>5}  right"
    )
    for base in bases:
        for kind, scores in base.scores.items():
            cuts = statistics.quantiles(scores, n=20, method="inclusive")
            shown = " ".join(f"{cuts[p // 5 - 1]:5.2f}" for p in (5, 25, 50, 75, 95))
            print(f"{base.name:10} {kind:10} {shown}  {right(kind, scores, floor):4.0%}")
    print(f"\nfloor {floor:.2f}, the one in use")
    for kind in ("own", "near", "far", "off-topic", "nonsense"):
        shares = [right(kind, b.scores[kind], floor) for b in bases if kind in b.scores]
        said = "answered" if kind == "own" else "refused"
        print(f"  {kind:10} {statistics.fmean(shares):5.1%} {said}")


async def main() -> None:
    """Ask, print, and name the floor that fits."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bases = [base async for base in measured(arguments.data, Path(folder))]
    report(bases, Config().relevance_floor)
    balances = {floor: balance(bases, floor) for floor in FLOORS}
    most = max(balances.values())
    fitted = min(floor for floor in FLOORS if balances[floor] >= most - NEARLY)
    print("\nmean of answered and refused, by floor")
    print("  ".join(f"{floor:.2f} {balances[floor]:.1%}" for floor in FLOORS[1::4]))
    print(f"best {most:.1%}; the lowest floor that is nearly as good: {fitted:.2f}")


if __name__ == "__main__":
    asyncio.run(main())
