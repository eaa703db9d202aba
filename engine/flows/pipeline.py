"""The pipeline: notes become a draft, the draft gets its final form, and fixed rules check that.

A text that breaks the rules is formatted once more from the same draft, with what was wrong in the
prompt. The two steps can be taken apart: `draft_only` ends with the draft, and `draft` starts from
one that somebody has edited. Nothing is stored but that the run was; it cannot go on after a
restart.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import msgspec

from engine.errors import AppError, Invalid
from engine.flows.arriving import ArrivingText
from engine.flows.finish import warnings_of
from engine.flows.new_run import new_run
from engine.flows.pipeline_prompts import Prompts, formatter_messages, generator_messages
from engine.flows.pipeline_request import PipelineRequest, checked
from engine.flows.start_rate import StartRate
from engine.runs.events import Completed, DraftText, Event, Stage, Started, Terminal
from engine.runs.frames import PipelineMetadata, PipelineResult
from engine.runs.runner import Run, Runs
from engine.storage import journal as rows
from engine.storage.database import Connection
from engine.storage.identities import User
from engine.storage.journal import RunRow
from engine.validation.problems import Problem
from engine.validation.validator import validate
from engine.writers.writer import Assignment, Finished, Writer

FAMILY = "pipeline"
_RETRIES = 1
_FORMATTER_TEMPERATURE = 0.0


class Pipeline:
    """Starts and drives pipeline runs."""

    def __init__(
        self,
        writer: Writer,
        prompts: Mapping[str, Prompts],
        rate: StartRate,
        *,
        has_model: bool,
        temperature: float,
        max_tokens: int | None,
    ) -> None:
        """Write with `writer`; without a model it can only summarise."""
        self._writer = writer
        self._prompts = prompts
        self._rate = rate
        self._has_model = has_model
        self._temperature = temperature
        self._max_tokens = max_tokens

    async def start(
        self, runs: Runs, user: User, request: PipelineRequest, *, key: str | None, body_hash: str
    ) -> RunRow:
        """Start a run, or join the one of the same key.

        Raises:
            Invalid: the request is wrong, or it needs a model and there is none.
            LimitReached: too many runs are open, or were started this minute.
        """
        request = checked(request)
        self._require_model(request)

        async def build(_: Connection) -> RunRow:
            self._rate.count(user.id)
            return new_run(
                FAMILY,
                user,
                request,
                key=key,
                body_hash=body_hash,
                keep_going=request.on_disconnect == "continue",
                model=self._generator_model(request),
            )

        return await runs.start(FAMILY, user.id, build, key=key, body_hash=body_hash)

    def _require_model(self, request: PipelineRequest) -> None:
        if not self._has_model and request.content_type != "SUMMARY":
            raise Invalid(
                "Question sets need a language model. Set FOOTNOTE_LLM_URL, or choose SUMMARY.",
                field="content_type",
            )

    def _generator_model(self, request: PipelineRequest) -> str:
        return (self._has_model and request.generator_model) or self._writer.model

    async def flow(self, run: Run) -> AsyncGenerator[Event, None]:
        """Draft, format, check; or what of that was asked for."""
        if run.is_continued:
            raise AppError("The server was interrupted. Start again.", code="INTERRUPTED")
        request = msgspec.json.decode(run.row.request, type=PipelineRequest)
        work = _Work(request, self._generator_model(request), self._writer.model)
        yield Started(FAMILY, title=request.content_type)
        yield Stage("load_prompts", "Loading the prompts", 10)
        if request.draft is None:
            async for event in self._generate(run, work):
                yield event
        if request.draft_only:
            work.output = work.draft
            yield Stage("done", "The draft is ready", 100)
        else:
            async for event in self._format(run, work):
                yield event
        yield Completed(result=msgspec.to_builtins(work.result()), warnings=list(work.warnings))

    async def _generate(self, run: Run, work: "_Work") -> AsyncGenerator[Event, None]:
        yield Stage("generator", "Writing the draft", 30)
        text = ArrivingText("draft", 30)
        async for event in self._write(run, work, self._generation(work.request), text):
            yield event
        work.draft = text.whole()
        work.spent("generator", text.took_s)
        yield DraftText(work.draft)

    async def _format(self, run: Run, work: "_Work") -> AsyncGenerator[Event, None]:
        for attempt in range(1 + _RETRIES):
            stage = _formatter_stage(attempt)
            yield stage
            text = ArrivingText("formatted", stage.percent)
            async for event in self._write(run, work, self._formatting(work), text):
                yield event
            work.output, work.retries = text.whole(), attempt
            work.spent("formatter", text.took_s)
            if attempt == 0:
                yield Stage("validator", "Checking the form", 80)
            await work.check()
            if not work.problems:
                yield Stage("done", "Ready", 100)
                return
        yield Stage("fail", "The form is still not right", 100)

    async def _write(
        self, run: Run, work: "_Work", assignment: Assignment, text: ArrivingText
    ) -> AsyncGenerator[Event, None]:
        async with aclosing(self._writer.write(assignment)) as pieces:
            async for piece in pieces:
                event = text.take(piece)
                if event is not None:
                    yield event
        if text.finished is not None:
            _count(run, text.finished)
            work.warn(text.finished)

    def _generation(self, request: PipelineRequest) -> Assignment:
        temperature = request.generator_temperature
        return Assignment(
            question=request.focus,
            sections=(),
            sources=(),
            task="condense",
            material=request.input_text,
            messages=generator_messages(
                self._prompts[request.content_type],
                request.input_text,
                num_questions=request.num_questions,
                focus=request.focus,
            ),
            temperature=self._temperature if temperature is None else temperature,
            top_p=request.generator_top_p,
            max_tokens=self._max_tokens,
            model=request.generator_model or None,
        )

    def _formatting(self, work: "_Work") -> Assignment:
        request = work.request
        temperature = request.formatter_temperature
        return Assignment(
            question=request.focus,
            sections=(),
            sources=(),
            task="summary",
            material=work.draft,
            messages=formatter_messages(
                self._prompts[request.content_type], work.draft, work.problems
            ),
            temperature=_FORMATTER_TEMPERATURE if temperature is None else temperature,
            top_p=request.formatter_top_p,
            max_tokens=self._max_tokens,
        )

    async def settle(self, tx: Connection, row: RunRow, terminal: Terminal) -> None:
        """Forget what was sent in: notes may be long, and nothing needs them any more."""
        await rows.forget_request(tx, row.id)


def _formatter_stage(attempt: int) -> Stage:
    if attempt == 0:
        return Stage("formatter", "Putting it into form", 60)
    return Stage("retry", "Putting it into form again", min(95, 85 + 5 * attempt))


def _count(run: Run, finished: Finished) -> None:
    for name in ("prompt_tokens", "completion_tokens"):
        run.usage[name] = run.usage.get(name, 0) + (getattr(finished, name) or 0)


class _Work:
    """What one run has come to, and its result; times are seconds."""

    def __init__(self, request: PipelineRequest, generator: str, formatter: str) -> None:
        """Begin with the names of the models of both steps."""
        self.request = request
        self.draft = request.draft or ""
        self.output = ""
        self.problems: list[Problem] = []
        self.retries = 0
        self.warnings: dict[str, None] = {}
        self._models = {"generator": generator, "formatter": formatter}
        self._latencies = {"generator": 0.0, "formatter": 0.0, "validator": 0.0}
        self._began = time.monotonic()

    def spent(self, step: str, took_s: float) -> None:
        """Add to the time of a step."""
        self._latencies[step] += took_s

    def warn(self, finished: Finished) -> None:
        """Note what may be wrong with a text, once."""
        self.warnings.update(dict.fromkeys(warnings_of(finished)))

    async def check(self) -> None:
        """Find what is wrong, in a thread: a long text takes longer than other runs should wait."""
        began = time.monotonic()
        self.problems = await asyncio.to_thread(validate, self.request.content_type, self.output)
        self.spent("validator", time.monotonic() - began)

    def result(self) -> PipelineResult:
        """Return the result as the contract names its fields."""
        metadata = PipelineMetadata(
            content_type=self.request.content_type,
            generator_model=self._models["generator"],
            num_questions=self.request.num_questions,
            formatter_retries=self.retries,
            model_ids=self._models,
            latencies={step: round(s, 3) for step, s in self._latencies.items()},
            total_time=round(time.monotonic() - self._began, 3),
            warnings=list(self.warnings),
        )
        return PipelineResult(
            success=not self.problems,
            output=None if self.problems else self.output,
            draft=self.draft,
            metadata=metadata,
            validation_errors=self.problems,
            partial_output=self.output if self.problems else None,
        )
