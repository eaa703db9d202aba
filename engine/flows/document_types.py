"""Document types: what kinds of draft there are, as TOML files a team can add to.

The shipped files are in `engine/document_types/`. A team puts its own next to its data; one with
the id of a shipped type replaces it. Files are read once at the start, and a wrong one stops the
start with the file and the field named: a half-understood type would only show later, as a bad
draft.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from engine.errors import Invalid
from engine.types import Id

SHIPPED = Path(__file__).parent.parent / "document_types"

Form = Literal["prose", "report", "summary", "checklist", "table"]
"""How a draft is laid out: `prose` answers a request, so what the request itself says is left out;
`report` is prose from everything; `summary` is prose about what is demanded; `checklist` is a list
of requirements with status and notes; `table` is the gap analysis table."""

Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^\S[^\n\r]*$")]
Prose = Annotated[str, msgspec.Meta(max_length=2000)]
Words = Annotated[int, msgspec.Meta(ge=20, le=5000)]
_TypeId = Annotated[str, msgspec.Meta(max_length=60, pattern=r"^[a-z][a-z0-9_]*$")]


class SectionTemplate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One section of a type.

    `guidance` says in plain words what belongs there, for a model and for retrieval; `query` adds
    words for retrieval alone; `target_words` is the length to aim at. With `own_subject` only text
    about the section's own words belongs there, however well other text answers the question.
    """

    title: Line
    guidance: Prose = ""
    query: Prose = ""
    target_words: Words = 200
    own_subject: bool = False


class DocumentType(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of draft. Without sections it is a text without headings of `target_words` words.

    `position` orders the list shown to users, lowest first.
    """

    id: _TypeId
    name: Line
    description: Prose
    example: Prose = ""
    form: Form = "prose"
    position: int = 100
    target_words: Words = 350
    sections: tuple[SectionTemplate, ...] = msgspec.field(name="section", default=())


class Catalogue:
    """All document types of this server, found by id or label."""

    def __init__(self, types: Iterable[DocumentType]) -> None:
        """Take the types; raises `Invalid` when two answer to one name."""
        self._types = sorted(types, key=lambda kind: (kind.position, kind.id))
        self._by_name: dict[str, DocumentType] = {}
        for kind in self._types:
            self._register(kind)

    def _register(self, kind: DocumentType) -> None:
        for key in (key_of(kind.id), key_of(kind.name)):
            other = self._by_name.setdefault(key, kind)
            if other is not kind:
                raise Invalid(
                    f"The document types {other.id} and {kind.id} both answer to the name “{key}”.",
                    code="INVALID_DOCUMENT_TYPE",
                    field="name",
                )

    def all(self) -> tuple[DocumentType, ...]:
        """Return every type in the order to show."""
        return tuple(self._types)

    def get(self, type_id: Id) -> DocumentType | None:
        """Return the type of exactly this id, if there still is one."""
        return next((kind for kind in self._types if kind.id == type_id), None)

    def find(self, name: str) -> DocumentType:
        """Return the type of this id or label; case, spaces, hyphens and underscores do not matter.

        Raises:
            Invalid: there is none; the message lists the ids.
        """
        found = self.named(name)
        if found is None:
            known = ", ".join(kind.id for kind in self._types)
            raise Invalid(
                f"There is no document type of this name. Choose one of: {known}.",
                code="INVALID_DOCUMENT_TYPE",
                field="document_type",
            )
        return found

    def named(self, name: str) -> DocumentType | None:
        """Return the type of this id or label, if there is one."""
        return self._by_name.get(key_of(name))


def load(extra_dir: Path | None = None) -> Catalogue:
    """Read the shipped types and those of `extra_dir`, if it exists; the latter win.

    Raises:
        Invalid: a file cannot be read, is not TOML, has a wrong field, or repeats an id.
    """
    types = {kind.id: kind for kind in _read_folder(SHIPPED)}
    if extra_dir is not None and extra_dir.is_dir():
        types.update((kind.id, kind) for kind in _read_folder(extra_dir))
    return Catalogue(types.values())


def _read_folder(folder: Path) -> Iterator[DocumentType]:
    seen: dict[str, str] = {}
    for path in sorted(folder.glob("*.toml")):
        kind = _read_file(path)
        if kind.id in seen:
            raise _fault(path.name, "id", f"“{kind.id}” is already the id in {seen[kind.id]}")
        seen[kind.id] = path.name
        yield kind


def _read_file(path: Path) -> DocumentType:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(table, DocumentType)
    except (OSError, UnicodeDecodeError) as error:
        raise _fault(path.name, None, "it cannot be read as UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise _fault(path.name, None, f"it is not TOML: {error}") from error
    except msgspec.ValidationError as error:
        reason, field = _explain(str(error))
        raise _fault(path.name, field, reason) from error


def _explain(message: str) -> tuple[str, str | None]:
    """Split msgspec's "reason - at `$.path`"; a missing or unknown field is named in the reason."""
    reason, _, where = message.partition(" - at `$")
    named = re.search(r"field `([^`]+)`", reason)
    parts = [where.rstrip("`").lstrip("."), named[1] if named else ""]
    return reason, ".".join(part for part in parts if part) or None


def _fault(file: str, field: str | None, reason: str) -> Invalid:
    at = f", field {field}" if field else ""
    return Invalid(
        f"Document type file {file}{at}: {reason}.", code="INVALID_DOCUMENT_TYPE", field=field
    )


def key_of(name: str) -> str:
    """Return a name so that those which mean the same type are equal."""
    return re.sub(r"[\s_-]+", "_", name.strip()).casefold()
