"""Builds small documents, honest and hostile ones, for the tests of this folder."""

import io
import zipfile
import zlib

_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_LINKS = "http://schemas.openxmlformats.org/package/2006/relationships"
_CONTENT_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"


def pdf(objects: list[bytes], trailer: bytes = b"") -> bytes:
    """Return a PDF of these objects, numbered from 1; the first is the catalogue."""
    out = bytearray(b"%PDF-1.7\n")
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<</Size %d/Root 1 0 R%s>>\n" % (len(objects) + 1, trailer)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % table)


def stream(data: bytes, entries: bytes = b"") -> bytes:
    """Return a stream object."""
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(data), entries, data)


def pdf_of(pages: list[bytes], *, entries: bytes = b"", catalogue: bytes = b"") -> bytes:
    """Return a PDF with one page for each content stream; F is Helvetica, B is its bold."""
    first = 5
    kids = b" ".join(b"%d 0 R" % (first + 2 * index) for index in range(len(pages)))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R%s>>" % catalogue,
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(pages)),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>",
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>>",
    ]
    for index, content in enumerate(pages):
        objects.append(
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents %d 0 R"
            b"/Resources<</Font<</F 3 0 R/B 4 0 R>>>>>>" % (first + 2 * index + 1)
        )
        objects.append(stream(content, entries))
    return pdf(objects)


def lines(*placed: tuple[float, float, float, str], font: str = "F") -> bytes:
    """Return a content stream; each line is (left, baseline, size, text)."""
    shown = [
        f"BT /{font} {size} Tf {left} {baseline} Td ({text}) Tj ET"
        for left, baseline, size, text in placed
    ]
    return "\n".join(shown).encode("cp1252")


PICTURE = b"q 100 0 0 100 72 600 cm BI /W 1 /H 1 /CS /G /BPC 8 ID \x00 EI Q"
"""A content stream that shows a picture and no text."""


def flate_bomb(megabytes: int) -> bytes:
    """Return deflated blanks."""
    packer = zlib.compressobj(9)
    block = b" " * 1_000_000
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


def archive(parts: dict[str, bytes]) -> bytes:
    """Return a zip archive."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return packed.getvalue()


def word_xml(body: str, *, prolog: str = "") -> bytes:
    """Return a Word main part with this body."""
    return f'{prolog}<w:document xmlns:w="{_W}"><w:body>{body}</w:body></w:document>'.encode()


def word_styles(styles: str) -> bytes:
    """Return a Word style part."""
    return f'<w:styles xmlns:w="{_W}">{styles}</w:styles>'.encode()


def paragraph(text: str, properties: str = "") -> str:
    """Return a Word paragraph."""
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"


def docx_of(body: str, parts: dict[str, bytes] | None = None) -> bytes:
    """Return a Word file with this body and further parts."""
    return package({"word/document.xml": word_xml(body)} | (parts or {}))


def package(parts: dict[str, bytes]) -> bytes:
    """Return an Office package: these parts, and those that say what they are."""
    main = next(iter(parts))
    kinds = ("styles", "footnotes")
    links = {kind: f"{kind}.xml" for kind in kinds if f"word/{kind}.xml" in parts}
    return archive(
        {
            main: parts[main],
            "[Content_Types].xml": content_types("application/xml"),
            "_rels/.rels": relationships({"officeDocument": main}),
            "word/_rels/document.xml.rels": relationships(links),
        }
        | parts
    )


def content_types(of_xml: str) -> bytes:
    """Return a content type part in which every XML part has the type `of_xml`."""
    default = f'<Default Extension="xml" ContentType="{of_xml}"/>'
    return f'<Types xmlns="{_CONTENT_TYPES}">{default}</Types>'.encode()


def relationships(targets: dict[str, str]) -> bytes:
    """Return a relationship part; `targets` are by the last word of the relationship's type."""
    links = "".join(
        f'<Relationship Id="r{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets.items())
    )
    return f'<Relationships xmlns="{_LINKS}">{links}</Relationships>'.encode()
