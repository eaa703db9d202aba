"""The sample knowledge base of the very first start, so that a first draft has something to say."""

import hashlib
import shutil
from pathlib import Path

from engine import samples
from engine.flows.ingest import Arrived, Library
from engine.runs.runner import Runs
from engine.storage import knowledge
from engine.storage.database import Database
from engine.storage.files import FileStore
from engine.storage.identities import User
from engine.types import new_id


async def make_sample(
    database: Database, files: FileStore, library: Library, runs: Runs, user: User
) -> None:
    """Create the sample knowledge base and start reading its documents."""
    async with database.transaction() as tx:
        kb_id = await knowledge.create(tx, user.id, samples.KB_NAME)
    for path in samples.paths():
        await library.add(runs, user, kb_id, arrive(files, path))


def arrive(files: FileStore, path: Path) -> Arrived:
    """Copy a local file to where uploads arrive.

    Raises:
        OSError: it cannot be read.
    """
    target = files.incoming / new_id()
    shutil.copyfile(path, target)
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Arrived(path.name, target, digest, target.stat().st_size)
