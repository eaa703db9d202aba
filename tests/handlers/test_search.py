"""Search: negotiation, one ranking, an answer with its citations after it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.fake_model import ENDING, Cut, FakeModel, Finish, Say, Stall
from tests.handlers.site import TOPICS, Site, open_site, with_model

ASK = {"query": "OAuth sign-in second factor"}
JSON = {"Accept": "application/json"}
SSE = {"Accept": "text/event-stream"}
SCRIPT = (Say("OAuth"), Say(" 2.0 [1]"), Say(" and MFA [2]."), *ENDING)


async def frames_of(site: Site, body: object = ASK) -> list[tuple[str, Any]]:
    events = await site.read("/api/v1/search", body, headers=SSE)
    return [(event.event, json.loads(event.data)) for event in events]


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/event-stream", "text/event-stream"),
        ("application/json, text/event-stream;q=0.5", "application/json"),
        ("application/json;q=0.4, text/event-stream", "text/event-stream"),
        ("text/event-stream;q=0", "application/json"),
    ],
)
async def test_accept_decides(modelled: Site, model: FakeModel, accept: str, kind: str) -> None:
    model.default = SCRIPT
    async with modelled.session.post(
        modelled.base + "/api/v1/search", json=ASK, headers={"Accept": accept}
    ) as response:
        assert response.status == 200
        assert response.content_type == kind
        await response.read()


async def test_tokens_then_citations_then_done(modelled: Site, model: FakeModel) -> None:
    model.default = SCRIPT
    found = await frames_of(modelled)
    names = [name for name, _ in found]
    assert names == sorted(names, key=["token", "citation", "done"].index)
    numbers = [data["number"] for name, data in found if name == "citation"]
    assert numbers == [1, 2]
    done = found[-1][1]
    assert isinstance(done["confidence_score"], int)
    assert done["confidence_score"] == round(100 * done["confidence"])
    assert done["result_count"] > 0
    _, twin = await modelled.call("POST", "/api/v1/search", ASK, headers=JSON)
    text = "".join(data["text"] for name, data in found if name == "token")
    assert text == twin["answer"] == "OAuth 2.0 [1] and MFA [2]."
    assert [c["number"] for c in twin["citations"]] == [1, 2]


async def test_one_ranking_over_all_knowledge_bases(site: Site) -> None:
    other = await site.kb("Other", {"other.md": TOPICS["oauth.md"]})
    _, found = await site.call("POST", "/api/v1/search", ASK | {"synthesize": False}, headers=JSON)
    results = found["results"]
    assert {result["kb_id"] for result in results} == {site.topics, other}
    assert {result["kb_name"] for result in results} == {"Topics", "Other"}
    scores = [result["relevance_score"] for result in results]
    assert scores == sorted(scores, reverse=True)
    assert found["answer"] == ""
    limited = await site.call("POST", "/api/v1/search", ASK | {"limit": 1}, headers=JSON)
    assert len(limited[1]["results"]) == 1
    only = await site.call("POST", "/api/v1/search", ASK | {"kb_ids": [other]}, headers=JSON)
    assert {result["kb_id"] for result in only[1]["results"]} == {other}


async def test_nothing_found_is_said_at_once(site: Site) -> None:
    nonsense = {"query": "zymurgy quokka flugelhorn"}
    status, found = await site.call("POST", "/api/v1/search", nonsense, headers=JSON)
    assert (status, found["results"], found["confidence"]) == (200, [], 0)
    assert await frames_of(site, nonsense) == [
        ("done", {"confidence_score": 0, "confidence": 0.0, "result_count": 0})
    ]


async def test_a_model_that_fails_leaves_the_results(modelled: Site, model: FakeModel) -> None:
    model.default = (Cut(),)
    status, found = await modelled.call("POST", "/api/v1/search", ASK, headers=JSON)
    assert (status, found["answer"], found["citations"], found["confidence"]) == (200, "", [], 0)
    assert found["results"]
    assert found["message"]
    streamed = await frames_of(modelled)
    assert streamed[-1][0] == "error"
    assert set(streamed[-1][1]) == {"message", "code"}


async def test_a_search_that_takes_too_long_is_ended(data: Path, model: FakeModel) -> None:
    model.script(Say("x"), Stall())
    async with open_site(data, **with_model(model, search_timeout_s=0.3)) as site:
        name, end = (await frames_of(site))[-1]
    assert (name, end["code"]) == ("error", "STREAM_TIMEOUT")


async def test_the_fourth_search_waits_for_one_to_close(data: Path, model: FakeModel) -> None:
    model.default = (Say("x"), Stall())
    async with open_site(data, **with_model(model, search_grace_s=0.05)) as site:
        streams = []
        for _ in range(3):
            response = await site.session.post(site.base + "/api/v1/search", json=ASK, headers=SSE)
            assert response.status == 200
            streams.append(response)
        fourth = await site.session.post(site.base + "/api/v1/search", json=ASK, headers=SSE)
        assert fourth.status == 429
        assert fourth.headers["Retry-After"]
        assert (await fourth.json())["error"]["code"] == "TOO_MANY_STREAMS"
        streams.pop().close()
        async with asyncio.timeout(5):
            while site.engine.runs.open_count() == 3:
                await asyncio.wait_for((await model.call(2)).closed.wait(), 5)
        fifth = await site.session.post(site.base + "/api/v1/search", json=ASK, headers=SSE)
        assert fifth.status == 200
        for response in [*streams, fifth]:
            response.close()


@pytest.mark.parametrize(
    "body",
    [
        {"query": ""},
        {"query": "x" * 501},
        {"query": "x", "limit": 0},
        {"query": "x", "limit": 51},
        {"query": "x", "synthesize": "maybe"},
    ],
)
async def test_a_wrong_search_is_refused_with_422(site: Site, body: object) -> None:
    for headers in (JSON, SSE):
        status, answer = await site.call("POST", "/api/v1/search", body, headers=headers)
        assert (status, answer["error"]["code"]) == (422, "VALIDATION_ERROR")


async def test_quick_search_looks_everywhere(site: Site) -> None:
    await site.generate(site.topics, context="OAuth for topics")
    status, found = await site.call("POST", "/api/v1/search/quick", {"query": "oauth"})
    assert status == 200
    assert found["results"][0]["document_name"] == "oauth.md"
    assert [draft["title"] for draft in found["drafts"]] == ["Custom: OAuth for topics"]
    _, by_name = await site.call("POST", "/api/v1/search/quick", {"query": "topic"})
    assert [kb["name"] for kb in by_name["kbs"]] == ["Topics"]
    _, wild = await site.call("POST", "/api/v1/search/quick", {"query": "%"})
    assert wild["kbs"] == wild["drafts"] == wild["documents"] == []


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("secon", "mfa.md"),
        ("phishing-res", "mfa.md"),
        ("centre", "hosting.md"),
        ("staff acc", "mfa.md"),
        ("serv", "hosting.md"),
        ("phishi", "mfa.md"),
        ("resistan", "mfa.md"),
        ("AUD", "audit.md"),
    ],
)
async def test_quick_search_finds_words_that_are_being_typed(
    site: Site, typed: str, name: str
) -> None:
    _, found = await site.call("POST", "/api/v1/search/quick", {"query": typed})
    assert name in {result["document_name"] for result in found["results"]}
    assert len(found["results"]) <= 5


async def test_quick_search_finds_documents_and_conversations_by_name(site: Site) -> None:
    await site.read("/api/chat/stream", {"query": "What is the price?", "corpus_id": "Topics"})
    _, found = await site.call("POST", "/api/v1/search/quick", {"query": "pric"})
    assert [document["name"] for document in found["documents"]] == ["price.md"]
    assert [talk["title"] for talk in found["conversations"]] == ["What is the price?"]
    _, nothing = await site.call("POST", "/api/v1/search/quick", {"query": "qwxz vlorp"})
    assert not any(nothing[part] for part in nothing.keys() - {"query"})


async def test_a_text_cut_at_the_models_limit_is_warned_of(
    modelled: Site, model: FakeModel
) -> None:
    model.default = (Say("Half [1]"), Finish("length"))
    done = (await frames_of(modelled))[-1][1]
    _, twin = await modelled.call("POST", "/api/v1/search", ASK, headers=JSON)
    assert "length limit" in done["warnings"][0]
    assert twin["warnings"] == done["warnings"]
