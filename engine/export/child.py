"""The process that writes one file: it limits itself, takes an order, gives the outcome, ends."""

import sys

import msgspec

from engine.errors import Invalid
from engine.export.formats import write
from engine.export.manuscript import Order, Outcome, Refused, Written
from engine.ingest.confinement import confine


def main() -> None:
    """Write the order from standard input to standard output, within the limits `argv[1]`."""
    confine(sys.argv[1])
    order = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Order)
    sys.stdout.buffer.write(msgspec.msgpack.encode(_outcome(order)))
    sys.stdout.buffer.flush()


def _outcome(order: Order) -> Outcome:
    try:
        return Written(write(order))
    except Invalid as error:
        return Refused(error.message, error.field)
