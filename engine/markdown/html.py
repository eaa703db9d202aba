"""The one renderer of record: Markdown from a model or a document becomes safe HTML.

Whatever the text is, the result holds only the elements and attributes named here, fetches nothing
and runs nothing. Raw HTML is text; an image is its alternative text; a link keeps its address only
for `http`, `https` and `mailto`; link references are off, so that a line such as `[1]: http://…`
cannot turn the markers of a draft into links.

A citation marker `[n]` becomes a button whose text is `[n]`, so that copied text keeps it.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, cast

import regex
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from engine.markdown.blocks import Block, BlockSplitter

MAX_FORMATTED_CHARS = 20_000

_MARKER = re.compile(r"\[([1-9][0-9]{0,2})\](?!\()")
_ALLOWED_LINK = re.compile(r"https?://|mailto:", re.IGNORECASE)
_LANGUAGE = re.compile(r"[a-z0-9+-]+")
_GLUED = regex.compile(
    # Scripts that put no space between words glue every marker to one, so there it counts.
    r"[[\p{L}\p{M}\p{N}_]--[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]]"
    r"(?:\[[^\[\]]*\])*$",
    regex.V1,
)
_REACH = 64


def render(source: str) -> str:
    """Return the HTML of a Markdown text, safe to put into a page.

    It is that of its blocks joined, so a page loaded later shows what was streamed, to the byte.
    """
    return "".join(map(render_block, blocks_of(source)))


def render_block(block: Block) -> str:
    """Return the HTML of one block; a piece of a longer list or table is shown as going on.

    A block of more than `MAX_FORMATTED_CHARS` characters is shown as it was written.
    """
    tokens = tokens_of(block)
    if tokens is None:
        return f'<p class="unformatted">{escapeHtml(block.source)}</p>\n'
    return cast(str, _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {}))


def tokens_of(block: Block) -> list[Token] | None:
    """Return the tokens of one block, or None when it is shown as it was written.

    A marker is a token `citation_marker` with its number as `info`. The rest of a table comes
    without a head; its table and the rest of a list go on where the block before ended.
    """
    if len(block.source) > MAX_FORMATTED_CHARS:
        return None
    tokens = _MARKDOWN.parse(block.head + block.source)
    if block.head:
        tokens = _without_head(tokens)
    if block.number is not None and tokens[0].type == "ordered_list_open":
        tokens[0].attrSet("start", block.number)
    return tokens


def plain(source: str) -> str:
    """Return the words alone: no Markdown, no markers; one line per block of text."""
    lines = (line for block in blocks_of(source) for line in _plain_lines(block))
    return "\n".join(filter(None, lines))


class _Renderer(RendererHTML):
    """Every element that differs from the library's plain one, by the name of its token."""

    def citation_marker(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        number = tokens[idx].info
        return (
            f'<button type="button" class="citation-marker" data-number="{number}"'
            f' data-testid="citation-marker" aria-label="Citation {number}">[{number}]</button>'
        )

    def image(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return escapeHtml(_text_of(tokens[idx].children, with_markers=True))

    def link_open(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        href = escapeHtml(str(tokens[idx].attrs["href"]))
        return f'<a href="{href}" rel="noopener noreferrer nofollow" target="_blank">'

    def th_open(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return f"<th{_alignment(tokens[idx])}>"

    def td_open(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return f"<td{_alignment(tokens[idx])}>"

    def fence(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        language = tokens[idx].info.strip().partition(" ")[0].lower()
        attribute = f' class="language-{language}"' if _LANGUAGE.fullmatch(language) else ""
        return f"<pre><code{attribute}>{escapeHtml(tokens[idx].content)}</code></pre>\n"


class _Markdown(MarkdownIt):
    def validateLink(self, url: str) -> bool:
        return bool(_ALLOWED_LINK.match(url))


def _marker_rule(state: StateInline, silent: bool) -> bool:
    """Read `[n]` where a link could stand; in the text of a link it stays text."""
    match = _MARKER.match(state.src, state.pos, state.posMax)
    if silent or match is None or state.linkLevel or not _may_be_marker(state.src, match):
        return False
    token = state.push("citation_marker", "", 0)
    token.info = match[1]
    state.pos = match.end()
    return True


def _may_be_marker(text: str, match: re.Match[str]) -> bool:
    """Whether `[n]` is neither an index, as in `a[1]` and `a[0][1]`, nor defines a link, `[1]: …`.

    These are the rules by which markers were found in the text when it was written, see
    `engine/citations/markers.py`.
    """
    before = text[max(0, match.start() - _REACH) : match.start()]
    opens_line = not before.rpartition("\n")[2].strip(" ")
    defines = opens_line and text.startswith(":", match.end())
    return not defines and _GLUED.search(before) is None


def _alignment(token: Token) -> str:
    side = str(token.attrs.get("style", "")).removeprefix("text-align:")
    return f' class="align-{side}"' if side else ""


def _without_head(tokens: list[Token]) -> list[Token]:
    """Take the head out of a table's tokens and say that the table goes on."""
    if tokens[0].type != "table_open":
        return tokens
    tokens[0].attrSet("class", "continued")
    closing = next(i for i, token in enumerate(tokens) if token.type == "thead_close")
    return tokens[:1] + tokens[closing + 1 :]


def blocks_of(source: str) -> list[Block]:
    """Return the blocks of a whole text."""
    splitter = BlockSplitter()
    return splitter.feed(source) + splitter.close()


def _plain_lines(block: Block) -> Iterable[str]:
    if len(block.source) > MAX_FORMATTED_CHARS:
        return [block.source.strip()]
    return map(_plain_line, _MARKDOWN.parse(block.source))


def _plain_line(token: Token) -> str:
    if token.type in ("fence", "code_block"):
        return token.content.strip()
    return _text_of(token.children, with_markers=False).strip()


def _text_of(tokens: Sequence[Token] | None, *, with_markers: bool) -> str:
    parts = [""]
    for token in tokens or ():
        match token.type:
            case "text" | "code_inline":
                parts.append(token.content)
            case "softbreak" | "hardbreak":
                parts.append(" ")
            case "image":
                parts.append(_text_of(token.children, with_markers=with_markers))
            case "citation_marker" if with_markers:
                parts.append(f"[{token.info}]")
            case "citation_marker":
                parts[-1] = parts[-1].rstrip()
    return "".join(parts)


def _build() -> MarkdownIt:
    options = {"html": False, "xhtmlOut": False}
    markdown = _Markdown("commonmark", options, renderer_cls=_Renderer)
    markdown.enable(["table", "strikethrough"])
    markdown.disable(["reference", "html_block", "html_inline"])
    markdown.inline.ruler.before("link", "citation_marker", _marker_rule)
    return markdown


_MARKDOWN = _build()
