"""Sharing: what somebody may see, what they may do, and what ends when a share is taken away."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.fake_model import ENDING, FakeModel, Say, Wait
from tests.handlers.people import add_user, client, person, share, sign_in, with_password
from tests.handlers.site import Site, Stream, open_site, with_model

CANARY = "xylophonecanary"
JSON = {"Accept": "application/json"}
SECRET = {"secret.md": f"# Secret\n\nThe {CANARY} opens the vault with a second factor.\n"}
QUESTION = f"What opens the vault, the {CANARY}?"


def asks(kb_ids: list[str] | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Return every way to ask for passages."""
    where = {} if kb_ids is None else {"kb_ids": kb_ids}
    return [
        ("/api/v1/query", {"query": QUESTION, **where}),
        ("/api/v1/search", {"query": QUESTION, **where}),
        ("/api/v1/search/quick", {"query": QUESTION}),
    ]


async def test_foreign_passages_are_never_found(site: Site) -> None:
    await site.kb("Vault", SECRET)
    async with person(site, "eve") as eve:
        own = await eve.kb("Hers", {"a.md": "# Vault\n\nA vault needs a second factor.\n"})
        for kb_ids in (None, [own]):
            for path, body in asks(kb_ids):
                status, answer = await eve.call("POST", path, body)
                assert status == 200, answer
                assert CANARY not in str(answer).replace(QUESTION, "")
        body = {"kb_id": own, "document_type": "custom", "context": QUESTION}
        _, draft = await eve.call("POST", "/api/v1/generate", body, headers=JSON)
        assert CANARY not in str(draft).replace(QUESTION, "")


async def test_a_foreign_base_among_one_s_own_is_not_there(site: Site) -> None:
    vault = await site.kb("Vault", SECRET)
    async with person(site, "eve") as eve:
        own = await eve.kb("Hers", {"a.md": "# A\n\nA vault.\n"})
        for path, body in asks([own, vault]):
            if path != "/api/v1/search/quick":
                assert (await eve.call("POST", path, body))[0] == 404


async def test_a_foreign_chunk_cannot_be_picked(site: Site) -> None:
    vault = await site.kb("Vault", SECRET)
    _, found = await site.call("GET", f"/api/v1/kbs/{vault}/documents")
    path = f"/api/v1/documents/{found['documents'][0]['id']}/chunks"
    _, chunks = await site.call("GET", path)
    async with person(site, "eve") as eve:
        own = await eve.kb("Hers", {"a.md": "# A\n\nA vault.\n"})
        body = {
            "kb_id": own,
            "document_type": "custom",
            "context": "x",
            "selected_sources": [chunks["chunks"][0]["chunk_id"]],
        }
        status, answer = await eve.call("POST", "/api/v1/generate", body)
        assert (status, answer["error"]["field"]) == (404, "selected_sources")


async def test_a_search_without_bases_looks_into_all_one_may_read(site: Site) -> None:
    vault = await site.kb("Vault", SECRET)
    async with person(site, "ada") as ada, person(site, "eve") as eve:
        await share(site, vault, "ada")
        for who, knows in ((ada, True), (eve, False)):
            _, found = await who.call("POST", "/api/v1/search", {"query": QUESTION})
            assert (CANARY in str(found["results"])) is knows


async def test_a_kept_answer_is_given_only_to_who_may_read_its_base(site: Site) -> None:
    vault = await site.kb("Vault", SECRET)
    body = {"query": QUESTION, "corpus_id": vault}
    assert (await site.call("POST", "/api/chat", body))[0] == 200
    async with person(site, "ada") as ada, person(site, "eve") as eve:
        await share(site, vault, "ada")
        status, answer = await ada.call("POST", "/api/chat", body)
        assert (status, answer["cache"]["answer_hit"]) == (200, True)
        assert (await eve.call("POST", "/api/chat", body))[0] == 404


async def test_levels_are_given_changed_and_taken_away(site: Site) -> None:
    kb_id = await site.kb("Ours", {"a.md": "# A\n\nText.\n"})
    path = f"/api/v1/kbs/{kb_id}"
    async with person(site, "ada") as ada:
        assert (await ada.call("GET", path))[0] == 404
        permission = await share(site, kb_id, "ada", "READ")
        assert (await ada.call("GET", path))[1]["level"] == "READ"
        assert (await ada.call("PATCH", path, {"name": "Hers"}))[0] == 403
        assert await share(site, kb_id, "ada", "ADMIN") == permission
        assert (await ada.call("PATCH", path, {"name": "Hers"}))[0] == 200
        _, found = await ada.call("GET", path + "/permissions")
        assert [(p["username"], p["level"]) for p in found["permissions"]] == [("ada", "ADMIN")]
        change = f"{path}/permissions/{permission}"
        assert (await site.call("PATCH", change, {"level": "WRITE"}))[1]["level"] == "WRITE"
        assert (await ada.call("GET", path + "/permissions"))[0] == 403
        assert (await site.call("DELETE", change))[0] == 204
        assert (await ada.call("GET", path))[0] == 404
        assert (await site.call("DELETE", change))[0] == 404


async def test_a_permission_of_another_base_is_not_changed_through_one_s_own(site: Site) -> None:
    theirs = await site.kb("Theirs")
    await add_user(site, "bob")
    permission = await share(site, theirs, "bob")
    async with person(site, "eve") as eve:
        _, own = await eve.call("POST", "/api/v1/kbs", {"name": "Hers"})
        path = f"/api/v1/kbs/{own['id']}/permissions/{permission}"
        assert (await eve.call("PATCH", path, {"level": "ADMIN"}))[0] == 404
        assert (await eve.call("DELETE", path))[0] == 404
    _, found = await site.call("GET", f"/api/v1/kbs/{theirs}/permissions")
    assert [p["level"] for p in found["permissions"]] == ["READ"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"username": "nobody", "level": "READ"}, 404),
        ({"group": "nobody", "level": "READ"}, 404),
        ({"username": "admin", "level": "READ"}, 400),
        ({"level": "READ"}, 400),
        ({"username": "ada", "group": "all", "level": "READ"}, 400),
        ({"username": "ada", "level": "OWNER"}, 400),
        ({"username": "ada"}, 400),
    ],
)
async def test_a_share_names_one_holder_and_a_level(
    site: Site, body: dict[str, Any], status: int
) -> None:
    await add_user(site, "ada")
    path = f"/api/v1/kbs/{site.topics}/permissions"
    assert (await site.call("POST", path, body))[0] == status


async def test_a_group_s_members_may_what_it_may_while_they_are_in_it(site: Site) -> None:
    _, group = await site.call("POST", "/api/v1/admin/groups", {"name": "Sales"})
    body = {"group": "Sales", "level": "WRITE"}
    assert (await site.call("POST", f"/api/v1/kbs/{site.topics}/permissions", body))[0] == 201
    members = f"/api/v1/admin/groups/{group['id']}/members"
    async with person(site, "ada") as ada:
        path = f"/api/v1/kbs/{site.topics}"
        assert (await ada.call("GET", path))[0] == 404
        assert (await site.call("POST", members, {"username": "Ada"}))[1]["members"] == ["ada"]
        assert (await ada.call("GET", path))[1]["level"] == "WRITE"
        await share(site, site.topics, "ada", "READ")
        assert (await ada.call("GET", path))[1]["level"] == "WRITE"
        assert (await site.call("DELETE", f"{members}/ada"))[1]["members"] == []
        assert (await ada.call("GET", path))[1]["level"] == "READ"
        await site.call("POST", members, {"username": "ada"})
        assert (await site.call("DELETE", f"/api/v1/admin/groups/{group['id']}"))[0] == 204
        assert (await ada.call("GET", path))[1]["level"] == "READ"


async def test_a_member_becomes_the_owner_and_the_former_one_goes_on_sharing(site: Site) -> None:
    path = f"/api/v1/kbs/{site.topics}"
    async with person(site, "ada") as ada:
        await share(site, site.topics, "ada")
        assert (await site.call("PUT", path + "/owner", {"username": "Ada"}))[0] == 204
        _, kb = await ada.call("GET", path)
        assert (kb["owner"], kb["level"]) == ("ada", "ADMIN")
        _, found = await site.call("GET", path + "/permissions")
        [former] = found["permissions"]
        assert (former["username"], former["level"]) == ("admin", "ADMIN")
        assert (await ada.call("DELETE", f"{path}/permissions/{former['id']}"))[0] == 204
        assert (await site.call("GET", path))[0] == 404
    _, found = await site.call("GET", "/api/v1/admin/audit?action=handed_over")
    [entry] = found["entries"]
    assert (entry["username"], entry["kb_id"]) == ("admin", site.topics)
    assert (entry["subject"], entry["detail"]) == ("ada", "from admin")


async def test_a_member_of_a_group_may_become_the_owner(site: Site) -> None:
    _, group = await site.call("POST", "/api/v1/admin/groups", {"name": "Sales"})
    body = {"group": "Sales", "level": "READ"}
    await site.call("POST", f"/api/v1/kbs/{site.topics}/permissions", body)
    await add_user(site, "ada")
    owner = f"/api/v1/kbs/{site.topics}/owner"
    assert (await site.call("PUT", owner, {"username": "ada"}))[0] == 404
    await site.call("POST", f"/api/v1/admin/groups/{group['id']}/members", {"username": "ada"})
    assert (await site.call("PUT", owner, {"username": "ada"}))[0] == 204


async def test_an_administrator_hands_over_what_is_somebody_else_s_without_seeing_it(
    site: Site,
) -> None:
    async with person(site, "ada") as ada, person(site, "bob") as bob:
        _, kb = await ada.call("POST", "/api/v1/kbs", {"name": "Hers"})
        path = f"/api/v1/kbs/{kb['id']}"
        await share(ada, kb["id"], "bob")
        assert (await site.call("PUT", path + "/owner", {"username": "admin"}))[0] == 404
        assert (await site.call("PUT", path + "/owner", {"username": "bob"}))[0] == 204
        assert (await site.call("GET", path))[0] == 404
        assert (await bob.call("GET", path))[1]["owner"] == "bob"
        assert (await ada.call("GET", path))[1]["level"] == "ADMIN"


async def test_nobody_is_made_the_owner_who_is_disabled_or_has_one_of_the_name(
    site: Site,
) -> None:
    path = f"/api/v1/kbs/{site.topics}"
    _, kb = await site.call("GET", path)
    async with person(site, "ada") as ada:
        await share(site, site.topics, "ada")
        await ada.call("POST", "/api/v1/kbs", {"name": kb["name"]})
        status, answer = await site.call("PUT", path + "/owner", {"username": "ada"})
        assert (status, answer["error"]["field"]) == (409, "username")
    gone = await add_user(site, "gone")
    await share(site, site.topics, "gone")
    await site.call("PATCH", f"/api/v1/admin/users/{gone.id}", {"is_disabled": True})
    assert (await site.call("PUT", path + "/owner", {"username": "gone"}))[0] == 404
    assert (await site.call("GET", path))[1]["owner"] == "admin"


async def test_handing_over_to_the_owner_changes_nothing(site: Site) -> None:
    path = f"/api/v1/kbs/{site.topics}"
    assert (await site.call("PUT", path + "/owner", {"username": "admin"}))[0] == 204
    assert (await site.call("GET", path + "/permissions"))[1]["total"] == 0


async def test_readers_see_each_other_s_drafts_and_change_only_their_own(site: Site) -> None:
    async with person(site, "ada") as ada, person(site, "bob") as bob:
        await share(site, site.topics, "ada")
        await share(site, site.topics, "bob")
        body = {"kb_id": site.topics, "content": "Hers"}
        _, draft = await ada.call("POST", "/api/v1/drafts", body)
        path = f"/api/v1/drafts/{draft['id']}"
        status, seen = await bob.call("GET", path)
        assert (status, seen["author"]) == (200, "ada")
        _, listed = await bob.call("GET", f"/api/v1/drafts?kb_id={site.topics}")
        assert [one["id"] for one in listed["drafts"]] == [draft["id"]]
        assert (await bob.call("PATCH", path, {"content": "His"}))[0] == 403
        assert (await bob.call("DELETE", path))[0] == 403
        assert (await ada.call("PATCH", path, {"content": "Still hers"}))[0] == 200
        assert (await ada.call("DELETE", path))[0] == 204


async def test_readers_follow_the_writing_of_a_draft_and_only_writers_stop_it(
    data: Path, model: FakeModel
) -> None:
    async with open_site(data, **with_model(model)) as site, AsyncExitStack() as stack:
        people = {}
        for name, level in (("ada", "READ"), ("reader", "READ"), ("writer", "WRITE")):
            people[name] = await stack.enter_async_context(person(site, name))
            await share(site, site.topics, name, level)
        people["eve"] = await stack.enter_async_context(person(site, "eve"))
        gate = asyncio.Event()
        model.script(Say("Staff sign in "), Wait(gate), *ENDING)
        body = a_draft(site.topics)
        async with people["ada"].stream("/api/v1/generate/stream", body) as stream:
            await stream.until_text(b"Staff")
            path = f"/api/v1/runs/{stream.response.headers['X-Run-Id']}"
            found = {
                name: [
                    (await who.call("GET", path))[0],
                    (await who.call("GET", path + "/events?poll=1"))[0],
                ]
                for name, who in people.items()
            }
            both = [200, 200]
            assert found == {"ada": both, "reader": both, "writer": both, "eve": [404, 404]}
            assert (await people["eve"].call("POST", path + "/cancel"))[0] == 404
            assert (await people["reader"].call("POST", path + "/cancel"))[0] == 403
            assert (await people["writer"].call("POST", path + "/cancel"))[0] == 200
            assert b"CANCELLED" in await ending(stream)


async def test_conversations_are_seen_by_their_user_only(site: Site) -> None:
    async with person(site, "ada") as ada:
        await share(site, site.topics, "ada", "ADMIN")
        body = {"query": "Second factor?", "corpus_id": site.topics, "session_id": "hers"}
        assert (await ada.call("POST", "/api/chat", body))[0] == 200
        assert (await site.call("GET", "/api/chat/history/hers"))[0] == 404
        assert (await site.call("POST", "/api/chat", body))[0] == 404
        assert (await site.call("GET", "/api/v1/conversations"))[1]["total"] == 0


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/kbs", {"name": "Mine", "owner_id": "x", "id": "x", "level": "ADMIN"}),
        ("/api/v1/drafts", {"content": "x", "owner_id": "x", "id": "x", "author": "admin"}),
        ("/api/v1/auth/keys", {"name": "x", "user_id": "x", "id": "x", "is_admin": True}),
    ],
)
async def test_nobody_names_the_owner_or_the_id_of_what_is_made(
    site: Site, path: str, body: dict[str, Any]
) -> None:
    async with person(site, "eve") as eve:
        _, own = await eve.call("POST", "/api/v1/kbs", {"name": "Hers"})
        status, made = await eve.call("POST", path, {"kb_id": own["id"]} | body)
        assert status in (201, 400), made
        if status == 201:
            assert made["id"] != "x"
            assert made.get("owner", "eve") == "eve"
            assert made.get("author", "eve") == "eve"


# What ends


def a_draft(kb_id: str) -> dict[str, Any]:
    return {"kb_id": kb_id, "document_type": "custom", "context": "How does sign-in work?"}


async def ending(stream: Stream) -> bytes:
    async with asyncio.timeout(5):
        await stream.rest()
    return stream.raw


async def test_a_share_taken_away_ends_the_stream_and_hides_run_and_draft(
    data: Path, model: FakeModel
) -> None:
    """The run goes on with what was granted before; its reader sees no more of it."""
    async with open_site(data, **with_model(model)) as site, person(site, "ada") as ada:
        permission = await share(site, site.topics, "ada")
        gate = asyncio.Event()
        model.script(Say("Staff sign in "), Wait(gate), Say("with OAuth [1]."), *ENDING)
        body = a_draft(site.topics)
        async with ada.stream("/api/v1/generate/stream", body) as stream:
            run_id = stream.response.headers["X-Run-Id"]
            draft_id = stream.response.headers["X-Draft-Id"]
            await stream.until_text(b"Staff")
            path = f"/api/v1/kbs/{site.topics}/permissions/{permission}"
            assert (await site.call("DELETE", path))[0] == 204
            assert b"NOT_FOUND" in await ending(stream)
        for method, path in (
            ("GET", f"/api/v1/runs/{run_id}"),
            ("GET", f"/api/v1/runs/{run_id}/events"),
            ("POST", f"/api/v1/runs/{run_id}/cancel"),
            ("GET", f"/api/v1/drafts/{draft_id}"),
            ("POST", f"/api/v1/drafts/{draft_id}/resume"),
        ):
            assert (await ada.call(method, path))[0] == 404, path
        assert (await ada.call("POST", "/api/v1/generate", body))[0] == 404
        assert site.engine.runs.is_live(run_id)
        gate.set()
        await site.read(f"/api/v1/runs/{run_id}/events", method="GET")
        assert (await site.draft(draft_id))["content"] == "Staff sign in with OAuth [1]."


async def test_the_next_look_for_passages_finds_nothing_without_the_share(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the check at the door and the search, the search itself decides."""
    vault = await site.kb("Vault", SECRET)
    async with person(site, "ada") as ada:
        permission = await share(site, vault, "ada")
        real = site.engine.retriever.search

        async def late(*arguments: Any) -> Any:
            await site.call("DELETE", f"/api/v1/kbs/{vault}/permissions/{permission}")
            return await real(*arguments)

        monkeypatch.setattr(site.engine.retriever, "search", late)
        events = await ada.read("/query/stream", {"query": QUESTION, "kb_ids": [vault]})
        assert CANARY not in str(events)


async def test_an_idempotency_key_does_not_reach_what_was_taken_away(site: Site) -> None:
    async with person(site, "ada") as ada:
        permission = await share(site, site.topics, "ada")
        body = a_draft(site.topics)
        headers = JSON | {"Idempotency-Key": "once"}
        assert (await ada.call("POST", "/api/v1/generate", body, headers=headers))[0] == 200
        await site.call("DELETE", f"/api/v1/kbs/{site.topics}/permissions/{permission}")
        assert (await ada.call("POST", "/api/v1/generate", body, headers=headers))[0] == 404


async def test_a_run_over_several_bases_is_hidden_once_one_of_them_is(site: Site) -> None:
    vault = await site.kb("Vault", SECRET)
    async with person(site, "ada") as ada:
        permission = await share(site, vault, "ada")
        await share(site, site.topics, "ada")
        _, found = await ada.call("POST", "/api/v1/search", {"query": QUESTION})
        assert (await ada.call("GET", f"/api/v1/runs/{found['run_id']}"))[0] == 200
        await site.call("DELETE", f"/api/v1/kbs/{vault}/permissions/{permission}")
        assert (await ada.call("GET", f"/api/v1/runs/{found['run_id']}"))[0] == 404
        assert (await ada.call("GET", "/api/v1/runs"))[1]["runs"] == []


async def test_a_base_deleted_while_it_is_asked_leaves_nothing_of_it_in_the_answer(
    data: Path, model: FakeModel
) -> None:
    async with open_site(data, **with_model(model)) as site:
        vault = await site.kb("Vault", SECRET)
        gate = asyncio.Event()
        model.script(Say("The "), Wait(gate), Say(f"{CANARY} does [1]."), *ENDING)
        body = {"query": QUESTION, "kb_ids": [vault, site.topics]}
        async with site.stream("/query/stream", body) as stream:
            run_id = stream.response.headers["X-Run-Id"]
            await stream.until_text(b"generating")
            assert (await site.call("DELETE", f"/api/v1/kbs/{vault}"))[0] == 204
            gate.set()
            raw = await ending(stream)
        assert b"event: done" not in raw
        assert f"{CANARY} does".encode() not in raw
        assert (await site.call("GET", f"/api/v1/runs/{run_id}"))[0] == 404
        _, found = await site.call("POST", "/api/v1/query", {"query": QUESTION})
        assert found["citations"] == [] or CANARY not in str(found["citations"])


async def test_a_base_deleted_before_the_search_gives_no_text(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = await site.kb("Vault", SECRET)
    real = site.engine.retriever.search

    deletions = []

    async def late(*arguments: Any) -> Any:
        deletions.append(asyncio.create_task(site.call("DELETE", f"/api/v1/kbs/{vault}")))
        await asyncio.wait(deletions, timeout=0.2)
        return await real(*arguments)

    monkeypatch.setattr(site.engine.retriever, "search", late)
    events = await site.read("/query/stream", {"query": QUESTION, "kb_ids": [vault]})
    assert (await deletions[0])[0] == 204
    assert CANARY not in str(events)
    assert events[-1].event in ("error", "done")


# Keys


async def test_a_key_for_one_base_sees_that_one_only(site: Site) -> None:
    vault = await site.kb("Vault", SECRET)
    body = {"query": "Second factor?", "corpus_id": vault, "session_id": "of-the-vault"}
    assert (await site.call("POST", "/api/chat", body))[0] == 200
    _, draft = await site.call("POST", "/api/v1/drafts", {"kb_id": vault, "content": "x"})
    given = {"name": "narrow", "level": "WRITE", "kb_id": site.topics}
    _, key = await site.call("POST", "/api/v1/auth/keys", given)
    async with client(site, key["key"]) as narrow:
        _, found = await narrow.call("GET", "/api/v1/kbs")
        assert [kb["id"] for kb in found["kbs"]] == [site.topics]
        for path, body in asks():
            _, answer = await narrow.call("POST", path, body)
            assert CANARY not in str(answer).replace(QUESTION, ""), path
        assert (await narrow.call("GET", "/api/v1/drafts"))[1]["total"] == 0
        assert (await narrow.call("GET", f"/api/v1/drafts/{draft['id']}"))[0] == 404
        assert (await narrow.call("GET", "/api/v1/conversations"))[1]["total"] == 0
        runs = (await narrow.call("GET", "/api/v1/runs"))[1]["runs"]
        assert {run["kb_id"] for run in runs} <= {site.topics, None}
        own = {"query": "Second factor?", "corpus_id": site.topics}
        assert (await narrow.call("POST", "/api/chat", own))[0] == 200
        joined = own | {"session_id": "of-the-vault"}
        assert (await narrow.call("POST", "/api/chat", joined))[0] == 404


async def test_a_key_for_a_foreign_base_cannot_be_made(site: Site) -> None:
    async with person(site, "eve") as eve:
        body = {"name": "x", "kb_id": site.topics}
        assert (await eve.call("POST", "/api/v1/auth/keys", body))[0] == 404


# Models


async def test_only_administrators_ask_for_models_that_are_not_for_everybody(
    data: Path, model: FakeModel
) -> None:
    async with open_site(data, **with_model(model, user_models="fake, small")) as site:
        async with person(site, "ada") as ada:
            body = {"content_type": "SUMMARY", "input_text": "Some notes.", "num_questions": 1}
            large = body | {"generator_model": "large"}
            for path in ("/run", "/run/stream", "/api/v1/run/stream"):
                status, answer = await ada.call("POST", path, large)
                assert (status, answer["error"]["code"]) == (403, "PERMISSION_DENIED"), path
            await share(site, site.topics, "ada")
            turn = {"query": "x", "corpus_id": site.topics, "model": "large"}
            assert (await ada.call("POST", "/api/chat/stream", turn))[0] == 403
            assert (await ada.call("POST", "/run/stream", body))[0] == 200
            assert (await site.call("POST", "/run/stream", large))[0] == 200


async def test_a_disabled_manager_is_gone_and_the_base_stays(site: Site) -> None:
    user_id = await with_password(site, "ada")
    _, pair = await sign_in(site, "ada")
    async with client(site, pair["access_token"]) as ada:
        _, kb = await ada.call("POST", "/api/v1/kbs", {"name": "Hers"})
        async with person(site, "bob") as bob:
            body = {"username": "bob", "level": "ADMIN"}
            await ada.call("POST", f"/api/v1/kbs/{kb['id']}/permissions", body)
            await site.call("PATCH", f"/api/v1/admin/users/{user_id}", {"is_disabled": True})
            assert (await ada.call("GET", f"/api/v1/kbs/{kb['id']}"))[0] == 401
            assert (await bob.call("GET", f"/api/v1/kbs/{kb['id']}"))[1]["level"] == "ADMIN"
