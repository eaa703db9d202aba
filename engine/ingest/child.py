"""The process that parses one document: sets its own limits, parses, writes the outcome, ends.

One msgpack value goes over the pipe: a document, or the sentence of a failure. An exception nobody
expected is left to end the process; the parent knows what to say.
"""

import sys
from pathlib import Path

import msgspec

from engine.errors import AppError
from engine.ingest.confinement import confine
from engine.ingest.limits import Limits
from engine.ingest.parsed import Parsed, ParseFailed
from engine.ingest.reading import parse_file

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
    """Parse `argv[2]`, called `argv[3]`, within the limits `argv[1]`; write to stdout."""
    limits = confine(sys.argv[1])
    path, name = Path(sys.argv[2]), sys.argv[3]
    sys.stdout.buffer.write(msgspec.msgpack.encode(_outcome(path, name, limits)))
    sys.stdout.buffer.flush()


def _outcome(path: Path, name: str, limits: Limits) -> Outcome:
    try:
        return Success(parse_file(path, name, limits))
    except AppError as error:
        return Failure(error.code, error.message)
    except MemoryError:
        return Failure(ParseFailed.code, OUT_OF_MEMORY)
