from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ingest import html
from engine.ingest.parsed import ParseFailed

PAGE = """<!doctype html><title> My
page </title><style>.x{}</style><body><nav>menu</nav><header>site</header><script>var x</script>
<article><header><h1>Big <b>T</b>itle</h1></header>
<p>Hello <b>wor</b>ld,<br>next &amp; <!-- c -->last.</p>
<ul><li>one<li>two<ul><li>inner</ul></li><li><p>three</p></ul>
<table><tr><th>Role<th>Rate<tr><td>Lead<td><p>$</p><p>100</p></table>
<pre>  a
   b</pre>
<h2>Sub</h2><div hidden>no</div><p aria-hidden=true>no</p><div style="Display : NONE">no</div>tail
</article><aside>no</aside><footer>no</footer>"""


def test_a_page_reads_as_its_reader_sees_it() -> None:
    document = html.read(PAGE.encode())
    assert document.text == (
        "Big Title\n\nHello world,\nnext & last.\n\n- one\n- two\n- inner\n- three\n\n"
        "| Role | Rate |\n| Lead | $ 100 |\n\na\n   b\n\nSub\n\ntail"
    )
    assert [(h.level, document.text[h.start : h.end]) for h in document.headings] == [
        (1, "Big Title"),
        (2, "Sub"),
    ]
    assert document.title == "My page"


@pytest.mark.parametrize("encoding", ["utf-8", "windows-1252", "utf-16"])
def test_the_named_or_visible_encoding_is_used(encoding: str) -> None:
    page = f"<!doctype html><meta charset={encoding}><p>Größe</p>"
    assert html.read(page.encode(encoding)).text == "Größe"


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 200_000 + "deep",
        "<p>start" + "<b>" * 200_000,
        "<table><tr><td>" * 100_000,
        "<p " + "a=1 " * 200_000 + ">x",
        "<" * 500_000,
        "<ul><li>" * 100_000 + "x",
        "<!--" * 200_000,
        "<select>" * 100_000,
    ],
)
def test_hostile_pages_end_quickly(page: str) -> None:
    before = process_time()
    try:
        html.read(b"<!doctype html>" + page.encode())
    except ParseFailed:
        pass
    assert process_time() - before < 5


TAGS = st.sampled_from(
    ["<p>", "</p>", "<h2>", "</h2>", "<li>", "<ul>", "</ul>", "<table>", "<tr>", "<td>", "</table>"]
    + ["<pre>", "</pre>", "<br>", "word ", "\n", "<header>", "<div hidden>", "</div>", "&lt;", "é"]
)


@given(st.lists(TAGS, max_size=40).map("".join))
def test_headings_stand_where_they_say(page: str) -> None:
    document = html.read(("<!doctype html><p>x" + page).encode())
    assert all(document.text[h.start : h.end] == h.title for h in document.headings)
