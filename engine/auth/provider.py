"""Signing in with an OpenID Connect provider: the code flow with PKCE, state and nonce.

Authlib speaks OAuth and checks the claims (OpenID Connect Core 1.0, section 3.1.3.7), joserfc the
signature. What is asked of the provider is asked of the addresses in its own metadata, once an
hour; redirects are not followed, and no proxy of the environment is used.
"""

import secrets
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from engine.auth.tokens import SignIn
from engine.errors import Unauthenticated, Unavailable

_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
_SCOPE = "openid profile email"
_TIMEOUT_S = 10.0
_LEEWAY_S = 60
_KEEP_S = 3600.0
_NAMES = ("preferred_username", "email", "name", "sub")
_MOST_CHARS = 255


class Person(NamedTuple):
    """Who somebody is to the provider, for good, and what that one is called there now."""

    subject: str
    name: str


class Provider:
    """One OpenID Connect provider."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, redirect_uri: str) -> None:
        """Ask nothing before somebody signs in."""
        self._issuer = issuer.rstrip("/")
        self._client_id = client_id
        self._client_secret = client_secret
        self._redirect_uri = redirect_uri
        self._metadata: dict[str, Any] = {}
        self._known_until = 0.0

    async def begin(self) -> tuple[str, SignIn]:
        """Return the address to send a browser to, and what to remember until it comes back.

        Raises:
            Unavailable: the provider cannot be reached, or is not what was configured.
        """
        started = SignIn(*(secrets.token_urlsafe(32) for _ in range(3)))
        async with self._client() as client:
            metadata = await self._discover(client)
            address, _ = client.create_authorization_url(
                metadata["authorization_endpoint"],
                state=started.state,
                nonce=started.nonce,
                code_verifier=started.verifier,
            )
        return str(address), started

    async def finish(self, started: SignIn, answer: Mapping[str, str]) -> Person:
        """Return who signed in, from what the browser brought back.

        Raises:
            Unauthenticated: it was refused, or something about it is not genuine.
            Unavailable: the provider cannot be reached.
        """
        if not secrets.compare_digest(answer.get("state", "").encode(), started.state.encode()):
            raise _refused()
        if "code" not in answer:
            raise _refused()
        async with self._client() as client:
            metadata = await self._discover(client)
            try:
                token = await client.fetch_token(
                    metadata["token_endpoint"],
                    grant_type="authorization_code",
                    code=answer["code"],
                    code_verifier=started.verifier,
                )
                keys = await _get(client, metadata["jwks_uri"])
                return self._person(token, KeySet.import_key_set(keys), started.nonce)
            except httpx2.HTTPError as error:
                raise _unreachable() from error
            except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError) as error:
                raise _refused() from error

    def _person(self, token: Mapping[str, Any], keys: KeySet, nonce: str) -> Person:
        registry = JWSRegistry(algorithms=list(_ALGORITHMS), strict_check_header=False)
        signed = jwt.decode(token["id_token"], keys, registry=registry)
        claims = CodeIDToken(
            signed.claims,
            signed.header,
            {
                "iss": {"essential": True, "value": self._issuer},
                "aud": {"essential": True, "value": self._client_id},
                "sub": {"essential": True},
            },
            {
                "nonce": nonce,
                "client_id": self._client_id,
                "access_token": token.get("access_token"),
            },
        )
        claims.validate(leeway=_LEEWAY_S)
        name = next(str(claims[name]) for name in _NAMES if claims.get(name))
        if not isinstance(claims["sub"], str) or len(claims["sub"]) > _MOST_CHARS:
            raise _refused()
        return Person(f"oidc:{self._issuer}#{claims['sub']}", name)

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self._client_id,
            self._client_secret or None,
            scope=_SCOPE,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            timeout=_TIMEOUT_S,
            follow_redirects=False,
            trust_env=False,
        )

    async def _discover(self, client: AsyncOAuth2Client) -> dict[str, Any]:
        """Return the provider's metadata (OpenID Connect Discovery 1.0, section 4)."""
        if time.monotonic() < self._known_until:
            return self._metadata
        try:
            found: Any = await _get(client, f"{self._issuer}/.well-known/openid-configuration")
        except (httpx2.HTTPError, ValueError) as error:
            raise _unreachable() from error
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        is_right = isinstance(found, dict) and str(found.get("issuer")).rstrip("/") == self._issuer
        if not is_right or not all(isinstance(found.get(name), str) for name in needed):
            raise _unreachable()
        self._metadata, self._known_until = found, time.monotonic() + _KEEP_S
        return self._metadata


async def _get(client: AsyncOAuth2Client, address: str) -> Any:
    response = await client.request("GET", address, withhold_token=True)
    response.raise_for_status()
    return response.json()


def _refused() -> Unauthenticated:
    return Unauthenticated("Signing in with the provider did not work. Try again.")


def _unreachable() -> Unavailable:
    return Unavailable("The sign-in provider cannot be reached just now. Try again later.")
