"""What a draft was before: who made it, what changed, and back again."""

from typing import Any

import pytest

from engine.storage.versions import KEPT
from tests.fake_model import FakeModel
from tests.handlers.people import client, person, share
from tests.handlers.site import Site
from tests.handlers.test_drafts import generated, saved


async def save(site: Site, draft: dict[str, Any], content: str, **fields: Any) -> dict[str, Any]:
    path = f"/api/v1/drafts/{draft['id']}"
    status, answer = await site.call("PATCH", path, {"content": content} | fields)
    assert status == 200, answer
    return dict(answer)


async def versions(site: Site, draft: dict[str, Any]) -> list[dict[str, Any]]:
    status, page = await site.call("GET", f"/api/v1/drafts/{draft['id']}/versions")
    assert status == 200 and page["total"] == len(page["versions"])
    return list(page["versions"])


async def test_three_saves_are_three_versions_and_a_restored_one_is_a_fourth(site: Site) -> None:
    draft = await saved(site, "First text")
    await save(site, draft, "Second text")
    await save(site, draft, "Third text")
    assert [one["number"] for one in await versions(site, draft)] == [3, 2, 1]
    path = f"/api/v1/drafts/{draft['id']}/versions/1"
    status, restored = await site.call("POST", f"{path}/restore")
    assert (status, restored["content"]) == (200, "First text")
    found = await versions(site, draft)
    assert [one["number"] for one in found] == [4, 3, 2, 1]
    assert (found[0]["reason"], found[0]["is_current"]) == ("restored", True)
    assert not any(one["is_current"] for one in found[1:])


async def test_a_version_says_who_made_it(modelled: Site, model: FakeModel) -> None:
    draft = await generated(modelled, model, "Old words [1]")
    await save(modelled, draft, "New words [1]")
    found = await versions(modelled, draft)
    assert [(one["made_by"], one["reason"]) for one in found] == [
        ("human", "edited"),
        ("machine", "generated"),
    ]
    assert found[0]["author"] and found[0]["citation_count"] == 1


async def test_autosaves_of_one_person_join_until_they_save(site: Site) -> None:
    draft = await saved(site, "a")
    for text in ("a b", "a b c", "a b c d"):
        await save(site, draft, text, autosave=True)
    assert [one["word_count"] for one in await versions(site, draft)] == [4, 1]
    await save(site, draft, "a b c d e")
    assert [one["word_count"] for one in await versions(site, draft)] == [5, 1]
    await save(site, draft, "a b c d e f", autosave=True)
    assert [one["word_count"] for one in await versions(site, draft)] == [6, 5, 1]


async def test_autosaves_of_two_people_do_not_join(site: Site) -> None:
    draft = await saved(site, "a")
    async with person(site, "ann") as ann:
        await share(site, site.topics, "ann", "WRITE")
        await save(site, draft, "a b", autosave=True)
        await save(ann, draft, "a b c", autosave=True)
        await save(site, draft, "a b c d", autosave=True)
    assert [one["author"] for one in await versions(site, draft)][1] == "ann"
    assert len(await versions(site, draft)) == 4


async def test_an_old_session_of_autosaves_is_closed(site: Site) -> None:
    draft = await saved(site, "a")
    await save(site, draft, "a b", autosave=True)
    async with site.engine.database.transaction() as tx:
        await tx.execute_fetchall(
            "update draft_versions set updated_at = '2020-01-01T00:00:00+00:00'"
        )
    await save(site, draft, "a b c", autosave=True)
    assert len(await versions(site, draft)) == 3


async def test_a_title_or_the_same_text_makes_no_version(site: Site) -> None:
    draft = await saved(site, "text")
    await site.call("PATCH", f"/api/v1/drafts/{draft['id']}", {"title": "Another"})
    await save(site, draft, "text")
    assert len(await versions(site, draft)) == 1


async def test_a_version_compares_by_words(site: Site) -> None:
    draft = await saved(site, "The quick fox jumps.\n\nIt ends.")
    await save(site, draft, "The slow fox jumps.\n\nIt goes on.\n\nIt ends.")
    path = f"/api/v1/drafts/{draft['id']}/versions/1"
    _, found = await site.call("GET", f"{path}/diff?to=2")
    changed = [(one["op"], one["text"]) for one in found["changes"] if one["op"] != "equal"]
    assert changed == [("delete", "quick "), ("insert", "slow "), ("insert", ".\n\nIt goes on")]
    assert (found["inserted_words"], found["deleted_words"], found["is_coarse"]) == (4, 1, False)
    assert (found["from"], found["to"]) == (1, 2)
    _, current = await site.call("GET", f"{path}/diff")
    assert current["changes"] == found["changes"] and current["to"] == "current"
    assert (await site.call("GET", f"{path}/diff?to=x"))[0] == 400
    assert (await site.call("GET", f"{path}/diff?to=9"))[0] == 404


async def test_a_version_is_read_with_its_citations(site: Site) -> None:
    draft = await saved(site, "a [1]", 1)
    await save(site, draft, "b", citations=[])
    status, old = await site.call("GET", f"/api/v1/drafts/{draft['id']}/versions/1")
    assert (status, old["content"], [one["number"] for one in old["citations"]]) == (
        200,
        "a [1]",
        [1],
    )
    _, restored = await site.call("POST", f"/api/v1/drafts/{draft['id']}/versions/1/restore")
    assert [one["number"] for one in restored["citations"]] == [1]
    assert restored["warnings"] == []


async def test_the_last_versions_are_kept_and_all_that_have_a_name(site: Site) -> None:
    draft = await saved(site, "text 0")
    path = f"/api/v1/drafts/{draft['id']}/versions"
    status, named = await site.call("PATCH", f"{path}/1", {"name": "As sent"})
    assert (status, named["name"]) == (200, "As sent")
    for n in range(1, KEPT + 6):
        await save(site, draft, f"text {n}")
    found = await versions(site, draft)
    assert len(found) == KEPT + 1
    assert (found[0]["number"], found[-1]["number"]) == (KEPT + 6, 1)
    assert (await site.call("GET", f"{path}/2"))[0] == 404


async def test_the_present_text_gets_a_name(site: Site) -> None:
    draft = await saved(site, "a")
    await save(site, draft, "a b", autosave=True)
    path = f"/api/v1/drafts/{draft['id']}/versions"
    status, named = await site.call("POST", path, {"name": "Before the meeting"})
    assert (status, named["number"], named["name"]) == (201, 2, "Before the meeting")
    await save(site, draft, "a b c", autosave=True)
    assert [one["name"] for one in await versions(site, draft)] == ["", "Before the meeting", ""]


async def test_a_stale_restore_is_refused(site: Site) -> None:
    draft = await saved(site, "a")
    await save(site, draft, "b")
    path = f"/api/v1/drafts/{draft['id']}/versions/1/restore"
    status, answer = await site.call("POST", path, {"version": 1})
    assert (status, answer["error"]["code"]) == (409, "VERSION_CONFLICT")
    assert answer["error"]["current"]["version"] == 2


@pytest.mark.parametrize("number", ["0", "99", "x", "9" * 30])
async def test_a_version_that_is_none_is_not_found(site: Site, number: str) -> None:
    draft = await saved(site, "a")
    path = f"/api/v1/drafts/{draft['id']}/versions/{number}"
    assert (await site.call("GET", path))[0] == 404
    assert (await site.call("POST", f"{path}/restore"))[0] == 404


async def test_versions_follow_the_rights_of_their_draft(site: Site) -> None:
    draft = await saved(site, "a")
    path = f"/api/v1/drafts/{draft['id']}/versions"
    async with person(site, "ann") as ann:
        assert (await ann.call("GET", path))[0] == 404
        await share(site, site.topics, "ann", "READ")
        assert (await ann.call("GET", path))[0] == 200
        assert (await ann.call("POST", f"{path}/1/restore"))[0] == 403
        assert (await ann.call("PATCH", f"{path}/1", {"name": "Mine"}))[0] == 403
    async with client(site, None) as anybody:
        assert (await anybody.call("GET", path))[0] == 401


async def test_a_long_text_is_compared_in_time(site: Site) -> None:
    draft = await saved(site, "word " * 20_000)
    await save(site, draft, "other " * 20_000)
    path = f"/api/v1/drafts/{draft['id']}/versions/1/diff"
    status, found = await site.call("GET", path)
    assert (status, found["is_coarse"]) == (200, True)
    assert [one["op"] for one in found["changes"]] == ["delete", "insert"]
