"""Questions in a person's words: safe, ranked, scored, and good enough on public collections."""

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.language.stems import passage_forms, question_forms
from engine.retrieval.query import choose, question_terms
from engine.retrieval.search import Retriever
from engine.storage.database import Database
from engine.storage.passages import Term
from tests.indexing import new_kb, put, reader_of

ROOT = Path(__file__).parent.parent.parent
COLLECTIONS = ROOT.parent / "shared" / "data" / "ir"

SECURITY = [
    "All administrators authenticate with hardware tokens and a password of twelve characters.",
    "Backups are encrypted and copied to a second data centre every night.",
    "The company was founded in Tallinn and employs ninety people.",
    "Incidents are reported to the customer within four hours of their discovery.",
]


HOSTILE = [
    "",
    "   ",
    "AND OR NOT NEAR",
    'NEAR("a" "b", 3)',
    '"',
    '"unbalanced',
    "((((",
    "a* OR ^b",
    "scope:kb1 OR body:secret",
    "-- ; drop table passages",
    "😀 🏳️‍🌈 ❤️",
    "\0",
    "backups\0encrypted",
    "\ud800 \udfff",
    "the of and to",
    "{title} : x",
    "٣ ½ ² Ⅷ",
    "\U0001e900\U0001e901",
    "x" * 10_000,
    "backup encrypted " * 600,
    " ".join(f"word{n}" for n in range(1500)),
    "漢" * 10_000,
    "( \" ' * ^ : - + , . ) " * 450,
]


@pytest.mark.parametrize("query", HOSTILE, ids=range(len(HOSTILE)))
async def test_a_hostile_question_is_answered(database: Database, query: str) -> None:
    kb = await new_kb(database, "one")
    await put(database, kb, "security.md", *SECURITY)
    sources = await Retriever(database).search(await reader_of(database), [kb], query, 5)
    assert all(0 <= source.score <= 1 for source in sources)


async def test_a_question_without_words_finds_nothing(database: Database) -> None:
    kb = await new_kb(database, "one")
    await put(database, kb, "security.md", *SECURITY)
    for query in ("", '"" * ()', "😀"):
        assert await Retriever(database).search(await reader_of(database), [kb], query, 5) == []


async def test_words_inside_quotes_and_operators_are_found(database: Database) -> None:
    kb = await new_kb(database, "one")
    await put(database, kb, "security.md", *SECURITY)
    sources = await Retriever(database).search(
        await reader_of(database), [kb], 'NOT "backups" AND (encrypted*', 5
    )
    assert sources[0].text == SECURITY[1]


async def test_scores_fall_from_a_good_best_one(database: Database) -> None:
    kb = await new_kb(database, "one")
    await put(database, kb, "security.md", *SECURITY)
    query = "How do administrators authenticate, and are backups encrypted?"
    scores = [
        source.score
        for source in await Retriever(database).search(await reader_of(database), [kb], query, 5)
    ]
    assert len(scores) >= 2
    assert scores == sorted(scores, reverse=True)
    query = "How many hours until incidents are reported?"
    assert (await Retriever(database).search(await reader_of(database), [kb], query, 5))[
        0
    ].score >= 0.8


async def test_a_question_of_other_things_scores_near_nothing(database: Database) -> None:
    kb = await new_kb(database, "one")
    await put(database, kb, "security.md", *SECURITY)
    query = "Which people grow the best tomatoes in a greenhouse near Palermo?"
    sources = await Retriever(database).search(await reader_of(database), [kb], query, 5)
    assert all(source.score < 0.2 for source in sources)


async def test_words_that_are_nowhere_do_not_decide_in_a_tiny_base(database: Database) -> None:
    reader = await reader_of(database)
    kb_id = await new_kb(database, "Tiny")
    await put(database, kb_id, "a.md", "Sign-in uses OAuth 2.0 with PKCE since 2021.")
    question = "How does sign-in work with OAuth 2.0?"
    found = await Retriever(database).search(reader, [kb_id], question, 3)
    assert found
    assert found[0].score > 0.5


async def test_a_source_says_where_it_stands(database: Database) -> None:
    kb = await new_kb(database, "one")
    document = await put(database, kb, "security.md", *SECURITY)
    source = (
        await Retriever(database).search(await reader_of(database), [kb], "hardware tokens", 1)
    )[0]
    assert (source.document_id, source.document_name) == (document.id, "security.md")
    assert (source.kb_id, source.version, source.page, source.section) == (kb, 1, 1, "Part")
    assert (source.char_start, source.char_end) == (0, len(SECURITY[0]))


async def test_a_search_never_leaves_its_bases(database: Database) -> None:
    one, two = await new_kb(database, "one"), await new_kb(database, "two")
    await put(database, one, "a.md", SECURITY[2])
    await put(database, two, "b.md", SECURITY[0])
    assert (
        await Retriever(database).search(await reader_of(database), [one], "hardware tokens", 5)
        == []
    )
    both = await Retriever(database).search(
        await reader_of(database), [one, two], "hardware tokens", 5
    )
    assert [source.kb_id for source in both] == [two]


async def test_passages_come_in_the_order_asked(database: Database) -> None:
    one, two = await new_kb(database, "one"), await new_kb(database, "two")
    await put(database, one, "a.md", *SECURITY)
    await put(database, two, "b.md", "somebody else's")
    retriever = Retriever(database)
    ids = [
        source.chunk_id for source in await retriever.leading(await reader_of(database), one, 10)
    ]
    foreign = (await retriever.leading(await reader_of(database), two, 1))[0].chunk_id
    sources = await retriever.passages(
        await reader_of(database), one, [ids[2], "missing", foreign, ids[0]]
    )
    assert [source.text for source in sources] == [SECURITY[2], SECURITY[0]]


async def test_leading_passages_are_in_reading_order(database: Database) -> None:
    kb = await new_kb(database, "one")
    await put(database, kb, "a.md", *SECURITY)
    await put(database, kb, "b.md", "not ready", status="processing")
    retriever = Retriever(database)
    first = await retriever.leading(await reader_of(database), kb, 2)
    assert [source.text for source in first] == SECURITY[:2]
    rest = await retriever.leading(
        await reader_of(database), kb, 9, exclude=frozenset(s.chunk_id for s in first)
    )
    assert [source.text for source in rest] == SECURITY[2:]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Die Häuser der Stadt wurden nach dem Krieg gebaut.", "Wann wurde das Haus gebaut?"),
        ("Пароли сотрудников меняются каждый год.", "Как часто меняется пароль?"),
        ("所有数据在传输中加密，并保存在NFL中心。", "数据如何加密？"),
        ("ข้อมูลทั้งหมดถูกเข้ารหัสระหว่างการส่ง", "การเข้ารหัสข้อมูล"),
        ("सभी पासवर्ड हर साल बदले जाते हैं।", "पासवर्ड कब बदले?"),
    ],
)
async def test_other_languages_are_found_beside_english(
    database: Database, text: str, question: str
) -> None:
    kb = await new_kb(database, "one")
    await put(database, kb, "security.md", *SECURITY, text)
    assert (await Retriever(database).search(await reader_of(database), [kb], question, 3))[
        0
    ].text == text


def test_english_has_no_forms_of_other_languages() -> None:
    assert passage_forms(" ".join(SECURITY)) == []
    assert question_forms("What is the price of the house?") == []


@given(st.text())
def test_any_text_has_terms(text: str) -> None:
    terms = question_terms(text)
    assert all(term.text and '"' not in term.text for term in terms)


def test_stop_words_are_looked_for_when_there_is_nothing_else() -> None:
    assert question_terms("to be or not to be")[Term("not")] == 1
    assert Term("the") not in question_terms("the vendor")
    assert Term("who") in question_terms("who is it")


def test_the_commonest_words_are_left_out_of_a_large_search() -> None:
    counts = Counter({Term(word): 1 for word in ("common", "usual", "some", "rare", "absent")})
    frequencies = dict(zip(counts, (19_000, 15_000, 4_000, 3, 0), strict=True))
    chosen = choose(counts, frequencies, 50_000)
    assert [term.text for term in chosen] == ["rare", "some", "usual"]


@pytest.mark.slow
@pytest.mark.skipif(not COLLECTIONS.exists(), reason="the collections are not here")
@pytest.mark.parametrize(
    ("name", "floor"), [("cranfield", (0.397, 0.413, 0.747)), ("xquad_en", (0.9685, 0.992, 0.9955))]
)
async def test_quality_on_a_collection(
    database: Database, name: str, floor: tuple[float, float, float]
) -> None:
    bench = _bench()
    collection = bench.load(COLLECTIONS / name)
    kb = await bench.index(database, name, collection.rows)
    figures = await bench.measure(Retriever(database), await reader_of(database), kb, collection)
    assert all(value >= least for value, least in zip(figures, floor, strict=True)), figures


def _bench() -> ModuleType:
    spec = importlib.util.spec_from_file_location("bench_retrieval", ROOT / "bench/retrieval.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
