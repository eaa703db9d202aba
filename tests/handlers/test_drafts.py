"""Drafts in human hands: versions guard them, markers are checked, states follow their order."""

import asyncio
import uuid
from pathlib import Path
from typing import Any

import pytest

from engine.storage import identities
from tests.fake_model import ENDING, FakeModel, Say
from tests.handlers.site import Site, frames, open_site


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


# Conflicts


async def test_a_conflict_tells_how_the_draft_is_now(site: Site) -> None:
    draft = await saved(site, "start")
    path = f"/api/v1/drafts/{draft['id']}"
    await site.call("PATCH", path, {"content": "theirs [1]", "citations": [citation(1)]})
    status, answer = await site.call("PATCH", path, {"content": "mine", "version": 1})
    current = answer["error"]["current"]
    assert (status, current["version"], current["status"]) == (409, 2, "editing")
    assert "content" not in current
    _, answer = await site.call("PATCH", f"{path}?current=1", {"content": "mine", "version": 1})
    current = answer["error"]["current"]
    assert current["content"] == "theirs [1]"
    assert [one["number"] for one in current["citations"]] == [1]


# List, copy, delete


async def titles(site: Site, query: str) -> list[str]:
    status, page = await site.call("GET", f"/api/v1/drafts?kb_id={site.topics}&{query}")
    assert status == 200, page
    return [draft["title"] for draft in page["drafts"]]


async def test_the_list_is_filtered_by_status_and_text(site: Site) -> None:
    await saved(site, "about fees and 100% costs", title="Alpha")
    await saved(site, "about roads", title="Beta")
    draft = await saved(site, "nothing", title="Gamma fees")
    async with site.engine.database.transaction() as tx:
        await tx.execute_fetchall(
            "update drafts set status = 'partial' where id = ?", (draft["id"],)
        )
    assert await titles(site, "q=FEES") == ["Gamma fees", "Alpha"]
    assert await titles(site, "q=100%25") == ["Alpha"]
    assert await titles(site, "q=fees&status=partial") == ["Gamma fees"]
    assert await titles(site, "status=partial,editing") == ["Gamma fees", "Beta", "Alpha"]
    assert await titles(site, "status=complete") == []


async def test_the_list_is_sorted(site: Site) -> None:
    for title, text in [("b", "one two"), ("A", "one"), ("c", "one two three")]:
        await saved(site, text, title=title)
    assert await titles(site, "sort=title") == ["A", "b", "c"]
    assert await titles(site, "sort=-words") == ["c", "b", "A"]
    assert await titles(site, "sort=created") == ["b", "A", "c"]
    status, answer = await site.call("GET", "/api/v1/drafts?sort=owner_id")
    assert (status, answer["error"]["field"]) == (400, "sort")


async def test_a_copy_is_a_draft_of_its_own(site: Site) -> None:
    draft = await saved(site, "text [1]", 1, title="Plan")
    status, copy = await site.call("POST", f"/api/v1/drafts/{draft['id']}/duplicate")
    assert (status, copy["title"], copy["status"]) == (201, "Plan (copy)", "editing")
    assert copy["id"] != draft["id"]
    assert (copy["content"], copy["citations"]) == (draft["content"], draft["citations"])
    await site.call("PATCH", f"/api/v1/drafts/{copy['id']}", {"content": "changed"})
    assert (await site.draft(draft["id"]))["content"] == "text [1]"


async def test_a_deletion_is_taken_back_for_a_while(site: Site) -> None:
    draft = await saved(site, "text")
    path = f"/api/v1/drafts/{draft['id']}"
    await site.call("DELETE", path)
    assert await titles(site, "") == []
    _, kb = await site.call("GET", f"/api/v1/kbs/{site.topics}")
    assert kb["draft_count"] == 0
    status, back = await site.call("POST", f"{path}/restore")
    assert (status, back["content"]) == (200, "text")
    assert (await site.call("GET", f"{path}/versions"))[1]["total"] == 1
    await site.call("DELETE", path)
    async with site.engine.database.transaction() as tx:
        await tx.execute_fetchall("update drafts set deleted_at = '2020-01-01T00:00:00+00:00'")
    assert (await site.call("POST", f"{path}/restore"))[0] == 404


async def test_a_failed_draft_says_what_can_be_done(modelled: Site, model: FakeModel) -> None:
    model.script(Say("Half a text [1]"))
    found = await modelled.generate(modelled.topics, tone="plain")
    draft = await modelled.draft(found[-1]["draft_id"])
    assert (draft["status"], draft["run"]["error"]) == ("partial", "LLM_ERROR")
    assert draft["recovery"] == ["resume", "retry", "save", "discard"]
    assert draft["request"]["tone"] == "plain"
    model.script(Say("A whole text [1]"), *ENDING)
    status, again = await modelled.call(
        "POST", "/api/v1/generate", draft["request"], headers={"Accept": "application/json"}
    )
    assert (status, again["content"]) == (200, "A whole text [1]")
    path = f"/api/v1/drafts/{draft['id']}"
    status, kept = await modelled.call("PATCH", path, {"status": "editing"})
    assert (status, kept["content"]) == (200, "Half a text [1]")


# Support and verification


async def test_edited_sentences_are_judged_again(modelled: Site, model: FakeModel) -> None:
    draft = await generated(
        modelled, model, "Sign-in uses OAuth 2.0 with PKCE for web clients [1]."
    )
    path = f"/api/v1/drafts/{draft['id']}/support"
    _, before = await modelled.call("GET", path)
    assert (before["supported"], before["total"], before["coverage"]) == (1, 1, 1.0)
    text = (
        "# Title of the thing\n\n"
        + draft["content"]
        + " Dragons live there in great number [1].\n\n"
        "| Head of a table | Another one |\n|---|---|\n| cell | cell |\n\n"
        "```\ncode is no prose.\n```"
    )
    _, after = await modelled.call("POST", path, {"content": text})
    assert (after["supported"], after["total"], after["coverage"]) == (1, 2, 0.5)
    where = text.index("Dragons")
    _, part = await modelled.call(
        "POST", path, {"content": text, "ranges": [[where, where + 3], [10_000, 10_001]]}
    )
    [sentence] = part["sentences"]
    assert text[sentence["start"] : sentence["end"]].startswith("Dragons")
    assert part["coverage"] == 0.5
    assert (await modelled.draft(draft["id"]))["content"] == draft["content"]
    assert (await modelled.call("POST", path, {"ranges": [[1]]}))[0] == 400


async def test_ticks_stay_with_their_passages_through_renumbering(
    modelled: Site, model: FakeModel
) -> None:
    draft = await generated(modelled, model, "A [1]. B [2]. C [3].")
    path = f"/api/v1/drafts/{draft['id']}"
    _, found = await modelled.call("GET", f"{path}/verification")
    assert (found["verified"], found["total"]) == (0, 3)
    status, found = await modelled.call(
        "PUT", f"{path}/verification", {"numbers": [3], "verified": True}
    )
    assert (status, found["verified"]) == (200, 1)
    await modelled.call("PATCH", path, {"content": "C [3]. B [2]."})
    await modelled.call("POST", f"{path}/fix", {"remove_unused": True, "renumber": True})
    _, found = await modelled.call("GET", f"{path}/verification")
    assert (found["verified"], found["total"]) == (1, 2)
    first = found["citations"][0]
    assert (first["number"], first["verified"]) == (1, True)
    assert first["by"] and first["at"]
    _, found = await modelled.call(
        "PUT", f"{path}/verification", {"numbers": [1], "verified": False}
    )
    assert found["verified"] == 0
    status, answer = await modelled.call("PUT", f"{path}/verification", {"numbers": [9]})
    assert (status, answer["error"]["field"]) == (400, "numbers")


# Feedback


@pytest.mark.parametrize(
    ("kind", "types"),
    [
        ("not_relevant", {"re_search", "add_context", "start_fresh"}),
        ("wrong_format", {"change_template", "edit_outline", "start_fresh"}),
        ("needs_more_detail", {"more_detail", "add_context", "start_fresh"}),
        ("low_confidence", {"re_search", "select_sources", "start_fresh"}),
        ("other", {"regenerate", "add_context", "start_fresh"}),
    ],
)
async def test_feedback_is_answered_with_three_ways_on(
    site: Site, kind: str, types: set[str]
) -> None:
    found = await site.generate(site.topics)
    path = f"/api/v1/drafts/{found[-1]['draft_id']}/feedback"
    body = {"feedback_type": kind, "comments": "Say more about fees"}
    status, answer = await site.call("POST", path, body)
    assert status == 200, answer
    assert {one["type"] for one in answer["alternatives"]} == types
    assert all(one["description"] and one["action"] for one in answer["alternatives"])
    for way in answer["alternatives"]:
        if way["action"] == "generate":
            status, draft = await site.call(
                "POST", "/api/v1/generate", way["request"], headers={"Accept": "application/json"}
            )
            assert status == 200, draft
            again = await site.draft(draft["draft_id"])
            assert again["previous_draft_id"] == found[-1]["draft_id"]


async def test_feedback_that_is_none_is_refused(site: Site) -> None:
    draft = await saved(site, "text")
    path = f"/api/v1/drafts/{draft['id']}/feedback"
    assert (await site.call("POST", path, {"feedback_type": "bad"}))[0] == 400
    body = {"feedback_type": "other", "comments": "x" * 501}
    assert (await site.call("POST", path, body))[0] == 400


async def test_more_detail_offers_more_sources(data: Path) -> None:
    async with open_site(data, max_sources=3) as site:
        body = {"kb_id": site.topics, "document_type": "custom", "context": "sign-in fee service"}
        first = frames(await site.read("/api/v1/generate", body))
        previous = first[-1]["draft_id"]
        feedback = {"type": "needs_more_detail", "comments": "", "previous_draft_id": previous}
        second = frames(await site.read("/api/v1/generate", body | {"feedback": feedback}))
        assert second[0]["count"] > first[0]["count"]
        assert (await site.draft(second[-1]["draft_id"]))["previous_draft_id"] == previous


async def test_what_was_not_relevant_is_left_out(data: Path) -> None:
    async with open_site(data, max_sources=2) as site:
        body = {"kb_id": site.topics, "document_type": "custom", "context": "sign-in service"}
        first = frames(await site.read("/api/v1/generate", body))
        cited = {one["chunk_id"] for one in first if one["event"] == "citation"}
        previous = first[-1]["draft_id"]
        feedback = {"type": "not_relevant", "previous_draft_id": previous}
        second = frames(await site.read("/api/v1/generate", body | {"feedback": feedback}))
        assert cited and not cited & {one["chunk_id"] for one in second[0]["sources"]}


async def test_feedback_names_no_draft_of_others(site: Site) -> None:
    feedback = {"type": "other", "previous_draft_id": str(uuid.uuid4())}
    body = {"kb_id": site.topics, "document_type": "custom", "context": "sign-in"}
    assert (await site.call("POST", "/api/v1/generate", body | {"feedback": feedback}))[0] == 404
