"""The full-text index: what is found, in which knowledge base, and what is gone."""

from engine.storage import passages
from engine.storage.database import Database
from engine.storage.passages import Term
from engine.types import Id
from tests.indexing import new_kb, put, reader_of


async def found(database: Database, kb_ids: list[Id], *words: str, limit: int = 10) -> list[str]:
    """Return the texts found for words."""
    reader = await reader_of(database)
    async with database.read() as connection:
        hits = await passages.search(connection, reader, kb_ids, [Term(w) for w in words], limit)
    return [hit.source.text for hit in hits]


async def test_a_passage_is_found_by_another_ending_of_its_word(database: Database) -> None:
    kb = await new_kb(database, "one")
    await put(database, kb, "a.md", "Passwords are rotated.", "Offices in Berlin.")
    assert await found(database, [kb], "rotating") == ["Passwords are rotated."]


async def test_a_search_stays_in_its_knowledge_bases(database: Database) -> None:
    one, two, three = [await new_kb(database, name) for name in ("one", "two", "three")]
    for kb, text in ((one, "alpha one"), (two, "alpha two"), (three, "alpha three")):
        await put(database, kb, "a.md", text)
    assert await found(database, [one], "alpha") == ["alpha one"]
    assert sorted(await found(database, [one, three], "alpha")) == ["alpha one", "alpha three"]
    assert await found(database, [], "alpha") == []


async def test_ids_that_differ_in_an_ending_are_different_bases(database: Database) -> None:
    ids = ["kb", "kbs", "kbed", "kbing", "KB", "k b", 'k"b', "kbé", ""]
    for kb in ids:
        async with database.transaction() as tx:
            await tx.execute_fetchall(
                "insert into passages (rowid, scope, body) values (?, ?, 'word')",
                (len(kb.encode()) * 1000 + ids.index(kb), passages._scope(kb)),
            )
    async with database.read() as connection:
        for kb in ids:
            match = passages._match([kb], [Term("word")])
            rows = await connection.execute_fetchall(
                "select count(*) from passages where passages match ?", (match,)
            )
            assert [tuple(row) for row in rows] == [(1,)], kb


async def test_a_removed_version_is_not_found(database: Database) -> None:
    kb = await new_kb(database, "one")
    old = await put(database, kb, "a.md", "alpha old")
    await put(database, kb, "a.md", "alpha new")
    async with database.transaction() as tx:
        await passages.remove_version(tx, old.version_id)
    assert await found(database, [kb], "alpha") == ["alpha new"]


async def test_a_removed_document_takes_all_its_versions(database: Database) -> None:
    kb = await new_kb(database, "one")
    document = await put(database, kb, "a.md", "alpha old")
    await put(database, kb, "a.md", "alpha new")
    await put(database, kb, "b.md", "alpha other")
    async with database.transaction() as tx:
        await passages.remove_document(tx, document.id)
    assert await found(database, [kb], "alpha") == ["alpha other"]


async def test_a_removed_base_leaves_the_others(database: Database) -> None:
    one, two = await new_kb(database, "one"), await new_kb(database, "two")
    await put(database, one, "a.md", "alpha one")
    await put(database, two, "a.md", "alpha two")
    async with database.transaction() as tx:
        await passages.remove_kb(tx, one)
    assert await found(database, [one, two], "alpha") == ["alpha two"]


async def test_a_version_still_being_read_hides_none_of_the_readable_ones(
    database: Database,
) -> None:
    kb = await new_kb(database, "one")
    await put(database, kb, "new.md", *["alpha alpha"] * 40, status="processing")
    await put(database, kb, "old.md", "alpha and much else besides it", "alpha with other words")
    assert len(await found(database, [kb], "alpha", limit=2)) == 2
    assert "alpha alpha" not in await found(database, [kb], "alpha", limit=50)


async def test_the_frequency_of_a_term_counts_passages(database: Database) -> None:
    kb = await new_kb(database, "one")
    await put(database, kb, "a.md", "alpha alpha", "alpha beta", "gamma")
    terms = [Term("alpha"), Term("beta"), Term("missing"), Term("\U0001e900"), Term('"')]
    async with database.read() as connection:
        counted = await passages.frequencies(connection, terms)
        total = await passages.count(connection)
    assert (list(counted.values()), total) == ([2, 1, 0, 0, 0], 3)


async def test_a_term_is_never_an_operator(database: Database) -> None:
    kb = await new_kb(database, "one")
    await put(database, kb, "a.md", "or near not and")
    for word in ("OR", "NOT", "NEAR", "AND", 'near" OR body:"x', "near*", "^near", "ne\0ar", "("):
        await found(database, [kb], word)
    assert await found(database, [kb], "NEAR") == ["or near not and"]
