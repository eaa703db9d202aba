"""Where sentences begin and end in prose, by rules that run in linear time.

A sentence ends at a stop with what closes after it (quotes, brackets, citation markers) before
white space, unless the stop belongs to an abbreviation, an initial or a list number, or what
follows goes on in lower case. Stops of scripts written without spaces end a sentence anywhere. A
blank line, a heading, a table row and a list bullet always start a new one; a single line break
does not.
"""

import re

_CLOSERS = "\"'”’»›)\\]}*_）】」』〉》"
_MARKERS = r"(?:\ ?+\[(?:[Ss]ources?\ )?[0-9][0-9\ ,;\-–]{0,40}+\]|\ ?+【[^】\n]{1,40}+】)*+"
_BLOCK_START = r"(?:[-*+•‣◦▪–][\ \t]|\d{1,3}+[.)][\ \t]|\#{1,6}+[\ \t]|\|)"
_BREAK = re.compile(
    rf"""
    (?P<hard>\n(?:[\ \t\n]*\n|(?=[\ \t]*+{_BLOCK_START})))
    |(?P<soft>\n)
    |(?P<wide>[。！？｡．।॥؟۔]++[{_CLOSERS}]*+{_MARKERS})
    |(?P<stop>[.!?…]++(?:[\ \t]++[.!?…]++)*+)(?P<tail>[{_CLOSERS}]*+{_MARKERS})(?=\s|\Z)
    """,
    re.VERBOSE,
)
_SPACE = re.compile(r"\s*+")
_LINE_BLOCK = re.compile(r"\||#{1,6}+[ \t]")
_NEXT = re.compile(r"\s*+[\"'“‘«‹(\[{*_¿¡]{0,4}+([^\W_]{0,20}+)")
_LIST_NUMBER = re.compile(
    r"[-*+•‣◦▪–#]{0,6}\s?[(\[]?(?:\d{1,3}(?:\.\d{1,3}){0,5}|[A-Za-z]|[ivxIVX]{1,5})"
)
_INITIALS = re.compile(r"[^\W\d_](?:\.[^\W\d_]){0,4}")
_MAX_WORD = 24

_NEVER = frozenset(
    """
    dr mr mrs ms mx prof gen rep sen gov sgt col lt capt cmdr maj rev hon pres supt st mt messrs
    mme mlle e.g eg i.e ie vs v cf viz approx incl excl esp resp ca z.b d.h bzw sog vgl
    """.split()
)
"""Abbreviations that never end a sentence."""

_BEFORE_NUMBER = frozenset(
    """
    no nos nr sec secs sect fig figs eq eqs vol vols ch chap pp p pg art arts ref refs tab app para
    paras pt ver rev est max min jan feb mar apr jun jul aug sep sept oct nov dec abs ziff cl
    """.split()
)
"""Abbreviations that do not end a sentence when a number follows."""

_MAY_END = frozenset(
    """
    inc ltd corp co llc plc bros jr sr esq etc al u.s u.k u.n e.u u.s.a d.c ph.d m.d b.a m.a b.s m.s
    a.m p.m dept div assn univ gmbh ave blvd rd hwy ed eds usw
    """.split()
)
"""Abbreviations that end a sentence only when a word follows that often starts one."""

_STARTERS = frozenset(
    """
    a after all although an and any as at because before both but by during each every for from
    further he her here his how however i if in it its many most my no not on once one or other our
    she since so some such that the their then there therefore these they this those to under until
    upon we what when where which while who why with you your
    """.split()
)


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Return the half-open character ranges of the sentences of `text`, in order.

    White space around a sentence belongs to none. The bullet of a list item and the mark of a
    heading belong to its first sentence.
    """
    spans: list[tuple[int, int]] = []
    start = _skip_space(text, 0)
    is_line = _opens_line_block(text, start)
    for match in _BREAK.finditer(text):
        begin, end = match.span()
        kind = match.lastgroup
        if begin < start or (kind == "soft" and not is_line):
            continue
        if kind == "tail" and not _ends(text, start, match):
            continue
        _append(spans, text, start, begin if kind in ("hard", "soft") else end)
        start = _skip_space(text, end)
        stays_on_line = is_line and "\n" not in text[begin:start]
        is_line = stays_on_line or _opens_line_block(text, start)
    _append(spans, text, start, len(text))
    return spans


def _skip_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position


def _opens_line_block(text: str, position: int) -> bool:
    """Whether a heading or a table row begins here, which ends with its line."""
    return text[position : position + 1] in ("#", "|") and bool(_LINE_BLOCK.match(text, position))


def _append(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    length = len(text[start:end].rstrip())
    if length > 0:
        spans.append((start, start + length))


def _ends(text: str, start: int, match: re.Match[str]) -> bool:
    """Decide whether a stop before white space ends the sentence that began at `start`."""
    following = _NEXT.match(text, match.end())
    next_word = following[1] if following else ""
    if next_word[:1].islower():
        return False
    if match["stop"] != "." or match["tail"]:
        return True
    return _full_stop_ends(text, start, match.start(), next_word)


def _full_stop_ends(text: str, start: int, stop: int, next_word: str) -> bool:
    if stop - start <= _MAX_WORD and _LIST_NUMBER.fullmatch(text, start, stop):
        return False
    words = text[max(start, stop - _MAX_WORD) : stop].rsplit(None, 1)
    word = words[-1].lstrip("([{\"'“‘«*_") if words else ""
    abbreviation = word.lower()
    if not word or abbreviation in _NEVER:
        return False
    if abbreviation in _BEFORE_NUMBER:
        return not next_word[:1].isdigit()
    if abbreviation in _MAY_END or (word[0].isupper() and _INITIALS.fullmatch(word)):
        return next_word.lower() in _STARTERS
    return True
