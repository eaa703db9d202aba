"""What an assignment's passages say, statement by statement, and how telling each word is."""

import math
import re
from collections import Counter
from collections.abc import Iterable

from engine.language.words import terms
from engine.types import Source
from engine.writers.statements import Statement, statements
from engine.writers.writer import SectionPlan

_REQUEST_SHARE, _LEAST_ASKED = 0.15, 3
"""A document that asks so much of a contractor is a request, unless all of them are."""
_REQUEST_NAME = re.compile(
    r"\b(?:rfp|rfq|rfi|pws|qasp|sow|solicitation|tender|statement of work"
    r"|request for (?:proposals?|quot\w+|information))\b",
    re.IGNORECASE,
)
_ANSWER_NAME = re.compile(r"\b(?:response|answer|proposal for|our|reply)\b", re.IGNORECASE)


class Evidence:
    """All quotable statements of some sources, and how telling each word is among them."""

    def __init__(self, sources: tuple[Source, ...]) -> None:
        """Read every passage once; linear in their length."""
        self.sources = sources
        self.by_source = [statements(index, source) for index, source in enumerate(sources, 1)]
        self.headings = [frozenset(terms(source.section or "")) for source in sources]
        self._frequency = Counter(term for one in self.all() for term in one.terms)
        self._count = sum(map(len, self.by_source))
        self._requests = self._request_documents()

    def all(self) -> Iterable[Statement]:
        """Yield every statement in the order of sources."""
        return (one for group in self.by_source for one in group)

    def of(self, plan: SectionPlan) -> list[Statement]:
        """Return the statements of the passages offered to a section, best passage first."""
        known = [number for number in plan.sources if 0 < number <= len(self.sources)]
        return [one for number in dict.fromkeys(known) for one in self.by_source[number - 1]]

    def rarity(self, term: str) -> float:
        """Return the inverse sentence frequency of a term, about 0.7 to 6."""
        return math.log1p((self._count + 1) / (self._frequency[term] + 1))

    def document(self, statement: Statement) -> str:
        """Return the id of the document a statement comes from."""
        return self.sources[statement.source - 1].document_id

    def is_request(self, statement: Statement) -> bool:
        """Whether the statement's document asks for something rather than answers."""
        return self.document(statement) in self._requests

    def _request_documents(self) -> frozenset[str]:
        asked: Counter[str] = Counter()
        total: Counter[str] = Counter()
        for one in self.all():
            total[self.document(one)] += 1
            asked[self.document(one)] += one.asks
        named = {
            source.document_id for source in self.sources if is_named_request(source.document_name)
        }
        requests = frozenset(
            document
            for document, count in total.items()
            if document in named or asked[document] >= max(_LEAST_ASKED, _REQUEST_SHARE * count)
        )
        return requests if len(requests) < len(total) else frozenset()


def is_named_request(name: str) -> bool:
    """Whether a file name says that the document asks for something, such as an RFP."""
    words = re.sub(r"[_\W]+", " ", name)
    return bool(_REQUEST_NAME.search(words)) and not _ANSWER_NAME.search(words)
