"""The process that parses one document: sets its own limits, parses, writes the outcome, ends.

One msgpack value goes over the pipe: a document, or the sentence of a failure. An exception nobody
expected is left to end the process; the parent knows what to say.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path

import msgspec

from engine.errors import AppError
from engine.ingest.limits import Limits
from engine.ingest.parsed import Parsed, ParseFailed
from engine.ingest.reading import parse_file

_NICENESS = 10
OUT_OF_MEMORY = "This file needs more memory to read than is allowed."


class Success(msgspec.Struct, tag=True):
    """The document, parsed."""

    parsed: Parsed


class Failure(msgspec.Struct, tag=True):
    """The sentence and code of an expected failure."""

    code: str
    message: str


Outcome = Success | Failure


def main() -> None:
    """Parse `argv[1]`, called `argv[2]`, within the limits `argv[3]` (JSON); write to stdout."""
    path, name, limits = Path(sys.argv[1]), sys.argv[2], Limits(**json.loads(sys.argv[3]))
    _confine(limits)
    sys.stdout.buffer.write(msgspec.msgpack.encode(_outcome(path, name, limits)))
    sys.stdout.buffer.flush()


def _confine(limits: Limits) -> None:
    """Lower this process's limits; the alarm ends it even when nobody waits for it any more."""
    for what, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    # The first bound ends it by a signal of its own; a plain kill is the system's, short of memory.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 1))
    signal.setitimer(signal.ITIMER_REAL, limits.wall_s + 1)
    os.nice(_NICENESS)  # readers of running drafts come first


def _outcome(path: Path, name: str, limits: Limits) -> Outcome:
    try:
        return Success(parse_file(path, name, limits))
    except AppError as error:
        return Failure(error.code, error.message)
    except MemoryError:
        return Failure(ParseFailed.code, OUT_OF_MEMORY)
