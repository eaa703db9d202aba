"""Before and while a draft is written: outlines, own types, marks, sections left early."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fake_model import ENDING, FakeModel, Say, Wait
from tests.handlers.people import person, share
from tests.handlers.site import Site, frames, kinds, open_site, text_of

OUTLINE = [
    {"title": "Access", "guidance": "How people sign in", "target_words": 60},
    {"title": "Money", "guidance": "What it costs", "target_words": 40},
]


def native(events: list[Any], kind: str) -> list[dict[str, Any]]:
    return [msgspec.json.decode(event.data) for event in events if event.event == kind]


async def chunk_of(site: Site, name: str) -> tuple[str, str]:
    """Return a document and its first chunk."""
    _, found = await site.call("GET", f"/api/v1/kbs/{site.topics}/documents")
    document_id = next(one["id"] for one in found["documents"] if one["name"] == name)
    _, chunks = await site.call("GET", f"/api/v1/documents/{document_id}/chunks")
    return document_id, chunks["chunks"][0]["chunk_id"]


# Before


async def test_a_template_shows_its_outline(site: Site) -> None:
    _, found = await site.call("GET", "/api/v1/templates")
    assert found["total"] == len(found["templates"]) >= 6
    _, one = await site.call("GET", "/api/v1/templates/rfp_response")
    assert [section["title"] for section in one["sections"]][0] == "Executive Summary"
    assert all({"title", "guidance", "target_words"} <= s.keys() for s in one["sections"])
    assert one["is_own"] is False
    assert one["total_words"] == sum(section["target_words"] for section in one["sections"])


async def test_an_outline_takes_the_place_of_the_type_s_sections(site: Site) -> None:
    found = await site.generate(site.topics, document_type="rfp_response", outline=OUTLINE)
    text = text_of(found)
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings == ["## Access", "## Money"]


async def test_what_is_pinned_is_offered_and_what_is_excluded_is_not(site: Site) -> None:
    document_id, price = await chunk_of(site, "price.md")
    _, audit = await chunk_of(site, "audit.md")
    outline = [OUTLINE[0] | {"pinned": [price], "excluded": [audit, document_id]}]
    found = await site.generate(site.topics, outline=outline)
    offered = [source["chunk_id"] for source in found[0]["sources"]]
    assert offered[0] == price
    assert audit not in offered


async def test_a_pinned_passage_that_does_not_exist_is_not_found(site: Site) -> None:
    body = {"kb_id": site.topics, "document_type": "custom", "context": "sign-in"}
    outline = [OUTLINE[0] | {"pinned": ["nothing"]}]
    status, answer = await site.call("POST", "/api/v1/generate", body | {"outline": outline})
    assert (status, answer["error"]["field"]) == (404, "outline")


async def test_two_sections_of_one_title_are_refused(site: Site) -> None:
    body = {"kb_id": site.topics, "document_type": "custom", "context": "sign-in"}
    outline = [OUTLINE[0], OUTLINE[0] | {"title": "access"}]
    status, answer = await site.call("POST", "/api/v1/generate", body | {"outline": outline})
    assert (status, answer["error"]["field"]) == (400, "outline")


async def test_the_model_is_told_the_outline_and_the_readers(
    modelled: Site, model: FakeModel
) -> None:
    model.script(Say("## Access\n\nSign-in [1]."), *ENDING)
    await modelled.generate(modelled.topics, outline=OUTLINE, audience="city councillors")
    prompt = model.calls[-1].body["messages"][-1]["content"]
    assert "## Access" in prompt and "How people sign in" in prompt and "## Money" in prompt
    assert "city councillors" in prompt


async def test_a_team_keeps_a_type_of_its_own(site: Site) -> None:
    new = {"kb_id": site.topics, "name": "Council memo", "sections": OUTLINE}
    status, made = await site.call("POST", "/api/v1/templates", new)
    assert (status, made["is_own"], made["created_by"] != "") == (201, True, True)
    _, found = await site.call("GET", f"/api/v1/templates?kb_id={site.topics}")
    assert found["templates"][-1]["id"] == made["id"]
    text = text_of(await site.generate(site.topics, document_type="council MEMO"))
    assert text.startswith("## Access")
    path = f"/api/v1/templates/{made['id']}"
    status, changed = await site.call("PATCH", path, {"sections": [OUTLINE[1]]})
    assert (status, [one["title"] for one in changed["sections"]]) == (200, ["Money"])
    assert changed["name"] == "Council memo"
    assert (await site.call("DELETE", path))[0] == 204
    assert (await site.call("GET", path))[0] == 404
    body = {"kb_id": site.topics, "document_type": made["id"], "context": "x"}
    status, answer = await site.call("POST", "/api/v1/generate", body)
    assert (status, answer["error"]["code"]) == (400, "INVALID_DOCUMENT_TYPE")


@pytest.mark.parametrize("name", ["Report", "rfp-response"])
async def test_a_name_that_is_taken_is_refused(site: Site, name: str) -> None:
    status, answer = await site.call(
        "POST", "/api/v1/templates", {"kb_id": site.topics, "name": name}
    )
    assert (status, answer["error"]["field"]) == (400, "name")


async def test_a_shipped_type_is_not_changed(site: Site) -> None:
    assert (await site.call("PATCH", "/api/v1/templates/report", {"name": "Mine"}))[0] == 403
    assert (await site.call("DELETE", "/api/v1/templates/report"))[0] == 403


async def test_a_type_belongs_to_those_who_read_its_knowledge_base(site: Site) -> None:
    new = {"kb_id": site.topics, "name": "Council memo", "sections": OUTLINE}
    _, made = await site.call("POST", "/api/v1/templates", new)
    path = f"/api/v1/templates/{made['id']}"
    async with person(site, "ann") as ann:
        assert (await ann.call("GET", path))[0] == 404
        assert (await ann.call("GET", "/api/v1/templates"))[1]["total"] == 6
        await share(site, site.topics, "ann", "READ")
        assert (await ann.call("GET", path))[0] == 200
        assert (await ann.call("PATCH", path, {"name": "Mine"}))[0] == 403
        assert (await ann.call("POST", "/api/v1/templates", new))[0] == 403


async def test_a_draft_outlives_its_type(modelled: Site, model: FakeModel) -> None:
    new = {"kb_id": modelled.topics, "name": "Council memo", "sections": OUTLINE}
    _, made = await modelled.call("POST", "/api/v1/templates", new)
    model.script(Say("## Access\n\nSign-in [1]."))
    found = await modelled.generate(modelled.topics, document_type=made["id"])
    await modelled.call("DELETE", f"/api/v1/templates/{made['id']}")
    model.script(Say("\n\n## Money\n\nIt costs [2]."), *ENDING)
    path = f"/api/v1/drafts/{found[-1]['draft_id']}/resume"
    assert kinds(frames(await modelled.read(path)))[-1] == "generation_complete"


async def test_an_estimate_starts_nothing_and_learns_from_what_was_written(site: Site) -> None:
    body = {
        "kb_id": site.topics,
        "document_type": "custom",
        "context": "How does sign-in work?",
        "outline": OUTLINE,
    }
    status, before = await site.call("POST", "/api/v1/generate/estimate", body)
    assert (status, before["words"], before["sources"]) == (200, 100, 5)
    assert before["seconds"] is None and before["basis"] == {"runs": 0, "model": "extractive"}
    assert before["prompt_tokens"] > 100 and before["completion_tokens"] == 140
    assert [one["title"] for one in before["sections"]] == ["Access", "Money"]
    assert (await site.call("GET", "/api/v1/drafts"))[1]["total"] == 0
    await site.generate(site.topics)
    _, after = await site.call("POST", "/api/v1/generate/estimate", body)
    assert after["seconds"] >= 1 and after["basis"]["runs"] == 1


# While streaming


async def test_each_sentence_is_judged_as_it_closes(modelled: Site, model: FakeModel) -> None:
    text = (
        "## Access\n\nSign-in uses OAuth 2.0 with PKCE for every web client [1]. Dragons guard the"
        " northern gate of the castle [1]. Nobody knows what else there is.\n"
    )
    model.script(Say(text), *ENDING)
    events = await modelled.read(
        "/api/v1/generate?dialect=native&checks=1",
        {"kb_id": modelled.topics, "document_type": "custom", "context": "sign-in OAuth PKCE"},
    )
    checks = native(events, "checked")
    draft = (await modelled.call("GET", "/api/v1/drafts"))[1]["drafts"][0]
    content = (await modelled.draft(draft["id"]))["content"]
    said = [(content[c["start"] : c["end"]].split()[0], c["supported"]) for c in checks]
    assert said == [("Sign-in", True), ("Dragons", False), ("Nobody", False)]
    assert checks[0]["citations"] == [1] and checks[2]["citations"] == []
    assert {check["section"] for check in checks} == {1}


async def test_judgements_come_only_where_they_are_asked_for(site: Site) -> None:
    body = {"kb_id": site.topics, "document_type": "custom", "context": "sign-in"}
    events = await site.read("/api/v1/generate?dialect=native", body)
    assert native(events, "checked") == []


async def test_a_reader_who_comes_back_gets_the_judgements_that_are_left(site: Site) -> None:
    body = {"kb_id": site.topics, "document_type": "custom", "context": "How does sign-in work?"}
    events = await site.read("/api/v1/generate?dialect=native&checks=1", body)
    run_id, _, last = events[-1].id.partition(":")
    whole = native(events, "checked")
    assert whole
    seen: list[dict[str, Any]] = []
    for event in events:
        if event.event == "checked":
            seen.append(msgspec.json.decode(event.data))
        if event.event == "delta":
            seq = event.id.partition(":")[2]
            path = f"/api/v1/runs/{run_id}/events?checks=1&after={seq}"
            rest = native(await site.read(path, method="GET"), "checked")
            assert seen + rest == whole


async def test_stages_say_how_each_section_stands(modelled: Site, model: FakeModel) -> None:
    model.script(Say("## Access\n\nSign-in [1].\n\n## Money\n\nIt costs [2]."), *ENDING)
    events = await modelled.read(
        "/api/v1/generate?dialect=native",
        {
            "kb_id": modelled.topics,
            "document_type": "custom",
            "context": "sign-in",
            "outline": OUTLINE,
        },
    )
    states = [stage["states"] for stage in native(events, "stage") if "states" in stage]
    assert states[-1] == ["done", "writing"]


async def skip(site: Site, run_id: str) -> tuple[int, Any]:
    return await site.call("POST", f"/api/v1/runs/{run_id}/skip")


async def test_a_section_is_left_for_the_next_and_the_upstream_closed(
    modelled: Site, model: FakeModel
) -> None:
    hold = asyncio.Event()
    model.script(Say("## Access\n\nSign-in is [1] long and"), Wait(hold))
    model.script(Say("It costs 48,000 dollars [2]."), *ENDING)
    body = {
        "kb_id": modelled.topics,
        "document_type": "custom",
        "context": "sign-in",
        "outline": OUTLINE,
    }
    async with modelled.stream("/api/v1/generate", body) as stream:
        await stream.until_text(b"long and")
        run_id = stream.response.headers["X-Run-Id"]
        status, answer = await skip(modelled, run_id)
        assert (status, answer["skipped"]) == (200, "Access")
        found = frames(await stream.rest())
    events = await modelled.read(f"/api/v1/runs/{run_id}/events", method="GET")
    states = [stage["states"] for stage in native(events, "stage") if "states" in stage]
    assert states[-1] == ["skipped", "writing"]
    assert found[-1]["event"] == "generation_complete"
    assert found[-1]["warnings"] == ["The section “Access” was stopped early."]
    text = text_of(found)
    assert text == (
        "## Access\n\nSign-in is [1] long and\n\n## Money\n\nIt costs 48,000 dollars [2]."
    )
    draft = await modelled.draft(found[-1]["draft_id"])
    assert draft["content"] == text and draft["status"] == "complete"
    async with asyncio.timeout(2):
        await model.calls[0].closed.wait()
    assert len(model.calls) == 2
    assert "## Money" in model.calls[1].body["messages"][-1]["content"]
    assert (await skip(modelled, run_id))[0] == 409


async def test_leaving_the_last_section_completes_the_draft(
    modelled: Site, model: FakeModel
) -> None:
    hold = asyncio.Event()
    model.script(Say("## Money\n\nIt costs [1] much and"), Wait(hold))
    body = {
        "kb_id": modelled.topics,
        "document_type": "custom",
        "context": "price",
        "outline": OUTLINE[1:],
    }
    async with modelled.stream("/api/v1/generate?dialect=native", body) as stream:
        await stream.until_text(b"much and")
        assert (await skip(modelled, stream.response.headers["X-Run-Id"]))[0] == 200
        events = await stream.rest()
    assert events[-1].event == "completed"
    assert len(model.calls) == 1


async def test_a_section_can_be_left_without_a_model(data: Path) -> None:
    async with open_site(data, extractive_words_per_s=20) as site:
        body = {
            "kb_id": site.topics,
            "document_type": "custom",
            "context": "sign-in",
            "outline": OUTLINE,
        }
        async with site.stream("/api/v1/generate", body) as stream:
            await stream.until_text(b"content_chunk")
            await stream.until(len(stream.events) + 4)
            status, _ = await skip(site, stream.response.headers["X-Run-Id"])
            assert status == 200
            found = frames(await stream.rest())
    text = text_of(found)
    assert "\n\n## Money\n\n" in text
    assert text.partition("\n\n## Money\n\n")[2].strip()
    assert found[-1]["event"] == "generation_complete"


async def test_nothing_can_be_left_before_a_section_is_written(
    modelled: Site, model: FakeModel
) -> None:
    hold = asyncio.Event()
    model.script(Say("No heading [1] here at all"), Wait(hold))
    body = {"kb_id": modelled.topics, "document_type": "custom", "context": "sign-in"}
    async with modelled.stream("/api/v1/generate", body) as stream:
        await stream.until_text(b"at all")
        run_id = stream.response.headers["X-Run-Id"]
        status, answer = await skip(modelled, run_id)
        assert (status, answer["error"]["code"]) == (409, "INVALID_TRANSITION")
        await modelled.call("POST", f"/api/v1/runs/{run_id}/cancel")


async def test_stop_works_in_the_moment_a_section_is_left(modelled: Site, model: FakeModel) -> None:
    hold = asyncio.Event()
    model.script(Say("## Access\n\nSign-in is [1] long and"), Wait(hold))
    model.script(Wait(hold))
    body = {
        "kb_id": modelled.topics,
        "document_type": "custom",
        "context": "sign-in",
        "outline": OUTLINE,
    }
    async with modelled.stream("/api/v1/generate", body) as stream:
        await stream.until_text(b"long and")
        run_id = stream.response.headers["X-Run-Id"]
        await asyncio.gather(
            skip(modelled, run_id), modelled.call("POST", f"/api/v1/runs/{run_id}/cancel")
        )
        found = frames(await stream.rest())
    assert found[-1]["code"] == "CANCELLED"
    assert (await modelled.draft(found[-1]["draft_id"]))["status"] == "partial"


async def test_a_run_is_read_again_after_its_draft_was_edited(site: Site) -> None:
    body = {"kb_id": site.topics, "document_type": "custom", "context": "How does sign-in work?"}
    first = await site.read("/api/v1/generate?dialect=native&checks=1", body)
    run_id = first[-1].id.partition(":")[0]
    _, page = await site.call("GET", "/api/v1/drafts")
    path = f"/api/v1/drafts/{page['drafts'][0]['id']}"
    await site.call("PATCH", path, {"content": "Something else, \n\nby hand."})
    again = await site.read(f"/api/v1/runs/{run_id}/events?checks=1", method="GET")
    assert native(again, "block") == native(first, "block")
    assert native(again, "checked") == native(first, "checked")


async def test_the_page_shows_the_sections_of_the_outline(site: Site) -> None:
    found = await site.generate(site.topics, document_type="rfp_response", outline=OUTLINE)
    _, html = await site.call("GET", f"/kb/{site.topics}/drafts/{found[-1]['draft_id']}")
    assert "Money" in html and "Relevant Experience" not in html


async def test_a_draft_goes_on_below_a_heading_it_broke_off_at(
    modelled: Site, model: FakeModel
) -> None:
    model.script(Say("## Access\n\nSign-in [1].\n\n## Money"))
    found = await modelled.generate(modelled.topics, outline=OUTLINE)
    model.script(Say("It costs [2]."), *ENDING)
    path = f"/api/v1/drafts/{found[-1]['draft_id']}"
    await modelled.read(f"{path}/resume")
    _, draft = await modelled.call("GET", path)
    assert draft["content"] == "## Access\n\nSign-in [1].\n\n## Money\n\nIt costs [2]."
