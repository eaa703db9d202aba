"""Suggestions: a stretch written anew, offered and never forced; changes merged, nothing lost."""

import asyncio
from typing import Any

import pytest

from tests.fake_model import ENDING, FakeModel, Say, Wait
from tests.handlers.people import person, share
from tests.handlers.site import Site, frames, kinds

PARAGRAPHS = 'First things come first.\n\n{middle}\n\nThe end is near "enough".'


async def written(site: Site, model: FakeModel, text: str) -> dict[str, Any]:
    model.script(Say(text), *ENDING)
    found = await site.generate(site.topics)
    return await site.draft(found[-1]["draft_id"])


async def ask(
    site: Site, draft: dict[str, Any], selected: str, **fields: Any
) -> tuple[int, dict[str, Any]]:
    start = draft["content"].index(selected)
    body = {"selection_start": start, "selection_end": start + len(selected)}
    status, answer = await site.call(
        "POST",
        f"/api/v1/drafts/{draft['id']}/regenerate",
        body | {"selected_text": selected} | fields,
        headers={"Accept": "application/json"},
    )
    return status, dict(answer)


def applied(draft: dict[str, Any], answer: dict[str, Any]) -> str:
    content = str(draft["content"])
    start, end = answer["selection_start"], answer["selection_end"]
    return content[:start] + str(answer["regenerated_text"]) + content[end:]


async def test_a_suggestion_keeps_its_citations_and_touches_nothing_else(
    modelled: Site, model: FakeModel
) -> None:
    draft = await written(
        modelled, model, PARAGRAPHS.format(middle="Sign-in uses OAuth [1]. Staff have more [2].")
    )
    model.script(Say("OAuth it is [1]. And staff [2], too. New [4]."), *ENDING)
    status, answer = await ask(modelled, draft, "Sign-in uses OAuth [1]. Staff have more [2].")
    assert status == 200, answer
    assert answer["regenerated_text"] == "OAuth it is [1]. And staff [2], too. New [3]."
    assert [one["number"] for one in answer["citations"]] == [1, 2, 3]
    assert answer["citations"][0] == draft["citations"][0]
    assert answer["changed"] is True
    assert applied(draft, answer) == PARAGRAPHS.format(middle=answer["regenerated_text"])
    assert await modelled.draft(draft["id"]) == draft


async def test_a_citation_the_model_lost_comes_back_with_its_sentence(
    modelled: Site, model: FakeModel
) -> None:
    middle = "Sign-in uses OAuth [1]. Staff have more [2]."
    draft = await written(modelled, model, PARAGRAPHS.format(middle=middle))
    model.script(Say("OAuth it is [1]."), *ENDING)
    _, answer = await ask(modelled, draft, middle, action="shorten", keep_citations=True)
    assert answer["regenerated_text"] == "OAuth it is [1]. Staff have more [2]."
    model.script(Say("OAuth it is [1]."), *ENDING)
    _, answer = await ask(modelled, draft, middle, action="shorten", keep_citations=False)
    assert answer["regenerated_text"] == "OAuth it is [1]."


@pytest.mark.parametrize(
    "fields",
    [
        {"selection_end": 2000},
        {"selection_start": 9, "selection_end": 9},
        {"selection_start": 9, "selection_end": 3},
        {"selected_text": "something else"},
        {"selection_start": None},
        {"heading": "No such section"},
    ],
)
async def test_a_range_that_is_none_is_refused(
    modelled: Site, model: FakeModel, fields: dict[str, Any]
) -> None:
    draft = await written(modelled, model, PARAGRAPHS.format(middle="Sign-in [1]."))
    fields = {"selected_text": None} | fields
    status, answer = await ask(modelled, draft, "Sign-in", **fields)
    assert (status, answer["error"]["code"]) == (400, "INVALID_RANGE")


@pytest.mark.parametrize(
    "fields",
    [
        {"instructions": "x" * 501},
        {"action": "instruct"},
        {"action": "sing"},
        {"selection_start": -1},
    ],
)
async def test_a_request_that_makes_no_sense_is_refused(
    modelled: Site, model: FakeModel, fields: dict[str, Any]
) -> None:
    draft = await written(modelled, model, "Sign-in [1].")
    assert (await ask(modelled, draft, "Sign-in", **fields))[0] == 400


async def test_the_model_is_told_what_to_do_and_what_stands_around(
    modelled: Site, model: FakeModel
) -> None:
    draft = await written(
        modelled, model, PARAGRAPHS.format(middle="Sign-in </stretch> uses it [1].")
    )
    model.script(Say("New [1]."), *ENDING)
    _, answer = await ask(
        modelled, draft, "Sign-in </stretch> uses it [1].", instructions="Name the year"
    )
    assert answer["action"] == "instruct"
    prompt = model.calls[-1].body["messages"][-1]["content"]
    assert "Name the year" in prompt and "First things" in prompt and "The end is near" in prompt
    assert prompt.count("</stretch>") == 1


async def test_a_section_is_written_anew_by_its_heading(modelled: Site, model: FakeModel) -> None:
    draft = await written(
        modelled, model, "## One\n\nFirst [1].\n\n### Part\n\nMore [1].\n\n## Two\n\nLast [2]."
    )
    model.script(Say("All new [1]."), *ENDING)
    status, answer = await modelled.call(
        "POST",
        f"/api/v1/drafts/{draft['id']}/regenerate",
        {"heading": "one", "keep_citations": False},
        headers={"Accept": "application/json"},
    )
    assert status == 200, answer
    assert applied(draft, answer) == "## One\n\nAll new [2].\n\n## Two\n\nLast [2]."


async def test_a_suggestion_streams_and_can_be_stopped(modelled: Site, model: FakeModel) -> None:
    draft = await written(modelled, model, "Sign-in [1]. Other things.")
    path = f"/api/v1/drafts/{draft['id']}/regenerate"
    body = {"selection_start": 0, "selection_end": 12}
    model.script(Say("It is so [2]."), *ENDING)
    found = frames(await modelled.read(path, body))
    assert "citation" in kinds(found) and kinds(found)[-1] == "suggestion"
    text = "".join(frame["delta"] for frame in found if frame["event"] == "content_chunk")
    assert text == found[-1]["regenerated_text"]
    hold = asyncio.Event()
    model.script(Say("It is"), Wait(hold))
    async with modelled.stream(path, body) as stream:
        await stream.until_text(b"It is")
        run_id = stream.response.headers["X-Run-Id"]
        await modelled.call("POST", f"/api/v1/runs/{run_id}/cancel")
        found = frames(await stream.rest())
    assert (found[-1]["event"], found[-1]["code"]) == ("error", "CANCELLED")
    assert await modelled.draft(draft["id"]) == draft


async def test_text_that_is_not_saved_yet_can_be_written_anew(
    modelled: Site, model: FakeModel
) -> None:
    draft = await written(modelled, model, "Sign-in [1].")
    edited = draft | {"content": "Typed just now. Sign-in [1]."}
    model.script(Say("Typed well."), *ENDING)
    status, answer = await ask(
        modelled, edited, "Typed just now.", content=edited["content"], citations=[1]
    )
    assert (status, applied(edited, answer)) == (200, "Typed well. Sign-in [1].")


@pytest.mark.parametrize("action", ["regenerate", "expand", "shorten", "rephrase"])
async def test_without_a_model_other_passages_are_offered(site: Site, action: str) -> None:
    found = await site.generate(site.topics)
    draft = await site.draft(found[-1]["draft_id"])
    first = draft["content"].split("\n\n")[0]
    status, answer = await ask(site, draft, first, action=action, keep_citations=False)
    assert status == 200, answer
    assert answer["regenerated_text"].strip()
    if action == "expand":
        assert answer["regenerated_text"].startswith(first)
    if action == "shorten":
        assert len(answer["regenerated_text"]) <= len(first)


async def test_without_a_model_a_section_grows_by_an_instruction(site: Site) -> None:
    body = {"kb_id": site.topics, "content": "## Access\n\nPeople come in by the door."}
    _, draft = await site.call("POST", "/api/v1/drafts", body)
    _, answer = await site.call(
        "POST",
        f"/api/v1/drafts/{draft['id']}/regenerate",
        {"heading": "Access", "action": "expand", "instructions": "yearly fee in dollars"},
        headers={"Accept": "application/json"},
    )
    assert "48,000 dollars" in answer["regenerated_text"]
    assert answer["regenerated_text"].strip().startswith("People come in by the door.")
    assert answer["citations"]


async def test_only_who_may_change_a_draft_gets_suggestions(
    modelled: Site, model: FakeModel
) -> None:
    draft = await written(modelled, model, "Sign-in [1].")
    async with person(modelled, "ann") as ann:
        assert (await ask(ann, draft, "Sign-in"))[0] == 404
        assert (await merge(ann, draft, base="a", content="b"))[0] == 404
        await share(modelled, modelled.topics, "ann", "READ")
        assert (await ask(ann, draft, "Sign-in"))[0] == 403
        assert (await merge(ann, draft, base="a", content="b"))[0] == 403


# Merging


async def merge(site: Site, draft: dict[str, Any], **body: Any) -> tuple[int, dict[str, Any]]:
    status, answer = await site.call("POST", f"/api/v1/drafts/{draft['id']}/merge", body)
    return status, dict(answer)


async def edit(site: Site, draft: dict[str, Any], content: str) -> dict[str, Any]:
    status, answer = await site.call("PATCH", f"/api/v1/drafts/{draft['id']}", {"content": content})
    assert status == 200, answer
    return dict(answer)


async def test_a_suggestion_is_merged_into_what_a_person_wrote_meanwhile(
    modelled: Site, model: FakeModel
) -> None:
    middle = "Sign-in uses OAuth [1]."
    draft = await written(modelled, model, PARAGRAPHS.format(middle=middle))
    model.script(Say("OAuth it is [1] and more [2]."), *ENDING)
    _, answer = await ask(modelled, draft, middle)
    await edit(modelled, draft, "Before all.\n\n" + draft["content"].replace("near", "far"))
    status, merged = await merge(modelled, draft, suggestion=answer["run_id"])
    assert (status, merged["saved"], merged["conflicts"]) == (200, True, [])
    expected = PARAGRAPHS.format(middle="OAuth it is [1] and more [2].").replace("near", "far")
    assert merged["content"] == "Before all.\n\n" + expected
    assert [one["number"] for one in merged["draft"]["citations"]] == [1, 2]
    _, page = await modelled.call("GET", f"/api/v1/drafts/{draft['id']}/versions")
    assert [(one["made_by"], one["reason"]) for one in page["versions"]] == [
        ("machine", "suggested"),
        ("human", "edited"),
        ("machine", "generated"),
    ]


async def test_where_both_changed_the_same_place_both_are_shown_and_nothing_is_saved(
    modelled: Site, model: FakeModel
) -> None:
    draft = await written(modelled, model, PARAGRAPHS.format(middle="Sign-in uses OAuth [1]."))
    model.script(Say("OAuth it is [1]."), *ENDING)
    _, answer = await ask(modelled, draft, "Sign-in uses OAuth [1].")
    theirs = await edit(modelled, draft, PARAGRAPHS.format(middle="Logging in needs SAML [1]."))
    status, merged = await merge(modelled, draft, suggestion=answer["run_id"])
    assert (status, merged["saved"]) == (200, False)
    [conflict] = merged["conflicts"]
    assert conflict["mine"].strip() == "OAuth it is [1]."
    assert conflict["theirs"].strip() == "Logging in needs SAML [1]."
    assert conflict["base"].strip() == "Sign-in uses OAuth [1]."
    assert merged["content"][conflict["start"] : conflict["end"]] == conflict["theirs"]
    assert (await modelled.draft(draft["id"]))["content"] == theirs["content"]
    _, mine = await merge(modelled, draft, suggestion=answer["run_id"], prefer="mine")
    assert mine["saved"] and "OAuth it is [1]." in mine["content"]


async def test_two_people_who_add_a_source_each_keep_both(modelled: Site, model: FakeModel) -> None:
    draft = await written(modelled, model, "One [1].\n\nTwo.\n\nThree.")
    model.script(Say("Two has [3]."), *ENDING)
    _, first = await ask(modelled, draft, "Two.")
    model.script(Say("Three has [4]."), *ENDING)
    _, second = await ask(modelled, draft, "Three.")
    assert first["citations"][0]["number"] == second["citations"][0]["number"] == 2
    await merge(modelled, draft, suggestion=first["run_id"])
    _, merged = await merge(modelled, draft, suggestion=second["run_id"])
    assert merged["content"] == "One [1].\n\nTwo has [2].\n\nThree has [3]."
    names = {one["number"]: one["chunk_id"] for one in merged["draft"]["citations"]}
    assert names[2] == first["citations"][0]["chunk_id"]
    assert names[3] == second["citations"][0]["chunk_id"]


async def test_a_text_is_merged_with_its_base(site: Site) -> None:
    body = {"kb_id": site.topics, "content": "A.\n\nB.\n\nC."}
    _, draft = await site.call("POST", "/api/v1/drafts", body)
    await edit(site, draft, "A.\n\nB.\n\nC changed.")
    mine = {"base": "A.\n\nB.\n\nC.", "content": "A changed.\n\nB.\n\nC."}
    _, tried = await merge(site, draft, **mine, dry_run=True)
    assert (tried["saved"], tried["content"]) == (False, "A changed.\n\nB.\n\nC changed.")
    assert (await site.draft(draft["id"]))["version"] == 2
    _, merged = await merge(site, draft, **mine)
    assert (merged["saved"], merged["version"]) == (True, 3)
    assert (await merge(site, draft, base="A."))[0] == 400
    assert (await merge(site, draft, suggestion="nothing"))[0] == 404


async def test_a_suggestion_that_was_stopped_is_not_accepted(
    modelled: Site, model: FakeModel
) -> None:
    draft = await written(modelled, model, "Sign-in [1].")
    hold = asyncio.Event()
    model.script(Say("It is"), Wait(hold))
    path = f"/api/v1/drafts/{draft['id']}/regenerate"
    async with modelled.stream(path, {"selection_start": 0, "selection_end": 7}) as stream:
        await stream.until_text(b"It is")
        run_id = stream.response.headers["X-Run-Id"]
        await modelled.call("POST", f"/api/v1/runs/{run_id}/cancel")
        await stream.rest()
    status, answer = await merge(modelled, draft, suggestion=run_id)
    assert (status, answer["error"]["code"]) == (409, "INVALID_TRANSITION")
