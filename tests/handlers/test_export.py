"""Drafts taken out as files: their names, types and states, and who may have them."""

import asyncio
import json
import re
import zipfile
from io import BytesIO
from typing import Any
from urllib.parse import unquote

import aiohttp
import docx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.export import attachment
from tests.fake_model import FakeModel, Say, Stall
from tests.handlers.people import client, person, share
from tests.handlers.site import Site
from tests.handlers.test_drafts import citation, saved

UNSAFE = set('/\\:*?"<>|')


async def ask(site: Site, draft_id: str, **body: Any) -> tuple[aiohttp.ClientResponse, bytes]:
    path = f"{site.base}/api/v1/drafts/{draft_id}/export"
    async with asyncio.timeout(30), site.session.post(path, json=body) as response:
        return response, await response.read()


async def refusal(site: Site, draft_id: str, **body: Any) -> tuple[int, dict[str, Any]]:
    response, raw = await ask(site, draft_id, **body)
    return response.status, json.loads(raw)


@pytest.mark.parametrize(
    ("format_", "media_type", "suffix", "beginning"),
    [
        (
            "docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            ".docx",
            b"PK",
        ),
        ("pdf", "application/pdf", ".pdf", b"%PDF-"),
        ("markdown", "text/markdown", ".md", b"# Plan"),
        ("html", "text/html", ".html", b"<!doctype html>"),
        ("evidence", "application/json", ".json", b"{"),
    ],
)
async def test_every_format_is_a_download(
    site: Site, format_: str, media_type: str, suffix: str, beginning: bytes
) -> None:
    draft = await saved(site, "Yes [1].", 1, title="Plan")
    response, body = await ask(site, draft["id"], format=format_)
    assert response.status == 200, body
    assert response.content_type == media_type
    assert response.headers["Content-Disposition"] == f'attachment; filename="Plan{suffix}"'
    assert response.headers["Cache-Control"] == "private, no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert body.startswith(beginning)


async def test_a_word_file_names_documents_pages_and_excerpts(site: Site) -> None:
    draft = await saved(site, "Yes [1], no [2].", 1, 2)
    _, body = await ask(site, draft["id"], format="docx")
    with zipfile.ZipFile(BytesIO(body)) as archive:
        notes = archive.read("word/footnotes.xml").decode()
    assert notes.count("<w:footnoteRef/>") == 2
    assert "Document 1" in notes
    assert "Document 2" in notes
    assert "“text”" in notes


async def test_markdown_has_footnotes_and_code_as_it_was(site: Site) -> None:
    content = "Content with citation [1]\n\n```\ncode [1] <b>\n```"
    draft = await saved(site, content, 1)
    _, body = await ask(site, draft["id"], format="markdown")
    text = body.decode()
    assert "Content with citation [^1]" in text
    assert "## References" in text
    assert "[^1]: **Document 1**" in text
    assert "```\ncode [1] <b>\n```" in text


async def test_a_style_may_be_chosen(site: Site) -> None:
    draft = await saved(site, "Yes [1].", 1)
    _, body = await ask(site, draft["id"], format="docx", citation_style="references")
    text = "\n".join(p.text for p in docx.Document(BytesIO(body)).paragraphs)
    assert "[1] Document 1" in text
    status, error = await refusal(site, draft["id"], format="docx", citation_style="margins")
    assert (status, error["error"]["field"]) == (400, "citation_style")


async def test_an_unknown_format_is_refused_by_name(site: Site) -> None:
    draft = await saved(site, "Yes.")
    status, error = await refusal(site, draft["id"], format="invalid")
    assert (status, error["error"]["code"]) == (400, "INVALID_FORMAT")
    assert "Invalid format" in error["detail"]
    status, error = await refusal(site, draft["id"])
    assert (status, error["error"]["field"]) == (400, "format")


async def test_an_unknown_draft_is_not_found(site: Site) -> None:
    for draft_id in ("00000000-0000-4000-8000-000000000000", "x"):
        status, _ = await refusal(site, draft_id, format="pdf")
        assert status == 404


async def test_a_draft_being_written_is_refused(modelled: Site, model: FakeModel) -> None:
    model.script(Say("Words"), Stall())
    body = {"kb_id": modelled.topics, "document_type": "custom", "context": "sign-in"}
    async with modelled.stream("/api/v1/generate", body) as stream:
        await stream.until_text(b"Words")
        draft_id = stream.response.headers["X-Draft-Id"]
        status, error = await refusal(modelled, draft_id, format="markdown")
        assert (status, error["error"]["code"]) == (409, "DRAFT_BUSY")
        await modelled.call("POST", f"/api/v1/runs/{stream.response.headers['X-Run-Id']}/cancel")
        await stream.rest()
    response, raw = await ask(modelled, draft_id, format="markdown")
    assert response.status == 200
    assert "> **This is a partial draft" in raw.decode()
    assert (await modelled.draft(draft_id))["status"] == "partial"


async def test_an_export_changes_the_state_and_nothing_else(site: Site) -> None:
    draft = await saved(site, "Yes [1].", 1)
    await ask(site, draft["id"], format="evidence")
    assert (await site.draft(draft["id"]))["status"] == "editing"
    await ask(site, draft["id"], format="html")
    after = await site.draft(draft["id"])
    assert after["status"] == "exported"
    assert after["version"] == draft["version"]
    response, _ = await ask(site, draft["id"], format="html")
    assert response.status == 200


async def test_a_reader_may_export_and_changes_nothing(site: Site) -> None:
    draft = await saved(site, "Yes [1].", 1)
    async with person(site, "reader") as reader, person(site, "stranger") as stranger:
        await share(site, site.topics, "reader")
        response, _ = await ask(reader, draft["id"], format="markdown")
        assert response.status == 200
        status, _ = await refusal(stranger, draft["id"], format="markdown")
        assert status == 404
    assert (await site.draft(draft["id"]))["status"] == "editing"


async def test_a_key_that_reads_may_export_and_changes_nothing(site: Site) -> None:
    draft = await saved(site, "Yes [1].", 1)
    _, key = await site.call("POST", "/api/v1/auth/keys", {"name": "x", "level": "READ"})
    async with client(site, key["key"]) as program:
        response, _ = await ask(program, draft["id"], format="markdown")
        assert response.status == 200
    assert (await site.draft(draft["id"]))["status"] == "editing"


async def test_every_export_is_entered_in_the_audit_log(site: Site) -> None:
    draft = await saved(site, "Yes [1].", 1)
    await ask(site, draft["id"], format="html")
    await refusal(site, draft["id"], format="invalid")
    _, found = await site.call("GET", "/api/v1/admin/audit?action=exported")
    [entry] = found["entries"]
    assert (entry["subject"], entry["detail"]) == (draft["id"], "html")


async def test_evidence_has_the_hash_of_the_document_and_who_verified(site: Site) -> None:
    frames = await site.generate(site.topics)
    draft = await site.draft(frames[-1]["draft_id"])
    cited = draft["citations"][0]
    _, document = await site.call("GET", f"/api/v1/documents/{cited['document_id']}")
    _, body = await ask(site, draft["id"], format="evidence")
    evidence = json.loads(body)
    [shown] = [one for one in evidence["citations"] if one["number"] == cited["number"]]
    assert shown["sha256"] == document["sha256"]
    _, text = await site.call(
        "GET",
        f"/api/v1/documents/{cited['document_id']}/content"
        f"?start={shown['char_start']}&end={shown['char_end']}",
    )
    assert text == shown["excerpt"]
    assert shown["verified"] is None
    tick = {"numbers": [cited["number"]]}
    assert (await site.call("PUT", f"/api/v1/drafts/{draft['id']}/verification", tick))[0] == 200
    _, body = await ask(site, draft["id"], format="evidence")
    verified = [one["verified"] for one in json.loads(body)["citations"] if one["verified"]]
    assert [one["by"] for one in verified] == [draft["author"]]
    for claim in evidence["claims"]:
        stored = draft["content"][claim["char_start"] : claim["char_end"]]
        assert stored.strip() == stored != ""


async def test_the_hash_of_a_document_of_others_is_not_told(site: Site) -> None:
    [foreign] = await site.upload(await site.kb("Other"), {"secret.md": "# Secret\n\nWords.\n"})
    await site.ready(foreign["id"])
    draft = await saved(site, "Yes [1].", citations=[citation(1) | {"document_id": foreign["id"]}])
    _, body = await ask(site, draft["id"], format="evidence")
    assert json.loads(body)["citations"][0]["sha256"] is None


async def test_a_team_s_own_word_file_is_the_base(site: Site) -> None:
    folder = site.engine.config.data / "templates"
    assert (await site.call("GET", "/api/v1/export/templates"))[1] == {"templates": []}
    folder.mkdir()
    file = docx.Document()
    file.sections[0].header.paragraphs[0].text = "Northlarch"
    file.save(str(folder / "Company letter.docx"))
    (folder / "~$Company letter.docx").write_bytes(b"")
    (folder / "broken.docx").write_bytes(b"no")
    _, found = await site.call("GET", "/api/v1/export/templates")
    assert found == {"templates": ["Company letter", "broken"]}
    draft = await saved(site, "Yes [1].", 1)
    _, body = await ask(site, draft["id"], format="docx", template="Company letter")
    made = docx.Document(BytesIO(body))
    assert made.sections[0].header.paragraphs[0].text == "Northlarch"
    for name in ("broken", "missing", "../Company letter", "Company letter.docx", ""):
        status, error = await refusal(site, draft["id"], format="docx", template=name)
        assert (status, error["error"]["field"]) == (400, "template")
        assert str(folder) not in error["detail"]


async def test_a_title_makes_a_safe_name(site: Site) -> None:
    draft = await saved(site, "Yes.", title="Test/Draft:With*Special?Chars<>")
    response, _ = await ask(site, draft["id"], format="docx")
    header = response.headers["Content-Disposition"]
    assert header == 'attachment; filename="Test Draft With Special Chars.docx"'


@pytest.mark.parametrize(
    ("title", "plain", "whole"),
    [
        ("Plan", "Plan.pdf", None),
        ("Café – Müller", "Cafe Muller.pdf", "Café – Müller.pdf"),
        ("报告", "draft.pdf", "报告.pdf"),
        ("../../etc/passwd", "etc passwd.pdf", None),
        ("con", "draft.pdf", None),
        (".hidden", "hidden.pdf", None),
        ('a"; filename="b', "a ; filename= b.pdf", None),
        ("a\r\nSet-Cookie: x", "a Set-Cookie x.pdf", None),
        ("report\u202efdp.exe", "reportfdp.exe.pdf", None),
        ("", "draft.pdf", None),
        ("x" * 300, "x" * 100 + ".pdf", None),
    ],
)
def test_a_file_name_is_no_path_and_no_device(title: str, plain: str, whole: str | None) -> None:
    assert names(attachment(title, ".pdf")) == (plain, whole)


@given(st.text(max_size=120))
def test_no_title_breaks_the_header(title: str) -> None:
    header = attachment(title, ".docx")
    assert header.isascii()
    assert header.isprintable()
    for name in filter(None, names(header)):
        assert name.endswith(".docx")
        assert not UNSAFE & set(name)
        assert name[0] not in " ."


def names(header: str) -> tuple[str, str | None]:
    """Return the plain name and the one in UTF-8 of a Content-Disposition."""
    match = re.fullmatch(r"attachment; filename=\"([^\"]*)\"(?:; filename\*=UTF-8''(\S+))?", header)
    assert match
    return match[1], unquote(match[2], errors="strict") if match[2] else None
