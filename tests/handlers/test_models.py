"""The models to choose from, and drafts written by Ollama, over HTTP."""

from pathlib import Path
from typing import Any

from tests.fake_model import Answer, FakeModel, models
from tests.fake_ollama import FakeOllama, end, say, tags
from tests.handlers.site import Site, frames, open_site, text_of, with_model


def with_ollama(ollama: FakeOllama, **settings: Any) -> dict[str, Any]:
    """Return the settings of a server that asks this Ollama."""
    return {"llm_provider": "ollama", "llm_url": ollama.url, "llm_model": "fake", **settings}


async def test_without_a_model_the_extractive_writer_is_the_only_choice(site: Site) -> None:
    assert await site.call("GET", "/api/v1/models") == (
        200,
        {"models": [{"id": "extractive", "is_default": True}], "provider": "extractive"},
    )


async def test_the_models_of_a_compatible_server_are_listed(
    modelled: Site, model: FakeModel
) -> None:
    model.listing = [models("a/b", "fake", "a/b")]
    assert await modelled.call("GET", "/api/v1/models") == (
        200,
        {
            "models": [{"id": "fake", "is_default": True}, {"id": "a/b", "is_default": False}],
            "provider": "openai",
        },
    )


async def test_a_compatible_server_without_a_list_leaves_the_usual_model(
    modelled: Site, model: FakeModel
) -> None:
    for broken in (Answer(404), Answer(200, "{"), Answer(200, '{"data": [{"id": null}]}')):
        model.listing = [broken]
        _, found = await modelled.call("GET", "/api/v1/models")
        assert [entry["id"] for entry in found["models"]] == ["fake"]


async def test_the_key_is_sent_for_the_list_too(data: Path) -> None:
    async with FakeModel() as model:
        model.listing = [models("other")]
        settings = with_model(model, llm_key="sk-secret")
        async with open_site(data, **settings) as site:
            _, found = await site.call("GET", "/api/v1/models")
        assert [entry["id"] for entry in found["models"]] == ["fake", "other"]


async def test_the_models_of_ollama_are_listed(data: Path) -> None:
    async with FakeOllama() as ollama, open_site(data, **with_ollama(ollama)) as site:
        ollama.listing = [tags("qwen3:8b", "fake:latest")]
        assert await site.call("GET", "/api/v1/models") == (
            200,
            {
                "models": [
                    {"id": "fake", "is_default": True},
                    {"id": "qwen3:8b", "is_default": False},
                ],
                "provider": "ollama",
            },
        )


async def test_ollama_writes_a_cited_draft(data: Path) -> None:
    async with FakeOllama() as ollama, open_site(data, **with_ollama(ollama)) as site:
        ollama.script(say("Sign-in uses OAuth 2.0 ["), say("1]."), end())
        found = await site.generate(site.topics)
        assert text_of(found) == "Sign-in uses OAuth 2.0 [1]."
        assert found[-1]["event"] == "generation_complete"
        assert found[-1]["citation_count"] == 1


async def test_a_prompt_that_ollama_has_cut_is_told_with_the_draft(data: Path) -> None:
    async with FakeOllama() as ollama, open_site(data, **with_ollama(ollama)) as site:
        ollama.default = [say("Sign-in uses OAuth 2.0 [1]."), end(prompt=3)]
        body = {"kb_id": site.topics, "document_type": "custom", "context": "How does sign-in go?"}
        _, draft = await site.call(
            "POST", "/api/v1/generate", body, headers={"Accept": "application/json"}
        )
        assert "FOOTNOTE_OLLAMA_NUM_CTX" in draft["warnings"][0]


async def test_an_error_of_ollama_while_it_writes_keeps_the_text(data: Path) -> None:
    async with FakeOllama() as ollama, open_site(data, **with_ollama(ollama)) as site:
        ollama.script(say("Half a "), end(None))
        end_of = (await site.generate(site.topics))[-1]
        assert (end_of["event"], end_of["code"]) == ("error", "LLM_ERROR")
        assert (await site.draft(end_of["draft_id"]))["status"] == "partial"


async def test_a_chat_may_choose_the_model(data: Path) -> None:
    async with FakeOllama() as ollama, open_site(data, **with_ollama(ollama)) as site:
        body = {"query": "What does sign-in use?", "corpus_id": "Topics", "model": "qwen3:8b"}
        assert frames(await site.read("/api/chat/stream", body))
        assert [call.body["model"] for call in ollama.calls] == ["qwen3:8b"]
