"""Opens a Word file as the package of related XML parts that it is, through python-docx.

The archive is checked first. python-docx then gets a copy without all that is not read: it would
load every picture, fail on any relationship that leads nowhere, and knows no strict documents.
"""

import re
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

from docx.opc.constants import RELATIONSHIP_TYPE as RT
from docx.opc.packuri import CONTENT_TYPES_URI
from docx.opc.part import Part, XmlPart
from docx.oxml.ns import qn
from docx.oxml.parser import parse_xml
from docx.package import Package
from lxml import etree

from engine.errors import Unsupported
from engine.ingest.archive import DAMAGED, open_checked
from engine.ingest.kinds import ALLOWED
from engine.ingest.limits import Limits
from engine.ingest.parsed import ParseFailed

_READ = frozenset({RT.OFFICE_DOCUMENT, RT.STYLES, RT.FOOTNOTES, RT.ENDNOTES, RT.CORE_PROPERTIES})
_STRICT = re.compile(rb"http://purl\.oclc\.org/ooxml/(\w+)/")
_COMMON = rb"http://schemas.openxmlformats.org/\1/2006/"
# What python-docx lets through when a package is not put together as it should be.
_MALFORMED = (LookupError, ValueError, TypeError, AttributeError, RecursionError)


def open_parts(path: Path, limits: Limits) -> dict[str, etree._Element]:
    """Return the root element of each part that is read, by the type of its relationship.

    `RELATIONSHIP_TYPE.OFFICE_DOCUMENT` is always among them.

    Raises:
        ParseFailed: the file is damaged, hostile or over a limit.
        Unsupported: it is another kind of archive.
    """
    with open_checked(path, limits) as archive:
        parts = _parts(archive) if CONTENT_TYPES_URI.membername in archive.NameToInfo else {}
    main = parts.get(RT.OFFICE_DOCUMENT)
    if main is None or main.tag != qn("w:document"):
        raise Unsupported(f"This archive is not a Word document. {ALLOWED}")
    return parts


def _parts(archive: ZipFile) -> dict[str, etree._Element]:
    try:
        package = Package.open(_lean_copy(archive))
        return {link.reltype: _root(link.target_part) for link in package.iter_rels()}
    except (etree.XMLSyntaxError, *_MALFORMED) as error:
        raise ParseFailed(DAMAGED) from error


def _lean_copy(archive: ZipFile) -> BytesIO:
    copy = BytesIO()
    with ZipFile(copy, "w") as package:
        for name in archive.namelist():
            if name.endswith(".xml"):
                package.writestr(name, _common(archive.read(name)))
            elif name.endswith(".rels"):
                package.writestr(name, _essential(_common(archive.read(name))))
    return copy


def _common(xml: bytes) -> bytes:
    """Return `xml` with the namespaces of strict documents made those of all others."""
    return _STRICT.sub(_COMMON, xml)


def _essential(xml: bytes) -> bytes:
    """Return a relationship part without the relationships to parts that are not read."""
    relationships = parse_xml(xml)
    for relationship in list(relationships):
        if relationship.get("Type") not in _READ:
            relationships.remove(relationship)
    return etree.tostring(relationships)


def _root(part: Part) -> etree._Element:
    return part.element if isinstance(part, XmlPart) else parse_xml(part.blob)
