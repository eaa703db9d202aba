"""Signing in: a one-use link becomes a session; a token serves scripts."""

from engine.auth.credentials import expiry, fingerprint, new_secret
from engine.errors import Unauthenticated
from engine.storage import identities
from engine.storage.database import Database
from engine.storage.identities import User


class Identity:
    """Gives out and recognises the secrets of the local administrator."""

    def __init__(self, database: Database, *, session_s: float, link_s: float) -> None:
        """Sessions and tokens are good for `session_s`, links for `link_s`."""
        self._database = database
        self._session_s = session_s
        self._link_s = link_s

    async def administrator(self) -> tuple[User, bool]:
        """Return the local administrator, and whether this is the very first time."""
        async with self._database.transaction() as tx:
            return await identities.local_administrator(tx)

    async def new_link(self) -> str:
        """Return the secret of a fresh one-use sign-in link."""
        return await self._issue("link", self._link_s)

    async def new_token(self) -> str:
        """Return a fresh bearer token."""
        return await self._issue("token", self._session_s)

    async def _issue(self, kind: str, lifetime_s: float) -> str:
        secret = new_secret()
        async with self._database.transaction() as tx:
            user, _ = await identities.local_administrator(tx)
            await identities.forget_expired(tx)
            await identities.add_credential(
                tx, user.id, kind, fingerprint(secret), expiry(lifetime_s)
            )
        return secret

    async def redeem(self, link: str) -> str:
        """Use up a sign-in link; return the secret of the session it opens.

        Raises:
            Unauthenticated: the link is unknown, was used, or is too old.
        """
        session = new_secret()
        async with self._database.transaction() as tx:
            user_id = await identities.spend_link(tx, fingerprint(link))
            if user_id is None:
                raise Unauthenticated(
                    "This sign-in link was used already or is too old."
                    " Start the server again to get a new one."
                )
            await identities.add_credential(
                tx, user_id, "session", fingerprint(session), expiry(self._session_s)
            )
        return session

    async def who(self, secret: str) -> User | None:
        """Return whose session or token this is."""
        async with self._database.read() as connection:
            return await identities.holder(connection, fingerprint(secret))

    async def sign_out(self, secret: str) -> None:
        """Make a session or token worthless."""
        async with self._database.transaction() as tx:
            await identities.forget(tx, fingerprint(secret))
