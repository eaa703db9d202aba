"""What may be quoted from a passage: whole sentences of paragraphs and list items, as exact slices.

A draft made of quotations can only be as good as what it quotes, so this is strict: no headings,
tables, code, fragments, questions or boilerplate, and nothing that Markdown or the marker parser
could read as more than words.
"""

import re
from collections.abc import Iterator
from typing import Literal

import msgspec

from engine.language.sentences import sentence_spans
from engine.language.words import terms, tokens
from engine.types import Source
from engine.writers import wording

MIN_WORDS, MAX_WORDS = 6, 60
_MAX_CHARACTERS = 600
_MAX_LIST_WORDS = 110

_LINE = re.compile(r"[^\n]+\n?|\n")
_FENCE = re.compile(r"```|~~~")
_UNDERLINE = re.compile(r"=+$|-{2,}$")
_NOT_PROSE = re.compile(
    r"#|[|>]|<[A-Za-z/!?]|[^|]*\|[^|]*\||[^\t]*\S\t+\S|([-*_] ?){3,}$|:?-+:?$|\["
)
_ITEM = re.compile(r"\s*(?:[-+*•–▪◦‣·]|\(?\d{1,3}[.)]|\(?[a-z][.)]|\(?[ivx]{2,4}[.)])\s+")
_CLAUSE_NUMBER = re.compile(
    r"(?:§\s*)?\d{1,3}(?:\.\d{1,3})+\.?\s+|\d{1,3}[.)]\s+|\([a-z0-9]{1,3}\)\s+"
)

_ENDS = re.compile(r"[.!…。！।؟۔][\"”’»')\]*_]*$")
_QUESTION = re.compile(r"[?？؟][\"”’»')\]*_]*$")
_UNFIT = re.compile(
    r"[\[\]【】［］<>|\\]|``|\.{4}|\{\{|_{3}|…{2}|://\S{60}"
    r"|[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufffd\ud800-\udfff]"
    r"|\n\s*(?:[#>=~]|[-+*•]\s|-+\s*$|\d{1,9}[.)]\s|\n)"
)
_LINK = re.compile(
    r"(?<!!)\[{1,2}(?!source)([^\[\]\n]{0,60}?[^\W\d_][^\[\]\n]{0,60})\]{1,2}"
    r"\(https?://[\w./#?=&%~+-]{1,200}\)",
    re.IGNORECASE,
)
_BLOCK_START = re.compile(r"[#>=~]|[-+*•]\s|-+$|\d{1,9}[.)]\s")
_BOILERPLATE = re.compile(
    r"©|\(c\) (?:19|20)\d\d|copyright|all rights reserved|\bpage \d+ of \d+|table of contents"
    r"|this page (?:is )?intentionally|click here|cookies? policy|lorem ipsum",
    re.IGNORECASE,
)
_PAIRS = ("()", "{}", "“”", "«»")


class Statement(msgspec.Struct, frozen=True):
    """A quotable sentence: `text` is a slice of passage `source` (its position from 1) at `start`.

    `place` counts the sentences of the passage, quotable or not, so neighbours differ by 1; `block`
    numbers its paragraphs and lists. `items` of a sentence that opens a list are the slices of the
    list. What the marks from `is_labelled` on mean is said in `wording.py`.
    """

    source: int
    start: int
    text: str
    place: int
    block: int
    terms: frozenset[str]
    words: int
    items: tuple[str, ...] = ()
    is_item: bool = False
    is_labelled: bool = False
    leans: bool = False
    refers: bool = False
    demands: bool = False
    asks: bool = False


class _Block(msgspec.Struct, frozen=True):
    kind: Literal["prose", "item"]
    start: int
    end: int
    group: int
    """Number of the paragraph, or of the whole list for items."""


def statements(number: int, source: Source) -> list[Statement]:
    """Return the quotable sentences of a passage in order; `number` is its position from 1."""
    found: list[Statement] = []
    place, opener, opened = 0, "", -1
    blocks = list(_blocks(source.text))
    for index, block in enumerate(blocks):
        for start, end in _sentences(source.text, block):
            place += 1
            text = source.text[start:end]
            if block.kind == "item" and block.group == opened and wording.needs(text, opener):
                continue
            items = _list_under(source.text, blocks, index) if text.endswith(":") else ()
            if text.endswith(":"):
                opener, opened = text, block.group + 1
            if _is_quotable(text, block, items):
                found.append(_statement(number, start, text, place, block, items))
    return found


def _statement(
    number: int, start: int, text: str, place: int, block: _Block, items: tuple[str, ...]
) -> Statement:
    whole = " ".join((text, *items))
    words = tokens(text)
    return Statement(
        source=number,
        start=start,
        text=text,
        place=place,
        block=block.group,
        terms=frozenset(terms(whole)),
        words=len(whole.split()),
        items=items,
        is_item=block.kind == "item",
        is_labelled=wording.is_labelled(text),
        leans=wording.leans(text, words),
        refers=wording.refers(text),
        demands=wording.demands(text),
        asks=wording.asks(text),
    )


def _is_quotable(text: str, block: _Block, items: tuple[str, ...]) -> bool:
    if not MIN_WORDS <= len(text.split()) <= MAX_WORDS and not (items and len(text) > 12):
        return False
    if len(text) > _MAX_CHARACTERS:
        return False
    if not (_ENDS.search(text) or items) or text[:1].islower():
        return False
    return is_safe(text)


def is_safe(text: str) -> bool:
    """Whether a slice is nothing but words in Markdown, whole, and no boilerplate."""
    return (
        not _UNFIT.search(_LINK.sub(r"\1", text))
        and not _BLOCK_START.match(text)
        and not _BOILERPLATE.search(text)
        and not _QUESTION.search(text)
        and _is_balanced(text)
    )


def _is_balanced(text: str) -> bool:
    even = all(text.count(mark) % 2 == 0 for mark in ('"', "**", "`"))
    return even and all(text.count(pair[0]) == text.count(pair[1]) for pair in _PAIRS)


def _list_under(text: str, blocks: list[_Block], index: int) -> tuple[str, ...]:
    """Return the items of the list that directly follows, when it can be quoted as a whole."""
    below = blocks[index + 1 : index + 14]
    items = []
    for block in below:
        if block.kind != "item" or block.group != below[0].group:
            break
        items.append(_item_text(text[block.start : block.end]))
    fits = 2 <= len(items) <= 12 and sum(len(item.split()) for item in items) <= _MAX_LIST_WORDS
    quotable = all(2 <= len(item.split()) and is_safe(item) for item in items)
    return tuple(items) if fits and quotable else ()


def _item_text(text: str) -> str:
    return re.sub(r"[;,]\s*(?:and|or)?$", "", text.strip())


def _sentences(text: str, block: _Block) -> Iterator[tuple[int, int]]:
    """Yield the trimmed spans of a block's sentences, without the clause number before them."""
    for start, end in sentence_spans(text[block.start : block.end]):
        slice_ = text[block.start + start : block.start + end]
        number = _CLAUSE_NUMBER.match(slice_.lstrip())
        head = len(slice_) - len(slice_.lstrip()) + (number.end() if number else 0)
        if slice_[head:].strip():
            yield block.start + start + head, block.start + start + len(slice_.rstrip())


def _blocks(text: str) -> Iterator[_Block]:
    """Yield the paragraphs and list items of a passage; all other lines only separate them."""
    open_block: _Block | None = None
    group, in_list, fenced = 0, False, False
    for line in _LINE.finditer(text):
        content = line[0].strip()
        fence = bool(_FENCE.match(content))
        item = None if fenced else _ITEM.match(line[0])
        breaks = fenced or fence or not content or _is_no_prose(content, item)
        if open_block and (breaks or item):
            if not _UNDERLINE.match(content) or not content:
                yield open_block
            open_block = None
        fenced ^= fence
        if content and breaks:
            in_list = False
        if breaks:
            continue
        if item:
            group += not in_list
            in_list = True
            open_block = _Block("item", line.start() + item.end(), line.end(), group)
        elif open_block is None:
            group, in_list = group + 1, False
            open_block = _Block("prose", line.start(), line.end(), group)
        else:
            open_block = msgspec.structs.replace(open_block, end=line.end())
    if open_block and not fenced:
        yield open_block


def _is_no_prose(content: str, item: re.Match[str] | None) -> bool:
    return bool(_UNDERLINE.match(content) or (_NOT_PROSE.match(content) and not item))
