"""Markdown: the text stays exactly as it is, only its headings are looked up."""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token

from engine.ingest.kinds import MARKDOWN
from engine.ingest.parsed import Extracted, Heading

_FRONT_MATTER = re.compile(r"---\n(?:[^\n]*\n){0,200}?(?:---|\.\.\.)[^\S\n]*(?:\n|\Z)")
_INLINE_MARKUP = re.compile(
    r"!?\[([^\[\]\n]{0,300})\]\([^()\n]{0,500}\)|<[^<>\n]{1,200}>|[*`]|\\(?=[^\w\s])"
)
_UNSPACED_HEADING = re.compile(r"^( {0,3}#{2,6})(?=[^\s#])", re.MULTILINE)
_ATTRIBUTES = re.compile(r"\{[^{}\n]{0,200}\}$")


def read(text: str) -> Extracted:
    """Return Markdown `text` with its headings; text above the first heading is body, too."""
    body_start = _after_front_matter(text)
    headings = _headings(text, body_start)
    title = next((heading.title for heading in headings), None)
    return Extracted(MARKDOWN, title, text, headings, body_start=body_start)


def _after_front_matter(text: str) -> int:
    found = _FRONT_MATTER.match(text)
    return found.end() if found else 0


def _headings(text: str, body_start: int) -> list[Heading]:
    # Only blocks are parsed: what is inside a heading is cleaned by hand, the rest not looked at.
    # "##Scope" without a blank is none in CommonMark and still meant as one by whoever wrote it;
    # the blank goes into a copy, whose line numbers are the same.
    parser = MarkdownIt("commonmark").enable("table").disable("inline")
    body = text[body_start:]
    starts = _line_starts(body)
    tokens = parser.parse(_UNSPACED_HEADING.sub(r"\1 ", body))
    return [
        heading
        for opening, inline in _heading_tokens(tokens)
        if (heading := _heading(body, body_start, starts, opening, inline)) is not None
    ]


def _heading_tokens(tokens: list[Token]) -> list[tuple[Token, Token]]:
    pairs = zip(tokens, tokens[1:], strict=False)
    return [pair for pair in pairs if pair[0].type == "heading_open" and pair[0].level == 0]


def _heading(
    body: str, offset: int, starts: list[int], opening: Token, inline: Token
) -> Heading | None:
    if opening.map is None:
        return None
    first, last = opening.map
    start, end = starts[first], starts[last]
    title = _plain(inline.content)
    if not title:
        return None
    lead = len(body[start:end]) - len(body[start:end].lstrip())
    end = start + len(body[start:end].rstrip())
    return Heading(offset + start + lead, offset + end, int(opening.tag[1:]), title)


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    return starts


def _plain(inline: str) -> str:
    without = _INLINE_MARKUP.sub(
        lambda match: match.group(1) or "", _ATTRIBUTES.sub("", inline.rstrip())
    )
    return " ".join(without.lstrip("#").split())
