"""Parses a document in a child process, because a file from outside may do anything to its parser.

However the child ends, the caller gets a document or a sentence.
"""

import asyncio
import logging
import signal
from asyncio.subprocess import Process
from pathlib import Path

import msgspec

from engine.errors import Unsupported
from engine.ingest.child import OUT_OF_MEMORY, Outcome, Success
from engine.ingest.confinement import BLOCK_BYTES, end, start
from engine.ingest.limits import Limits
from engine.ingest.parsed import Parsed, ParseFailed

__all__ = ["Limits", "parse"]

_CHILD = "engine.ingest.child"
_BYTES_PER_CHARACTER = 8
_OVERHEAD_BYTES = 1024 * 1024
_TIMED_OUT = "This file takes longer to read than is allowed."
_CRASHED = "This file cannot be read. It may be damaged."
_TOO_LARGE = "This document has more text than is allowed. Split it into smaller ones."
_log = logging.getLogger("footnote.ingest")


async def parse(path: Path, *, name: str, limits: Limits) -> Parsed:
    """Parse the file at `path`, which its owner calls `name`, in a process of its own.

    The process is gone when this returns or raises, also when it is cancelled.

    Raises:
        Unsupported: the bytes are of no allowed type. ParseFailed: they cannot be read, or not
        within `limits`.
    """
    child = await start(_CHILD, limits, str(path.resolve()), _argument(name))
    try:
        async with asyncio.timeout(limits.wall_s):
            data = await _read(child, _most_bytes(limits))
            code = await child.wait()
    except TimeoutError as error:
        raise ParseFailed(_TIMED_OUT) from error
    finally:
        await end(child)
    if code:
        _log.warning("reading a document ended with %s", code)
        raise ParseFailed(_reason(code))
    return await asyncio.to_thread(_result, data)


def _argument(name: str) -> str:
    """Return the end of `name`, where its type stands, as the system takes it for an argument."""
    return name[-100:].replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _most_bytes(limits: Limits) -> int:
    return limits.max_characters * _BYTES_PER_CHARACTER + _OVERHEAD_BYTES


async def _read(child: Process, most_bytes: int) -> bytes:
    assert child.stdout is not None
    data = bytearray()
    while block := await child.stdout.read(BLOCK_BYTES):
        data += block
        if len(data) > most_bytes:
            raise ParseFailed(_TOO_LARGE)
    return bytes(data)


def _reason(code: int) -> str:
    """Say why a child failed.

    pdfium ends itself by a trap when memory is refused, and a system without memory kills.
    """
    if -code in (signal.SIGXCPU, signal.SIGALRM):
        return _TIMED_OUT
    if -code in (signal.SIGTRAP, signal.SIGILL, signal.SIGABRT, signal.SIGKILL):
        return OUT_OF_MEMORY
    return _CRASHED


def _result(data: bytes) -> Parsed:
    try:
        outcome = msgspec.msgpack.decode(data, type=Outcome)
    except msgspec.DecodeError as error:
        raise ParseFailed(_CRASHED) from error
    if isinstance(outcome, Success):
        return outcome.parsed
    failure = Unsupported if outcome.code == Unsupported.code else ParseFailed
    raise failure(outcome.message, code=outcome.code)
