"""An OpenID Connect provider in its own process, small and strict, that can also be false.

    python -m tests.oidc_provider          prints its address, then serves

It signs everybody in at once as the user of `POST /behave`, which also sets what is to go wrong:
{"claims": {…}, "header": {…}, "key": "other", "access_token": …, "issuer": …}.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

CLIENT, SECRET = "footnote", "a shared secret"


class Provider:
    """Codes that were given out, and how to behave."""

    def __init__(self) -> None:
        parameters: Any = {"use": "sig", "alg": "RS256"}
        self.keys = {
            name: RSAKey.generate_key(2048, parameters | {"kid": "one"})
            for name in ("own", "other")
        }
        self.codes: dict[str, dict[str, str]] = {}
        self.behaviour: dict[str, Any] = {}
        self.base = ""

    async def metadata(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "issuer": self.behaviour.get("issuer", self.base),
                "authorization_endpoint": f"{self.base}/authorize",
                "token_endpoint": f"{self.base}/token",
                "jwks_uri": f"{self.base}/keys",
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def public_keys(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [self.keys["own"].as_dict(private=False)]})

    async def behave(self, request: web.Request) -> web.Response:
        self.behaviour = await request.json()
        return web.Response()

    async def authorize(self, request: web.Request) -> web.Response:
        asked = dict(request.query)
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        if "error" in self.behaviour:
            answer = f"error={self.behaviour['error']}"
        else:
            code = secrets.token_urlsafe(16)
            self.codes[code] = asked
            answer = f"code={code}"
        raise web.HTTPFound(f"{asked['redirect_uri']}?{answer}&state={asked['state']}")

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self.codes.pop(str(form["code"]), None)
        digest = hashlib.sha256(str(form.get("code_verifier", "")).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            asked is None
            or request.headers.get("Authorization") != f"Basic {basic}"
            or form["redirect_uri"] != asked["redirect_uri"]
            or challenge != asked["code_challenge"]
        ):
            return web.json_response({"error": "invalid_grant"}, status=400)
        return web.json_response(
            {
                "access_token": "elsewhere",
                "token_type": "Bearer",
                "expires_in": 60,
                "id_token": self._id_token(asked["nonce"]),
            }
        )

    def _id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": self.base,
            "aud": CLIENT,
            "sub": "17",
            "iat": now,
            "exp": now + 60,
            "nonce": nonce,
            "preferred_username": "Ada",
        }
        claims |= self.behaviour.get("claims", {})
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": "RS256", "kid": "one"} | self.behaviour.get("header", {})
        registry = JWSRegistry(algorithms=["RS256", "HS256", "none"])
        key: Any = self.keys[self.behaviour.get("key", "own")]
        if header["alg"] == "none":
            parts = [_encoded(header), _encoded(claims), ""]
            return ".".join(parts)
        return str(jwt.encode(header, claims, key, registry=registry))


def _encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


@contextmanager
def running() -> Iterator[str]:
    """Run a provider as a process of its own; give its address."""
    command = [sys.executable, "-m", "tests.oidc_provider"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


async def main() -> None:
    """Serve until killed."""
    provider = Provider()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", provider.metadata)
    app.router.add_get("/keys", provider.public_keys)
    app.router.add_get("/authorize", provider.authorize)
    app.router.add_post("/token", provider.token)
    app.router.add_post("/behave", provider.behave)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    provider.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    print(provider.base, flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
