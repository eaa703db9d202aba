import time
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html as lxml_html

from engine.markdown.html import MAX_FORMATTED_CHARS, plain, render
from tests.hostile_texts import HOSTILE

ALLOWED = {
    "a": {"href", "rel", "target"},
    "button": {"type", "class", "data-number", "data-testid", "aria-label"},
    "code": {"class"},
    "ol": {"start"},
    "p": {"class"},
    "table": {"class"},
    "td": {"class"},
    "th": {"class"},
    **dict.fromkeys("blockquote br em h1 h2 h3 h4 h5 h6 hr li pre s strong".split(), set[str]()),
    **dict.fromkeys("tbody thead tr ul".split(), set[str]()),
}


def faults(html: str) -> list[str]:
    """Return everything in the HTML that is not on the list of what may be there."""
    root = lxml_html.fragment_fromstring(html.replace("\ud800", "?"), create_parent="div")
    found = []
    for element in root.iterdescendants():
        allowed = ALLOWED.get(element.tag) if isinstance(element.tag, str) else None
        if allowed is None:
            found.append(str(element.tag))
            continue
        found += [f"{element.tag} {name}" for name in element.attrib if name not in allowed]
        href = element.get("href")
        if href is not None and urlsplit(href).scheme not in ("http", "https", "mailto"):
            found.append(href)
    return found


def text_of(html: str) -> str:
    return str(lxml_html.fragment_fromstring(html, create_parent="div").text_content()).strip()


def marker(number: int) -> str:
    return (
        f'<button type="button" class="citation-marker" data-number="{number}"'
        f' data-testid="citation-marker" aria-label="Citation {number}">[{number}]</button>'
    )


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_is_harmless_at_every_prefix(hostile: str) -> None:
    text = f"Before [1] {hostile}\n\n{hostile}\n\nafter"
    for end in range(len(text) + 1):
        assert faults(render(text[:end])) == [], text[:end]


@given(st.lists(st.sampled_from(HOSTILE), min_size=2, max_size=3), st.data())
def test_hostile_text_cut_and_joined_at_random_is_harmless(
    pieces: list[str], data: st.DataObject
) -> None:
    cut = [piece[: data.draw(st.integers(1, len(piece)))] for piece in pieces]
    assert faults(render("".join(cut))) == []


@given(st.text(alphabet="[]()<>!*_`~#|-:&;\\\"' \t\n\x00a1=", max_size=60))
def test_random_punctuation_is_harmless(text: str) -> None:
    assert faults(render(text)) == []


def test_the_check_itself_notices_what_is_forbidden() -> None:
    assert faults("<img src=x>") == ["img"]
    assert faults("<p style='x'>") == ["p style"]
    assert faults("<a href='javascript:1'>x</a>") == ["javascript:1"]
    assert faults("<a href='//evil.example'>x</a>") == ["//evil.example"]


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "[x](javascript:alert(1))", "x<y>"])
def test_what_is_not_allowed_is_shown_as_it_was_written(text: str) -> None:
    assert text_of(render(text)) == text


def test_an_image_is_its_alternative_text() -> None:
    assert render("see ![the *plan* [1]](https://x.example/a.png)") == "<p>see the plan [1]</p>\n"


def test_a_link_opens_elsewhere_and_tells_nothing_about_this_page() -> None:
    assert render("[docs](https://x.example/?a=1&b=2 'title')") == (
        '<p><a href="https://x.example/?a=1&amp;b=2" rel="noopener noreferrer nofollow"'
        ' target="_blank">docs</a></p>\n'
    )


def test_an_address_in_text_is_not_made_a_link() -> None:
    assert render("see https://x.example") == "<p>see https://x.example</p>\n"


def test_markers_become_buttons_that_copy_as_their_text() -> None:
    assert render("It works [1][12].") == f"<p>It works {marker(1)}{marker(12)}.</p>\n"
    assert text_of(render("It works [1][12].")) == "It works [1][12]."


@pytest.mark.parametrize(
    "text",
    [
        "# T [3]",
        "- a [3]",
        "> q [3]",
        "**b [3]**",
        "|a|\n|-|\n|x [3]|",
        "漢字[3]。",
        "[x][3]",
        "a [1][2][3]",
        "x [3]: y",
    ],
)
def test_markers_are_found_wherever_text_stands(text: str) -> None:
    assert marker(3) in render(text)


@pytest.mark.parametrize(
    "text",
    [
        "a[1]", "arr_[1]", "`x[2]`", "```\n[1]\n```", "    [1]", "[1](https://x.example)",
        "\\[1\\]",
        "[[1]](https://x.example)", "[see [1] there](https://x.example)", "[^1]", "[ ]", "[0]",
        "[FIPS140]", "[01]", "[1](not a link)", "[1 ]", "[-1]", "![[1]](http://x.example)",
        "[1234]", "a[0][1]", "[1]: x", "[2024]", "[١]",
    ],
)  # fmt: skip
def test_what_only_looks_like_a_marker_stays_text(text: str) -> None:
    assert "citation-marker" not in render(text)


def test_a_definition_cannot_turn_markers_into_links() -> None:
    html = render("As shown [1].\n\n[1]: https://evil.example")
    assert "<a " not in html
    assert html.count(marker(1)) == 1


@pytest.mark.parametrize(
    ("info", "attribute"),
    [
        ("python", ' class="language-python"'),
        ("C++ title", ' class="language-c++"'),
        ("", ""),
        ('x"y', ""),
        ("a&amp;b", ""),
        ("é", ""),
    ],
)
def test_a_fence_names_its_language_only_in_plain_characters(info: str, attribute: str) -> None:
    assert render(f"```{info}\nx\n```") == f"<pre><code{attribute}>x\n</code></pre>\n"


def test_columns_of_a_table_are_aligned_by_class() -> None:
    html = render("|a|b|c|\n|:-|:-:|-|\n|1|2|3|")
    assert '<th class="align-left">a</th>' in html
    assert '<td class="align-center">2</td>' in html
    assert "<td>3</td>" in html


def test_plain_text_has_no_markdown_and_no_markers() -> None:
    text = "# Access [2]\n\nUse **OAuth** `v2` [1][3], see\n[docs](http://x) ![a](http://b) [1]."
    assert plain(text) == "Access\nUse OAuth v2, see docs a."
    assert plain("```\ncode\n```\n\n- one [1]\n- two") == "code\none\ntwo"
    assert plain("") == ""


def test_a_block_too_long_to_format_is_shown_as_it_was_written() -> None:
    text = "**a** <b> " * (MAX_FORMATTED_CHARS // 9)
    html = render(text)
    assert text_of(html) == text.strip()
    assert html.startswith('<p class="unformatted">**a** &lt;b&gt;')


@pytest.mark.parametrize(
    "pattern", ["[", "![", "*", "_*", ">", "`", "`a``", "[a](", "<", "&#x", "|", "- ", "[[1]]("]
)
def test_a_megabyte_of_punctuation_is_rendered_at_once(pattern: str) -> None:
    text = (pattern * 1_000_000)[:1_000_000]
    begun = time.process_time()
    assert faults(render(text)[:200_000]) == []
    assert time.process_time() - begun < 2


@pytest.mark.parametrize("pattern", ["[", "![", "*a_ ", "_*", "`a``", "[a](b", "*a** ", "- ", "> "])
def test_the_longest_formatted_block_takes_time_in_proportion(pattern: str) -> None:
    def seconds(size: int) -> float:
        text = (pattern * size)[:size]
        begun = time.process_time()
        render(text)
        return time.process_time() - begun

    small = min(seconds(MAX_FORMATTED_CHARS // 8) for _ in range(3))
    assert seconds(MAX_FORMATTED_CHARS) < 8 * 3 * small + 0.1
