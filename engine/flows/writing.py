"""A draft while it is written: pieces become events, a section can be left for the next."""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from typing import assert_never

from engine.citations.numbering import CitationStream
from engine.errors import Conflict, ProviderFailed
from engine.flows.assessment import assess
from engine.flows.finish import warnings_of
from engine.flows.planning import Plan
from engine.flows.progress import Progress
from engine.runs.events import Cited, Completed, Delta, Event, Stage
from engine.runs.runner import Run
from engine.storage.drafts import Draft
from engine.types import Citation
from engine.writers.writer import Finished, Piece, Text, Thinking, Waiting

_FENCE = re.compile(r"^ {0,3}(```|~~~)", re.MULTILINE)


class Writing:
    """A text that comes in pieces: turned into events, kept, and measured at the end."""

    def __init__(self, plan: Plan, draft: Draft, skipped: Sequence[str] = ()) -> None:
        """Go on after what the draft has; `skipped` are the sections stopped early before."""
        self._plan = plan
        self._text = [draft.content]
        self._stream = CitationStream(plan.sources, known=draft.citations, after=draft.content)
        self._progress = Progress(plan, draft.content, skipped)
        self._finished: Finished | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._was_woken = False
        self._is_at_seam = False
        self.is_leaving = False
        if self._ends_with_heading():
            self._set_apart()

    @property
    def gap(self) -> str:
        """What a writer must take for the end of the text so far."""
        return "\n\n" if self._is_at_seam else ""

    @property
    def text(self) -> str:
        """What is written so far."""
        return "".join(self._text)

    @property
    def citations(self) -> list[Citation]:
        """What it cites so far."""
        return self._stream.citations

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to write."""
        return self._finished is not None

    # Read the writer

    async def next_of(self, pieces: AsyncGenerator[Piece, None]) -> Piece | None:
        """Return the next piece; None at the end, or as soon as the section is to be left."""
        if self.is_leaving:
            return None
        self._waiting = task = asyncio.current_task()
        try:
            return await anext(pieces, None)
        except asyncio.CancelledError:
            if not self._was_woken or task is None or task.uncancel():
                raise
            return None
        finally:
            self._waiting = None
            self._was_woken = False

    def take(self, piece: Piece) -> Iterator[Event]:
        """Return the events that a piece gives rise to."""
        stage: Stage | None = None
        match piece:
            case Text(text=text):
                text = self._after_seam(text)
                yield from self._events(self._stream.feed(text))
                stage = self._progress.feed(text)
            case Thinking():
                stage = self._progress.thinking()
            case Waiting(delay_s=delay_s):
                stage = self._progress.waiting(delay_s)
            case Finished():
                self._finished = piece
            case _:
                assert_never(piece)
        if stage is not None:
            yield stage

    def _after_seam(self, text: str) -> str:
        """Drop the white space before the first text under a heading that was set for it."""
        if self._is_at_seam:
            text = text.lstrip()
            self._is_at_seam = not text
        return text

    def close(self) -> Iterator[Event]:
        """Return what was held back, once there is no more to come."""
        yield from self._events(self._stream.close())

    def _events(self, items: Iterable[Citation | str]) -> Iterator[Event]:
        for item in items:
            if isinstance(item, Citation):
                yield Cited(item)
            else:
                self._text.append(item)
                yield Delta(item)

    # Leave a section

    def leave_section(self) -> str:
        """Ask to stop the section that is being written; return its title.

        Raises:
            Conflict: no section is being written.
        """
        title = self._progress.current
        if not title or self.is_leaving or self.is_finished:
            raise Conflict("No section is being written just now.", code="INVALID_TRANSITION")
        self.is_leaving = True
        if self._waiting is not None:
            self._was_woken = True
            self._waiting.cancel()
        return title

    def begin_next(self) -> Iterator[Event]:
        """End the section as it stands and set the heading of the next one, if there is one."""
        self.is_leaving = False
        yield from self.close()
        following = self._progress.skip()
        if not following:
            self._finished = self._finished or Finished("stop")
            return
        self._finished = None
        section = self.text.rpartition("\n## ")[2]
        fence = _FENCE.findall(section)
        closing = f"\n{fence[-1]}" if len(fence) % 2 else ""
        self._is_at_seam = False
        yield from self.take(Text(f"{closing}\n\n## {following}"))
        stage = self._set_apart()
        if stage is not None:
            yield stage

    def _ends_with_heading(self) -> bool:
        last = self._text[0].rpartition("\n")[2]
        titles = {f"## {section.title}" for section in self._plan.sections if section.title}
        return last in titles

    def _set_apart(self) -> Stage | None:
        """Hold a blank line below a heading, whatever a writer begins with."""
        self._stream.feed("\n\n")
        self._is_at_seam = True
        return self._progress.feed("\n\n")

    # Finish

    def completed(self, run: Run) -> Completed:
        """Return the end of a whole text.

        Raises:
            ProviderFailed: the writer did not say that it is done, or wrote nothing.
        """
        finished, text = self._finished, self.text
        if finished is None or not text:
            raise ProviderFailed("The model wrote nothing. Try again, or ask in other words.")
        run.usage.update(
            prompt_tokens=finished.prompt_tokens or 0,
            completion_tokens=finished.completion_tokens or 0,
        )
        citations = self._stream.citations
        result = assess(text, citations, self._plan)
        documents = {citation.document_id for citation in citations}
        early = [f"The section “{title}” was stopped early." for title in self._progress.skipped]
        return Completed(
            confidence=result.confidence,
            citation_count=len(citations),
            word_count=result.word_count,
            sources_used=len(citations),
            documents_used=len(documents),
            summary=_summary(len(citations), len(documents)),
            sections=result.sections,
            unsupported_sentences=result.unsupported_sentences,
            invalid_markers=self._stream.invalid_markers,
            finish_reason=finished.reason,
            warnings=[*warnings_of(finished), *early],
        )


def _summary(sources: int, documents: int) -> str:
    return (
        f"Based on {sources} {'source' if sources == 1 else 'sources'}"
        f" from {documents} {'document' if documents == 1 else 'documents'}."
    )
