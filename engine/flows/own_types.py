"""All document types there are for somebody: the shipped ones, and those that teams made.

A team's type belongs to a knowledge base: whoever reads that uses it, whoever writes there changes
it. One that is deleted is found no more, except by the drafts that were made with it.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from engine.errors import Forbidden, Invalid
from engine.flows.document_types import (
    Catalogue,
    DocumentType,
    Form,
    Line,
    Prose,
    SectionTemplate,
    Words,
    key_of,
)
from engine.storage import knowledge, own_types
from engine.storage.database import Connection, Database
from engine.storage.identities import User
from engine.storage.own_types import OwnType
from engine.storage.rights import Reader
from engine.types import Id, Level, new_id

Sections = Annotated[tuple[SectionTemplate, ...], Meta(max_length=40)]


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """What a team's type says, apart from its name."""

    description: Prose = ""
    example: Prose = ""
    form: Form = "prose"
    target_words: Words = 350
    sections: Sections = ()


class NewType(Definition, frozen=True, kw_only=True):
    """A type to be stored in a knowledge base."""

    kb_id: Annotated[str, Meta(max_length=100)]
    name: Line


class TypeChange(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a type."""

    name: Line | None = None
    description: Prose | None = None
    example: Prose | None = None
    form: Form | None = None
    target_words: Words | None = None
    sections: Sections | None = None


class Template(msgspec.Struct, frozen=True):
    """A type, and its record if a team made it."""

    kind: DocumentType
    own: OwnType | None = None


class DocumentTypes:
    """Finds document types, and keeps those of teams."""

    def __init__(self, database: Database, catalogue: Catalogue) -> None:
        """Take the shipped types in `catalogue`."""
        self._database = database
        self._catalogue = catalogue

    async def visible(self, reader: Reader, kb_id: Id | None = None) -> list[Template]:
        """Return the shipped types, then the own ones of a knowledge base or of all readable."""
        async with self._database.read() as connection:
            found = await own_types.visible(connection, reader, kb_id)
        shipped = [Template(kind) for kind in self._catalogue.all()]
        return shipped + [Template(_kind(own), own) for own in found]

    async def kinds(self, reader: Reader, kb_id: Id) -> list[DocumentType]:
        """Return what a draft of a knowledge base may be."""
        return [template.kind for template in await self.visible(reader, kb_id)]

    async def template(self, reader: Reader, name: str) -> Template:
        """Return a type by its id, or a shipped one by its label.

        Raises:
            NotFound: there is none for this reader.
        """
        kind = self._catalogue.named(name)
        if kind is not None:
            return Template(kind)
        async with self._database.read() as connection:
            own = await own_types.get(connection, reader, name)
        return Template(_kind(own), own)

    async def find(self, reader: Reader, kb_id: Id, name: str) -> DocumentType:
        """Return the type of this id or label as a knowledge base knows it.

        Raises:
            Invalid: there is none.
        """
        async with self._database.read() as connection:
            found = await own_types.visible(connection, reader, kb_id)
        for own in found:
            if key_of(name) in (key_of(own.id), key_of(own.name)):
                return _kind(own)
        return self._catalogue.find(name)

    async def get(self, type_id: Id) -> DocumentType:
        """Return the type a draft was made with.

        Raises:
            Invalid: it is no longer there.
        """
        kind = await self.known(type_id)
        return kind or self._catalogue.find(type_id)

    async def known(self, type_id: Id) -> DocumentType | None:
        """Return the type of exactly this id, if there still is one."""
        shipped = self._catalogue.get(type_id)
        if shipped is not None:
            return shipped
        async with self._database.read() as connection:
            own = await own_types.find(connection, type_id)
        return _kind(own) if own else None

    async def create(self, user: User, new: NewType) -> Template:
        """Store a type.

        Raises:
            NotFound, Forbidden: not there, or not to be written by this user.
            Invalid: another type has its name, or two sections have one title.
        """
        own_id = new_id()
        definition = _definition(new)
        async with self._database.transaction() as tx:
            await knowledge.get(tx, user, new.kb_id, Level.WRITE)
            await self._check(tx, user, new.kb_id, own_id, new.name, definition)
            await own_types.insert(tx, own_id, new.kb_id, user.id, new.name, definition)
            own = await own_types.get(tx, user, own_id)
        return Template(_kind(own), own)

    async def change(self, user: User, type_id: Id, change: TypeChange) -> Template:
        """Change a type.

        Raises:
            as for `create`; Forbidden also for shipped types.
        """
        given = {k: v for k, v in msgspec.structs.asdict(change).items() if v is not None}
        async with self._database.transaction() as tx:
            own = await self._own(tx, user, type_id)
            name = given.pop("name", own.name)
            definition = msgspec.structs.replace(
                msgspec.convert(own.definition, Definition), **given
            )
            await self._check(tx, user, own.kb_id, own.id, name, definition)
            await own_types.update(tx, own.id, name, definition)
            own = await own_types.get(tx, user, own.id)
        return Template(_kind(own), own)

    async def delete(self, user: User, type_id: Id) -> None:
        """Take a type away.

        Raises:
            NotFound, Forbidden: as for `change`.
        """
        async with self._database.transaction() as tx:
            await own_types.delete(tx, (await self._own(tx, user, type_id)).id)

    async def _own(self, tx: Connection, user: User, type_id: Id) -> OwnType:
        if self._catalogue.named(type_id) is not None:
            raise Forbidden("This type comes with the server. Save it under a name of your own.")
        return await own_types.get(tx, user, type_id, Level.WRITE)

    async def _check(
        self, tx: Connection, user: User, kb_id: Id, own_id: Id, name: str, definition: Definition
    ) -> None:
        titles = {section.title.casefold() for section in definition.sections}
        if len(titles) < len(definition.sections):
            raise Invalid("Two sections have the same title.", field="sections")
        others = await own_types.visible(tx, user, kb_id)
        is_taken = self._catalogue.named(name) is not None or any(
            key_of(other.name) == key_of(name) for other in others if other.id != own_id
        )
        if is_taken:
            raise Invalid(
                "There is a document type of this name already.",
                code="INVALID_DOCUMENT_TYPE",
                field="name",
            )


def _definition(new: NewType) -> Definition:
    return Definition(**{name: getattr(new, name) for name in Definition.__struct_fields__})


def _kind(own: OwnType) -> DocumentType:
    definition = msgspec.convert(own.definition, Definition)
    return DocumentType(own.id, own.name, **msgspec.structs.asdict(definition))
