"""Which pages this server gives, so that a tab left open over an update can tell.

A page carries the version it was made with, every response that of the server. Scripts and styles
are asked for anew by each page, since a mixture of two versions is worse than an old one.
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


async def tell_version(request: web.Request, response: web.StreamResponse) -> None:
    """Name the version on every response, and let no file of a page grow old."""
    response.headers["X-Footnote-Version"] = request.app[VERSION]
    if request.path.startswith("/static/"):
        response.headers[hdrs.CACHE_CONTROL] = "no-cache"
