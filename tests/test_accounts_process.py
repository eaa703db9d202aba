"""Accounts from the command line, beside a running server, and a data folder of earlier days."""

import asyncio
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from engine.auth.credentials import expiry, fingerprint
from engine.storage.database import open_database
from tests.handlers.people import PASSWORD
from tests.handlers.site import open_site
from tests.process import ROOT, environment, run, serve

pytestmark = pytest.mark.slow

MIGRATIONS = ROOT / "engine/storage/migrations"


async def set_password(data: Path, name: str, password: str) -> int:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "server.py",
        "user",
        "password",
        name,
        "--data",
        str(data),
        cwd=ROOT,
        env=environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(60):
        await process.communicate(password.encode() + b"\n")
    return process.returncode or 0


async def test_a_user_is_added_and_shut_out_from_the_command_line(tmp_path: Path) -> None:
    data = tmp_path / "data"
    where = ("--data", str(data))
    async with serve(data, sample=False) as server, aiohttp.ClientSession() as session:
        login = server.base + "/api/v1/auth/login"
        status, out, err = await run("user", "add", "ada", *where)
        assert (status, "/login?link=" in out) == (0, True), err
        assert (await run("user", "add", "ada", *where))[0] == 1
        assert await set_password(data, "ada", "short") == 1
        assert await set_password(data, "ada", PASSWORD) == 0
        given = {"username": "ada", "password": PASSWORD}
        async with session.post(login, json=given) as response:
            pair = await response.json()
        bearer = {"Authorization": f"Bearer {pair['access_token']}"}
        me = server.base + "/api/v1/auth/me"
        async with session.get(me, headers=bearer) as response:
            assert response.status == 200
        assert (await run("user", "disable", "ada", *where))[0] == 0
        session.cookie_jar.clear()
        async with session.get(me, headers=bearer) as response:
            assert response.status == 401
        assert (await run("user", "enable", "ada", *where))[0] == 0
        async with session.post(login, json=given) as response:
            assert response.status == 200
        status, _, err = await run("user", "disable", "admin", *where)
        assert (status, "last administrator" in err) == (1, True)
        status, _, err = await run("user", "disable", "nobody", *where)
        assert (status, "no user of this name" in err) == (1, True)


def earlier(path: Path) -> None:
    """Make a database of the time when there was one administrator and no sharing."""
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as connection:
        for name in ("0001_initial.sql", "0002_passages.sql", "0003_conversations.sql"):
            connection.executescript((MIGRATIONS / name).read_text())
        now = "2026-01-01T00:00:00.000000+00:00"
        connection.execute("insert into users values ('u', 'admin', 1, ?)", (now,))
        for secret, kind in (("a link", "link"), ("a-session", "session"), ("a token", "token")):
            connection.execute(
                "insert into credentials values (?, 'u', ?, ?, ?, null)",
                (fingerprint(secret), kind, now, expiry(60)),
            )
        connection.execute(
            "insert into knowledge_bases values ('k', 'u', 'Old', 0, ?, ?)", (now, now)
        )
        connection.execute(
            "insert into runs (id, family, user_id, kb_id, state, request, request_hash,"
            " created_at, ended_at) values ('r', 'chat', 'u', 'k', 'completed', x'', '', ?, ?)",
            (now, now),
        )
        connection.execute("pragma user_version=3")
        connection.commit()


async def test_a_data_folder_of_earlier_days_keeps_its_owner_and_its_sign_ins(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    earlier(data / "footnote.db")
    async with open_site(data) as site, aiohttp.ClientSession() as session:
        for headers in (
            {"Authorization": "Bearer a token"},
            {"Cookie": "footnote_session=a-session"},
        ):
            async with session.get(site.base + "/api/v1/kbs", headers=headers) as response:
                [kb] = (await response.json())["kbs"]
                assert (kb["name"], kb["owner"], kb["level"]) == ("Old", "admin", "ADMIN")
        path = site.base + "/login?link=a%20link"
        async with session.get(path, allow_redirects=False) as response:
            assert response.status == 303
        _, runs = await site.call("GET", "/api/v1/runs")
        assert [run["id"] for run in runs["runs"]] == ["r"]
    async with open_database(data / "footnote.db") as database, database.read() as connection:
        rows = await connection.execute_fetchall("pragma foreign_key_check")
        assert list(rows) == []
