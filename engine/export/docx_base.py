"""The Word file an export is built on: ours, or a team's own with its styles, header and footer.

A team's file is let in only when it can do nothing by itself: no macros, no embedded programs,
nothing that is fetched from elsewhere. What its pages say is taken out; what is above and below
them stays.
"""

import re
from pathlib import Path
from zipfile import ZipFile

from docx import Document as open_word_file
from docx.document import Document as WordFile
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml
from docx.oxml.ns import qn
from lxml import etree

from engine.errors import AppError, Invalid
from engine.export.docx_xml import w
from engine.ingest.archive import open_checked
from engine.ingest.limits import Limits

_MAIN = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
_ACTIVE = re.compile(rb"macroEnabled|vbaProject|activeX|oleObject|ms-office\.vba", re.IGNORECASE)
_ACTIVE_LINKS = re.compile(
    r"/(?:vbaProject|oleObject|package|control|attachedTemplate|aFChunk|subDocument|frame)$"
)
_FETCHING_FIELDS = re.compile(
    r"\b(?:DDE|DDEAUTO|INCLUDETEXT|INCLUDEPICTURE|IMPORT|LINK|DATABASE|RD|MACROBUTTON)\b"
)
# What python-docx lets through when a package is not put together as it should be.
_MALFORMED = (LookupError, ValueError, TypeError, AttributeError, RecursionError, OSError)


def open_base(path: str | None) -> WordFile:
    """Return a file without text to write into.

    Raises:
        Invalid: the team's file cannot be opened, or could do something by itself.
    """
    if path is None:
        return _own()
    try:
        with open_checked(Path(path), Limits()) as archive:
            _refuse_active(archive)
        file = open_word_file(path)
        _clear(file)
    except Invalid:
        raise
    except AppError as error:
        raise _refused(error.message) from error
    except (etree.XMLSyntaxError, *_MALFORMED) as error:
        raise _refused("It is damaged, or no Word document (.docx).") from error
    return file


def _own() -> WordFile:
    file = open_word_file()
    _clear(file)
    footer = file.sections[0].footer.paragraphs[0]
    footer.alignment = WD_ALIGN_PARAGRAPH.CENTER
    footer._p.append(w("fldSimple", w("r", w("t")), instr="PAGE"))
    return file


def _clear(file: WordFile) -> None:
    """Take out what the pages say; how they look stays, but not how footnotes would be counted."""
    body = file.element.body
    for element in list(body):
        if element.tag != qn("w:sectPr"):
            body.remove(element)
    for counting in body.findall(f"{qn('w:sectPr')}/{qn('w:footnotePr')}"):
        counting.getparent().remove(counting)


def _refuse_active(archive: ZipFile) -> None:
    types = archive.read("[Content_Types].xml")
    names = "\n".join(archive.namelist()).encode()
    if _MAIN not in types or _ACTIVE.search(types) or _ACTIVE.search(names):
        raise _refused("It holds macros or embedded programs, or is no Word document (.docx).")
    for name in archive.namelist():
        if name.endswith(".rels"):
            _refuse_links(archive.read(name))
        elif name.endswith(".xml"):
            _refuse_fields(archive.read(name))


def _refuse_links(xml: bytes) -> None:
    for link in parse_xml(xml):
        if link.get("TargetMode") == "External":
            raise _refused("It refers to something outside of itself, for instance by a link.")
        if _ACTIVE_LINKS.search(link.get("Type", "")):
            raise _refused("It holds macros, embedded programs or other documents.")


def _refuse_fields(xml: bytes) -> None:
    root = parse_xml(xml)
    written = "".join(root.xpath("//*[local-name()='instrText']/text()"))
    simple = root.xpath("//*[local-name()='fldSimple']/@*[local-name()='instr']")
    if _FETCHING_FIELDS.search(" ".join([written, *simple]).upper()):
        raise _refused("It has a field that fetches something from elsewhere.")


def _refused(reason: str) -> Invalid:
    return Invalid(f"This template cannot be used. {reason}", field="template")
