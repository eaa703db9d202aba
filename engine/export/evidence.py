"""Writes the evidence behind a draft as JSON: each claim, what it cites, and who verified that.

A claim is a sentence of the draft, also a list item or a row of a table; headings and code claim
nothing. Positions count Python characters of the draft's stored text and of the text of the
document version that the hash names, so each claim and passage can be found again.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from engine.citations.markers import markers_in, strip_markers
from engine.citations.support import support
from engine.export.manuscript import Manuscript, hash_key
from engine.language.sentences import sentence_spans
from engine.markdown.html import blocks_of
from engine.types import Citation

_NO_CLAIM = re.compile(r"\s*(?:#{1,6}\s|`{3}|~{3}|\Z)| {4}|\t|[\s|:*_=-]+\Z")


def write(manuscript: Manuscript) -> bytes:
    """Return the file, in UTF-8. Linear in the length of the text."""
    citations = {citation.number: citation for citation in manuscript.citations}
    claims = [_claim(manuscript.content, *span, citations) for span in _spans(manuscript.content)]
    content = manuscript.content.encode("utf-8", "replace")
    evidence = {
        "draft": {
            "id": manuscript.draft_id,
            "title": manuscript.title,
            "author": manuscript.author,
            "status": manuscript.status,
            "is_partial": manuscript.status == "partial",
            "version": manuscript.version,
            "sha256": hashlib.sha256(content).hexdigest(),
        },
        "exported_at": manuscript.exported_at,
        "claims": claims,
        "citations": [_citation(one, manuscript) for one in manuscript.citations],
        "uncited_claims": sum(not claim["citations"] for claim in claims),
        "verified_citations": len(citations.keys() & manuscript.verified.keys()),
    }
    return msgspec.json.format(msgspec.json.encode(evidence), indent=2) + b"\n"


def _spans(content: str) -> Iterator[tuple[int, int]]:
    for block in blocks_of(content):
        if _NO_CLAIM.match(block.source):
            continue
        for start, end in sentence_spans(block.source):
            if not _NO_CLAIM.match(block.source[start:end]):
                yield block.start + start, block.start + end


def _claim(content: str, start: int, end: int, citations: Mapping[int, Citation]) -> dict[str, Any]:
    sentence = content[start:end]
    text = strip_markers(sentence)
    numbers = [number for number in markers_in(sentence) if number in citations]
    judged = support(text, [citations[number].excerpt for number in numbers]) if numbers else None
    return {
        "text": text,
        "char_start": start,
        "char_end": end,
        "citations": numbers,
        "score": judged.score if judged else 0.0,
        "verdict": judged.verdict if judged else None,
        "reasons": judged.reasons if judged else [],
    }


def _citation(citation: Citation, manuscript: Manuscript) -> dict[str, Any]:
    verification = manuscript.verified.get(citation.number)
    return {
        "number": citation.number,
        "document_id": citation.document_id,
        "document_name": citation.document_name,
        "version": citation.version,
        "sha256": manuscript.hashes.get(hash_key(citation.document_id, citation.version)),
        "page": citation.page,
        "section": citation.section,
        "char_start": citation.char_start,
        "char_end": citation.char_end,
        "excerpt": citation.excerpt,
        "quote": citation.excerpt[citation.quote_start : citation.quote_end],
        "score": citation.confidence,
        "verified": {"by": verification.by, "at": verification.at} if verification else None,
    }
