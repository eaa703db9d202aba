"""The server as people run it: started, signed in to, killed, started again; the commands."""

import asyncio
import urllib.parse
from pathlib import Path

import aiohttp
import pytest

from engine import samples
from tests.handlers.site import TOPICS, frames, text_of
from tests.process import client, run, serve

pytestmark = pytest.mark.slow

QUIET = {"sample": "false"}


async def token(data: Path) -> str:
    status, out, err = await run("token", "--data", str(data))
    assert status == 0, err
    return out.strip()


async def test_killed_in_the_middle_of_a_draft_nothing_is_lost_and_it_goes_on(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    slow = QUIET | {"extractive_words_per_s": 40}
    async with serve(data, **slow) as server:
        secret = await token(data)
        async with client(server, secret) as site:
            kb_id = await site.kb("K", TOPICS)
            body = {"kb_id": kb_id, "document_type": "rfp_response", "context": "sign-in"}
            async with site.stream("/api/v1/generate", body) as stream:
                await stream.until(12)
                run_id = stream.response.headers["X-Run-Id"]
                draft_id = stream.response.headers["X-Draft-Id"]
                await server.kill()
                seen = list(stream.events)
    async with serve(data, **QUIET | {"extractive_words_per_s": 0}) as server:
        async with client(server, secret) as site:
            status, state = await site.call("GET", f"/api/v1/runs/{run_id}")
            assert (status, state["state"]) == (200, "suspended")
            rest = await site.read(
                f"/api/v1/runs/{run_id}/events?dialect=generate",
                method="GET",
                headers={"Last-Event-ID": seen[-1].id},
            )
            joined = frames(seen + rest)
            assert joined[-1]["event"] == "generation_complete"
            assert [f["event"] for f in joined].count("generation_start") == 1
            draft = await site.draft(draft_id)
            assert text_of(joined) == draft["content"]
            again = await site.generate(kb_id, document_type="rfp_response", context="sign-in")
            assert text_of(again) == draft["content"]
            numbers = [f["number"] for f in joined if f["event"] == "citation"]
            assert numbers == list(range(1, len(numbers) + 1))


async def test_a_run_to_which_nobody_comes_back_ends_as_a_partial_draft(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with serve(data, **QUIET | {"extractive_words_per_s": 20}) as server:
        secret = await token(data)
        async with client(server, secret) as site:
            kb_id = await site.kb("K", TOPICS)
            body = {"kb_id": kb_id, "document_type": "rfp_response", "context": "sign-in"}
            async with site.stream("/api/v1/generate", body) as stream:
                await stream.until(5)
                draft_id = stream.response.headers["X-Draft-Id"]
                await server.kill()
                seen = frames(stream.events)
    async with serve(data, **QUIET | {"grace_s": 0.1}) as server:
        async with client(server, secret) as site:
            async with asyncio.timeout(10):
                while (draft := await site.draft(draft_id))["status"] == "streaming":
                    pass
            assert draft["status"] == "partial"
            assert draft["content"].startswith(text_of(seen))


async def test_it_stops_in_time_with_a_stream_open_and_leaves_the_run_to_go_on(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    async with serve(data, **QUIET | {"extractive_words_per_s": 5}) as server:
        secret = await token(data)
        async with client(server, secret) as site:
            kb_id = await site.kb("K", TOPICS)
            body = {"kb_id": kb_id, "document_type": "report", "context": "sign-in"}
            async with site.stream("/api/v1/generate", body) as stream:
                await stream.until(3)
                run_id = stream.response.headers["X-Run-Id"]
                async with asyncio.timeout(5):
                    assert await server.stop() == 0
                await stream.rest()
                assert stream.raw.endswith(b"retry: 2000\n\n")
    async with serve(data, **QUIET) as server, client(server, secret) as site:
        _, state = await site.call("GET", f"/api/v1/runs/{run_id}")
        assert state["state"] == "suspended"


async def test_the_link_signs_in_once(tmp_path: Path) -> None:
    async with serve(tmp_path / "data", **QUIET) as server:
        assert urllib.parse.urlsplit(server.link).path == "/login"
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            async with session.get(server.base + "/", headers={"Accept": "text/html"}) as page:
                assert page.url.path == "/login"
            async with session.get(server.link) as page:
                assert (page.status, page.url.path) == (200, "/")
            async with session.get(server.base + "/api/v1/kbs") as answer:
                assert answer.status == 200
        async with aiohttp.ClientSession() as session:
            async with session.get(server.link) as page:
                assert page.status == 401
                assert "used already" in await page.text()


async def test_the_very_first_start_brings_a_sample_to_draft_from(tmp_path: Path) -> None:
    data = tmp_path / "data"
    async with serve(data, extractive_words_per_s=0) as server:
        async with client(server, await token(data)) as site:
            _, found = await site.call("GET", "/api/v1/kbs")
            [sample] = found["kbs"]
            _, listed = await site.call("GET", f"/api/v1/kbs/{sample['id']}/documents")
            for document in listed["documents"]:
                assert (await site.ready(document["id"]))["status"] == "ready"
            types = {document["name"].rpartition(".")[2] for document in listed["documents"]}
            assert {"pdf", "docx", "md", "html", "txt"} <= types
            drafted = await site.generate(
                sample["id"], document_type="rfp_response", context=samples.EXAMPLE_CONTEXT
            )
            assert drafted[-1]["citation_count"] >= 5
            await site.call("DELETE", f"/api/v1/kbs/{sample['id']}")
    async with serve(data) as server, client(server, await token(data)) as site:
        assert (await site.call("GET", "/api/v1/kbs"))[1]["kbs"] == []


async def test_two_servers_do_not_share_a_data_folder(tmp_path: Path) -> None:
    async with serve(tmp_path / "data", **QUIET):
        status, _, err = await run("serve", "--port", "0", "--data", str(tmp_path / "data"))
    assert status == 1
    assert "Another Footnote server" in err
    assert "Traceback" not in err


async def test_documents_and_a_draft_from_the_command_line(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    folder = tmp_path / "documents"
    folder.mkdir()
    for name, text in TOPICS.items():
        (folder / name).write_text(text)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    status, out, err = await run("ingest", "--data", data, "--kb", "Bids", str(folder))
    assert status == 1
    assert out.count("ready") == len(TOPICS)
    assert "broken.pdf" in err
    status, out, err = await run(
        "draft", "--data", data, "--kb", "Bids", "--type", "rfp_response", "How does sign-in work?",
        extractive_words_per_s=0,
    )  # fmt: skip
    assert status == 0, err
    assert out.startswith("## Executive Summary")
    assert "\n[1] " in out
    status, out, err = await run("ask", "--data", data, "--kb", "Bids", "Which OAuth with PKCE?")
    assert status == 0, err
    assert "OAuth 2.0 with PKCE" in out
    assert "1. oauth.md" in out
    status, out, err = await run("search", "--data", data, "audit log kept")
    assert status == 0, err
    assert "audit.md" in out
    status, _, err = await run("draft", "--data", data, "--kb", "Nothing", "x")
    assert status == 1
    assert "Bids" in err


async def test_a_summary_from_the_command_line(tmp_path: Path) -> None:
    data, notes = str(tmp_path / "data"), tmp_path / "notes.txt"
    notes.write_text("# Angina\n\nAngina is pain on effort. It goes away at rest.\n")
    fast = {"extractive_words_per_s": 0}
    status, out, err = await run("pipeline", "--data", data, str(notes), **fast)
    assert status == 0, err
    assert out.startswith("1. Angina\nHigh Yield\n- ")
    assert "Checking the form" in err
    status, out, err = await run("pipeline", "--data", data, "--type", "MCQ", str(notes))
    assert (status, out) == (1, "")
    assert "need a language model" in err


async def test_wrong_settings_are_all_named_at_once(tmp_path: Path) -> None:
    status, _, err = await run("serve", "--data", str(tmp_path), port="x", grace_s="-1")
    assert status == 1
    assert "FOOTNOTE_PORT" in err
    assert "FOOTNOTE_GRACE_S" in err
    assert "Traceback" not in err


async def test_a_folder_that_is_no_database_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "footnote.db").write_bytes(b"not a database, just some text" * 100)
    status, _, err = await run("serve", "--port", "0", "--data", str(tmp_path))
    assert status == 1
    assert "cannot be used" in err
    assert "Traceback" not in err
