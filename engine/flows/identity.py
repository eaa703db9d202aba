"""Signing in and being recognised: by cookie, access token, API key, or a company's proxy.

A sign-in is a session: its cookie, its access tokens and its refresh tokens end with it. Every
request looks the session up, so whatever ends it is felt by the next one.
"""

import logging

import msgspec

from engine.auth.credentials import expiry, fingerprint, new_api_key, new_secret, seconds_until
from engine.auth.names import name_from_elsewhere, normal_name
from engine.auth.passwords import Passwords
from engine.auth.tokens import Tokens
from engine.errors import Forbidden, Unauthenticated
from engine.flows.audit import Action, Audit
from engine.storage import api_keys, identities, sessions
from engine.storage.database import Connection, Database, StorageUnavailable
from engine.storage.identities import User
from engine.storage.sessions import Holder
from engine.types import Id, Level

_logger = logging.getLogger("footnote.identity")

_AGENT_CHARS = 200
_OTHER_NAMES = 100


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks, by what, the most that may be done with it, and for how many seconds more."""

    user: User
    level: Level = Level.ADMIN
    session_id: Id | None = None
    key_id: Id | None = None
    lasts_s: float | None = None


class SignedIn(msgspec.Struct, frozen=True):
    """A session that has just begun; `cookie` is the secret a browser keeps."""

    user_id: Id
    session_id: Id
    cookie: str


class Pair(msgspec.Struct, frozen=True):
    """The tokens of a program that signs in, as OAuth names them (RFC 6749, section 5.1)."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"


class Identity:
    """Gives out secrets and recognises them."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        tokens: Tokens,
        audit: Audit,
        *,
        session_s: float,
        link_s: float,
    ) -> None:
        """Sessions are good for `session_s`, sign-in links for `link_s`."""
        self._database = database
        self._passwords = passwords
        self._tokens = tokens
        self._audit = audit
        self._session_s = session_s
        self._link_s = link_s
        self._used_sessions: set[Id] = set()
        self._used_keys: set[Id] = set()

    async def administrator(self) -> tuple[User, bool]:
        """Return the local administrator, and whether this is the very first time."""
        async with self._database.transaction() as tx:
            return await identities.local_administrator(tx)

    # Sign in

    async def new_link(self, user_id: Id | None = None) -> str:
        """Return the secret of a one-use sign-in link, by default of the local administrator."""
        secret = new_secret()
        async with self._database.transaction() as tx:
            await sessions.forget_expired(tx)
            if user_id is None:
                user_id = (await identities.local_administrator(tx))[0].id
            await sessions.add_link(tx, user_id, fingerprint(secret), expiry(self._link_s))
        return secret

    async def redeem(self, link: str, agent: str = "") -> SignedIn:
        """Use up a sign-in link and begin the session it opens.

        Raises:
            Unauthenticated: the link is unknown, was used, or is too old.
        """
        async with self._database.transaction() as tx:
            user_id = await sessions.spend_link(tx, fingerprint(link))
            if user_id is None:
                raise Unauthenticated(
                    "This sign-in link was used already or is too old."
                    " Start the server again to get a new one."
                )
            return await self._begin(tx, user_id, agent, "link")

    async def by_password(self, username: str, password: str, agent: str = "") -> SignedIn:
        """Begin a session of who knows the password; an unknown name takes as long as a known one.

        Raises:
            Unauthenticated: no such user, no such password, or the user is disabled.
        """
        async with self._database.read() as connection:
            login = await identities.login_of(connection, normal_name(username))
        stored = login.password_hash if login is not None and not login.is_disabled else None
        if not await self._passwords.matches(stored, password) or login is None:
            await self._audit.record(Action.SIGN_IN_FAILED, username=normal_name(username))
            raise Unauthenticated("The name or the password is wrong.")
        newer = None
        if stored is not None and self._passwords.is_outdated(stored):
            newer = await self._passwords.hash(password)
        async with self._database.transaction() as tx:
            if newer is not None:
                await identities.set_password(tx, login.id, newer)
            return await self._begin(tx, login.id, agent, "password")

    async def by_subject(self, subject: str, name: str, agent: str = "") -> SignedIn:
        """Begin a session of somebody an identity provider knows; made a user on the first time.

        Raises:
            Forbidden: that user is disabled.
        """
        async with self._database.transaction() as tx:
            user = await self._of_subject(tx, subject, name)
            return await self._begin(tx, user.id, agent, "provider")

    async def _begin(self, tx: Connection, user_id: Id, agent: str, by: str) -> SignedIn:
        cookie = new_secret()
        await sessions.forget_expired(tx)
        session_id = await sessions.add(
            tx, user_id, fingerprint(cookie), agent[:_AGENT_CHARS], expiry(self._session_s)
        )
        await self._audit.note(tx, Action.SIGNED_IN, user_id=user_id, detail=by)
        return SignedIn(user_id, session_id, cookie)

    # Tokens

    async def pair(self, signed_in: SignedIn) -> Pair:
        """Return the first tokens of a session."""
        async with self._database.transaction() as tx:
            return await self._pair(tx, signed_in.user_id, signed_in.session_id)

    async def refresh(self, refresh_token: str) -> Pair:
        """Exchange a refresh token for a new pair; one that comes twice ends its session.

        Raises:
            Unauthenticated: it is unknown, or was exchanged before, or its session has ended.
        """
        async with self._database.transaction() as tx:
            spent = await sessions.spend_refresh_token(tx, fingerprint(refresh_token))
            holder = await sessions.of_id(tx, spent[0]) if spent is not None else None
            is_stolen = spent is not None and spent[1]
            if holder is not None and is_stolen:
                await sessions.revoke(tx, holder.session_id)
                await self._audit.note(tx, Action.TOKEN_REUSED, user_id=holder.user.id)
            elif holder is not None:
                return await self._pair(tx, holder.user.id, holder.session_id)
        if holder is not None:
            _logger.warning(
                "a refresh token of %s came twice: its session was ended", holder.user.username
            )
        raise Unauthenticated("This sign-in has ended. Sign in again.")

    async def _pair(self, tx: Connection, user_id: Id, session_id: Id) -> Pair:
        refresh_token = new_secret()
        await sessions.add_refresh_token(tx, session_id, fingerprint(refresh_token))
        access_token = self._tokens.access(user_id, session_id)
        return Pair(access_token, refresh_token, int(self._tokens.lifetime_s))

    async def new_token(self, user: User | None = None) -> str:
        """Return a fresh key without limits, by default the local administrator's."""
        secret = new_api_key()
        async with self._database.transaction() as tx:
            owner = user or (await identities.local_administrator(tx))[0]
            await api_keys.add(
                tx,
                owner.id,
                fingerprint(secret),
                name="command line",
                level=Level.ADMIN,
                kb_id=None,
                expires_at=expiry(self._session_s),
            )
            await self._audit.note(tx, Action.KEY_MADE, user_id=owner.id, detail="command line")
        return secret

    # Be recognised

    async def by_bearer(self, secret: str) -> Grant | None:
        """Return what an access token or an API key grants; None when it grants nothing."""
        if "." in secret:
            return await self._by_access_token(secret)
        async with self._database.read() as connection:
            key = await api_keys.holder(connection, fingerprint(secret))
        if key is None:
            return None
        self._used_keys.add(key.key_id)
        lasts_s = seconds_until(key.expires_at) if key.expires_at else None
        return Grant(user=key.user, level=key.level, key_id=key.key_id, lasts_s=lasts_s)

    async def _by_access_token(self, token: str) -> Grant | None:
        access = self._tokens.read_access(token)
        if access is None:
            return None
        async with self._database.read() as connection:
            holder = await sessions.of_id(connection, access.session_id)
        if holder is None or holder.user.id != access.user_id:
            return None
        return self._granted(holder, access.lasts_s)

    async def by_cookie(self, cookie: str) -> Grant | None:
        """Return what a session's cookie grants; None when it grants nothing."""
        async with self._database.read() as connection:
            holder = await sessions.of_cookie(connection, fingerprint(cookie))
        return self._granted(holder, None) if holder is not None else None

    def _granted(self, holder: Holder, lasts_s: float | None) -> Grant:
        self._used_sessions.add(holder.session_id)
        session_s = seconds_until(holder.expires_at)
        lasts_s = session_s if lasts_s is None else min(lasts_s, session_s)
        return Grant(user=holder.user, session_id=holder.session_id, lasts_s=lasts_s)

    async def by_proxy(self, name: str) -> Grant:
        """Return what the word of a trusted proxy grants; made a user on the first time.

        Raises:
            Forbidden: that user is disabled.
        """
        subject = f"proxy:{normal_name(name)}"
        async with self._database.read() as connection:
            known = await identities.of_subject(connection, subject)
        if known is not None:
            return Grant(user=_enabled(known))
        async with self._database.transaction() as tx:
            return Grant(user=await self._of_subject(tx, subject, name))

    async def _of_subject(self, tx: Connection, subject: str, name: str) -> User:
        """Return the user of a subject. A local account of the same name is somebody else."""
        known = await identities.of_subject(tx, subject)
        if known is not None:
            return _enabled(known)
        wanted = name_from_elsewhere(name)
        for number in range(1, _OTHER_NAMES):
            free = wanted if number == 1 else f"{wanted}-{number}"
            if not await identities.is_name_taken(tx, free):
                user_id = await identities.create(tx, free, subject=subject)
                await self._audit.note(tx, Action.REGISTERED, user_id=user_id, subject=free)
                return User(id=user_id, username=free)
        raise Forbidden("There are too many users of this name already.")

    async def note_used(self) -> None:
        """Store which sessions and keys were used since the last time, or later on a full disk."""
        used_sessions, used_keys = self._used_sessions, self._used_keys
        if not used_sessions and not used_keys:
            return
        self._used_sessions, self._used_keys = set(), set()
        try:
            async with self._database.transaction() as tx:
                await sessions.note_used(tx, list(used_sessions))
                await api_keys.note_used(tx, list(used_keys))
        except StorageUnavailable:
            self._used_sessions |= used_sessions
            self._used_keys |= used_keys

    def close(self) -> None:
        """Give the threads up that compare passwords."""
        self._passwords.close()

    # Sign out

    async def sign_out(self, grant: Grant) -> None:
        """Make what the request came with worthless: its session with all tokens, or its key."""
        async with self._database.transaction() as tx:
            if grant.session_id is not None:
                await sessions.revoke(tx, grant.session_id)
            elif grant.key_id is not None:
                await api_keys.revoke(tx, grant.user.id, grant.key_id)
            await self._audit.note(tx, Action.SIGNED_OUT, user_id=grant.user.id)

    async def sign_out_everywhere(self, user: User) -> None:
        """End all sessions of a user; API keys stay, they are revoked one by one."""
        async with self._database.transaction() as tx:
            await sessions.end_all(tx, user.id)
            await sessions.drop_links(tx, user.id)
            await self._audit.note(tx, Action.SIGNED_OUT, user_id=user.id, detail="everywhere")


def _enabled(known: tuple[User, bool]) -> User:
    user, is_disabled = known
    if is_disabled:
        raise Forbidden("This account is disabled. Ask an administrator.")
    return user
