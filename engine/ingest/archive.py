"""Looks at a Word file's zip archive before anything in it is unpacked or parsed.

A file of 50 KB can promise terabytes. What decides stands in the directory at the end of the file,
and that directory is held to a size before it is read.
"""

import re
import stat
import struct
import zlib
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from engine.ingest.limits import Limits
from engine.ingest.parsed import ParseFailed

_END_RECORD = struct.Struct("<4s4H2LH")
_LARGE_LOCATOR = struct.Struct("<4sLQL")
_MAX_COMMENT = 65_535
_MAX_ENTRY_BYTES = 600
_MAX_RATIO = 200
_SMALL_BYTES = 1_000_000
_ARCHIVE_NAME = re.compile(r"\.(?:zip|7z|rar|gz|bz2|xz|tar|tgz|jar|docx|docm)$", re.IGNORECASE)
_EMBEDDED = "word/embeddings/"
_XML_NAMES = (".xml", ".rels")

DAMAGED = "This Word file is damaged and cannot be opened."


def open_checked(path: Path, limits: Limits) -> ZipFile:
    """Return the archive at `path`, open, after its directory and XML parts have been checked.

    Raises:
        ParseFailed: it is damaged, or asks for more than is allowed.
    """
    archive = _opened(path, limits)
    try:
        _check_entries(archive.infolist(), limits)
        _refuse_definitions(archive)
    except BaseException:
        archive.close()
        raise
    return archive


def part_names(path: Path, limits: Limits) -> list[str]:
    """Return the names that the directory of the archive at `path` lists.

    Raises:
        ParseFailed: it is damaged, or the directory is larger than is allowed.
    """
    with _opened(path, limits) as archive:
        return archive.namelist()


def _opened(path: Path, limits: Limits) -> ZipFile:
    _check_directory(path, limits)
    try:
        return ZipFile(path)
    except (BadZipFile, UnicodeDecodeError, ValueError, NotImplementedError) as error:
        raise ParseFailed(DAMAGED) from error


def _check_directory(path: Path, limits: Limits) -> None:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _LARGE_LOCATOR.size - _END_RECORD.size - _MAX_COMMENT))
        tail = file.read()
    found = tail.rfind(b"PK\x05\x06")
    if found < 0 or len(tail) - found < _END_RECORD.size:
        raise ParseFailed(DAMAGED)
    if tail[:found][-_LARGE_LOCATOR.size :].startswith(b"PK\x06\x07"):
        # Another record, for more than 65,535 parts, would count instead of this one.
        raise ParseFailed(_too_many(limits))
    _, _, _, _, entries, directory_bytes, _, _ = _END_RECORD.unpack_from(tail, found)
    if entries > limits.max_entries or directory_bytes > limits.max_entries * _MAX_ENTRY_BYTES:
        raise ParseFailed(_too_many(limits))


def _too_many(limits: Limits) -> str:
    return f"This Word file holds more than {limits.max_entries:,} parts. That is not allowed."


def _check_entries(entries: list[ZipInfo], limits: Limits) -> None:
    if sum(entry.file_size for entry in entries) > limits.max_unpacked_bytes:
        size = f"{limits.max_unpacked_bytes // 1_000_000} MB"
        raise ParseFailed(f"This Word file unpacks to more than {size}. That is not allowed.")
    if len({entry.filename for entry in entries}) < len(entries):
        raise ParseFailed("This Word file holds two parts of the same name. That is not allowed.")
    for entry in entries:
        _check_entry(entry)


def _check_entry(entry: ZipInfo) -> None:
    if entry.flag_bits & 1:
        raise ParseFailed("This Word file is protected by a password.")
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise ParseFailed(DAMAGED)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise ParseFailed("This Word file holds a link to another file. That is not allowed.")
    if _leads_out(entry.orig_filename):
        raise ParseFailed("This Word file holds a part with an unsafe name. That is not allowed.")
    if _ARCHIVE_NAME.search(entry.filename) and not entry.filename.startswith(_EMBEDDED):
        raise ParseFailed("This Word file holds another archive. That is not allowed.")
    if entry.file_size > max(_SMALL_BYTES, entry.compress_size * _MAX_RATIO):
        raise ParseFailed("This Word file unpacks to far more than its size. That is not allowed.")


def _leads_out(name: str) -> bool:
    steps = name.replace("\\", "/").split("/")
    return steps[0] == "" or ".." in steps or ":" in steps[0] or "\0" in name


def _refuse_definitions(archive: ZipFile) -> None:
    """Refuse document type definitions: no Word file has one, and entities are made in them."""
    for entry in archive.infolist():
        if entry.filename.lower().endswith(_XML_NAMES) and b"<!DOCTYPE" in _ascii(archive, entry):
            raise ParseFailed("This Word file holds XML definitions (DTD). That is not allowed.")


def _ascii(archive: ZipFile, entry: ZipInfo) -> bytes:
    try:
        return archive.read(entry).replace(b"\0", b"")  # UTF-16 and UTF-32 become readable
    except (BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise ParseFailed(DAMAGED) from error
