"""What the pipeline takes: the types of the fields, and the rules that types cannot say."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine.errors import Invalid
from engine.validation.validator import CONTENT_TYPES, UNKNOWN_TYPE

_MIN_CHARS, _MAX_CHARS = 10, 500_000

Share = Annotated[float, Meta(ge=0, le=1)]
Words = Annotated[str, Meta(max_length=2000)]


class PipelineRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for. The sizes of `input_text` and `draft` hold without outer space."""

    content_type: Annotated[str, Meta(extra_json_schema={"enum": list(CONTENT_TYPES)})]
    input_text: Annotated[
        str, Meta(extra_json_schema={"minLength": _MIN_CHARS, "maxLength": _MAX_CHARS})
    ]
    num_questions: Annotated[int, Meta(ge=1, le=20)] = 5
    focus_areas: Words | Annotated[list[Words], Meta(max_length=50)] | None = None
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


def checked(request: PipelineRequest) -> PipelineRequest:
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
