"""Secrets that identify somebody: made at random, shown once, kept only as a fingerprint.

A secret has 256 random bits, so a plain SHA-256 is enough to store it by: there is nothing to guess
and no need for a slow hash.
"""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta

_KEY_PREFIX = "fnk_"


def new_secret() -> str:
    """Return a fresh secret, safe in a URL, a header and a cookie."""
    return secrets.token_urlsafe(32)


def new_api_key() -> str:
    """Return a fresh API key; its beginning lets a scanner of source code find one left there."""
    return _KEY_PREFIX + new_secret()


def fingerprint(secret: str) -> str:
    """Return what is stored of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def expiry(seconds: float) -> str:
    """Return the time so many seconds from now, as it is stored."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="microseconds")


def seconds_until(moment: str) -> float:
    """Return how many seconds from now a stored time is."""
    return (datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds()
