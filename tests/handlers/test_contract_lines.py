"""Lines of the contract about drafts that no other test shows."""

import asyncio
from typing import Any

import pytest

from engine.flows.draft_request import DraftRequest
from handlers.choices import choices
from tests.fake_model import ENDING, Cut, FakeModel, Say, Stall
from tests.handlers.people import person
from tests.handlers.site import Site
from tests.handlers.test_drafts import citation, generated, saved
from tests.handlers.test_suggestions import ask, merge

ASK = {"document_type": "custom", "context": "How does sign-in work?"}
JSON = {"Accept": "application/json"}


# Numbers


async def test_a_marker_that_points_at_nothing_does_so_after_renumbering(site: Site) -> None:
    draft = await saved(site, "a [3] b [5] c [2] d [9]", 3, 5)
    path = f"/api/v1/drafts/{draft['id']}"
    _, fixed = await site.call("POST", f"{path}/fix", {"renumber": True})
    assert fixed["content"] == "a [1] b [2] c [10] d [9]"
    names = {one["number"]: one["document_name"] for one in fixed["citations"]}
    assert names == {1: "Document 3", 2: "Document 5"}
    [stray, *_] = fixed["warnings"]
    assert (stray["code"], stray["numbers"]) == ("MARKER_WITHOUT_CITATION", [9, 10])


async def test_a_new_citation_gives_no_sense_to_a_marker_that_pointed_at_nothing(
    modelled: Site, model: FakeModel
) -> None:
    draft = await generated(modelled, model, "One [1].\n\nTwo.\n\nThree.")
    path = f"/api/v1/drafts/{draft['id']}"
    _, draft = await modelled.call(
        "PATCH", path, {"content": "One [1].\n\nTwo.\n\nThree and a stray one [2]."}
    )
    model.script(Say("Two has [3]."), *ENDING)
    _, found = await ask(modelled, draft, "Two.")
    assert found["regenerated_text"] == "Two has [3]."
    _, merged = await merge(modelled, draft, suggestion=found["run_id"])
    assert merged["content"] == "One [1].\n\nTwo has [3].\n\nThree and a stray one [2]."
    assert [one["number"] for one in merged["citations"]] == [1, 3]


@pytest.mark.parametrize("given", [[0], [-1], [1000], [1, 1]])
async def test_citations_have_numbers_that_markers_can_have(site: Site, given: list[int]) -> None:
    body: dict[str, Any] = {"kb_id": site.topics, "content": "a [1]"}
    body["citations"] = [citation(n) | {"chunk_id": str(i)} for i, n in enumerate(given)]
    status, found = await site.call("POST", "/api/v1/drafts", body)
    assert (status, found["error"]["field"]) == (400, "citations")
    draft = await saved(site, "a [1]", 1)
    change = {"citations": body["citations"]}
    status, found = await site.call("PATCH", f"/api/v1/drafts/{draft['id']}", change)
    assert (status, found["error"]["field"]) == (400, "citations")
    assert (await site.draft(draft["id"]))["citations"] == draft["citations"]


async def test_the_same_number_twice_keeps_its_citation_once(site: Site) -> None:
    draft = await saved(site, "a [1]", 1)
    path = f"/api/v1/drafts/{draft['id']}"
    status, found = await site.call("PATCH", path, {"citations": [1, 1]})
    assert (status, [one["number"] for one in found["citations"]]) == (200, [1])


# Saving


async def test_a_draft_saved_once_more_as_it_is_stays_as_it_is(site: Site) -> None:
    body = {
        "kb_id": site.topics,
        "content": "a [1]",
        "citations": [citation(1)],
        "title": "T",
        "draft_id": "0e5ac1f0-57fb-4f23-9b8c-3f6f7f1f9d11",
    }
    answers = [await site.call("POST", "/api/v1/drafts", body) for _ in range(3)]
    assert [status for status, _ in answers] == [201, 200, 200]
    assert answers[0][1] == answers[1][1] == answers[2][1]
    status, found = await site.call("POST", "/api/v1/drafts", body | {"content": "b"})
    assert (status, found["version"], found["content"]) == (200, 2, "b")


@pytest.mark.parametrize(
    ("title", "kept"),
    [
        ("  A\tplan\n# for\r\nall ", "A plan # for all"),
        ("\u0000Fees", "Fees"),
        ("费用 😀", "费用 😀"),
    ],
)
async def test_a_title_is_one_line(site: Site, title: str, kept: str) -> None:
    draft = await saved(site, "text", title=title)
    assert draft["title"] == kept
    path = f"/api/v1/drafts/{draft['id']}"
    _, changed = await site.call("PATCH", path, {"title": f"{title}!"})
    assert changed["title"].startswith(kept)
    _, copy = await site.call("POST", f"{path}/duplicate", {"title": title})
    assert copy["title"] == kept


@pytest.mark.parametrize("title", ["", "  ", "\n\t"])
async def test_a_title_that_says_nothing_is_refused(site: Site, title: str) -> None:
    draft = await saved(site, "text", title="T")
    path = f"/api/v1/drafts/{draft['id']}"
    for method, place, body in (
        ("PATCH", path, {}),
        ("POST", f"{path}/duplicate", {}),
        ("POST", "/api/v1/drafts", {"kb_id": site.topics}),
    ):
        status, found = await site.call(method, place, body | {"title": title})
        assert (status, found["error"]["field"]) == (400, "title"), place
    assert (await site.draft(draft["id"]))["title"] == "T"


async def test_the_tag_of_a_draft_guards_its_next_change(site: Site) -> None:
    draft = await saved(site, "one")
    url = f"{site.base}/api/v1/drafts/{draft['id']}"
    async with site.session.get(url) as response:
        tag = response.headers["ETag"]
    assert tag == '"1"'
    for expected in (200, 409):
        headers = {"If-Match": tag}
        async with site.session.patch(url, json={"title": "T"}, headers=headers) as response:
            assert response.status == expected
            if expected == 200:
                assert response.headers["ETag"] == '"2"'
    async with site.session.patch(url, json={"title": "U"}, headers={"If-Match": "*"}) as response:
        assert response.status == 200


# Errors say where and what


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("length", ["long", "medium", "short"]),
        ("on_disconnect", ["cancel", "continue"]),
        ("feedback.type", [
            "low_confidence", "needs_more_detail", "not_relevant", "other", "wrong_format",
        ]),
        ("outline[0].title", []),
        ("outline[...]", []),
        ("nowhere.at[0].all", []),
    ],
)  # fmt: skip
def test_the_words_that_may_stand_somewhere_are_known(path: str, words: list[str]) -> None:
    assert choices(DraftRequest, path) == words


async def test_a_word_that_is_none_of_those_possible_is_answered_with_them(site: Site) -> None:
    draft = await saved(site, "text")
    path = f"/api/v1/drafts/{draft['id']}"
    for place, body, field, word in (
        ("/feedback", {"feedback_type": "bad"}, "feedback_type", "wrong_format"),
        ("/export", {"format": "docx", "citation_style": "bad"}, "citation_style", "references"),
        ("/merge", {"base": "a", "content": "b", "prefer": "bad"}, "prefer", "theirs"),
        ("/regenerate", {"heading": "a", "action": "bad"}, "action", "shorten"),
    ):
        status, found = await site.call("POST", path + place, body)
        assert (status, found["error"]["field"]) == (400, field)
        assert word in found["error"]["message"]
        assert "bad" not in found["error"]["message"]
    status, found = await site.call("GET", "/api/v1/drafts?status=complete,bad")
    assert (status, found["error"]["field"]) == (400, "status")
    assert "partial" in found["error"]["message"]


async def test_refused_changes_of_a_draft_name_what_was_wrong(site: Site) -> None:
    draft = await saved(site, "text")
    path = f"/api/v1/drafts/{draft['id']}"
    _, found = await site.call("PATCH", path, {"status": "complete"})
    assert (found["error"]["code"], found["error"]["field"]) == ("INVALID_TRANSITION", "status")
    _, found = await site.call("PATCH", path, {"content": "x", "version": 9})
    assert (found["error"]["code"], found["error"]["field"]) == ("VERSION_CONFLICT", "version")
    merged = {"base": "text", "content": "texts", "version": 9}
    status, found = await site.call("POST", f"{path}/merge", merged)
    assert (status, found["error"]["code"]) == (409, "VERSION_CONFLICT")
    assert (await site.draft(draft["id"]))["version"] == 1
    status, found = await site.call("POST", f"{path}/merge", merged | {"version": 1})
    assert (status, found["saved"], found["content"]) == (200, True, "texts")


async def test_the_json_answer_of_a_failed_run_has_the_shape_of_every_error(
    modelled: Site, model: FakeModel
) -> None:
    model.default = (Say("half"), Cut())
    draft = await saved(modelled, "Sign-in uses OAuth 2.0 with PKCE.")
    query = {"query": "How does sign-in work?"}
    for path, body in (
        ("/api/v1/generate", {"kb_id": modelled.topics, **ASK}),
        (f"/api/v1/drafts/{draft['id']}/regenerate", {"selection_start": 0, "selection_end": 9}),
        ("/query", query),
        ("/api/chat", query | {"corpus_id": modelled.topics}),
    ):
        url = modelled.base + path
        async with modelled.session.post(url, json=body, headers=JSON) as response:
            found = await response.json()
            assert response.status == 503, path
            assert found["error"]["request_id"] == response.headers["X-Request-Id"]
        assert found["detail"] == found["error"]["message"]
        assert found["error"]["code"] == "LLM_ERROR"
        assert found["error"]["retryable"] is True


async def test_the_json_answer_of_a_stopped_run_says_how_to_go_on(
    modelled: Site, model: FakeModel
) -> None:
    model.script(Say("half"), Stall())
    body = {"kb_id": modelled.topics, **ASK}
    waiting = asyncio.create_task(modelled.call("POST", "/api/v1/generate", body, headers=JSON))
    await model.call(0)
    _, found = await modelled.call("GET", "/api/v1/runs?family=generate")
    await modelled.call("POST", f"/api/v1/runs/{found['runs'][0]['id']}/cancel")
    status, answer = await waiting
    assert (status, answer["error"]["code"]) == (409, "CANCELLED")
    assert answer["error"]["recovery"] == ["resume"]
    assert answer["error"]["draft_id"] == found["runs"][0]["draft_id"]


async def test_a_draft_that_is_being_written_is_not_changed(
    modelled: Site, model: FakeModel
) -> None:
    model.script(Say("Sign-in [1]. "), Stall())
    async with modelled.stream("/api/v1/generate", {"kb_id": modelled.topics, **ASK}) as stream:
        await stream.until_text(b"Sign-in")
        draft_id = stream.response.headers["X-Draft-Id"]
        path = f"/api/v1/drafts/{draft_id}"
        for method, place, body in (
            ("PATCH", "", {"content": "x"}),
            ("POST", "/fix", {}),
            ("POST", "/duplicate", {}),
            ("POST", "/export", {"format": "html"}),
            ("POST", "/merge", {"base": "a", "content": "b"}),
            ("POST", "/regenerate", {"selection_start": 0, "selection_end": 3}),
            ("POST", "/resume", {}),
            ("POST", "/versions", {"name": "Now"}),
            ("PUT", "/verification", {"numbers": [1]}),
        ):
            status, found = await modelled.call(method, path + place, body)
            assert (status, found["error"]["code"]) == (409, "DRAFT_BUSY"), place
        assert (await modelled.draft(draft_id))["content"] == "Sign-in [1]."
        assert (await modelled.call("GET", f"{path}/check"))[1] == {"warnings": []}


# Picked passages and feedback


async def passages(site: Site) -> list[str]:
    _, listed = await site.call("GET", f"/api/v1/kbs/{site.topics}/documents")
    found = []
    for document in listed["documents"]:
        path = f"/api/v1/documents/{document['id']}/chunks"
        found += [one["chunk_id"] for one in (await site.call("GET", path))[1]["chunks"]]
    return found


async def test_picked_passages_are_enough_to_write_from(site: Site) -> None:
    body: dict[str, Any] = {"kb_id": site.topics, "document_type": "report"}
    body["selected_sources"] = await passages(site)
    status, found = await site.call("POST", "/api/v1/generate", body, headers=JSON)
    assert status == 200, found
    assert {one["chunk_id"] for one in found["citations"]} <= set(body["selected_sources"])
    assert len(found["citations"]) == len(body["selected_sources"])
    status, found = await site.call("POST", "/api/v1/generate/estimate", body)
    assert (status, found["sources"]) == (200, len(body["selected_sources"]))


async def test_a_complaint_about_picked_passages_looks_for_others(site: Site) -> None:
    body = {"kb_id": site.topics, "document_type": "report", "context": "sign-in"}
    body |= {"selected_sources": (await passages(site))[:1]}
    _, first = await site.call("POST", "/api/v1/generate", body, headers=JSON)
    path = f"/api/v1/drafts/{first['draft_id']}/feedback"
    for kind in ("not_relevant", "needs_more_detail"):
        _, found = await site.call("POST", path, {"feedback_type": kind})
        asked = found["alternatives"][0]["request"]
        _, again = await site.call("POST", "/api/v1/generate", asked, headers=JSON)
        assert len(again["sources"]) > len(first["sources"]), kind


async def test_a_draft_without_a_context_can_be_asked_for_again(site: Site) -> None:
    draft = await saved(site, "text", title="Sign-in and audit")
    path = f"/api/v1/drafts/{draft['id']}"
    _, found = await site.call("POST", f"{path}/feedback", {"feedback_type": "other"})
    asked = found["alternatives"][0]["request"]
    assert (await site.draft(draft["id"]))["request"]["context"] == "Sign-in and audit"
    assert (await site.call("POST", "/api/v1/generate", asked, headers=JSON))[0] == 200


async def test_feedback_on_a_draft_of_others_names_its_field(site: Site) -> None:
    draft = await saved(site, "text")
    async with person(site, "bea") as bea:
        kb_id = await bea.kb("Hers", {"a.md": "# Sign-in\n\nSign-in needs a key.\n"})
        body = {"kb_id": kb_id, **ASK}
        feedback = {"type": "other", "previous_draft_id": draft["id"]}
        status, found = await bea.call("POST", "/api/v1/generate", body | {"feedback": feedback})
        assert (status, found["error"]["field"]) == (404, "feedback.previous_draft_id")
