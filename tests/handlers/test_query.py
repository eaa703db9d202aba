"""Query: stages, citations, raw tokens, and a plain answer when nothing is found."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from tests.fake_model import ENDING, Cut, FakeModel, Finish, Say, Stall, Wait
from tests.handlers.site import Site, open_site, with_model

ASK = {"query": "Which OAuth version does sign-in use?"}
NOTHING = "I don't know. I couldn't find information about this in the provided documents."


async def names_and_data(site: Site, body: object = ASK) -> list[tuple[str, str]]:
    return [(e.event, e.data) for e in await site.read("/query/stream", body)]


async def test_frames_come_in_the_order_of_the_contract(modelled: Site, model: FakeModel) -> None:
    model.script(Say("Hello"), Say(" world"), *ENDING)
    found = await names_and_data(modelled)
    assert found[0] == ("status", '{"stage":"retrieving"}')
    assert found[1][0] == "citations"
    assert found[2] == ("status", '{"stage":"generating"}')
    assert {name for name, _ in found[3:-1]} == {"token"}
    assert "".join(data for _, data in found[3:-1]) == "Hello world"
    assert found[-1] == ("done", "")


async def test_an_empty_done_is_written_out(modelled: Site, model: FakeModel) -> None:
    model.script(Say("x"), *ENDING)
    async with modelled.stream("/api/v1/query/stream", ASK) as stream:
        await stream.rest()
    assert stream.raw.endswith(b"event: done\ndata: \n\n")


async def test_tokens_that_look_like_something_else_are_text(
    modelled: Site, model: FakeModel
) -> None:
    model.script(Say("42"), Say(" null "), Say("[DONE] a\nb\n\ndata: x"), *ENDING)
    found = await names_and_data(modelled)
    text = "".join(data for name, data in found if name == "token")
    assert text == "42 null [DONE] a\nb\n\ndata: x"


async def test_citations_are_an_array_with_short_texts(site: Site) -> None:
    kb_id = await site.kb("Long", {"long.md": "# OAuth\n\n" + "OAuth sign-in words here. " * 20})
    found = dict(await names_and_data(site, ASK | {"kb_ids": [kb_id]}))
    [citation] = msgspec.json.decode(found["citations"])
    assert set(citation) == {"document_id", "filename", "chunk_text", "relevance_score"}
    assert citation["filename"] == "long.md"
    assert len(citation["chunk_text"]) == 203
    assert citation["chunk_text"].endswith("...")
    assert 0 <= citation["relevance_score"] <= 1


async def test_the_number_of_results_is_a_choice(modelled: Site, model: FakeModel) -> None:
    model.default = (Say("x"), *ENDING)
    one = dict(await names_and_data(modelled, ASK | {"query": "sign-in", "max_results": 1}))
    some = dict(await names_and_data(modelled, ASK | {"query": "sign-in"}))
    assert len(msgspec.json.decode(one["citations"])) == 1
    assert len(msgspec.json.decode(some["citations"])) <= 3


async def test_without_documents_it_does_not_know(tmp_path: Path) -> None:
    async with open_site(tmp_path / "empty") as site:
        found = await names_and_data(site)
    text = "".join(data for name, data in found if name == "token")
    assert found[0] == ("status", '{"stage":"retrieving"}')
    assert found[-1] == ("done", "")
    assert {name for name, _ in found[1:-1]} == {"token"}
    assert text == NOTHING


@pytest.mark.parametrize("query", ["zymurgy quokka flugelhorn", "?!…", "🙂", "the of and"])
async def test_nonsense_is_not_known(site: Site, query: str) -> None:
    status, answer = await site.call("POST", "/query/", {"query": query})
    assert (status, answer["answer"], answer["citations"]) == (200, NOTHING, [])


async def test_the_twin_answers_with_and_without_the_slash(
    modelled: Site, model: FakeModel
) -> None:
    model.default = (Say("Hello"), Say(" world"), *ENDING)
    for path in ("/query", "/query/", "/api/v1/query", "/api/v1/query/"):
        status, answer = await modelled.call("POST", path, ASK, allow_redirects=False)
        assert (status, answer["answer"]) == (200, "Hello world")
        assert answer["citations"][0]["filename"] == "oauth.md"


async def test_a_cut_keeps_the_tokens_and_has_no_done(modelled: Site, model: FakeModel) -> None:
    model.script(Say("a"), Say(" b"), Say(" c"), Cut())
    found = await names_and_data(modelled)
    assert "".join(data for name, data in found if name == "token") == "a b c"
    assert found[-1][0] == "error"
    assert set(msgspec.json.decode(found[-1][1])) == {"message"}
    assert "done" not in dict(found)


async def test_a_reader_who_leaves_stops_the_model_at_once(
    modelled: Site, model: FakeModel
) -> None:
    model.script(Say("text"), Stall())
    async with modelled.stream("/query/stream", ASK) as stream:
        await stream.until_text(b"text")
        stream.response.close()
    async with asyncio.timeout(3):
        await (await model.call(0)).closed.wait()


async def test_a_broken_search_tells_nothing_of_itself(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("hunter2 /srv/secret")

    monkeypatch.setattr(site.engine.retriever, "search", broken)
    found = await names_and_data(site)
    assert [name for name, _ in found] == ["status", "error"]
    assert "hunter2" not in found[-1][1]


async def test_the_first_status_does_not_wait_for_the_search(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = asyncio.Event()
    real = site.engine.retriever.search

    async def slow(*arguments: object) -> object:
        await gate.wait()
        return await real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(site.engine.retriever, "search", slow)
    async with site.stream("/query/stream", ASK) as stream:
        assert (await stream.until(1))[0].event == "status"
        gate.set()
        await stream.rest()


@pytest.mark.parametrize(
    "body", [{}, {"query": ""}, {"query": "  "}, {"query": 3}, {"query": "x", "max_results": 0}]
)
async def test_a_wrong_request_is_refused_with_422(site: Site, body: object) -> None:
    status, answer = await site.call("POST", "/query/stream", body)
    assert (status, answer["error"]["code"]) == (422, "VALIDATION_ERROR")
    assert answer["error"]["field"]
    assert "Traceback" not in answer["detail"]


async def test_a_foreign_knowledge_base_is_not_there(site: Site) -> None:
    body = ASK | {"kb_ids": ["11111111-2222-3333-4444-555555555555"]}
    assert (await site.call("POST", "/query/stream", body))[0] == 404


async def test_only_three_queries_are_open_at_once(data: Path, model: FakeModel) -> None:
    gate = asyncio.Event()
    model.default = (Say("x"), Wait(gate), *ENDING)
    async with open_site(data, **with_model(model)) as site:
        async with (
            site.stream("/query/stream", ASK) as a,
            site.stream("/query/stream", ASK) as b,
            site.stream("/query/stream", ASK) as c,
        ):
            for stream in (a, b, c):
                await stream.until_text(b"event: token")
            status, answer = await site.call("POST", "/query/stream", ASK)
            assert (status, answer["error"]["code"]) == (429, "TOO_MANY_STREAMS")
            gate.set()
            for stream in (a, b, c):
                await stream.rest()


async def test_a_text_cut_at_the_models_limit_is_warned_of(
    modelled: Site, model: FakeModel
) -> None:
    model.script(Say("Half of"), Finish("length"))
    status, answer = await modelled.call("POST", "/query/", ASK)
    assert (status, answer["answer"]) == (200, "Half of")
    assert "length limit" in answer["warnings"][0]
