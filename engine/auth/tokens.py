"""Signed tokens (RFC 7519): short-lived proofs of a session, and the memory of a sign-in elsewhere.

One algorithm, one key, one issuer: a token that names another in its header is not looked at twice.
`typ` (RFC 8725, section 3.11) keeps one kind of token from being taken for another.
"""

import os
import secrets
import time
from pathlib import Path
from typing import Any

import jwt
import msgspec

from engine.types import Id

_ALGORITHM = "HS256"
_ISSUER = "footnote"
_ACCESS = "at+jwt"
_SIGN_IN = "sign-in+jwt"
_SIGN_IN_S = 600
_LEEWAY_S = 60
_MOST_CHARS = 4096
_KEY_BYTES = 32


class Access(msgspec.Struct, frozen=True):
    """What an access token proves, and for how many seconds more."""

    user_id: Id
    session_id: Id
    lasts_s: float


class SignIn(msgspec.Struct, frozen=True):
    """What must be remembered while somebody signs in with an identity provider."""

    state: str
    nonce: str
    verifier: str


class Tokens:
    """Signs tokens and reads those it has signed."""

    def __init__(self, key: bytes, lifetime_s: float) -> None:
        """Sign with `key`; access tokens are good for `lifetime_s`."""
        self._key = key
        self.lifetime_s = lifetime_s

    def access(self, user_id: Id, session_id: Id) -> str:
        """Return a fresh access token of a session."""
        return self._sign(_ACCESS, {"sub": user_id, "sid": session_id}, self.lifetime_s)

    def read_access(self, token: str) -> Access | None:
        """Return what an access token proves; None for anything that is not one of ours."""
        claims = self._read(_ACCESS, token, ["sub", "sid"])
        if claims is None or not isinstance(claims["sid"], str):
            return None
        return Access(claims["sub"], claims["sid"], claims["exp"] + _LEEWAY_S - time.time())

    def sign_in(self, started: SignIn) -> str:
        """Return a token that remembers a sign-in which has begun."""
        return self._sign(_SIGN_IN, msgspec.to_builtins(started), _SIGN_IN_S)

    def read_sign_in(self, token: str) -> SignIn | None:
        """Return the sign-in that a token remembers, if it is one of ours and not too old."""
        claims = self._read(_SIGN_IN, token, [])
        return msgspec.convert(claims, SignIn) if claims is not None else None

    def _sign(self, kind: str, claims: dict[str, Any], lifetime_s: float) -> str:
        now = int(time.time())
        common = {"iss": _ISSUER, "aud": _ISSUER, "iat": now, "exp": now + int(lifetime_s)}
        return jwt.encode(common | claims, self._key, _ALGORITHM, headers={"typ": kind})

    def _read(self, kind: str, token: str, required: list[str]) -> dict[str, Any] | None:
        if len(token) > _MOST_CHARS:
            return None
        try:
            decoded = jwt.decode_complete(
                token,
                self._key,
                algorithms=[_ALGORITHM],
                audience=_ISSUER,
                issuer=_ISSUER,
                leeway=_LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud", *required]},
            )
        except (jwt.InvalidTokenError, ValueError):
            return None
        return decoded["payload"] if decoded["header"].get("typ") == kind else None


def load_key(path: Path) -> bytes:
    """Return the key kept in a file that only the server's own account can read, made if missing.

    Raises:
        OSError: it can be neither read nor made.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        path.chmod(0o600)
        key = path.read_bytes()
        if len(key) >= _KEY_BYTES:
            return key
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC)
    key = secrets.token_bytes(_KEY_BYTES)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key
