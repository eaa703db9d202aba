"""The writer that needs no model: it quotes, and every sentence it quotes is cited."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

from engine.writers.continuation import continued
from engine.writers.quoting import Quotations
from engine.writers.rewriting import rewritten
from engine.writers.summary import condense, lay_out
from engine.writers.writer import Assignment, Finished, Piece, Text

_WORD = re.compile(r"\s*\S+(?:\s+\Z)?")
_PARAGRAPH = re.compile(r"(?<=\S)(?=\n\n)")
_PIECES_PER_S = 20


class ExtractiveWriter:
    """Writes by quoting, at a settable pace."""

    def __init__(
        self,
        words_per_s: float = 0.0,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the pace in words per second; 0 is as fast as it can."""
        self._words_per_s = words_per_s
        self._sleep = sleep
        self._now = now

    @property
    def model(self) -> str:
        """The name shown to users and stored with a run."""
        return "extractive"

    async def write(self, assignment: Assignment) -> AsyncGenerator[Piece, None]:
        """Yield the text in pieces of one to three words, or of a paragraph without a pace."""
        sections = compose(assignment)
        started, words = self._now(), 0
        # In a thread: choosing among many passages takes longer than other runs should wait.
        while (text := await asyncio.to_thread(next, sections, None)) is not None:
            for piece in self._pieces(text):
                await self._wait_until(started, words)
                yield Text(piece)
                words += len(piece.split())
        yield Finished("stop")

    def _pieces(self, text: str) -> list[str]:
        if not self._words_per_s:
            return _PARAGRAPH.split(text)
        words = _WORD.findall(text)
        size = min(3, max(1, round(self._words_per_s / _PIECES_PER_S)))
        return ["".join(words[at : at + size]) for at in range(0, len(words), size)]

    async def _wait_until(self, started: float, words: int) -> None:
        """Sleep until that many words may have been written; let other tasks run in any case."""
        due = started + words / self._words_per_s if self._words_per_s else 0.0
        await self._sleep(max(0.0, due - self._now()))

    async def models(self) -> list[str]:
        """Return the one name there is."""
        return [self.model]

    async def reach(self) -> None:
        """Do nothing: there is no other server."""

    async def close(self) -> None:
        """Do nothing: there is no connection."""


def compose(assignment: Assignment) -> Iterator[str]:
    """Yield the text still to be written, a section at a time.

    Joined to `so_far` it has no outer white space; what comes first begins with the blank line, if
    one is needed, that sets it apart.
    """
    match assignment.task:
        case "draft":
            yield from _drafted(assignment)
        case "condense":
            yield from condense(assignment.material, assignment.question)
        case "summary":
            yield from lay_out(assignment.material, assignment.question)
        case "rewrite":
            yield from rewritten(assignment)


def _drafted(assignment: Assignment) -> Iterator[str]:
    quotations = Quotations(assignment)
    if assignment.so_far.strip():
        yield from continued(quotations, assignment.so_far)
    else:
        yield from quotations.sections(0, "")
