"""The server as it comes: an empty folder, no model, no settings."""

from pathlib import Path

import aiohttp
import pytest

from tests.process import client, serve
from tests.test_process import token

QUESTION = {"query": "How do staff accounts sign in, and which second factor do they need?"}


@pytest.mark.slow
async def test_a_fresh_server_is_healthy_and_answers_from_its_documents_all_009(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    async with serve(data) as server:
        async with aiohttp.ClientSession() as anybody:
            async with anybody.get(f"{server.base}/healthz") as response:
                assert response.status == 200
        async with client(server, await token(data)) as site:
            [sample] = (await site.call("GET", "/api/v1/kbs"))[1]["kbs"]
            _, listed = await site.call("GET", f"/api/v1/kbs/{sample['id']}/documents")
            for document in listed["documents"]:
                assert (await site.ready(document["id"]))["status"] == "ready"
            status, found = await site.call("POST", "/query", QUESTION)
    assert status == 200
    assert "authentication" in found["answer"]
    names = {document["name"] for document in listed["documents"]}
    assert found["citations"]
    assert {one["filename"] for one in found["citations"]} <= names
