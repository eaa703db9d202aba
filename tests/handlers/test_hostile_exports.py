"""A hostile draft taken out as a file: nothing in it runs, is fetched, or counts as a formula."""

import io
import json
import re
import zipfile

import pytest
from lxml import etree
from lxml import html as lxml_html
from markdown_it import MarkdownIt

from engine.export.manuscript import FILE_TYPES
from tests.handlers.site import Site
from tests.hostile_texts import HOSTILE, ORDERS

NAME = '=HYPERLINK("http://evil.example")<img src=x onerror=alert(1)>'
SAFE_LINK = re.compile(r"(?:https?://|mailto:|#)", re.IGNORECASE)
CORPUS = "\n\n".join([*HOSTILE, *ORDERS]).encode("utf-8", "replace").decode()
FACT = "Sign-in uses OAuth 2.0 with PKCE for every web client."


async def exported(site: Site, form: str) -> bytes:
    """Return the file of a draft whose name, text and source are hostile."""
    kb_id = await site.kb("Hostile", {NAME.replace("/", "") + ".md": f"# {NAME}\n\n{FACT}\n"})
    found = await site.generate(kb_id, context="sign-in OAuth")
    draft_id = next(frame["draft_id"] for frame in found if "draft_id" in frame)
    draft = await site.draft(draft_id)
    change = {
        "title": NAME,
        "content": f"{draft['content']}\n\n{CORPUS}",
        "version": draft["version"],
    }
    status, answer = await site.call("PATCH", f"/api/v1/drafts/{draft_id}", change)
    assert status == 200, answer
    path = f"{site.base}/api/v1/drafts/{draft_id}/export"
    async with site.session.post(path, json={"format": form}) as response:
        body = await response.read()
        assert response.status == 200, body
        disposition = response.headers["Content-Disposition"]
        assert disposition.startswith("attachment") and "<" not in disposition
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert body
    return body


def check_html(body: bytes) -> None:
    for element in lxml_html.document_fromstring(body).iter():
        tag = element.tag
        assert tag not in ("script", "img", "iframe", "object", "embed", "link", "base", "form")
        assert not [name for name in element.attrib if name.startswith("on")]
        for name in ("src", "srcset", "background", "poster", "action", "data"):
            assert name not in element.attrib, (tag, name)
        if "href" in element.attrib:
            assert SAFE_LINK.match(element.attrib["href"]), element.attrib["href"]
        if tag == "style":
            assert not re.search(r"url\(|@import", element.text or "")
        if tag == "meta":
            assert element.get("http-equiv", "").lower() != "refresh"


def check_docx(body: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(body)) as package:
        for name in package.namelist():
            data = package.read(name)
            assert b"<!DOCTYPE" not in data and not name.endswith((".bin", ".vba"))
            if name.endswith(".rels"):
                check_relationships(data)
            if name.endswith(".xml"):
                for field in etree.fromstring(data).iter("{*}instrText", "{*}fldSimple"):
                    said = (field.text or "") + "".join(field.attrib.values())
                    assert not re.search(
                        r"DDE|INCLUDE|LINK|IMPORT|MACRO|QUOTE", said, re.IGNORECASE
                    )


def check_relationships(data: bytes) -> None:
    for link in etree.fromstring(data):
        if link.get("TargetMode") == "External":
            assert str(link.get("Type")).endswith("/hyperlink"), link.attrib
            assert SAFE_LINK.match(str(link.get("Target"))), link.attrib


def check_pdf(body: bytes) -> None:
    for name in (b"/JavaScript", b"/JS", b"/Launch", b"/EmbeddedFile", b"/OpenAction/", b"/AA",
                 b"/SubmitForm", b"/ImportData", b"/GoToR"):  # fmt: skip
        assert not re.search(re.escape(name) + rb"\b", body), name
    for address in re.findall(rb"/URI\s*\(((?:\\.|[^()\\])*)\)", body):
        assert SAFE_LINK.match(address.decode("latin-1")), address


def check_markdown(body: bytes) -> None:
    """A reader that allows all HTML and pictures finds none."""
    reader = MarkdownIt("gfm-like", {"html": True, "linkify": False}).enable("image")
    shown = reader.render(body.decode())
    assert "OAuth 2.0" in shown
    check_html(f"<body>{shown}</body>".encode())


def check_evidence(body: bytes) -> None:
    """It is JSON, which a browser that is told so neither runs nor shows as a page."""
    assert json.loads(body)["claims"]


CHECKS = {
    "evidence": check_evidence,
    "html": check_html,
    "docx": check_docx,
    "pdf": check_pdf,
    "markdown": check_markdown,
}


@pytest.mark.parametrize("form", sorted(FILE_TYPES))
async def test_a_hostile_draft_makes_a_harmless_file(site: Site, form: str) -> None:
    body = await exported(site, form)
    CHECKS[form](body)
