"""Drafts in human hands: versions guard them, markers are checked, states follow their order."""

import asyncio
import uuid
from typing import Any

import pytest

from engine.storage import identities
from tests.fake_model import ENDING, FakeModel, Say
from tests.handlers.site import Site


def citation(number: int) -> dict[str, Any]:
    return {
        "number": number,
        "document_id": "d",
        "document_name": f"Document {number}",
        "page": None,
        "section": None,
        "excerpt": "text",
        "confidence": 0.5,
        "chunk_id": "c",
        "version": 1,
        "char_start": 0,
        "char_end": 4,
    }


async def saved(site: Site, content: str, *numbers: int, **fields: Any) -> dict[str, Any]:
    body = {"kb_id": site.topics, "content": content, "citations": [*map(citation, numbers)]}
    status, draft = await site.call("POST", "/api/v1/drafts", body | fields)
    assert status == 201, draft
    return dict(draft)


async def generated(site: Site, model: FakeModel, text: str) -> dict[str, Any]:
    model.script(Say(text), *ENDING)
    found = await site.generate(site.topics)
    return await site.draft(found[-1]["draft_id"])


async def test_the_list_is_newest_first_with_what_one_looks_for(site: Site) -> None:
    for name in ("one", "two", "three"):
        await saved(site, f"{name} [1]", 1, title=name)
    _, page = await site.call("GET", f"/api/v1/drafts?kb_id={site.topics}")
    assert page["total"] == 3
    assert [draft["title"] for draft in page["drafts"]] == ["three", "two", "one"]
    for draft in page["drafts"]:
        assert draft["status"] == "editing"
        assert draft["word_count"] == 1
        assert draft["citation_count"] == 1
        assert {"created_at", "updated_at", "confidence"} <= draft.keys()


async def test_an_edit_makes_the_next_version(modelled: Site, model: FakeModel) -> None:
    draft = await generated(modelled, model, "Old words [1]")
    status, edited = await modelled.call(
        "PATCH",
        f"/api/v1/drafts/{draft['id']}",
        {"content": "Updated [1]", "citations": [1], "version": draft["version"]},
    )
    assert (status, edited["status"], edited["word_count"]) == (200, "editing", 1)
    assert edited["version"] == draft["version"] + 1
    assert edited["updated_at"] > draft["updated_at"]
    assert edited["citations"] == draft["citations"]
    assert edited["warnings"] == []


async def test_of_two_edits_of_one_version_the_second_is_refused(site: Site) -> None:
    draft = await saved(site, "start")
    path = f"/api/v1/drafts/{draft['id']}"
    answers = await asyncio.gather(
        site.call("PATCH", path, {"content": "first", "version": 1}),
        site.call("PATCH", path, {"content": "second", "version": 1}),
    )
    assert sorted(status for status, _ in answers) == [200, 409]
    [refused] = [answer for status, answer in answers if status == 409]
    assert refused["error"]["code"] == "VERSION_CONFLICT"
    assert "version 2" in refused["error"]["message"]
    [kept] = [answer for status, answer in answers if status == 200]
    assert (await site.draft(draft["id"]))["content"] == kept["content"]


async def test_if_match_guards_as_the_version_does(site: Site) -> None:
    draft = await saved(site, "start")
    path = f"/api/v1/drafts/{draft['id']}"
    status, _ = await site.call("PATCH", path, {"title": "T"}, headers={"If-Match": '"7"'})
    assert status == 409
    status, _ = await site.call("PATCH", path, {"title": "T"}, headers={"If-Match": '"1"'})
    assert status == 200
    status, _ = await site.call("PATCH", path, {"title": "T"}, headers={"If-Match": "x"})
    assert status == 400


@pytest.mark.parametrize(
    ("before", "wanted", "status"),
    [
        ("complete", "exported", 200),
        ("complete", "editing", 200),
        ("complete", "partial", 409),
        ("complete", "streaming", 409),
        ("editing", "exported", 200),
        ("editing", "complete", 409),
        ("partial", "complete", 409),
        ("partial", "editing", 200),
        ("exported", "editing", 200),
        ("exported", "exported", 409),
    ],
)
async def test_only_the_transitions_of_the_contract_are_possible(
    site: Site, before: str, wanted: str, status: int
) -> None:
    draft = await saved(site, "text")
    async with site.engine.database.transaction() as tx:
        await tx.execute_fetchall("update drafts set status = ?", (before,))
    found, answer = await site.call("PATCH", f"/api/v1/drafts/{draft['id']}", {"status": wanted})
    assert found == status, answer
    if status == 409:
        assert answer["error"]["code"] == "INVALID_TRANSITION"


async def test_check_lists_what_does_not_fit(site: Site) -> None:
    draft = await saved(site, "b [3] a [1] again [1] c [7]", 1, 2, 3)
    _, found = await site.call("GET", f"/api/v1/drafts/{draft['id']}/check")
    by_code = {warning["code"]: warning for warning in found["warnings"]}
    assert by_code["MARKER_WITHOUT_CITATION"]["numbers"] == [7]
    assert by_code["CITATION_WITHOUT_MARKER"]["numbers"] == [2]
    assert by_code["NON_SEQUENTIAL"]["numbers"] == [3, 1, 7]
    assert by_code["DUPLICATE_MARKER"]["numbers"] == [1]
    assert by_code["DUPLICATE_MARKER"]["severity"] == "info"


async def test_fix_puts_numbers_in_order_and_drops_what_is_unused(site: Site) -> None:
    draft = await saved(site, "a [1] b [3] `x[3]`", 1, 2, 3)
    status, fixed = await site.call(
        "POST", f"/api/v1/drafts/{draft['id']}/fix", {"remove_unused": True, "renumber": True}
    )
    assert (status, fixed["content"]) == (200, "a [1] b [2] `x[3]`")
    assert [(c["number"], c["document_name"]) for c in fixed["citations"]] == [
        (1, "Document 1"),
        (2, "Document 3"),
    ]
    assert fixed["warnings"] == []


async def test_a_mismatch_is_saved_with_a_warning_or_refused_when_strict(site: Site) -> None:
    draft = await saved(site, "text")
    path = f"/api/v1/drafts/{draft['id']}"
    status, answer = await site.call("PATCH", path + "?strict=1", {"content": "see [4]"})
    assert (status, answer["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert (await site.draft(draft["id"]))["content"] == "text"
    status, answer = await site.call("PATCH", path, {"content": "see [4]"})
    assert status == 200
    assert [warning["code"] for warning in answer["warnings"]][0] == "MARKER_WITHOUT_CITATION"


async def test_saving_a_known_draft_updates_it(site: Site) -> None:
    draft_id = str(uuid.uuid4())
    await saved(site, "first", draft_id=draft_id)
    body = {"kb_id": site.topics, "content": "second", "draft_id": draft_id}
    status, draft = await site.call("POST", "/api/v1/drafts", body)
    assert (status, draft["content"], draft["version"]) == (200, "second", 2)
    assert (await site.call("GET", "/api/v1/drafts"))[1]["total"] == 1


async def test_a_deleted_draft_is_gone(site: Site) -> None:
    draft = await saved(site, "text")
    path = f"/api/v1/drafts/{draft['id']}"
    assert (await site.call("DELETE", path))[0] == 204
    assert (await site.call("GET", path))[0] == 404
    assert (await site.call("DELETE", path))[0] == 404


async def test_a_foreign_draft_does_not_exist(site: Site) -> None:
    draft = await saved(site, "text")
    async with site.engine.database.transaction() as tx:
        other = await identities.create(tx, "somebody")
        await tx.execute_fetchall("update drafts set owner_id = ?", (other,))
        await tx.execute_fetchall("update knowledge_bases set owner_id = ?", (other,))
    for method, path, body in [
        ("GET", "", None),
        ("PATCH", "", {"content": "mine"}),
        ("DELETE", "", None),
        ("POST", "/resume", None),
        ("GET", "/check", None),
        ("POST", "/fix", {}),
    ]:
        status, _ = await site.call(method, f"/api/v1/drafts/{draft['id']}{path}", body)
        assert status == 404, (method, path)
    body = {"kb_id": site.topics, "content": "mine", "draft_id": draft["id"]}
    assert (await site.call("POST", "/api/v1/drafts", body))[0] == 404
