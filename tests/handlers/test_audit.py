"""The audit log: complete, without text, for administrators alone, and never changed."""

import csv
import io
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from engine.flows.audit import Action
from engine.storage.identities import User
from engine.types import utc_now
from tests.handlers.site import Site, open_site

LOG = "/api/v1/admin/audit"
CANARY = "Zanzibar-canary"


async def entries(site: Site, query: str = "") -> list[dict[str, Any]]:
    status, found = await site.call("GET", LOG + query)
    assert status == 200, found
    return list(found["entries"])


async def test_everything_that_writes_is_entered_once_and_without_text(site: Site) -> None:
    before = len(await entries(site))
    [uploaded] = await site.upload(site.topics, {"new.md": f"# {CANARY}\n\nSign-in words."})
    await site.ready(uploaded["id"])
    frames = await site.generate(site.topics, context=f"sign-in {CANARY}")
    question = {"query": f"sign-in {CANARY}"}
    await site.call("POST", "/api/v1/query", question)
    await site.call("POST", "/api/v1/search", question)
    await site.call("POST", "/api/chat", question | {"corpus_id": site.topics})
    found = await entries(site)
    assert [(e["action"], e["detail"]) for e in found[: len(found) - before]] == [
        ("generated", "chat"),
        ("generated", "search"),
        ("generated", "query"),
        ("generated", "generate"),
        ("uploaded", ""),
    ]
    draft = next(e for e in found if e["detail"] == "generate")
    assert draft["subject"] == next(f["draft_id"] for f in frames if "draft_id" in f)
    assert (draft["kb_id"], draft["username"]) == (site.topics, "admin")
    assert draft["address"] == "127.0.0.1"
    assert draft["at"] <= utc_now()
    assert CANARY not in str(found)


async def test_an_entry_names_the_request_it_came_from(site: Site) -> None:
    async with site.session.post(site.base + "/api/v1/query", json={"query": "x"}) as response:
        request_id = response.headers["X-Request-Id"]
    assert (await entries(site))[0]["request_id"] == request_id


async def test_what_is_refused_and_what_joins_a_run_is_no_entry(site: Site) -> None:
    before = len(await entries(site))
    await site.call("POST", "/api/v1/generate", {"kb_id": "nowhere", "document_type": "custom"})
    assert len(await entries(site)) == before
    for _ in range(2):
        await site.call("POST", "/api/v1/query", {"query": "x"}, headers={"Idempotency-Key": "k"})
    assert len(await entries(site)) == before + 1


async def test_entries_are_found_by_user_action_and_time(site: Site) -> None:
    await site.engine.audit.record(Action.SIGN_IN_FAILED, username="mallory")
    middle = utc_now()
    await site.engine.audit.record(Action.EXPORTED, username="ann", subject="d", detail="docx")
    assert [e["username"] for e in await entries(site, "?user=mallory")] == ["mallory"]
    assert [e["username"] for e in await entries(site, "?action=exported")] == ["ann"]
    moment = middle.replace("+", "%2B")
    assert [e["action"] for e in await entries(site, f"?from={moment}")] == ["exported"]
    assert "exported" not in {e["action"] for e in await entries(site, f"?to={moment}")}
    today = middle[:10]
    assert len(await entries(site, f"?from={today}&to={today}")) >= 2
    status, answer = await site.call("GET", LOG + "?from=yesterday")
    assert (status, answer["error"]["field"]) == (400, "from")


async def test_generations_have_a_list_of_their_own(site: Site) -> None:
    await site.engine.audit.record(Action.SHARED, username="ann")
    await site.call("POST", "/api/v1/query", {"query": "x"})
    _, found = await site.call("GET", LOG + "/generation?action=shared")
    assert {entry["action"] for entry in found["entries"]} == {"generated"}


async def test_pages_follow_each_other_without_gap_or_repeat(site: Site) -> None:
    for number in range(7):
        await site.engine.audit.record(Action.SHARED, username=f"u{number}")
    names: list[str] = []
    before = ""
    while before is not None:
        _, page = await site.call("GET", f"{LOG}?action=shared&limit=3&before={before or 10**9}")
        names += [entry["username"] for entry in page["entries"]]
        before = page["next"]
    assert names == [f"u{number}" for number in range(6, -1, -1)]


async def test_a_spreadsheet_finds_no_formula_in_it(site: Site) -> None:
    names = ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://evil.example")', 'a"b,c']
    for name in names:
        await site.engine.audit.record(Action.SIGN_IN_FAILED, username=name)
    async with site.session.get(site.base + LOG + "?format=csv") as response:
        assert response.content_type == "text/csv"
        assert "attachment" in response.headers["Content-Disposition"]
        rows = list(csv.reader(io.StringIO(await response.text())))
    column = rows[0].index("username")
    found = [row[column] for row in rows[1:]]
    assert set(names) <= {cell.removeprefix("'") for cell in found}
    assert not any(cell[:1] in "=+-@\t\r" for row in rows for cell in row if cell)


@pytest.mark.parametrize("name", ["a\r\nb", "a" * 10_000, "\u202eevil", "\ud800", "a\0b", "😀"])
async def test_whatever_somebody_types_as_a_name_is_one_short_line(site: Site, name: str) -> None:
    await site.engine.audit.record(Action.SIGN_IN_FAILED, username=name)
    [entry] = await entries(site, "?action=sign_in_failed")
    assert entry["username"].isprintable() and len(entry["username"]) <= 200


async def test_only_administrators_may_read_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async with aiohttp.ClientSession() as nobody:
        for path in (LOG, LOG + "/generation", LOG + "?format=csv"):
            async with nobody.get(site.base + path) as response:
                assert response.status == 401

    def is_no_admin(self: User) -> bool:
        return False

    monkeypatch.setattr(User, "is_admin", property(is_no_admin))
    for path in (LOG, LOG + "/generation", LOG + "?format=csv"):
        assert (await site.call("GET", path))[0] == 403


def database(data: Path) -> sqlite3.Connection:
    return sqlite3.connect(data / "footnote.db", isolation_level=None)


@pytest.mark.parametrize(
    "statement",
    [
        "update audit set username = 'x'",
        "update audit set at = '2000-01-01' where id = 1",
        "delete from audit",
        "delete from audit where id = 1",
        "insert or replace into audit (id, at, action) values (1, '2000-01-01', 'x')",
        "update audit_kept_since set at = '9999-01-01'",
        "delete from audit_kept_since",
    ],
)
async def test_the_database_itself_refuses_to_change_it(data: Path, statement: str) -> None:
    async with open_site(data) as site:
        await site.call("POST", "/api/v1/query", {"query": "x"})
        before = await entries(site)
    with closing(database(data)) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="audit log"):
            connection.execute(statement)
    async with open_site(data) as site:
        assert (await entries(site))[-len(before) :] == before


async def test_old_entries_go_and_young_ones_stay(data: Path) -> None:
    async with open_site(data, audit_days=30) as site:
        await site.call("POST", "/api/v1/query", {"query": "x"})
        async with site.engine.database.transaction() as tx:
            for at in ("2020-01-01T00:00:00", "2021-01-01T00:00:00"):
                await tx.execute_fetchall(
                    "insert into audit (at, action) values (?, 'shared')", (at,)
                )
        assert len(await entries(site, "?action=shared")) == 2
        kept = len(await entries(site)) - 2
        await site.engine.audit.prune()
        assert await entries(site, "?action=shared") == []
        assert len(await entries(site)) == kept


async def test_a_busy_log_prunes_itself(data: Path) -> None:
    async with open_site(data, audit_days=30) as site:
        async with site.engine.database.transaction() as tx:
            await tx.execute_fetchall(
                "insert into audit (at, action) values ('2020-01-01', 'shared')"
            )
            for _ in range(256):
                await site.engine.audit.note(tx, Action.SIGNED_IN)
        assert await entries(site, "?action=shared") == []
