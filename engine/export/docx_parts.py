"""The parts of a Word file that python-docx does not make: footnotes, and numbers of lists."""

from collections.abc import Sequence

from docx.document import Document as WordFile
from docx.opc.constants import CONTENT_TYPE as CT
from docx.opc.constants import RELATIONSHIP_TYPE as RT
from docx.opc.packuri import PackURI
from docx.opc.part import XmlPart
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn

from engine.export.docx_xml import Element, w

DEEPEST = 8
_INDENT = 360
_BULLETS = "•◦▪"
_NUMBERS = ("decimal", "lowerLetter", "lowerRoman")
_SEPARATORS = ((-1, "separator"), (0, "continuationSeparator"))


class Footnotes:
    """The footnotes of a file; the two lines that part them from the text come first."""

    def __init__(self, file: WordFile) -> None:
        """Give the file an empty part, in the place of one that its base may have."""
        self._element = w("footnotes")
        for number, kind in _SEPARATORS:
            line = w("p", w("r", w(kind)))
            self._element.append(w("footnote", line, type=kind, id=number))
        _replace_part(file, "footnotes", RT.FOOTNOTES, CT.WML_FOOTNOTES, self._element)
        _name_separators(file.settings.element)
        self._count = 0

    def add(self, *paragraphs: Element) -> int:
        """Add a footnote and return its id, from 1."""
        self._count += 1
        self._element.append(w("footnote", *paragraphs, id=self._count))
        return self._count


class Numbering:
    """Numbers of lists: every list that counts begins anew."""

    def __init__(self, file: WordFile) -> None:
        """Add the two kinds of list to those that the base may have."""
        self._element = _numbering_of(file)
        kinds = self._element.findall(qn("w:abstractNum"))
        first = 1 + max((int(kind.get(qn("w:abstractNumId"))) for kind in kinds), default=-1)
        self._bullets, self._numbers = first, first + 1
        _insert_before(self._element, ("num", "numIdMacAtCleanup"), _bullets(first))
        _insert_before(self._element, ("num", "numIdMacAtCleanup"), _numbers(first + 1))
        lists = self._element.findall(qn("w:num"))
        self._next = 1 + max((int(one.get(qn("w:numId"))) for one in lists), default=0)
        self._last = lists[-1] if lists else self._element.findall(qn("w:abstractNum"))[-1]
        self._bulleted = self._add(self._bullets)

    def list_of(self, start: int | None, depth: int) -> int:
        """Return the id of a list at a depth from 0: bullets, or numbers from `start` on."""
        if start is None:
            return self._bulleted
        override = w("lvlOverride", w("startOverride", val=start), ilvl=depth)
        return self._add(self._numbers, override)

    def _add(self, kind: int, override: Element | None = None) -> int:
        number = self._next
        self._next += 1
        one = w("num", w("abstractNumId", val=kind), override, numId=number)
        self._last.addnext(one)
        self._last = one
        return number


def _replace_part(
    file: WordFile, name: str, kind: str, content_type: str, element: Element
) -> None:
    """Make `element` the one part of its kind."""
    main = file.part
    for key in [key for key, link in main.rels.items() if link.reltype == kind]:
        del main.rels[key]
    part = XmlPart(PackURI(f"/word/{name}.xml"), content_type, element, main.package)
    main.relate_to(part, kind)


def _name_separators(settings: Element) -> None:
    for old in settings.findall(qn("w:footnotePr")):
        settings.remove(old)
    named = w("footnotePr", *(w("footnote", id=number) for number, _ in _SEPARATORS))
    after = ("endnotePr", "compat", "docVars", "rsids", "themeFontLang", "clrSchemeMapping")
    _insert_before(settings, after, named)


def _insert_before(parent: Element, followers: Sequence[str], child: Element) -> None:
    """Insert a child where the schema wants it: before the first of these, else at the end."""
    names = {qn(f"w:{name}") for name in followers}
    follower = next((one for one in parent if one.tag in names), None)
    if follower is None:
        parent.append(child)
    else:
        follower.addprevious(child)


def _numbering_of(file: WordFile) -> Element:
    for link in file.part.rels.values():
        if link.reltype == RT.NUMBERING:
            return link.target_part.element
    element = parse_xml(f"<w:numbering {nsdecls('w')}/>")
    _replace_part(file, "numbering", RT.NUMBERING, CT.WML_NUMBERING, element)
    return element


def _bullets(number: int) -> Element:
    levels = (
        _level(depth, "bullet", _BULLETS[depth % len(_BULLETS)]) for depth in range(DEEPEST + 1)
    )
    return w(
        "abstractNum", w("multiLevelType", val="hybridMultilevel"), *levels, abstractNumId=number
    )


def _numbers(number: int) -> Element:
    levels = (
        _level(depth, _NUMBERS[depth % len(_NUMBERS)], f"%{depth + 1}.")
        for depth in range(DEEPEST + 1)
    )
    return w(
        "abstractNum", w("multiLevelType", val="hybridMultilevel"), *levels, abstractNumId=number
    )


def _level(depth: int, form: str, label: str) -> Element:
    indent = w("ind", left=_INDENT * (depth + 1), hanging=_INDENT)
    return w(
        "lvl",
        w("start", val=1),
        w("numFmt", val=form),
        w("lvlText", val=label),
        w("lvlJc", val="left"),
        w("pPr", indent),
        ilvl=depth,
    )
