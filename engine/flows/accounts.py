"""Accounts: made, invited, shut out and let in again; their passwords and their API keys."""

from typing import NamedTuple

from engine.auth.credentials import expiry, fingerprint, new_api_key, new_secret
from engine.auth.names import new_name
from engine.auth.passwords import Passwords, check_password
from engine.errors import Conflict, Forbidden, Invalid
from engine.flows.audit import Action, Audit
from engine.storage import api_keys, identities, invites, knowledge, sessions
from engine.storage.api_keys import ApiKey
from engine.storage.database import Connection, Database
from engine.storage.identities import Account, User
from engine.storage.invites import Invite
from engine.types import Id, Level

_DAY_S = 86_400


class Invited(NamedTuple):
    """An invitation and its secret, which is shown once."""

    id: Id
    secret: str
    expires_at: str


class Accounts:
    """Changes who may use the server."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        audit: Audit,
        *,
        registration: str,
        link_s: float,
        invite_s: float,
    ) -> None:
        """`registration` says who may register; links and invitations are good for their times."""
        self._database = database
        self._passwords = passwords
        self._audit = audit
        self._registration = registration
        self._link_s = link_s
        self._invite_s = invite_s

    # Register

    async def register(self, username: str, password: str, invite: str | None) -> tuple[Id, str]:
        """Make an account for whoever asks; return its id and name.

        Raises:
            Forbidden: nobody may register, or an invitation is needed.
            Invalid: the name or the password will not do. Conflict: the name is taken.
        """
        if self._registration == "off":
            raise Forbidden("Nobody can register here. Ask an administrator for an account.")
        name = new_name(username)
        check_password(password)
        password_hash = await self._passwords.hash(password)
        async with self._database.transaction() as tx:
            invite_id = await self._spend(tx, invite)
            user_id = await identities.create(tx, name, password_hash=password_hash)
            if invite_id is not None:
                await invites.note_user(tx, invite_id, user_id)
            await self._audit.note(tx, Action.REGISTERED, user_id=user_id, subject=name)
        return user_id, name

    async def _spend(self, tx: Connection, invite: str | None) -> Id | None:
        if self._registration == "open":
            return None
        invite_id = await invites.spend(tx, fingerprint(invite)) if invite else None
        if invite_id is None:
            raise Forbidden("This needs an invitation that was not used and is not too old.")
        return invite_id

    async def invite(self, by: User) -> Invited:
        """Make an invitation."""
        secret, expires_at = new_secret(), expiry(self._invite_s)
        async with self._database.transaction() as tx:
            invite_id = await invites.add(tx, by.id, fingerprint(secret), expires_at)
            await self._note_change(tx, by, invite_id, "invited somebody")
        return Invited(invite_id, secret, expires_at)

    async def invitations(self) -> list[Invite]:
        """Return the invitations that are open or were used."""
        async with self._database.read() as connection:
            return await invites.list_all(connection)

    async def take_back(self, by: User, invite_id: Id) -> None:
        """Take an open invitation back.

        Raises:
            NotFound: there is none.
        """
        async with self._database.transaction() as tx:
            await invites.revoke(tx, invite_id)
            await self._note_change(tx, by, invite_id, "took an invitation back")

    # Administer

    async def all(self) -> list[Account]:
        """Return all accounts by name."""
        async with self._database.read() as connection:
            return await identities.accounts(connection)

    async def get(self, user_id: Id) -> Account:
        """Return one account.

        Raises:
            NotFound: there is none.
        """
        async with self._database.read() as connection:
            return await identities.account(connection, user_id)

    async def create(
        self, by: User | None, username: str, password: str | None, *, is_admin: bool = False
    ) -> Account:
        """Make an account for somebody else; without a password it needs a link to sign in.

        Raises:
            Invalid: the name or the password will not do. Conflict: the name is taken.
        """
        name = new_name(username)
        password_hash = None
        if password is not None:
            check_password(password)
            password_hash = await self._passwords.hash(password)
        async with self._database.transaction() as tx:
            user_id = await identities.create(
                tx, name, password_hash=password_hash, is_admin=is_admin
            )
            await self._note_change(tx, by, name, "made an account")
            return await identities.account(tx, user_id)

    async def set_disabled(self, by: User | None, user_id: Id, *, disabled: bool) -> Account:
        """Shut a user out with all sessions, tokens and keys, or let one in again without them.

        Raises:
            NotFound: no such user. Conflict: nobody could administer the server any more.
        """
        async with self._database.transaction() as tx:
            account = await identities.account(tx, user_id)
            if disabled:
                await _require_other_administrator(tx, account)
                await sessions.end_all(tx, user_id)
                await sessions.drop_links(tx, user_id)
                await api_keys.revoke_all(tx, user_id)
            await identities.set_disabled(tx, user_id, disabled=disabled)
            action = Action.USER_DISABLED if disabled else Action.USER_ENABLED
            await self._note(tx, action, by, account.username)
            return await identities.account(tx, user_id)

    async def set_admin(self, by: User | None, user_id: Id, *, is_admin: bool) -> Account:
        """Make a user an administrator, or a plain user again.

        Raises:
            NotFound: no such user. Conflict: nobody could administer the server any more.
        """
        async with self._database.transaction() as tx:
            account = await identities.account(tx, user_id)
            if not is_admin:
                await _require_other_administrator(tx, account)
            await identities.set_admin(tx, user_id, is_admin=is_admin)
            what = "is an administrator" if is_admin else "is no administrator"
            await self._note_change(tx, by, account.username, what)
            return await identities.account(tx, user_id)

    async def reset(self, by: User | None, user_id: Id) -> str:
        """Forget a user's password and end all sessions; return the secret of a sign-in link.

        Raises:
            NotFound: no such user. Conflict: the user is disabled.
        """
        secret = new_secret()
        async with self._database.transaction() as tx:
            account = await identities.account(tx, user_id)
            if account.is_disabled:
                raise Conflict("This user is disabled.", code="INVALID_TRANSITION")
            await identities.set_password(tx, user_id, None)
            await sessions.end_all(tx, user_id)
            await sessions.drop_links(tx, user_id)
            await sessions.add_link(tx, user_id, fingerprint(secret), expiry(self._link_s))
            await self._note_change(tx, by, account.username, "reset the password")
        return secret

    async def id_of(self, username: str) -> Id:
        """Return the id of the user of this name.

        Raises:
            NotFound: there is none.
        """
        async with self._database.read() as connection:
            return await identities.id_of(connection, new_name(username))

    # Passwords

    async def change_password(
        self, user: User, current: str | None, new: str, *, session_id: Id | None
    ) -> None:
        """Change one's own password; all sessions but the one that asks for it end.

        Raises:
            Invalid: the new one will not do. Forbidden: the current one is wrong.
        """
        check_password(new)
        async with self._database.read() as connection:
            login = await identities.login_by_id(connection, user.id)
        stored = login.password_hash if login is not None else None
        if stored is not None and not await self._passwords.matches(stored, current or ""):
            raise Forbidden("The current password is wrong.")
        await self._set_password(user.id, new, but=session_id)

    async def set_password(self, user_id: Id, new: str) -> None:
        """Give somebody a password; all sessions end.

        Raises:
            Invalid: it will not do.
        """
        check_password(new)
        await self._set_password(user_id, new, but=None)

    async def _set_password(self, user_id: Id, new: str, *, but: Id | None) -> None:
        password_hash = await self._passwords.hash(new)
        async with self._database.transaction() as tx:
            await identities.set_password(tx, user_id, password_hash)
            await sessions.end_all(tx, user_id, but=but)
            await sessions.drop_links(tx, user_id)
            await self._audit.note(tx, Action.PASSWORD_CHANGED, user_id=user_id)

    # Keys

    async def make_key(
        self, user: User, name: str, level: Level, *, kb_id: Id | None, days: int | None
    ) -> tuple[ApiKey, str]:
        """Make an API key; return it and its secret, which is not kept.

        Raises:
            Invalid: it would allow more than a key may. NotFound: no such knowledge base.
        """
        if level is Level.ADMIN:
            raise Invalid("level: a key may READ or WRITE.", field="level")
        secret = new_api_key()
        async with self._database.transaction() as tx:
            if kb_id is not None:
                await knowledge.get(tx, user, kb_id)
            key = await api_keys.add(
                tx,
                user.id,
                fingerprint(secret),
                name=name,
                level=level,
                kb_id=kb_id,
                expires_at=expiry(days * _DAY_S) if days else None,
            )
            await self._audit.note(
                tx, Action.KEY_MADE, user_id=user.id, kb_id=kb_id, subject=key.id, detail=key.level
            )
        return key, secret

    async def revoke_key(self, user: User, key_id: Id) -> None:
        """Make a key worthless.

        Raises:
            NotFound: the user has no such key.
        """
        async with self._database.transaction() as tx:
            await api_keys.revoke(tx, user.id, key_id)
            await self._audit.note(tx, Action.KEY_REVOKED, user_id=user.id, subject=key_id)

    async def _note_change(self, tx: Connection, by: User | None, subject: str, what: str) -> None:
        await self._note(tx, Action.USER_CHANGED, by, subject, what)

    async def _note(
        self, tx: Connection, action: Action, by: User | None, subject: str, detail: str = ""
    ) -> None:
        user_id = by.id if by is not None else None
        await self._audit.note(tx, action, user_id=user_id, subject=subject, detail=detail)


async def _require_other_administrator(tx: Connection, account: Account) -> None:
    """Keep the last administrator in office.

    Raises:
        Conflict: there would be none left.
    """
    if account.is_admin and not await identities.other_administrators(tx, account.id):
        raise Conflict(
            "This is the last administrator. Make somebody else one first.",
            code="INVALID_TRANSITION",
        )
