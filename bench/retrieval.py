"""Retrieval quality on public collections, how scores separate, and latency at 100,000 passages.

    python bench/retrieval.py [--data ../shared/data] [--latency]

Every passage and every question takes the product's own way: storage, index, `Retriever.search`.
nDCG@10 has linear gain and a log2 discount; figures in brackets are the ones to reach.
"""

import argparse
import asyncio
import json
import math
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from engine.retrieval.search import Retriever
from engine.storage import documents, identities, knowledge, passages
from engine.storage.database import Database, open_database
from engine.storage.documents import NewVersion
from engine.storage.rights import Reader
from engine.types import Id, Source, new_id

WANTED = {
    "cranfield": ".397 / .413 / .747",
    "npl": ".426 / .215 / .587",
    "xquad_en": ".969 / .992 / .996",
    "xquad_de": ".938",
    "xquad_ru": ".953",
    "xquad_ar": ".937",
    "xquad_zh": ".964",
}
NONSENSE = [
    "colorless green ideas sleep furiously",
    "qwxz vlorp gnarf blimble",
    "how do I bake sourdough bread with rye flour at home",
    "what is the best recipe for tomato soup",
    "who won the chess tournament in Reykjavik",
    "cheap flights to Lisbon next weekend",
    "how often should I water my orchid",
    "lyrics of the song my neighbour sings",
]


class Collection(NamedTuple):
    """Documents as (id, title, text), questions by id, relevant documents by question."""

    rows: list[tuple[str, str, str]]
    questions: dict[str, str]
    relevant: dict[str, dict[str, float]]


class Figures(NamedTuple):
    """Means over the questions."""

    ndcg_10: float
    recall_10: float
    recall_100: float

    def __str__(self) -> str:
        """Show as in the reference table."""
        return " / ".join(f"{value:.3f}".removeprefix("0") for value in self)


def load(folder: Path) -> Collection:
    """Read a collection."""
    rows = [(row["_id"], row["title"], row["text"]) for row in _lines(folder / "corpus.jsonl")]
    questions = {row["_id"]: row["text"] for row in _lines(folder / "queries.jsonl")}
    relevant: dict[str, dict[str, float]] = {}
    for line in (folder / "qrels.tsv").read_text().splitlines():
        question, document, grade = line.split("\t")
        if float(grade) > 0:
            relevant.setdefault(question, {})[document] = float(grade)
    return Collection(rows, questions, relevant)


def _lines(path: Path) -> Iterator[dict[str, str]]:
    with path.open() as file:
        for line in file:
            yield json.loads(line)


async def owner(database: Database) -> Reader:
    """Return who owns the knowledge bases made here."""
    async with database.transaction() as tx:
        return (await identities.local_administrator(tx))[0]


async def index(database: Database, name: str, rows: list[tuple[str, str, str]]) -> Id:
    """Store rows as the chunks of one document in a new knowledge base; return its id.

    Chunk ids are the base's id, a colon and the row's id.
    """
    async with database.transaction() as tx:
        user, _ = await identities.local_administrator(tx)
        kb_id = await knowledge.create(tx, user.id, name)
        document = await documents.add_version(tx, kb_id, NewVersion(name, name, 1), new_id())
        for start in range(0, len(rows), 1000):
            batch = rows[start : start + 1000]
            chunks: list[tuple[object, ...]] = [
                (f"{kb_id}:{key}", document.version_id, document.id, kb_id, n, 0, len(text), 1, "")
                for n, (key, _, text) in enumerate(batch, start=start)
            ]
            ids = await documents.add_chunks(tx, chunks)
            await passages.add(
                tx,
                ids,
                [passages.make_passage(kb_id, title, "", text) for _, title, text in batch],
            )
        await documents.set_status(tx, document.version_id, "ready")
    return kb_id


async def measure(
    retriever: Retriever, reader: Reader, kb_id: Id, collection: Collection
) -> Figures:
    """Ask every question that has a relevant document."""
    figures = []
    for question, relevant in collection.relevant.items():
        sources = await retriever.search(reader, [kb_id], collection.questions[question], 100)
        figures.append(_judge([_key(source) for source in sources], relevant))
    return Figures(*(statistics.fmean(column) for column in zip(*figures, strict=True)))


def _judge(ranked: list[str], relevant: dict[str, float]) -> Figures:
    ideal = sorted(relevant.values(), reverse=True)
    return Figures(
        _dcg([relevant.get(key, 0) for key in ranked[:10]]) / _dcg(ideal[:10]),
        len(relevant.keys() & set(ranked[:10])) / len(relevant),
        len(relevant.keys() & set(ranked[:100])) / len(relevant),
    )


def _dcg(gains: list[float]) -> float:
    return sum(gain / math.log2(rank + 2) for rank, gain in enumerate(gains))


def _key(source: Source) -> str:
    return source.chunk_id.partition(":")[2]


async def best_scores(retriever: Retriever, reader: Reader, kb_id: Id, questions: list[str]) -> str:
    """Return the quantiles of the best passage's score."""
    scores = []
    for question in questions:
        found = await retriever.search(reader, [kb_id], question, 5)
        scores.append(found[0].score if found else 0.0)
    cuts = statistics.quantiles(scores, n=20, method="inclusive")
    return "  ".join(f"p{p} {cuts[p // 5 - 1]:.2f}" for p in (5, 25, 50, 75, 95))


async def quality(data: Path, folder: Path) -> None:
    """Print the table of figures, and how scores tell answers from nonsense."""
    known = {name: load(data / "ir" / name) for name in WANTED}
    for name, collection in known.items():
        async with open_database(folder / f"{name}.db") as database:
            kb_id = await index(database, name, collection.rows)
            await _report(Retriever(database), await owner(database), kb_id, name, known)


async def _report(
    retriever: Retriever, reader: Reader, kb_id: Id, name: str, known: dict[str, Collection]
) -> None:
    started = time.perf_counter()
    figures = await measure(retriever, reader, kb_id, known[name])
    each_ms = (time.perf_counter() - started) / len(known[name].relevant) * 1000
    print(f"{name:10} {figures}   ({WANTED[name]})   {each_ms:.1f} ms", flush=True)
    other = "xquad_en" if name in ("cranfield", "npl") else "cranfield"
    for label, questions in (
        ("its own", [known[name].questions[question] for question in known[name].relevant][:300]),
        (other, list(known[other].questions.values())[:200]),
        ("nonsense", NONSENSE),
    ):
        spread = await best_scores(retriever, reader, kb_id, questions)
        print(f"    best score, questions of {label:10} {spread}", flush=True)


async def latency(data: Path, folder: Path, number: int = 100_000) -> None:
    """Print how long questions take over many passages, made by pairing up real ones."""
    collection = load(data / "ir" / "npl")
    xquad = load(data / "ir" / "xquad_en")
    texts = [text for _, _, text in collection.rows] + [text for _, _, text in xquad.rows]
    rows = [
        (str(n), "", texts[n % len(texts)] + " " + texts[n * 7919 % len(texts)])
        for n in range(number)
    ]
    async with open_database(folder / "latency.db") as database:
        started = time.perf_counter()
        kb_id = await index(database, "many", rows)
        print(f"\n{number} passages indexed in {time.perf_counter() - started:.0f} s")
        retriever, reader = Retriever(database), await owner(database)
        questions = [*collection.questions.values(), *list(xquad.questions.values())[:200]]
        long_one = " ".join(texts[::50])[:10_000]
        for label, asked in (("questions", questions), ("10,000 characters", [long_one] * 10)):
            times = []
            for question in asked:
                started = time.perf_counter()
                await retriever.search(reader, [kb_id], question, 20)
                times.append((time.perf_counter() - started) * 1000)
            cuts = statistics.quantiles(times, n=100, method="inclusive")
            print(f"{label}: p50 {cuts[49]:.0f} ms, p95 {cuts[94]:.0f} ms, p99 {cuts[98]:.0f} ms")


async def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--latency", action="store_true", help="measure 100,000 passages as well")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        await quality(arguments.data, Path(folder))
        if arguments.latency:
            await latency(arguments.data, Path(folder))


if __name__ == "__main__":
    asyncio.run(main())
