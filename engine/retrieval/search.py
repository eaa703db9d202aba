"""Finds passages for a question, best first, and says how good they are.

The order is bm25. The score of the best is how much of the question it covers, each word counting
by its rarity; the others follow in proportion to their bm25. So a question whose words hardly
occur scores near 0, however it ranks what little there is.
"""

import math
import time
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from engine.language.words import STOP_WORDS, stems, tokens
from engine.retrieval.query import choose, question_terms, worth
from engine.storage import passages
from engine.storage.database import Database
from engine.storage.passages import Hit, Term
from engine.storage.rights import Reader
from engine.types import Id, Source

_JUDGED = 3
_EXPECTED = 8
_MIDDLE = 0.5
_STEEPNESS = 8.0
_SHORTEST_STEM = 3
_LONGEST_ENDING = 4
_LEAST_PASSAGES = 100
"""What is rare in fewer passages than these may well be common; all words count about the same."""

_WINDOW = 4
"""So many times as many passages are looked at, since some only share a stem."""


class Retriever:
    """Search over knowledge bases."""

    def __init__(
        self, database: Database, took: Callable[[float], None] = lambda took_s: None
    ) -> None:
        """Search the passages of `database`; tell `took` how many seconds each search took."""
        self._database = database
        self._took = took

    async def search(
        self, reader: Reader, kb_ids: Sequence[Id], query: str, limit: int
    ) -> list[Source]:
        """Return at most `limit` passages in one ranking over these knowledge bases.

        Those the reader may not see give none, whatever is asked for.
        """
        counts = question_terms(query)
        if not counts:
            return []
        began = time.monotonic()
        async with self._database.read() as connection:
            total = max(await passages.count(connection), _LEAST_PASSAGES)
            frequencies = await passages.frequencies(connection, list(counts))
            chosen = choose(counts, frequencies, total)
            hits = await passages.search(connection, reader, kb_ids, chosen, limit)
        worths = {term: worth(number, total) for term, number in frequencies.items()}
        scored = _scored(hits, worths)
        self._took(time.monotonic() - began)
        return scored

    async def complete(
        self, reader: Reader, kb_ids: Sequence[Id], typed: str, limit: int
    ) -> list[Source]:
        """Return passages that have all words typed so far, the last one perhaps unfinished."""
        *words, begun = tokens(typed) or [""]
        telling = [word for word in words if word not in STOP_WORDS]
        async with self._database.read() as connection:
            hits = await passages.complete(
                connection, reader, kb_ids, telling, _beginnings(begun), _WINDOW * limit
            )
        whole = [hit for hit in hits if _has_beginning(hit, begun)]
        return [
            msgspec.structs.replace(hit.source, score=round(hit.weight / whole[0].weight, 4))
            for hit in whole[:limit]
        ]

    async def passages(self, reader: Reader, kb_id: Id, chunk_ids: Sequence[Id]) -> list[Source]:
        """Return passages by their ids in the order given; missing ones are left out."""
        async with self._database.read() as connection:
            found = await passages.get(connection, reader, kb_id, chunk_ids)
        by_id = {source.chunk_id: source for source in found}
        return [by_id[chunk_id] for chunk_id in chunk_ids if chunk_id in by_id]

    async def number_in(self, reader: Reader, kb_id: Id, most: int) -> int:
        """Return how many passages a knowledge base has; `most` ends the count."""
        async with self._database.read() as connection:
            return await passages.number_in(connection, reader, kb_id, most)

    async def leading(
        self, reader: Reader, kb_id: Id, limit: int, exclude: Collection[Id] = frozenset()
    ) -> list[Source]:
        """Return the first passages of a knowledge base, document by document in reading order."""
        async with self._database.read() as connection:
            return await passages.leading(connection, reader, kb_id, limit, exclude)


def _beginnings(begun: str) -> list[str]:
    """Return what an index of stems may have of a word that begins so: "securit" has "secur"."""
    shortest = max(_SHORTEST_STEM, len(begun) - _LONGEST_ENDING)
    return [begun[:end] for end in range(min(shortest, len(begun)), len(begun) + 1) if end]


def _has_beginning(hit: Hit, begun: str) -> bool:
    text = f"{hit.title}\n{hit.heading}\n{hit.source.text}"
    return any(word.startswith(begun) for word in tokens(text))


def _scored(hits: list[Hit], worths: Mapping[Term, float]) -> list[Source]:
    if not hits:
        return []
    level = _score(max(coverage(hit, worths) for hit in hits[:_JUDGED]))
    best = hits[0].weight
    return [
        msgspec.structs.replace(hit.source, score=round(level * hit.weight / best, 4))
        for hit in hits
    ]


def coverage(hit: Hit, worths: Mapping[Term, float]) -> float:
    """Return the part of a question's worth that a passage has, from 0 to 1.

    Words and forms of other languages are two readings of one question; the better one counts.
    """
    text = f"{hit.title}\n{hit.heading}\n{hit.source.text}"
    words = [term for term in worths if not term.is_form]
    forms = [term for term in worths if term.is_form]
    in_text, in_forms = set(stems(tokens(text))), set(hit.forms.split())
    found = {
        term
        for term, stem in zip(words, stems([term.text for term in words]), strict=True)
        if stem in in_text
    }
    found.update(term for term in forms if term.text in in_forms)
    return max(_share(words, found, worths), _share(forms, found, worths))


def _share(asked: list[Term], found: set[Term], worths: Mapping[Term, float]) -> float:
    """Return the worth found, against what one passage can be expected to have of a long text."""
    if not asked:
        return 0.0
    mean = sum(worths[term] for term in asked) / len(asked)
    expected = mean * min(len(asked), _EXPECTED)
    return min(1.0, sum(worths[term] for term in asked if term in found) / expected)


def _score(covered: float) -> float:
    """Map a coverage to a score: an S-curve, steep where passages begin to answer."""
    return 1 / (1 + math.exp(-_STEEPNESS * (covered - _MIDDLE)))
