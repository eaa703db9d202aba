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
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from engine.errors import AppError, Invalid, ProviderFailed
from engine.flows.pipeline_prompts import Prompts, formatter_messages, generator_messages
from engine.flows.start_rate import StartRate
from engine.runs.events import Completed, DraftText, Event, Stage, Started, Terminal, Token
from engine.runs.runner import Run, Runs
from engine.storage import journal as rows
from engine.storage.database import Connection
from engine.storage.identities import User
from engine.storage.journal import RunRow
from engine.types import new_id, utc_now
from engine.validation.problems import Problem
from engine.validation.validator import CONTENT_TYPES, UNKNOWN_TYPE, validate
from engine.writers.writer import Assignment, Finished, Piece, Text, Waiting, Writer

FAMILY = "pipeline"
_RETRIES = 1
_MIN_CHARS, _MAX_CHARS = 10, 500_000
_FORMATTER_TEMPERATURE = 0.0

Share = Annotated[float, Meta(ge=0, le=1)]
Words = Annotated[str, Meta(max_length=2000)]


class PipelineRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for. The sizes of `input_text` and `draft` hold without outer space."""

    content_type: Annotated[str, Meta(extra_json_schema={"enum": list(CONTENT_TYPES)})]
    input_text: Annotated[
        str, Meta(extra_json_schema={"minLength": _MIN_CHARS, "maxLength": _MAX_CHARS})
    ]
    num_questions: Annotated[int, Meta(ge=1, le=20)] = 5
    focus_areas: Words | list[Words] | None = None
    generator_model: Annotated[str, Meta(max_length=200)] | None = None
    generator_temperature: Share | None = None
    generator_top_p: Share | None = None
    formatter_temperature: Share | None = None
    formatter_top_p: Share | None = None
    draft_only: bool = False
    draft: str | None = None
    on_disconnect: Literal["cancel", "continue"] = "cancel"

    @property
    def focus(self) -> str:
        """The focus areas in one line."""
        areas = self.focus_areas or ""
        return " ".join((areas if isinstance(areas, str) else ", ".join(areas)).split())


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
        request = _checked(request)
        self._require_model(request)

        async def build(_: Connection) -> RunRow:
            self._rate.count(user.id)
            return self._row(user, request, key, body_hash)

        return await runs.start(FAMILY, user.id, build, key=key, body_hash=body_hash)

    def _require_model(self, request: PipelineRequest) -> None:
        if not self._has_model and request.content_type != "SUMMARY":
            raise Invalid(
                "Question sets need a language model. Set FOOTNOTE_LLM_URL, or choose SUMMARY.",
                field="content_type",
            )

    def _row(self, user: User, request: PipelineRequest, key: str | None, body_hash: str) -> RunRow:
        return RunRow(
            id=new_id(),
            family=FAMILY,
            user_id=user.id,
            state="running",
            request=msgspec.json.encode(request),
            request_hash=body_hash,
            created_at=utc_now(),
            idempotency_key=key,
            keep_going=request.on_disconnect == "continue",
            model=self._generator_model(request),
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
            yield Stage("done", "The draft is ready", 100)
            yield Completed(result=work.result(work.draft, []))
            return
        async for event in self._format(run, work):
            yield event

    async def _generate(self, run: Run, work: "_Work") -> AsyncGenerator[Event, None]:
        yield Stage("generator", "Writing the draft", 30)
        text = _Arriving("draft", 30)
        async for event in self._write(run, self._generation(work.request), text):
            yield event
        work.took("generator", text)
        work.draft = text.whole()
        yield DraftText(work.draft)

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

    async def _format(self, run: Run, work: "_Work") -> AsyncGenerator[Event, None]:
        problems: list[Problem] = []
        text = _Arriving("formatted", 60)
        for attempt in range(1 + _RETRIES):
            yield _formatting(attempt)
            text = _Arriving("formatted", _formatting(attempt).percent)
            async for event in self._write(run, self._formatting(work, problems), text):
                yield event
            work.took("formatter", text)
            if attempt == 0:
                yield Stage("validator", "Checking the form", 80)
            problems = await work.validated(text.whole())
            work.retries = attempt
            if not problems:
                break
        yield Stage("fail", "The form is not right", 100) if problems else _DONE
        yield Completed(result=work.result(text.whole(), problems))

    def _formatting(self, work: "_Work", problems: list[Problem]) -> Assignment:
        request = work.request
        temperature = request.formatter_temperature
        return Assignment(
            question=request.focus,
            sections=(),
            sources=(),
            task="summary",
            material=work.draft,
            messages=formatter_messages(self._prompts[request.content_type], work.draft, problems),
            temperature=_FORMATTER_TEMPERATURE if temperature is None else temperature,
            top_p=request.formatter_top_p,
            max_tokens=self._max_tokens,
        )

    async def _write(
        self, run: Run, assignment: Assignment, text: "_Arriving"
    ) -> AsyncGenerator[Event, None]:
        async with aclosing(self._writer.write(assignment)) as pieces:
            async for piece in pieces:
                event = text.take(piece)
                if event is not None:
                    yield event
                if isinstance(piece, Finished):
                    _count(run, piece)

    async def settle(self, tx: Connection, row: RunRow, terminal: Terminal) -> None:
        """Forget what was sent in: notes may be long, and nothing needs them any more."""
        await rows.forget_request(tx, row.id)


_DONE = Stage("done", "Ready", 100)


def _checked(request: PipelineRequest) -> PipelineRequest:
    """Return the request without outer space.

    Raises:
        Invalid: a field is wrong in a way that types cannot say.
    """
    if request.content_type not in CONTENT_TYPES:
        raise _wrong("content_type", UNKNOWN_TYPE)
    if request.draft is not None and request.draft_only:
        raise _wrong("draft", "cannot be given together with draft_only")
    texts = {
        name: text.strip()
        for name in ("input_text", "draft")
        if (text := getattr(request, name)) is not None
    }
    for name, text in texts.items():
        if not _MIN_CHARS <= len(text) <= _MAX_CHARS:
            raise _wrong(name, f"must have {_MIN_CHARS} to {_MAX_CHARS:,} characters")
    return msgspec.structs.replace(request, **texts)


def _wrong(field: str, reason: str) -> Invalid:
    return Invalid(f"{field}: {reason}.", code="VALIDATION_ERROR", field=field)


def _formatting(attempt: int) -> Stage:
    if attempt == 0:
        return Stage("formatter", "Putting it into form", 60)
    return Stage("retry", "Putting it into form again", min(95, 85 + 5 * attempt))


def _count(run: Run, finished: Finished) -> None:
    for name in ("prompt_tokens", "completion_tokens"):
        run.usage[name] = run.usage.get(name, 0) + (getattr(finished, name) or 0)


class _Arriving:
    """A text that comes in pieces, without white space around it."""

    def __init__(self, stage: str, percent: int) -> None:
        """Begin; `stage` and `percent` are those of the events."""
        self.seconds = 0.0
        self._stage = stage
        self._percent = percent
        self._began = time.monotonic()
        self._texts: list[str] = []
        self._space: list[str] = []
        self._is_finished = False

    def take(self, piece: Piece) -> Event | None:
        """Return the event that a piece gives rise to."""
        match piece:
            case Text(text=text):
                shown = self._shown(text)
                return Token(self._stage, shown) if shown else None
            case Waiting(delay_s=delay_s):
                message = f"Waiting for the model, {delay_s:.0f} s"
                return Stage("waiting", message, self._percent, delay_s=round(delay_s, 1))
            case Finished():
                self._is_finished = True
                self.seconds = time.monotonic() - self._began
        return None

    def _shown(self, text: str) -> str:
        """Return what can be shown: space waits for the text after it."""
        if not self._texts:
            text = text.lstrip()
        body = text.rstrip()
        if not body:
            self._space.append(text)
            return ""
        shown = "".join(self._space) + body
        self._space = [text[len(body) :]]
        self._texts.append(shown)
        return shown

    def whole(self) -> str:
        """Return the text.

        Raises:
            ProviderFailed: the writer did not say that it is done, or wrote nothing.
        """
        if not self._is_finished or not self._texts:
            raise ProviderFailed("The model wrote nothing. Try again, or shorten the notes.")
        return "".join(self._texts)


class _Work:
    """What one run knows of itself, and its result."""

    def __init__(self, request: PipelineRequest, generator: str, formatter: str) -> None:
        """Begin with the names of the models of both steps."""
        self.request = request
        self.draft = request.draft or ""
        self.retries = 0
        self._models = {"generator": generator, "formatter": formatter}
        self._latencies = {"generator": 0.0, "formatter": 0.0, "validator": 0.0}
        self._began = time.monotonic()

    def took(self, step: str, text: _Arriving) -> None:
        """Add the time that a text took to a step."""
        self._latencies[step] += text.seconds

    async def validated(self, text: str) -> list[Problem]:
        """Check a text, in a thread: a long one takes longer than other runs should wait."""
        began = time.monotonic()
        problems = await asyncio.to_thread(validate, self.request.content_type, text)
        self._latencies["validator"] += time.monotonic() - began
        return problems

    def result(self, text: str, problems: list[Problem]) -> dict[str, Any]:
        """Return the result as the contract names its fields; times are seconds."""
        result: dict[str, Any] = {
            "success": not problems,
            "output": None if problems else text,
            "metadata": {
                "content_type": self.request.content_type,
                "generator_model": self._models["generator"],
                "num_questions": self.request.num_questions,
                "formatter_retries": self.retries,
                "model_ids": self._models,
                "latencies": {step: round(s, 3) for step, s in self._latencies.items()},
                "total_time": round(time.monotonic() - self._began, 3),
            },
            "validation_errors": msgspec.to_builtins(problems),
        }
        return result | ({"partial_output": text} if problems else {})
