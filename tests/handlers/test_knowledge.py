"""Knowledge bases and documents over HTTP."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from tests.handlers.site import TOPICS, Site, open_site


async def test_a_knowledge_base_is_made_renamed_and_removed(site: Site) -> None:
    status, created = await site.call("POST", "/api/v1/kbs", {"name": "Bids"})
    assert (status, created["name"], created["document_count"]) == (201, "Bids", 0)
    path = f"/api/v1/kbs/{created['id']}"
    assert (await site.call("PATCH", path, {"name": "Tenders"}))[1]["name"] == "Tenders"
    assert (await site.call("POST", "/api/v1/kbs", {"name": "Tenders"}))[0] == 409
    assert (await site.call("DELETE", path))[0] == 204
    assert (await site.call("GET", path))[0] == 404


@pytest.mark.parametrize("name", ["", " x", "x" * 121, 5, None])
async def test_a_wrong_name_is_refused_with_its_field(site: Site, name: object) -> None:
    status, answer = await site.call("POST", "/api/v1/kbs", {"name": name})
    assert (status, answer["error"]["field"]) == (400, "name")


async def test_an_upload_is_read_and_says_what_it_found(site: Site) -> None:
    kb_id = await site.kb("New")
    documents = await site.upload(
        kb_id, {"a.md": "# Title\n\nSome words here.\n", "b.txt": "Plain."}
    )
    assert [d["name"] for d in documents] == ["a.md", "b.txt"]
    assert all(d["run_id"] and d["status"] in ("queued", "processing", "ready") for d in documents)
    ready = await site.ready(documents[0]["id"])
    assert (ready["status"], ready["version"], ready["media_type"]) == ("ready", 1, "text/markdown")
    listed = (await site.call("GET", f"/api/v1/kbs/{kb_id}/documents"))[1]
    assert listed["total"] == 2


async def test_the_text_of_a_document_is_its_exact_slice(site: Site) -> None:
    text = "# Straße\n\nDer Schlüssel 😀 liegt bereit.\n"
    kb_id = await site.kb("New")
    [document] = await site.upload(kb_id, {"a.md": text})
    await site.ready(document["id"])
    path = f"/api/v1/documents/{document['id']}/content"
    assert await site.call("GET", path) == (200, text)
    assert await site.call("GET", path + "?start=14&end=23&version=1") == (200, text[14:23])
    assert (await site.call("GET", path + "?start=9&end=2"))[0] == 400
    assert (await site.call("GET", path + "?version=2"))[0] == 404
    assert (await site.call("GET", path + "?start=x"))[1]["error"]["field"] == "start"


async def test_chunks_are_slices_too(site: Site) -> None:
    _, listed = await site.call("GET", f"/api/v1/kbs/{site.topics}/documents")
    document = listed["documents"][0]
    _, found = await site.call("GET", f"/api/v1/documents/{document['id']}/chunks")
    _, text = await site.call("GET", f"/api/v1/documents/{document['id']}/content")
    assert found["chunks"]
    for chunk in found["chunks"]:
        assert chunk["text"] == text[chunk["char_start"] : chunk["char_end"]]


async def test_the_same_name_again_is_a_new_version(site: Site) -> None:
    kb_id = await site.kb("New", {"a.md": "# A\n\nThe colour of the front door is green.\n"})
    before = await site.generate(kb_id, context="What is the colour of the front door?")
    [document] = await site.upload(
        kb_id, {"a.md": "# A\n\nThe colour of the front door is yellow.\n"}
    )
    assert (await site.ready(document["id"]))["version"] == 2
    after = await site.generate(kb_id, context="What is the colour of the front door?")
    assert [s["excerpt"] for s in after[0]["sources"]] == [
        "The colour of the front door is yellow."
    ]
    cited = next(frame for frame in before if frame["event"] == "citation")
    query = f"version=1&start={cited['char_start']}&end={cited['char_end']}"
    path = f"/api/v1/documents/{document['id']}/content?{query}"
    assert await site.call("GET", path) == (200, cited["excerpt"])


async def test_the_same_bytes_again_change_nothing(site: Site) -> None:
    kb_id = await site.kb("New", {"a.md": "# A\n\nSame text.\n"})
    [document] = await site.upload(kb_id, {"a.md": "# A\n\nSame text.\n"})
    assert (document["status"], document["version"]) == ("ready", 1)


async def test_a_file_that_cannot_be_read_says_why_and_may_be_tried_again(site: Site) -> None:
    kb_id = await site.kb("New")
    [document] = await site.upload(kb_id, {"broken.pdf": b"%PDF-1.7\nnothing more"})
    failed = await site.ready(document["id"])
    assert failed["status"] == "failed"
    assert "PDF" in failed["reason"]
    status, again = await site.call("POST", f"/api/v1/documents/{document['id']}/retry")
    assert status == 202
    assert again["run_id"] != document["run_id"]
    assert (await site.ready(document["id"]))["status"] == "failed"
    assert (await site.call("GET", "/readyz"))[0] == 200


async def test_an_unknown_type_is_a_failed_document(site: Site) -> None:
    kb_id = await site.kb("New")
    [document] = await site.upload(kb_id, {"report.docx": bytes(range(256)) * 20})
    failed = await site.ready(document["id"])
    assert failed["status"] == "failed"
    assert "PDF" in failed["reason"]


async def test_a_failed_new_version_leaves_the_old_one_findable(site: Site) -> None:
    kb_id = await site.kb("New", {"a.md": "# A\n\nThe colour of the front door is green.\n"})
    [document] = await site.upload(kb_id, {"a.md": b"%PDF-1.7\nbroken"})
    assert (await site.ready(document["id"]))["status"] == "failed"
    found = await site.generate(kb_id, context="What is the colour of the front door?")
    assert found[0]["sources"][0]["excerpt"] == "The colour of the front door is green."


async def test_a_removed_document_is_not_found_any_more(site: Site) -> None:
    kb_id = await site.kb("New", TOPICS)
    _, listed = await site.call("GET", f"/api/v1/kbs/{kb_id}/documents")
    document = next(d for d in listed["documents"] if d["name"] == "oauth.md")
    assert (await site.call("DELETE", f"/api/v1/documents/{document['id']}"))[0] == 204
    found = await site.generate(kb_id, context="OAuth PKCE sign-in")
    assert "oauth.md" not in {source["document_name"] for source in found[0]["sources"]}
    assert (await site.call("GET", f"/api/v1/documents/{document['id']}"))[0] == 404


async def test_a_file_over_the_limit_is_refused_and_leaves_nothing(data: Path) -> None:
    async with open_site(data, max_upload_bytes=1000) as site:
        kb_id = await site.kb("New")
        form = aiohttp.FormData()
        form.add_field("file", b"x" * 1001, filename="big.txt")
        async with site.session.post(
            f"{site.base}/api/v1/kbs/{kb_id}/documents", data=form
        ) as response:
            assert response.status == 413
            assert (await response.json())["error"]["code"] == "PAYLOAD_TOO_LARGE"
        assert list(site.engine.files.incoming.iterdir()) == []


async def test_names_of_files_are_only_names(site: Site) -> None:
    kb_id = await site.kb("New")
    hostile = {
        "../../etc/passwd": "passwd",
        "a\\b\\CON.txt": "CON.txt",
        "évil\u202egpj.txt": "évilgpj.txt",
        "x" * 400 + ".txt": "x" * 196 + ".txt",
    }
    for sent, shown in hostile.items():
        [document] = await site.upload(kb_id, {sent: f"Text of {shown}"})
        assert document["name"] == shown
        assert (await site.ready(document["id"]))["status"] == "ready"


async def test_an_upload_without_a_file_is_refused(site: Site) -> None:
    path = f"/api/v1/kbs/{site.topics}/documents"
    assert (await site.call("POST", path, {"file": "x"}))[0] == 415
    async with site.session.post(site.base + path, data=aiohttp.FormData({"x": "y"})) as answer:
        assert answer.status in (400, 415)
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    async with site.session.post(site.base + path, data=b"garbage", headers=headers) as answer:
        assert answer.status == 400


async def test_removing_a_knowledge_base_stops_what_runs_in_it(data: Path) -> None:
    async with open_site(data, extractive_words_per_s=1) as site:
        body = {"kb_id": site.topics, "document_type": "report", "context": "sign-in"}
        async with site.stream("/api/v1/generate", body) as stream:
            await stream.until(3)
            async with asyncio.timeout(5):
                assert (await site.call("DELETE", f"/api/v1/kbs/{site.topics}"))[0] == 204
            await stream.rest()
        assert (await site.call("GET", "/api/v1/drafts"))[1]["total"] == 0
