"""Writes the evidence behind a draft as JSON: each claim, what it cites, and who verified that.

Claims are those that the page counts and scores (`engine/citations/claims.py`). Positions count
Python characters of the draft's stored text and of the text of the document version that the hash
names, so each claim and passage can be found again.
"""

import hashlib
from typing import Any

import msgspec

from engine.citations.examination import Checked, examine
from engine.citations.markers import strip_markers
from engine.export.manuscript import Manuscript, hash_key
from engine.types import Citation


def write(manuscript: Manuscript) -> bytes:
    """Return the file, in UTF-8. Linear in the length of the text."""
    content = manuscript.content
    claims = [_claim(content, one) for one in examine(content, manuscript.citations)]
    numbers = {citation.number for citation in manuscript.citations}
    evidence = {
        "draft": {
            "id": manuscript.draft_id,
            "title": manuscript.title,
            "author": manuscript.author,
            "status": manuscript.status,
            "is_partial": manuscript.status == "partial",
            "version": manuscript.version,
            "sha256": hashlib.sha256(content.encode("utf-8", "replace")).hexdigest(),
        },
        "exported_at": manuscript.exported_at,
        "claims": claims,
        "citations": [_citation(one, manuscript) for one in manuscript.citations],
        "uncited_claims": sum(not claim["citations"] for claim in claims),
        "verified_citations": len(numbers & manuscript.verified.keys()),
    }
    return msgspec.json.format(msgspec.json.encode(evidence), indent=2) + b"\n"


def _claim(content: str, checked: Checked) -> dict[str, Any]:
    return {
        "text": strip_markers(content[checked.start : checked.end]),
        "char_start": checked.start,
        "char_end": checked.end,
        "citations": checked.citations,
        "score": checked.score,
        "supported": checked.supported,
        "verdict": checked.verdict if checked.citations else None,
        "reasons": checked.reasons,
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
