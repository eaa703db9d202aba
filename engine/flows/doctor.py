"""How the server is: what an administrator looks at when something is slow or fails."""

import asyncio
import platform
import resource
import shutil
import time
from pathlib import Path

import msgspec

from engine.errors import ProviderFailed
from engine.storage.database import SQLITE_VERSION, Database, StorageUnavailable
from engine.writers.writer import Writer

_LEAST_FREE_BYTES = 1 << 30
_FILES_PER_STREAM = 2
_OTHER_FILES = 100
_LATE_S = 0.1
_GB = 1e9


class Finding(msgspec.Struct, frozen=True):
    """One thing looked at: what is so, and, if that is not well, what to do."""

    name: str
    is_well: bool
    found: str
    advice: str = ""


class Report(msgspec.Struct, frozen=True):
    """All findings, and the server's clock in seconds since 1970."""

    findings: list[Finding]
    time: float


class Doctor:
    """Looks at what the server stands on."""

    def __init__(self, database: Database, writer: Writer, data: Path, max_streams: int) -> None:
        """Take the folder of all data, and how many streams may be open at once."""
        self._database = database
        self._writer = writer
        self._data = data
        self._max_streams = max_streams

    async def examine(self) -> Report:
        """Look at everything, for a few seconds at most."""
        findings = await asyncio.gather(self._model(), self._storage(), self._disk(), self._loop())
        return Report([*findings, self._files()], time.time())

    async def _model(self) -> Finding:
        began = time.monotonic()
        try:
            await self._writer.reach()
        except ProviderFailed as error:
            advice = "Check FOOTNOTE_LLM_URL and FOOTNOTE_LLM_KEY, and that the model server runs."
            return Finding("Model server", False, error.message, advice)
        took_ms = (time.monotonic() - began) * 1000
        return Finding("Model server", True, f"{self._writer.model}, reached in {took_ms:.0f} ms")

    async def _storage(self) -> Finding:
        try:
            async with self._database.transaction():
                pass
        except StorageUnavailable as error:
            advice = "Check that the disk has room and that the data folder may be written."
            return Finding("Database", False, error.message, advice)
        versions = f"SQLite {SQLITE_VERSION}, Python {platform.python_version()}"
        return Finding("Database", True, f"lets itself be written; {versions}")

    async def _disk(self) -> Finding:
        usage = await asyncio.to_thread(shutil.disk_usage, self._data)
        found = f"{usage.free / _GB:,.1f} of {usage.total / _GB:,.1f} GB free"
        if usage.free >= _LEAST_FREE_BYTES:
            return Finding("Disk", True, found)
        return Finding("Disk", False, found, "Make room: without it nothing can be kept.")

    async def _loop(self) -> Finding:
        began = time.monotonic()
        await asyncio.sleep(_LATE_S)
        late_s = time.monotonic() - began - _LATE_S
        found = f"answers {late_s * 1000:.0f} ms late"
        advice = "The machine has more to do than it can: see what else runs on it."
        is_well = late_s < _LATE_S
        return Finding("Load", is_well, found, "" if is_well else advice)

    def _files(self) -> Finding:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        needed = _FILES_PER_STREAM * self._max_streams + _OTHER_FILES
        found = f"{limit:,} may be open at once; {self._max_streams:,} streams need {needed:,}"
        advice = f"Start the server with a higher limit: ulimit -n {needed}."
        return Finding("Open files", limit >= needed, found, "" if limit >= needed else advice)
