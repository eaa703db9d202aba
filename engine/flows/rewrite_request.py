"""Which stretch of a draft is to be written anew: asked for, looked up, or refused."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from engine.citations.markers import markers_in
from engine.errors import Invalid
from engine.flows.editing import Kept, Text, kept_citations
from engine.storage.drafts import Draft
from engine.types import Citation, Id
from engine.writers.writer import Action

_HEADING = re.compile(r"^(#{1,6})[ \t]+(\S[^\n]*)$", re.MULTILINE)

Position = Annotated[int, Meta(ge=0)]


class RewriteRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which stretch of a draft to write anew, and how; or the section under a heading.

    Positions count code points of the stored text, or of `content` where the editor's text is not
    saved yet.
    """

    selection_start: Position | None = None
    selection_end: Position | None = None
    selected_text: Text | None = None
    heading: Annotated[str, Meta(max_length=300)] | None = None
    action: Action | None = None
    instructions: Annotated[str, Meta(max_length=500)] = ""
    keep_citations: bool = True
    content: Text | None = None
    citations: Kept | None = None


class Rewrite(msgspec.Struct, frozen=True, kw_only=True):
    """A request understood: everything a run needs, and a later merge."""

    draft_id: Id
    kb_id: Id
    version: int
    context: str
    content: str
    citations: list[Citation]
    start: int
    end: int
    action: Action
    instructions: str
    keep_citations: bool

    @property
    def selected(self) -> str:
        """The stretch with its outer white space."""
        return self.content[self.start : self.end]

    @property
    def cited(self) -> list[Citation]:
        """What the stretch cites."""
        numbers = set(markers_in(self.selected))
        return [citation for citation in self.citations if citation.number in numbers]


def understood(draft: Draft, request: RewriteRequest) -> Rewrite:
    """Return what is to be done, everything looked up.

    Raises:
        Invalid: the range is no part of the text, or an instruction is missing.
    """
    content = draft.content if request.content is None else request.content
    start, end = _range(content, request)
    if request.action == "instruct" and not request.instructions.strip():
        raise Invalid("Say what to change.", field="instructions")
    return Rewrite(
        draft_id=draft.id,
        kb_id=draft.kb_id,
        version=draft.version,
        context=draft.context or draft.title,
        content=content,
        citations=kept_citations(draft, request.citations),
        start=start,
        end=end,
        action=request.action or ("instruct" if request.instructions.strip() else "regenerate"),
        instructions=request.instructions.strip(),
        keep_citations=request.keep_citations,
    )


def _range(content: str, request: RewriteRequest) -> tuple[int, int]:
    if request.heading is not None:
        return section_under(content, request.heading)
    start, end = request.selection_start, request.selection_end
    if start is None or end is None:
        raise _bad_range("Say which part of the text: where it begins and ends.")
    if not start < end <= len(content) or not content[start:end].strip():
        raise _bad_range("The selection is empty, or not a part of the text.")
    if request.selected_text is not None and request.selected_text != content[start:end]:
        raise _bad_range("The text reads differently there. Load the draft again.")
    return start, end


def section_under(content: str, heading: str) -> tuple[int, int]:
    """Return the range of what stands under a heading, down to the next one of its level.

    Raises:
        Invalid: there is no such heading, or nothing under it.
    """
    wanted = heading.lstrip("# ").strip().casefold()
    found = list(_HEADING.finditer(content))
    for place, match in enumerate(found):
        if match[2].rstrip("# \t").casefold() != wanted:
            continue
        level = len(match[1])
        ends = (one.start() for one in found[place + 1 :] if len(one[1]) <= level)
        start, end = match.end(), next(ends, len(content))
        if content[start:end].strip():
            return start, end
    raise _bad_range("The text has no section of this name with anything in it.")


def _bad_range(message: str) -> Invalid:
    return Invalid(message, code="INVALID_RANGE", field="selection_start")
