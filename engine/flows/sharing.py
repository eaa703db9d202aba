"""Sharing: who may do what in a knowledge base, and the groups one shares with."""

from engine.auth.names import normal_name
from engine.errors import Forbidden, Invalid
from engine.flows.audit import Action, Audit
from engine.storage import groups, identities, knowledge, permissions
from engine.storage.database import Connection, Database
from engine.storage.groups import Group
from engine.storage.identities import User
from engine.storage.permissions import Permission
from engine.types import Id, Level


class Sharing:
    """Gives rights and takes them away; the owner's can only be handed over."""

    def __init__(self, database: Database, audit: Audit) -> None:
        """Store rights in `database`."""
        self._database = database
        self._audit = audit

    async def permissions(self, user: User, kb_id: Id) -> list[Permission]:
        """Return the shares of a knowledge base.

        Raises:
            NotFound, Forbidden: it is not the user's to share.
        """
        async with self._database.read() as connection:
            await knowledge.get(connection, user, kb_id, Level.ADMIN)
            return await permissions.list_all(connection, kb_id)

    async def give(
        self, user: User, kb_id: Id, level: Level, *, username: str | None, group: str | None
    ) -> Permission:
        """Share with a user or a group; a share that exists gets this level.

        Raises:
            NotFound, Forbidden: it is not the user's to share.
            NotFound: no such user or group. Invalid: neither or both are named, or the owner.
        """
        if (username is None) == (group is None):
            raise Invalid("Name either a user or a group.", field="username")
        async with self._database.transaction() as tx:
            kb = await knowledge.get(tx, user, kb_id, Level.ADMIN)
            user_id = group_id = None
            if username is not None:
                user_id = await identities.id_of(tx, normal_name(username))
                if normal_name(username) == kb.owner:
                    raise Invalid("The owner may do everything already.", field="username")
            else:
                group_id = await groups.id_of(tx, str(group))
            given = await permissions.give(tx, kb_id, level, user_id=user_id, group_id=group_id)
            await self._note(tx, Action.SHARED, user, kb_id, given)
            return given

    async def change(self, user: User, kb_id: Id, permission_id: Id, level: Level) -> Permission:
        """Give a share another level.

        Raises:
            NotFound, Forbidden: it is not the user's to share, or there is no such share.
        """
        async with self._database.transaction() as tx:
            await knowledge.get(tx, user, kb_id, Level.ADMIN)
            changed = await permissions.change(tx, kb_id, permission_id, level)
            await self._note(tx, Action.SHARED, user, kb_id, changed)
            return changed

    async def take(self, user: User, kb_id: Id, permission_id: Id) -> None:
        """Take a share away.

        Raises:
            NotFound, Forbidden: it is not the user's to share, or there is no such share.
        """
        async with self._database.transaction() as tx:
            await knowledge.get(tx, user, kb_id, Level.ADMIN)
            taken = await permissions.get(tx, kb_id, permission_id)
            await permissions.take(tx, kb_id, permission_id)
            await self._note(tx, Action.UNSHARED, user, kb_id, taken)

    async def hand_over(self, user: User, kb_id: Id, username: str) -> None:
        """Make a member the owner; the former owner goes on as one who may share and delete.

        An administrator may do so for an owner who is gone, and sees no more of it than before.

        Raises:
            NotFound: it is not in the user's sight, or nobody of this name is a member.
            Forbidden: it is somebody else's. Conflict: the new owner has one of its name.
        """
        name = normal_name(username)
        async with self._database.transaction() as tx:
            owner = await permissions.owner(tx, kb_id)
            if user.id != owner.id and not user.is_admin:
                await knowledge.get(tx, user, kb_id)
                raise Forbidden("Only the owner may hand this knowledge base over.")
            new_owner_id = await permissions.member(tx, kb_id, name)
            if new_owner_id != owner.id:
                await permissions.set_owner(tx, kb_id, new_owner_id)
                await permissions.give(tx, kb_id, Level.ADMIN, user_id=owner.id, group_id=None)
                await self._audit.note(
                    tx,
                    Action.HANDED_OVER,
                    user_id=user.id,
                    kb_id=kb_id,
                    subject=name,
                    detail=f"from {owner.username}",
                )

    async def _note(
        self, tx: Connection, action: Action, user: User, kb_id: Id, share: Permission
    ) -> None:
        holder = share.username or f"group {share.group}"
        await self._audit.note(
            tx, action, user_id=user.id, kb_id=kb_id, subject=holder, detail=share.level
        )

    # Groups

    async def groups(self) -> list[Group]:
        """Return all groups by name."""
        async with self._database.read() as connection:
            return await groups.list_all(connection)

    async def make_group(self, user: User, name: str) -> Group:
        """Make an empty group.

        Raises:
            Conflict: the name is taken.
        """
        async with self._database.transaction() as tx:
            group_id = await groups.create(tx, name)
            await self._note_group(tx, user, name, "made a group")
            return await groups.get(tx, group_id)

    async def remove_group(self, user: User, group_id: Id) -> None:
        """Remove a group and everything it was allowed.

        Raises:
            NotFound: no such group.
        """
        async with self._database.transaction() as tx:
            group = await groups.get(tx, group_id)
            await groups.delete(tx, group_id)
            await self._note_group(tx, user, group.name, "removed a group")

    async def join(self, user: User, group_id: Id, username: str) -> Group:
        """Put somebody into a group.

        Raises:
            NotFound: no such group or user.
        """
        name = normal_name(username)
        async with self._database.transaction() as tx:
            group = await groups.get(tx, group_id)
            await groups.add_member(tx, group_id, await identities.id_of(tx, name))
            await self._note_group(tx, user, group.name, f"put {name} into it")
            return await groups.get(tx, group_id)

    async def leave(self, user: User, group_id: Id, username: str) -> Group:
        """Take somebody out of a group.

        Raises:
            NotFound: no such group or user.
        """
        name = normal_name(username)
        async with self._database.transaction() as tx:
            group = await groups.get(tx, group_id)
            await groups.remove_member(tx, group_id, await identities.id_of(tx, name))
            await self._note_group(tx, user, group.name, f"took {name} out of it")
            return await groups.get(tx, group_id)

    async def _note_group(self, tx: Connection, user: User, name: str, what: str) -> None:
        await self._audit.note(
            tx, Action.USER_CHANGED, user_id=user.id, subject=f"group {name}", detail=what
        )
