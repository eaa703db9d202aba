import hashlib
import json
from typing import Any

from engine.export.evidence import write
from engine.export.manuscript import hash_key
from tests.exporting import citation, long_text, manuscript

CONTENT = """\
## Sign-in

Sign-in uses a second factor [1]. It is all quite new. Both are kept [1][2]!

- One item [2]

```
code [1]. No claim.
```

| Name | Source |
|---|---|
| Key | [2] |
"""


def evidence(content: str = CONTENT, **changes: Any) -> dict[str, Any]:
    return dict(json.loads(write(manuscript(content, **changes))))


def test_every_sentence_is_a_claim_with_its_place() -> None:
    claims = evidence()["claims"]
    assert [CONTENT[c["char_start"] : c["char_end"]] for c in claims] == [
        "Sign-in uses a second factor [1].",
        "It is all quite new.",
        "Both are kept [1][2]!",
        "- One item [2]",
        "[2]",
    ]
    assert [claim["citations"] for claim in claims] == [[1], [], [1, 2], [2], [2]]
    assert claims[0]["text"] == "Sign-in uses a second factor."
    assert evidence()["uncited_claims"] == 1


def test_a_claim_says_how_well_its_passages_support_it() -> None:
    cited = citation(1, excerpt="Sign-in uses a second factor for staff.")
    [claim] = evidence("Sign-in uses a second factor [1].", citations=0)["claims"]
    assert (claim["score"], claim["verdict"]) == (0.0, None)
    made = manuscript("Sign-in uses a second factor [1].", citations=0)
    [claim] = json.loads(write(type(made)(**{**_fields(made), "citations": [cited]})))["claims"]
    assert (claim["score"], claim["verdict"]) == (1.0, "quoted")


def test_a_citation_names_document_hash_range_score_and_who_verified() -> None:
    hashes = {hash_key("document-1", 1): "ab" * 32}
    first, second, *_ = evidence(hashes=hashes)["citations"]
    assert first == {
        "number": 1,
        "document_id": "document-1",
        "document_name": "Source <1> & more.pdf",
        "version": 1,
        "sha256": "ab" * 32,
        "page": 11,
        "section": "Security › Backups",
        "char_start": 0,
        "char_end": 30,
        "excerpt": "Passage number 1\n  says so.",
        "quote": "",
        "score": 0.75,
        "verified": None,
    }
    assert second["verified"] == {"by": "Bob", "at": "2026-11-20T10:00:00.000000+00:00"}
    assert second["sha256"] is None
    assert evidence()["verified_citations"] == 1


def test_the_draft_is_named_by_its_hash() -> None:
    draft = evidence(status="partial")["draft"]
    assert draft["sha256"] == hashlib.sha256(CONTENT.encode()).hexdigest()
    assert draft["is_partial"] is True


def test_a_long_draft_has_all_its_claims() -> None:
    content = long_text(5000)
    assert len(evidence(content, citations=200)["claims"]) == content.count("days [")


def _fields(made: Any) -> dict[str, Any]:
    return {name: getattr(made, name) for name in made.__struct_fields__}
