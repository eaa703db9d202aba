"""What to do about a draft that does not look right: three ways on, and what each changes."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from engine.flows.draft_request import DraftRequest, Feedback, FeedbackType
from engine.flows.planning import Effort
from engine.storage.drafts import Draft

_MORE = {"needs_more_detail": 2.0, "low_confidence": 1.5}
_LONGER = {"needs_more_detail": 1.6}


class DraftFeedback(msgspec.Struct, frozen=True):
    """What somebody says of a draft."""

    feedback_type: FeedbackType
    comments: Annotated[str, Meta(max_length=500)] = ""


class Alternative(msgspec.Struct, frozen=True):
    """A way on: `generate` sends `request` as it is, `edit` shows it to be changed first."""

    type: str
    description: str
    action: str
    request: dict[str, Any]


_WAYS: dict[str, tuple[tuple[str, str, str], tuple[str, str, str]]] = {
    "not_relevant": (
        ("re_search", "Search again and write from other passages.", "generate"),
        ("add_context", "Say more about what you need, then write again.", "edit"),
    ),
    "wrong_format": (
        ("change_template", "Choose another document type.", "edit"),
        ("edit_outline", "Change the sections, then write again.", "edit"),
    ),
    "needs_more_detail": (
        ("more_detail", "Write a longer draft from more passages.", "generate"),
        ("add_context", "Say more about what you need, then write again.", "edit"),
    ),
    "low_confidence": (
        ("re_search", "Search wider and write from more passages.", "generate"),
        ("select_sources", "Choose the passages to write from yourself.", "edit"),
    ),
    "other": (
        ("regenerate", "Write again with your comments in mind.", "generate"),
        ("add_context", "Say more about what you need, then write again.", "edit"),
    ),
}


_SEARCHING = {"re_search", "more_detail"}
"""Ways that need other passages than those that somebody picked."""


def effort_of(feedback: Feedback, previous: Draft | None) -> Effort:
    """Return how the next draft differs from the one before."""
    cited = previous.citations if previous and feedback.type == "not_relevant" else []
    return Effort(
        sources=_MORE.get(feedback.type, 1.0),
        length=_LONGER.get(feedback.type, 1.0),
        words=feedback.comments,
        left_out=frozenset(citation.chunk_id for citation in cited),
    )


def alternatives(draft: Draft, said: DraftFeedback) -> list[Alternative]:
    """Return three ways on, the last one to start afresh."""
    plain = request_of(draft)
    feedback = Feedback(type=said.feedback_type, comments=said.comments, previous_draft_id=draft.id)
    again = plain | {"feedback": msgspec.to_builtins(feedback)}
    wider = again | {"selected_sources": [], "context": draft.context or draft.title}
    afresh = ("start_fresh", "Begin a new draft from an empty form.", "edit")
    return [
        *(
            Alternative(*way, wider if way[0] in _SEARCHING else again)
            for way in _WAYS[said.feedback_type]
        ),
        Alternative(*afresh, {"kb_id": draft.kb_id, "document_type": draft.document_type}),
    ]


def request_of(draft: Draft) -> dict[str, Any]:
    """Return the body that asks for a draft like this one again."""
    known = {field.encode_name for field in msgspec.structs.fields(DraftRequest)}
    asked = {name: value for name, value in draft.request.items() if name in known}
    asked |= {"kb_id": draft.kb_id, "document_type": draft.document_type}
    has_context = draft.context or asked.get("selected_sources")
    return asked | {"context": draft.context if has_context else draft.title}
