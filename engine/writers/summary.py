"""A summary without a model: the sentences that say most, as they are, topic by topic.

`condense` picks them from notes and `lay_out` puts such a draft, or any other text, into the form
that `engine/validation/summaries.py` describes. A sentence says much when its words are those that
the whole text is about (their logarithmic frequency, averaged with a bias against very short
sentences, after the idea of SumBasic by Nenkova and Vanderwende, 2005).
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from engine.language.sentences import sentence_spans
from engine.language.words import terms

_MAX_TOPICS = 20
_PARAGRAPHS_EACH, _SENTENCES_EACH = 3, 40
_DRAFTED, _LAID_OUT = 6, 5
_MAX_SENTENCE, _MAX_TITLE = 600, 80
_LEAST_INSIGHT = 20
_TITLE_WORDS = 8
_LABEL_WORDS = 6
_SHORT_BIAS = 4
_FIRST_BONUS = 1.2

_GAP = re.compile(r"\n[^\S\n]*\n\s*")
_HASHES = re.compile(r"#{1,6}\s+")
_MARK = re.compile(r"(?:#{1,6}|[-*+•–]|[0-9]{1,3}[.)])\s+")
_ENDS = re.compile(r"[.!?…;,|][\"”’»')\]*_]*\Z")


class Topic(msgspec.Struct, frozen=True):
    """Sentences that belong together; without a heading the title is empty."""

    title: str
    sentences: tuple[str, ...]


def condense(notes: str, focus: str = "") -> Iterator[str]:
    """Yield a Markdown draft of the notes, a topic at a time; `focus` says what counts most."""
    scored = _Scored(topics(notes), focus)
    for at, topic in enumerate(scored.topics):
        chosen = scored.best(topic, _DRAFTED)
        items = "\n".join(f"- {sentence}" for sentence in topic.sentences if sentence in chosen)
        yield f"{_gap(at)}## {_title(topic)}\n\n{items}"


def lay_out(draft: str, focus: str = "") -> Iterator[str]:
    """Yield the summary that a draft makes, a numbered block at a time."""
    scored = _Scored(topics(draft), focus)
    for at, topic in enumerate(scored.topics):
        ranked = scored.best(topic, _LAID_OUT)
        insight, rest = _insight(ranked)
        facts = [sentence for sentence in topic.sentences if sentence in rest] or ranked
        items = "\n".join(f"- {sentence}" for sentence in facts)
        yield (
            f"{_gap(at)}{at + 1}. {_title(topic)}\nHigh Yield\n{items}\nKey Insights\n- {insight}"
        )


def topics(text: str) -> list[Topic]:
    """Return what a text is about: its headings, or its paragraphs in small groups."""
    found = [part for topic in _topics(text) for part in _parts(topic)]
    if not found:
        return [Topic("Notes", (_shortened(" ".join(text.split()), _MAX_SENTENCE),))]
    size = math.ceil(len(found) / _MAX_TOPICS)
    return [_merged(found[at : at + size]) for at in range(0, len(found), size)]


def _topics(text: str) -> Iterator[Topic]:
    said: set[str] = set()
    title = ""
    group: list[str] = []
    for heading, paragraph in _paragraphs(text):
        if heading or (not title and len(group) == _PARAGRAPHS_EACH):
            yield Topic(title, _sentences(group, said))
            title, group = heading, []
        group.append(paragraph)
    yield Topic(title, _sentences(group, said))


def _paragraphs(text: str) -> Iterator[tuple[str, str]]:
    """Yield each paragraph with the heading before it, if one stands there."""
    heading = ""
    for paragraph in _GAP.split(text.replace("\r\n", "\n").replace("\r", "\n").strip()):
        first, _, rest = paragraph.partition("\n")
        if _is_heading(first, rest):
            heading, paragraph = _plain_title(first), rest
        if paragraph:
            yield heading, paragraph
            heading = ""


def _is_heading(line: str, rest: str) -> bool:
    if len(line) > _MAX_TITLE or not _plain_title(line):
        return False
    if _HASHES.match(line):
        return True
    if line.rstrip().endswith(":"):
        return len(line.split()) <= _LABEL_WORDS
    return not rest and not _MARK.match(line) and not _ENDS.search(line)


def _plain_title(line: str) -> str:
    return " ".join(_MARK.sub("", line.strip(), count=2).strip("#*_: \t").split())


def _sentences(paragraphs: Sequence[str], said: set[str]) -> tuple[str, ...]:
    """Return the sentences of paragraphs, each on one line, without those said before."""
    text = "\n\n".join(paragraphs)
    found = []
    for start, end in sentence_spans(text):
        sentence = _MARK.sub("", " ".join(text[start:end].split()), count=1)
        key = sentence.casefold()
        if key not in said and not sentence.startswith("|") and any(map(str.isalnum, sentence)):
            said.add(key)
            found.append(_shortened(sentence, _MAX_SENTENCE))
    return tuple(found)


def _parts(topic: Topic) -> Iterator[Topic]:
    """Yield the topic if it says anything, in parts when it is long and has no heading."""
    size = _SENTENCES_EACH if not topic.title else max(1, len(topic.sentences))
    for at in range(0, len(topic.sentences), size):
        yield Topic(topic.title, topic.sentences[at : at + size])


def _merged(group: Sequence[Topic]) -> Topic:
    title = ", ".join(topic.title for topic in group if topic.title)
    return Topic(
        _shortened(title, _MAX_TITLE), tuple(s for topic in group for s in topic.sentences)
    )


class _Scored:
    """Topics whose sentences are weighed against the whole text."""

    def __init__(self, found: list[Topic], focus: str) -> None:
        self.topics = found
        self._focus = frozenset(terms(focus))
        self._terms = {s: frozenset(terms(s)) for topic in found for s in topic.sentences}
        self._counts = Counter(term for words in self._terms.values() for term in words)

    def best(self, topic: Topic, count: int) -> list[str]:
        """Return the sentences that say most, best first; those about the focus before others."""
        first = topic.sentences[0]

        def key(sentence: str) -> tuple[int, float]:
            bonus = _FIRST_BONUS if sentence == first else 1.0
            words = self._terms[sentence]
            return -len(words & self._focus), -bonus * self._weight(words)

        return sorted(dict.fromkeys(topic.sentences), key=key)[:count]

    def _weight(self, words: frozenset[str]) -> float:
        total = sum(math.log1p(self._counts[term]) for term in words)
        return total / (len(words) + _SHORT_BIAS)


def _insight(ranked: Sequence[str]) -> tuple[str, frozenset[str]]:
    """Return the best sentence, or as many as an insight needs, and the sentences left."""
    for count in range(1, len(ranked) + 1):
        text = " ".join(ranked[:count])
        if len(text) >= _LEAST_INSIGHT:
            return text, frozenset(ranked[count:])
    return f"The notes say only: “{' '.join(ranked)}”", frozenset()


def _title(topic: Topic) -> str:
    if topic.title:
        return topic.title
    words = topic.sentences[0].split()
    title = _shortened(" ".join(words[:_TITLE_WORDS]), _MAX_TITLE)
    return title if len(words) <= _TITLE_WORDS else title.rstrip(" ,.;:…") + "…"


def _shortened(text: str, limit: int) -> str:
    """Cut a text that is too long after a word."""
    if len(text) <= limit:
        return text
    return (text[:limit].rsplit(None, 1)[0] or text[:limit]) + "…"


def _gap(at: int) -> str:
    return "\n\n" if at else ""
