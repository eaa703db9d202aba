"""Whatever is sent to the API, the answer is one that its description names, and never a 500."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.process import run, serve

pytestmark = pytest.mark.slow


async def test_generated_requests_find_no_500_and_no_undocumented_answer(tmp_path: Path) -> None:
    data = tmp_path / "data"
    settings = {"extractive_words_per_s": 0, "pipeline_starts_per_minute": 100_000}
    async with serve(data, **settings) as server:
        _, secret, _ = await run("token", "--data", str(data))
        fuzz = await asyncio.create_subprocess_exec(
            Path(sys.executable).parent / "schemathesis",
            "run",
            f"{server.base}/api/openapi.json",
            "--header",
            f"Authorization: Bearer {secret.strip()}",
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance"
            ",response_schema_conformance",
            "--phases",
            "coverage",
            "--exclude-path-regex",
            "/logout$",
            "--request-timeout",
            "10",
            "--no-color",
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(240):
            report, _ = await fuzz.communicate()
        assert fuzz.returncode == 0, report.decode().rpartition("= FAILURES =")[2][:4000]
        assert server.process.returncode is None
