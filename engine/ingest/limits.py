"""How much one document may ask of this machine."""

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the work on one document.

    `memory_bytes` is address space of the child process, of which the interpreter and the parsers
    take a part before they have read anything. `max_unpacked_bytes` is the sum of all parts of an
    archive, `max_files` how many may be open at once.
    """

    memory_bytes: int = 1024 * MIB
    cpu_s: int = 60
    wall_s: float = 90.0
    max_unpacked_bytes: int = 200 * MIB
    max_entries: int = 5_000
    max_pages: int = 2_000
    max_characters: int = 20_000_000
    max_files: int = 32
