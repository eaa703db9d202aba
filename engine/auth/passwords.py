"""Passwords: hashed with Argon2id in a few threads, so that no flood of guesses eats the memory.

The parameters are the library's, which follow RFC 9106's choice for low memory; a hash made with
older ones is made anew at the next sign-in.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.errors import Invalid, Unavailable

_THREADS = 2
_MOST_WAITING = 32
_LEAST_CHARS = 10
_MOST_CHARS = 200


def check_password(password: str) -> None:
    """Refuse a new password that is too short to be safe, or absurdly long.

    Raises:
        Invalid: says what is wanted.
    """
    if not _LEAST_CHARS <= len(password) <= _MOST_CHARS:
        raise Invalid(
            f"password: must have {_LEAST_CHARS} to {_MOST_CHARS} characters.", field="password"
        )


class Passwords:
    """Hashes and compares passwords."""

    def __init__(self) -> None:
        """Start no thread before the first password comes."""
        self._hasher = PasswordHasher()
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="password")
        self._waiting = 0
        self._nobody = ""

    async def hash(self, password: str) -> str:
        """Return what is stored of a password.

        Raises:
            Unavailable: too many others wait for the same.
        """
        return str(await self._in_thread(self._hash, password))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether a password is the one stored; as slow when there is none to compare with.

        Raises:
            Unavailable: too many others wait for the same.
        """
        return bool(await self._in_thread(self._verify, stored, password))

    def is_outdated(self, stored: str) -> bool:
        """Whether a hash was made with other parameters than those of today."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Give the threads up."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(self, work: object, *arguments: object) -> object:
        if self._waiting >= _MOST_WAITING:
            raise Unavailable("Too many people sign in just now. Try again in a few seconds.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, work, *arguments)  # type: ignore[arg-type]
        finally:
            self._waiting -= 1

    def _hash(self, password: str) -> str:
        return self._hasher.hash(_bytes(password))

    def _verify(self, stored: str | None, password: str) -> bool:
        if not self._nobody:
            self._nobody = self._hasher.hash(b"nobody has this password")
        try:
            self._hasher.verify(stored or self._nobody, _bytes(password))
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")
