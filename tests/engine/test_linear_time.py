"""Whatever reads text of documents and models takes time in proportion to its length."""

import time
from collections.abc import Callable
from itertools import chain

import pytest

from engine.citations.markers import MarkerParser, count_words, parse, strip_markers
from engine.citations.support import best_sentence, support
from engine.export.docx import write as write_docx
from engine.export.evidence import write as write_evidence
from engine.export.markdown import write as write_markdown
from engine.export.reading import read
from engine.flows.fencing import harmless
from engine.ingest import html, markdown, text
from engine.ingest.chunking import cut
from engine.ingest.decoding import decode
from engine.ingest.parsed import ParseFailed
from engine.language.sentences import sentence_spans
from engine.markdown.html import plain, render
from tests.exporting import manuscript

SIZE = 30_000
MOST_S = 3.0
"""For a text of this size: where time grows with its square, it takes several times as long."""

PATTERNS = [
    "[", "[1", "[1,", "[1][", "【", "[Source ", "[[", "](", "![", "[a](", "a[0]", "`", "``a`",
    "```\n", "    a\n", "~~~", "\n", "\n\n", ". ", "A. ", "e.g. ", '"', "(", "- ", "> ",
    "  - a\n", ">",
    "# ", "| ", "|-|", "=\n", "a\n=\n", "***", "*a ", "_a", "a**b_", "<", "<a", "<!--", "<p",
    "&", "&#x",
    "\\", " ", "\t", "\r", "é", "漢", "ก", "😀", "\u200d", "\u0301", "1", "1,", "Aa ", "@", "http://",
    "x ",
]  # fmt: skip


def parse_in_pieces(source: str) -> None:
    parser = MarkerParser()
    list(chain.from_iterable(parser.feed(source[at : at + 40]) for at in range(0, len(source), 40)))
    parser.close()


def read_html(source: str) -> None:
    html.read(b"<!doctype html><p>" + source.encode())


READERS: dict[str, Callable[[str], object]] = {
    "markers": parse,
    "markers in pieces": parse_in_pieces,
    "without markers": strip_markers,
    "words": count_words,
    "sentences": sentence_spans,
    "a claim": lambda source: support(source, ["The fee is 5 dollars."]),
    "evidence": lambda source: support("The fee is 5 dollars.", [source]),
    "the best sentence": lambda source: best_sentence("The fee is 5 dollars.", source),
    "a page": render,
    "words of a page": plain,
    "a fenced text": lambda source: harmless(source, "source", "text_so_far"),
    "bytes": lambda source: decode(source.encode()),
    "a text file": lambda source: cut(text.read(source)),
    "a Markdown file": lambda source: cut(markdown.read(source)),
    "an HTML file": read_html,
    "an export as Markdown": lambda source: write_markdown(read(manuscript(source)), "footnotes"),
    "an export to Word": lambda source: write_docx(
        read(manuscript(source)), "footnotes", None, "2026-11-21T05:00:00+00:00"
    ),
    "an export of evidence": lambda source: write_evidence(manuscript(source)),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
def test_no_repeated_pattern_takes_more_than_its_share_of_time(
    reader: Callable[[str], object],
) -> None:
    slow = {}
    for pattern in PATTERNS:
        source = (pattern * SIZE)[:SIZE]
        began = time.process_time()
        try:
            reader(source)
        except ParseFailed:
            pass
        took_s = time.process_time() - began
        if took_s > MOST_S:
            slow[pattern] = took_s
    assert slow == {}
