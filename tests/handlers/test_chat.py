"""Chat: turns, kept answers, history, and a verdict."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from engine.storage import identities
from tests.fake_model import ENDING, Cut, FakeModel, Finish, Say, Stall, Think
from tests.handlers.site import Site, open_site, with_model

QUESTION = "Which OAuth version does sign-in use?"
LONG = [Say(f"word{n} ") for n in range(60)]


def ask(**fields: Any) -> dict[str, Any]:
    return {"query": QUESTION, "corpus_id": "Topics"} | fields


async def frames_of(site: Site, **fields: Any) -> list[tuple[str, Any]]:
    events = await site.read("/api/chat/stream", ask(**fields))
    return [(event.event, json.loads(event.data)) for event in events]


def tokens(found: list[tuple[str, Any]]) -> str:
    return "".join(data["t"] for name, data in found if name == "token")


async def test_a_fresh_turn_has_the_frames_of_the_contract(
    modelled: Site, model: FakeModel
) -> None:
    model.script(*LONG, Say("uses OAuth 2.0 with PKCE for every web client [1]."), *ENDING)
    found = await frames_of(modelled, use_cache=False, top_k=8)
    names = [name for name, _ in found]
    assert names[:2] == ["meta", "sources"]
    assert names[-2:] == ["verify", "done"]
    assert set(names[2:-2]) == {"token"}
    assert len(names) - 4 > 5
    meta, sources = found[0][1], found[1][1]["sources"]
    assert len(meta["run_id"]) == 8
    assert meta["corpus_id"] == "Topics"
    assert meta["retrieved"] >= len(sources)
    assert isinstance(meta["ctx_chars"], int)
    assert 0 < len(sources) <= 5
    for source in sources:
        assert set(source) == {"doc", "score", "snippet"}
        assert len(source["snippet"]) <= 203
    assert all(set(data) == {"t"} for name, data in found if name == "token")
    verdict, done = found[-2][1], found[-1][1]
    assert 0 <= verdict["score"] <= 1
    assert isinstance(verdict["accepted"], bool)
    assert all(isinstance(issue, str) for issue in verdict["issues"])
    assert done["answer"] == tokens(found)
    assert done["cached"] is False
    assert done["duration_ms"] >= 0


@pytest.mark.parametrize("answer", ["## T\n\n- a\n- b  c", "Ünïcode 😀 ñ", "w " * 3000 + "end"])
async def test_a_kept_answer_is_given_again_byte_for_byte(
    modelled: Site, model: FakeModel, answer: str
) -> None:
    model.script(Say(answer), *ENDING)
    fresh = await frames_of(modelled)
    again = await frames_of(modelled)
    assert tokens(fresh) == tokens(again) == fresh[-1][1]["answer"] == answer
    assert [name for name, _ in again][:2] == ["cached", "sources"]
    assert "meta" not in dict(again)
    assert again[0][1]["answer"] == answer
    assert again[0][1]["age_s"] >= 0
    assert again[-1][1]["cached"] is True
    assert len(model.calls) == 1


async def test_what_an_answer_depends_on_makes_it_fresh(modelled: Site, model: FakeModel) -> None:
    model.default = (Say("Answer without markers"), *ENDING)
    other = await modelled.kb("Other", {"o.md": "# O\n\nSign-in uses OAuth version two here.\n"})
    assert (await frames_of(modelled))[-1][1]["cached"] is False
    history = [{"role": "user", "content": "Tell me about OAuth"}]
    for change in (
        {"model": "another"},
        {"corpus_id": other},
        {"top_k": 4},
        {"temperature": 0.5},
        {"history": history},
        {"use_cache": False},
        {"refresh_cache": True},
    ):
        assert (await frames_of(modelled, **change))[-1][1]["cached"] is False, change
    assert (await frames_of(modelled))[-1][1]["cached"] is True
    same = ask(query=f"  {QUESTION.upper()} ", corpus_id=modelled.topics)
    events = await modelled.read("/api/chat/stream", same)
    assert json.loads(events[-1].data)["cached"] is True


async def test_a_new_document_makes_every_answer_fresh(modelled: Site, model: FakeModel) -> None:
    model.default = (Say("Answer"), *ENDING)
    await frames_of(modelled)
    [document] = await modelled.upload(modelled.topics, {"n.md": "# N\n\nMore about sign-in.\n"})
    await modelled.ready(document["id"])
    assert (await frames_of(modelled))[-1][1]["cached"] is False


async def test_answers_outlive_the_process(data: Path, model: FakeModel) -> None:
    model.default = (Say("Answer"), *ENDING)
    async with open_site(data, **with_model(model)) as site:
        await frames_of(site)
    async with open_site(data, **with_model(model)) as site:
        assert (await frames_of(site))[-1][1]["cached"] is True


async def test_the_twin_shares_the_kept_answers(modelled: Site, model: FakeModel) -> None:
    model.script(Say("Answer"), *ENDING)
    await frames_of(modelled)
    status, twin = await modelled.call("POST", "/api/chat", ask(session_id="s1"))
    assert status == 200
    assert twin["answer"] == "Answer"
    assert twin["cache"]["answer_hit"] is True
    assert twin["session_id"] == "s1"
    assert [source["rank"] for source in twin["sources"]] == list(
        range(1, len(twin["sources"]) + 1)
    )
    assert twin["latency_ms"] >= 0


async def test_a_turn_is_stored_by_the_time_it_is_done(modelled: Site, model: FakeModel) -> None:
    model.script(Say("Answer"), *ENDING)
    async with modelled.stream("/api/chat/stream", ask(session_id="S")) as stream:
        await stream.until_text(b"event: done")
        stream.response.close()
    _, history = await modelled.call("GET", "/api/chat/history/S")
    assert history["message_count"] == 2
    assert [(m["role"], m["content"]) for m in history["messages"]] == [
        ("user", QUESTION),
        ("assistant", "Answer"),
    ]


async def test_a_turn_that_was_cut_or_left_is_not_stored(data: Path, model: FakeModel) -> None:
    async with open_site(data, **with_model(model, grace_s=0.05)) as site:
        model.script(Say("a"), Say(" b"), Say(" c"), Say(" d"), Cut())
        found = await frames_of(site, session_id="S")
        assert tokens(found) == "a b c d"
        assert found[-1][0] == "error"
        assert set(found[-1][1]) == {"message"}
        model.script(Say("left"), Stall())
        async with site.stream("/api/chat/stream", ask(session_id="S")) as stream:
            await stream.until_text(b"left")
            stream.response.close()
        async with asyncio.timeout(5):
            await (await model.call(1)).closed.wait()
            while site.engine.runs.open_count():
                await asyncio.sleep(0)
        assert (await site.call("GET", "/api/chat/history/S"))[0] == 404
        model.script(Say("fresh"), *ENDING)
        assert (await frames_of(site, session_id="S"))[-1][1]["cached"] is False


async def test_the_last_five_entries_reach_the_prompt(data: Path, model: FakeModel) -> None:
    model.default = (Say("x"), *ENDING)
    history = [
        {"role": "user" if n % 2 else "assistant", "content": f"Entry number {n}."}
        for n in range(20)
    ]
    async with open_site(data, **with_model(model, chat_rewrite=False)) as site:
        await frames_of(site, history=history)
    async with asyncio.timeout(5):
        prompt = json.dumps((await model.call(0)).body["messages"])
    kept = [n for n in range(20) if f"Entry number {n}." in prompt]
    assert kept == [15, 16, 17, 18, 19]


async def test_a_follow_up_finds_what_was_talked_about(modelled: Site, model: FakeModel) -> None:
    model.default = (Say("the audit log"), *ENDING)
    await frames_of(modelled, session_id="S", query="How long is the audit log kept?")
    found = await frames_of(modelled, session_id="S", query="And where is it?")
    assert "audit.md" in {source["doc"] for source in found[1][1]["sources"]}
    last = (await model.call(len(model.calls) - 1)).body["messages"]
    assert "How long is the audit log kept?" in json.dumps(last)


async def test_a_follow_up_works_without_a_model(site: Site) -> None:
    await frames_of(site, session_id="S", query="How long is the audit log kept?")
    found = await frames_of(site, session_id="S", query="And where is it?")
    assert "audit.md" in {source["doc"] for source in found[1][1]["sources"]}


async def test_the_same_question_again_in_a_conversation_is_given_from_the_cache(
    modelled: Site, model: FakeModel
) -> None:
    model.default = (Say("Answer"), *ENDING)
    await frames_of(modelled, session_id="S", query="How long is the audit log kept?")
    await frames_of(modelled, session_id="S")
    again = await frames_of(modelled, session_id="S", query="how long is the  audit log kept?")
    assert again[-1][1]["cached"] is True


async def test_an_unknown_corpus_is_not_there(site: Site) -> None:
    status, answer = await site.call("POST", "/api/chat/stream", ask(corpus_id="nothing"))
    assert (status, answer["error"]["field"]) == (404, "corpus_id")


async def test_conversations_are_listed_renamed_deleted_and_brought_back(site: Site) -> None:
    await frames_of(site, session_id="S1")
    await frames_of(site, session_id="S2", query="What is the price?")
    _, listed = await site.call("GET", f"/api/v1/conversations?kb_id={site.topics}")
    assert [c["id"] for c in listed["conversations"]] == ["S2", "S1"]
    path = "/api/v1/conversations/S1"
    assert (await site.call("PATCH", path, {"title": "Sign-in"}))[1]["title"] == "Sign-in"
    assert (await site.call("DELETE", path))[0] == 204
    assert (await site.call("GET", path))[0] == 404
    assert (await site.call("POST", path + "/restore"))[1]["turn_count"] == 2
    status, cleared = await site.call("POST", "/api/chat/clear?session_id=S1")
    assert status == 200
    assert cleared["message"]
    assert (await site.call("GET", "/api/chat/history/S1"))[1]["message_count"] == 0


async def test_a_foreign_session_is_not_there(site: Site) -> None:
    await frames_of(site, session_id="S")
    async with site.engine.database.transaction() as tx:
        other = await identities.create(tx, "somebody")
        await tx.execute_fetchall("update conversations set user_id = ?", (other,))
    assert (await site.call("POST", "/api/chat/stream", ask(session_id="S")))[0] == 404
    assert (await site.call("GET", "/api/chat/history/S"))[0] == 404
    assert (await site.call("POST", "/api/chat/clear?session_id=S"))[0] == 404
    assert (await site.call("DELETE", "/api/v1/conversations/S"))[0] == 404


async def test_a_kept_answer_has_its_verdict_of_then(modelled: Site, model: FakeModel) -> None:
    model.script(Say("Sign-in uses OAuth 2.0 with PKCE for every web client [1]."), *ENDING)
    fresh = await frames_of(modelled)
    again = await frames_of(modelled, session_id="S")
    assert [name for name, _ in again][-2:] == ["verify", "done"]
    assert again[-2] == fresh[-2]
    _, history = await modelled.call("GET", "/api/chat/history/S")
    assert history["messages"][1]["details"]["verified"] == fresh[-2][1]


async def test_an_unfinished_answer_is_warned_of_and_not_kept(
    modelled: Site, model: FakeModel
) -> None:
    model.script(Say("Half of"), Finish("length"))
    model.script(Say("All of it"), *ENDING)
    assert "length limit" in (await frames_of(modelled))[-1][1]["warnings"][0]
    assert (await frames_of(modelled))[-1][1] | {"duration_ms": 0} == {
        "answer": "All of it",
        "cached": False,
        "duration_ms": 0,
    }


async def test_a_model_that_thinks_aloud_still_puts_the_follow_up(
    modelled: Site, model: FakeModel
) -> None:
    model.script(Say("400 days"), *ENDING)
    await frames_of(modelled, session_id="S", query="How long is the log kept?")
    thoughts = Say("The user means the price, I think. </think>\n\naudit log\nplace")
    model.script(Think("Hm. " * 200), thoughts, *ENDING)
    model.script(Say("Answer"), *ENDING)
    found = await frames_of(modelled, session_id="S", query="And where?")
    docs = [source["doc"] for source in found[1][1]["sources"]]
    assert "audit.md" in docs
    assert "price.md" not in docs
    assert model.calls[1].body["max_tokens"] >= 1000


async def test_a_model_slow_to_put_the_follow_up_is_not_waited_for(
    data: Path, model: FakeModel
) -> None:
    async with open_site(data, **with_model(model, chat_rewrite_timeout_s=0.1)) as site:
        model.script(Say("400 days"), *ENDING)
        await frames_of(site, session_id="S", query="How long is the audit log kept?")
        model.script(Stall())
        model.script(Say("Answer"), *ENDING)
        found = await frames_of(site, session_id="S", query="And where is it?")
    assert "audit.md" in {source["doc"] for source in found[1][1]["sources"]}
    assert found[-1][1]["answer"] == "Answer"
