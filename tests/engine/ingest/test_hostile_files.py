"""Files made to do harm, read as the server reads them: in the child, within limits, in time."""

import asyncio
import struct
import time
import zlib
from pathlib import Path

import pytest
from small_files import (
    archive,
    docx_of,
    flate_bomb,
    lines,
    paragraph,
    pdf,
    pdf_of,
    relationships,
    stream,
    word_xml,
)

from engine.errors import AppError, Unsupported
from engine.ingest import sandbox
from engine.ingest.limits import MIB, Limits
from engine.ingest.parsed import Parsed, ParseFailed

WORDS = paragraph("Words")
CANARY = "xyzzy-canary"
FLATE = b"/Filter/FlateDecode"
IN_TIME_S = 20.0
LIMITS = Limits(memory_bytes=700 * MIB, cpu_s=10, wall_s=15)
# Nothing that cannot be read may be told in other words than these.
SENTENCES = (
    "damaged", "not allowed", "is allowed", "protected by a password", "cannot be read",
    "not a Word document", "At most", "has no text", "Allowed are", "Split it",
)  # fmt: skip


async def outcome(tmp_path: Path, data: bytes, name: str = "a") -> Parsed | str:
    """Return the document, or the sentence of its failure; neither may take long."""
    path = tmp_path / "content"
    path.write_bytes(data)
    began = time.monotonic()
    try:
        async with asyncio.timeout(IN_TIME_S):
            return await sandbox.parse(path, name=name, limits=LIMITS)
    except AppError as error:
        assert isinstance(error, ParseFailed | Unsupported)
        assert any(words in error.message for words in SENTENCES), error.message
        return error.message
    finally:
        assert time.monotonic() - began < IN_TIME_S


def text_of(found: Parsed | str) -> str:
    return found.text if isinstance(found, Parsed) else ""


# Word


def with_directory(data: bytes, *, entries: int) -> bytes:
    """Return an archive whose end record tells another number of parts."""
    end = data.rfind(b"PK\x05\x06")
    counts = struct.pack("<HH", entries, entries)
    return data[: end + 8] + counts + data[end + 12 :]


def lying(data: bytes, name: bytes, size: int) -> bytes:
    """Return an archive whose directory says that a part unpacks to `size` bytes."""
    place = data.rfind(b"PK\x01\x02", 0, data.rfind(name))
    return data[: place + 24] + struct.pack("<L", size) + data[place + 28 :]


async def test_a_directory_that_hides_its_length_is_refused(tmp_path: Path) -> None:
    many = archive({"[Content_Types].xml": b""} | {f"w/{n}": b"" for n in range(70_000)})
    assert b"PK\x06\x07" in many
    found = await outcome(tmp_path, with_directory(many, entries=3))
    assert isinstance(found, str) and "parts" in found


async def test_a_part_that_lies_about_its_size_is_damaged(tmp_path: Path) -> None:
    bomb = docx_of(WORDS, {"word/styles.xml": b"<a>" + b" " * 60_000_000 + b"</a>"})
    found = await outcome(tmp_path, lying(bomb, b"word/styles.xml", 500))
    assert found == "This Word file is damaged and cannot be opened."


async def test_parts_that_share_their_bytes_are_counted_each(tmp_path: Path) -> None:
    parts = {f"word/p{n}.xml": b"<a/>" + b" " * 990_000 for n in range(300)}
    found = await outcome(tmp_path, docx_of(WORDS, parts))
    assert isinstance(found, str) and "unpacks to more than" in found


async def test_an_archive_in_an_archive_is_not_opened(tmp_path: Path) -> None:
    inner = archive({"x.xml": b" " * 50_000_000})
    assert "another archive" in str(await outcome(tmp_path, docx_of(WORDS, {"a/b.zip": inner})))
    embedded = docx_of(WORDS, {"word/embeddings/b.zip": inner})
    assert text_of(await outcome(tmp_path, embedded)) == "Words"


BILLION = (
    '<!DOCTYPE x [<!ENTITY a "xyzzy-canary">'
    + "".join(
        f'<!ENTITY {n} "{f"&{p};" * 20}">' for p, n in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-7", "cp037", "cp1140"]
)
async def test_entities_are_never_expanded_in_whatever_encoding(
    tmp_path: Path, encoding: str
) -> None:
    prolog = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>{BILLION}'
    xml = word_xml(paragraph("&i;"), prolog=prolog).decode().encode(encoding)
    found = await outcome(tmp_path, docx_of("", {"word/document.xml": xml}))
    assert CANARY not in text_of(found)


async def test_a_file_of_this_machine_is_not_read_into_a_document(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(CANARY)
    for kind in ("SYSTEM", "PUBLIC '-'"):
        prolog = f"<!DOCTYPE x [<!ENTITY a {kind} 'file://{secret}'>]>"
        xml = word_xml(paragraph("&a;"), prolog=prolog)
        found = await outcome(tmp_path, docx_of("", {"word/document.xml": xml}))
        assert CANARY not in text_of(found)
        html = prolog.replace("x [", "html [").encode() + b"<p>Words &a;</p>"
        assert CANARY not in text_of(await outcome(tmp_path, html))


async def test_nothing_is_fetched_for_a_document(tmp_path: Path) -> None:
    asked: list[bytes] = []

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(note, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x"
    outside = relationships({"attachedTemplate": url, "image": url, "styles": url}).replace(
        b"/>", b' TargetMode="External"/>'
    )
    catalogue = f"/OpenAction<</S/URI/URI({url})>>/AA<</O<</S/Launch/F({url})>>>>".encode()
    html = (
        f"<!doctype html><link rel=stylesheet href={url}><img src={url}><script src={url}></script>"
        f"<base href={url}><iframe src={url}></iframe><p>Words"
    )
    async with server:
        for data in (
            docx_of(WORDS, {"word/_rels/document.xml.rels": outside}),
            pdf_of([lines((72, 700, 12, "Words"))], catalogue=catalogue),
            html.encode(),
            f"# Words\n\n![x]({url})\n\n<img src={url}>\n".encode(),
        ):
            await outcome(tmp_path, data)
    assert asked == []


# PDF


def page_with(content: bytes, resources: bytes, *more: bytes) -> bytes:
    return pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<<%s>>>>"
            % resources,
            stream(content),
            *more,
        ]
    )


LOOP = b"<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>/Length 4>>"
ENDLESS = {
    "a drawing that draws itself": page_with(
        b"/X Do", b"/XObject<</X 5 0 R>>", LOOP + b"\nstream\n/X Do\nendstream"
    ),
    "content that is its own filter": page_with(b"", b"").replace(
        b"/Contents 4 0 R", b"/Contents[4 0 R 4 0 R]"
    ),
    "a cross reference before itself": pdf([b"<</Type/Catalog/Pages 1 0 R>>"], b"/Prev 9"),
    "a length that is itself": page_with(b"x", b"").replace(b"<</Length 1>>", b"<</Length 4 0 R>>"),
    "a catalogue that is its own pages": pdf(
        [b"<</Type/Catalog/Pages 1 0 R/Kids[1 0 R]/Count 9>>"]
    ),
    "blocks without an end": page_with(b"q " * 300_000 + b"BT " * 300_000, b""),
    "arrays without an end": page_with(b"[" * 500_000, b""),
    "dictionaries without an end": b"%PDF-1.7\n1 0 obj\n" + b"<</A " * 500_000,
}


@pytest.mark.parametrize("data", ENDLESS.values(), ids=ENDLESS.keys())
async def test_a_pdf_without_an_end_ends(tmp_path: Path, data: bytes) -> None:
    assert isinstance(await outcome(tmp_path, data), str)


async def test_a_million_pages_are_refused_whatever_the_count_says(tmp_path: Path) -> None:
    kids = b"5 0 R " * 1_000_000
    for count in (b"1", b"1000000", b"-1"):
        data = pdf_of([b""]).replace(b"/Kids[5 0 R]/Count 1", b"/Kids[%s]/Count %s" % (kids, count))
        assert isinstance(await outcome(tmp_path, data), str)


@pytest.mark.parametrize("times", [1, 2, 3])
async def test_packed_blanks_are_bounded_however_often_they_are_packed(
    tmp_path: Path, times: int
) -> None:
    data = flate_bomb(800)
    for _ in range(times - 1):
        data = zlib.compress(data, 9)
    filters = b"/Filter[" + b"/FlateDecode" * times + b"]"
    assert isinstance(await outcome(tmp_path, pdf_of([data], entries=filters)), str)


async def test_a_pdf_cut_anywhere_is_read_or_damaged(tmp_path: Path) -> None:
    whole = pdf_of([lines((72, 700, 12, "Words of the page."))] * 3)
    for end in range(10, len(whole), len(whole) // 12):
        found = await outcome(tmp_path, whole[:end])
        assert isinstance(found, str) or "Words" in found.text


async def test_scripts_and_attachments_of_a_pdf_are_no_text_and_do_nothing(tmp_path: Path) -> None:
    attached = stream(CANARY.encode(), b"/Type/EmbeddedFile")
    catalogue = (
        b"/Names<</EmbeddedFiles<</Names[(a.txt)<</Type/Filespec/F(a.txt)/EF<</F 7 0 R>>>>]>>"
        b"/JavaScript<</Names[(x)<</S/JavaScript/JS(app.alert\\('%s'\\);while\\(1\\){})>>]>>>>"
        % CANARY.encode()
    )
    page = lines((72, 700, 12, "Words"))
    data = pdf_of([page], catalogue=catalogue).replace(
        b"xref\n0", b"7 0 obj\n" + attached + b"\nendobj\nxref\n0", 1
    )
    assert text_of(await outcome(tmp_path, data)) == "Words"


@pytest.mark.parametrize(
    "prefix",
    [
        b"GIF89a/*",
        b"<html><script>xyzzy</script>",
        b"#!/bin/sh\nexit\n",
        b"\0" * 200,
        b"PK\x03\x04",
    ],
)
async def test_a_file_that_is_several_things_is_one_of_them(tmp_path: Path, prefix: bytes) -> None:
    data = prefix + pdf_of([lines((72, 700, 12, "Words"))])
    found = await outcome(tmp_path, data, "a.docx")
    assert isinstance(found, str) or found.media_type in (
        "application/pdf",
        "text/html",
        "text/plain",
    )
    assert "xyzzy" not in text_of(found)


# Text


async def test_a_hundred_megabytes_in_one_line_are_refused_in_time(tmp_path: Path) -> None:
    found = await outcome(tmp_path, b"word " * 20_000_000, "a.txt")
    assert isinstance(found, str) and "characters" in found or "allowed" in str(found)


async def test_zero_bytes_are_no_text_and_wide_characters_are(tmp_path: Path) -> None:
    assert isinstance(await outcome(tmp_path, b"words\0words", "a.txt"), str)
    for encoding in ("utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        found = await outcome(tmp_path, "Wide words.".encode(encoding), "a.txt")
        assert text_of(found) == "Wide words."


async def test_deep_and_wide_html_is_bounded(tmp_path: Path) -> None:
    for data in (
        b"<!doctype html>" + b"<div>" * 200_000 + b"Words",
        b"<!doctype html><p " + b"a=b " * 500_000 + b">Words",
        b"<!doctype html>" + b"<table><tr><td>" * 50_000 + b"Words",
        b"<!doctype html>" + b"<!--" * 500_000,
        b"<!doctype html><p>" + b"&#x41;" * 500_000,
    ):
        await outcome(tmp_path, data)
