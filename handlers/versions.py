"""Which pages this server gives, so that a tab left open over an update can tell.

A page carries the version it was made with, every response that of the server. Scripts and styles
have it in their addresses, so that a browser keeps them for good and never mixes two versions.
"""

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

from aiohttp import hdrs, web

VERSION = web.AppKey("version", str)


def version_of(folders: Iterable[Path]) -> str:
    """Return a short name for exactly these files."""
    digest = blake2b(digest_size=6)
    for folder in folders:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()


def static_path(version: str) -> str:
    """Return where the scripts, styles and icons of a version are."""
    return f"/static/{version}"


async def tell_version(request: web.Request, response: web.StreamResponse) -> None:
    """Name the version on every response, and let browsers keep what never changes."""
    version = request.app[VERSION]
    response.headers["X-Footnote-Version"] = version
    if request.path.startswith(f"{static_path(version)}/") and response.status == 200:
        response.headers[hdrs.CACHE_CONTROL] = "public, max-age=31536000, immutable"
