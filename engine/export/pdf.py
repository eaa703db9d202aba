"""Writes a document as PDF, set by typst.

The text goes in as data and is never read as typst's own language, so nothing in it can ask for a
file or a package; the template asks for none, and there is none in the folder it may see.
"""

from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import typst

from engine.export.document import Document
from engine.export.manuscript import Style

_TEMPLATE = Path(__file__).with_name("pdf.typ")


def write(document: Document, style: Style, made_at: str) -> bytes:
    """Return the file; `made_at` is the time it says it was made."""
    inputs = {"document": msgspec.json.encode(document).decode(), "style": style}
    # Without the name of a folder, one is looked for by writing to it, which may not be allowed.
    with TemporaryDirectory(prefix="footnote-pdf-", dir="/tmp") as root:
        compiler = typst.Compiler(
            _TEMPLATE.read_bytes(),
            root=root,
            package_path=root,
            package_cache_path=root,
            sys_inputs=inputs,
        )
        made = datetime.fromisoformat(made_at).replace(microsecond=0)
        data = compiler.compile(format="pdf", timestamp=made)
    assert isinstance(data, bytes)
    return data
