"""What somebody asks for when they ask for a draft."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine.errors import Invalid
from engine.flows.document_types import DocumentType, SectionTemplate

Length = Literal["short", "medium", "long"] | Annotated[int, Meta(ge=20, le=20_000)]
Line = Annotated[str, Meta(max_length=200)]
AnId = Annotated[str, Meta(max_length=100)]
FeedbackType = Literal[
    "not_relevant", "wrong_format", "needs_more_detail", "low_confidence", "other"
]


class OutlineSection(msgspec.Struct, frozen=True, kw_only=True):
    """A section as somebody wants it; `excluded` are documents or passages to leave out of it."""

    title: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^\S[^\n\r]*$")]
    guidance: Annotated[str, Meta(max_length=2000)] = ""
    target_words: Annotated[int, Meta(ge=20, le=5000)] = 200
    pinned: Annotated[list[AnId], Meta(max_length=100)] = []
    excluded: Annotated[list[AnId], Meta(max_length=500)] = []


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """What was wrong with an earlier draft."""

    type: FeedbackType
    comments: Annotated[str, Meta(max_length=500)] = ""
    previous_draft_id: AnId | None = None


class DraftRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody asks for; `document_type` is an id or a label.

    An `outline` takes the place of the type's sections.
    """

    kb_id: AnId
    document_type: Line
    context: Annotated[str, Meta(max_length=10_000)] = ""
    selected_sources: Annotated[list[AnId], Meta(max_length=100)] = []
    outline: Annotated[list[OutlineSection], Meta(max_length=40)] = []
    length: Length = "medium"
    tone: Line | None = None
    audience: Line | None = None
    language: Line | None = None
    on_disconnect: Literal["cancel", "continue"] = "cancel"
    feedback: Feedback | None = None


def outlined(kind: DocumentType, outline: list[OutlineSection]) -> DocumentType:
    """Return the type with these sections; one it has already keeps its words for retrieval.

    Raises:
        Invalid: two sections have one title.
    """
    if not outline:
        return kind
    titles = [section.title.strip() for section in outline]
    if len({title.casefold() for title in titles}) < len(titles):
        raise Invalid("Two sections of the outline have the same title.", field="outline")
    known = {section.title.casefold(): section for section in kind.sections}
    sections = tuple(
        _section(wanted, title, known.get(title.casefold()))
        for wanted, title in zip(outline, titles, strict=True)
    )
    return msgspec.structs.replace(kind, sections=sections)


def _section(wanted: OutlineSection, title: str, known: SectionTemplate | None) -> SectionTemplate:
    template = known or SectionTemplate(title)
    return msgspec.structs.replace(
        template,
        title=title,
        guidance=wanted.guidance.strip() or template.guidance,
        target_words=wanted.target_words,
    )
