"""The styles an export uses: the base's own where it has them, plain ones where it has none.

Styles are found by their name, which is the same in every language of Word; ids are not.
"""

from typing import NamedTuple

from docx.document import Document as WordFile
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn

DEEPEST_HEADING = 6
_HEADING_HALF_POINTS = (32, 28, 24, 22, 22, 22)
_MONO = '<w:rFonts w:ascii="Consolas" w:hAnsi="Consolas" w:cs="Courier New"/>'
_BORDERS = "".join(
    f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="999999"/>'
    for side in ("top", "left", "bottom", "right", "insideH", "insideV")
)
_FRAME = "".join(
    f'<w:{side} w:val="single" w:sz="8" w:space="6" w:color="B26A00"/>'
    for side in ("top", "left", "bottom", "right")
)


_OWN = {"Draft Note", "Code Block", "Code"}
"""The names that Word does not know by itself."""


class _Look(NamedTuple):
    """A style as it is made when missing: its kind, its id, and the XML of its properties."""

    kind: str
    style_id: str
    paragraph: str = ""
    run: str = ""
    table: str = ""


_LOOKS = {
    "Title": _Look(
        "paragraph", "Title", '<w:spacing w:after="120"/>', '<w:b/><w:bCs/><w:sz w:val="52"/>'
    ),
    "Subtitle": _Look("paragraph", "Subtitle", "", '<w:color w:val="595959"/>'),
    "List Bullet": _Look("paragraph", "ListBullet"),
    "List Number": _Look("paragraph", "ListNumber"),
    "List Continue": _Look("paragraph", "ListContinue"),
    "Quote": _Look("paragraph", "Quote", '<w:ind w:left="567" w:right="567"/>', "<w:i/><w:iCs/>"),
    "Draft Note": _Look("paragraph", "DraftNote", f"<w:pBdr>{_FRAME}</w:pBdr>", "<w:b/><w:bCs/>"),
    "Code Block": _Look(
        "paragraph",
        "CodeBlock",
        '<w:shd w:val="clear" w:color="auto" w:fill="F2F2F2"/><w:jc w:val="left"/>',
        f'{_MONO}<w:noProof/><w:sz w:val="18"/><w:szCs w:val="18"/>',
    ),
    "footnote text": _Look(
        "paragraph",
        "FootnoteText",
        '<w:spacing w:after="0" w:line="240" w:lineRule="auto"/>',
        '<w:sz w:val="18"/><w:szCs w:val="18"/>',
    ),
    "footnote reference": _Look(
        "character", "FootnoteReference", "", '<w:vertAlign w:val="superscript"/>'
    ),
    "Strong": _Look("character", "Strong", "", "<w:b/><w:bCs/>"),
    "Emphasis": _Look("character", "Emphasis", "", "<w:i/><w:iCs/>"),
    "Code": _Look("character", "Code", "", f"{_MONO}<w:noProof/>"),
    "Table Grid": _Look("table", "TableGrid", table=f"<w:tblBorders>{_BORDERS}</w:tblBorders>"),
} | {
    f"heading {level}": _Look(
        "paragraph",
        f"Heading{level}",
        '<w:keepNext/><w:spacing w:before="320" w:after="120"/>'
        f'<w:outlineLvl w:val="{level - 1}"/>',
        f'<w:b/><w:bCs/><w:sz w:val="{size}"/><w:szCs w:val="{size}"/>',
    )
    for level, size in enumerate(_HEADING_HALF_POINTS, start=1)
}


class Styles:
    """Gives the id of a style by its name."""

    def __init__(self, file: WordFile) -> None:
        """Take the styles of a file, to which missing ones are added when they are used."""
        self._element = file.styles.element
        self._ids = {
            (style.get(qn("w:type")), name.get(qn("w:val")).lower()): style.get(qn("w:styleId"))
            for style in self._element.findall(qn("w:style"))
            if (name := style.find(qn("w:name"))) is not None
        }

    def __getitem__(self, name: str) -> str:
        """Return the id of a style of our own list."""
        look = _LOOKS[name]
        key = (look.kind, name.lower())
        if key not in self._ids:
            self._element.append(parse_xml(_definition(name, look)))
            self._ids[key] = look.style_id
        return str(self._ids[key])


def _definition(name: str, look: _Look) -> str:
    own = ' w:customStyle="1"' if name in _OWN else ""
    return (
        f'<w:style {nsdecls("w")} w:type="{look.kind}"{own} w:styleId="{look.style_id}">'
        f'<w:name w:val="{name}"/><w:qFormat/>'
        f"<w:pPr>{look.paragraph}</w:pPr>"
        f"<w:rPr>{look.run}</w:rPr>"
        + (f"<w:tblPr>{look.table}</w:tblPr>" if look.table else "")
        + "</w:style>"
    )
