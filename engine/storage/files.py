"""Uploaded files, stored under the hash of their content."""

from pathlib import Path


class FileStore:
    """A folder of immutable files addressed by the SHA-256 of their bytes."""

    def __init__(self, root: Path) -> None:
        """Keep files below `root`, and files that are still arriving in `root/incoming`."""
        self._root = root
        self.incoming = root / "incoming"
        self.incoming.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Return where the file of this hash is or would be."""
        return self._root / sha256[:2] / sha256

    def adopt(self, arrived: Path, sha256: str) -> None:
        """Move a complete file to its place; one that is there already stays."""
        target = self.path(sha256)
        target.parent.mkdir(exist_ok=True)
        arrived.replace(target)

    def discard_incoming(self) -> None:
        """Remove what a process that died left half received."""
        for path in self.incoming.iterdir():
            path.unlink(missing_ok=True)

    def keep_only(self, hashes: set[str]) -> None:
        """Remove files that no document uses any more."""
        for path in self._root.glob("[0-9a-f][0-9a-f]/*"):
            if path.name not in hashes:
                path.unlink(missing_ok=True)
