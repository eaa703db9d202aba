"""How well passages support a sentence."""

import json
from pathlib import Path

import pytest

from engine.citations.support import Support, best_sentence, support

PASSAGE = (
    "Our platform signs users in with OAuth 2.0 and PKCE. "
    "Sessions end after 15 minutes without use. "
    "Backups are encrypted with AES-256 and kept in Frankfurt for 90 days."
)
CLAIMS = Path(__file__).parents[3] / "shared" / "data" / "claims"


def test_a_sentence_of_the_passage_is_quoted() -> None:
    claim = "- **Sessions end after 15\nminutes without use.** [2]"
    assert support(claim, ["Other text.", PASSAGE]) == Support(1.0, "quoted")


def test_a_close_paraphrase_is_well_supported() -> None:
    claim = "User sessions end after 15 minutes without use [1]."
    assert support(claim, [PASSAGE]).verdict == "well supported"


def test_another_subject_is_weak() -> None:
    assert support("Penguins breed on Antarctic ice.", [PASSAGE]).verdict == "weak"


def test_a_changed_number_lowers_the_score_and_is_named() -> None:
    right = support("Encrypted backups are kept for 90 days.", [PASSAGE])
    wrong = support("Encrypted backups are kept for 30 days.", [PASSAGE])
    assert wrong.score < right.score
    assert wrong.missing_numbers == ("30",)
    assert wrong.reasons == ["The number 30 is not in the source."]


def test_a_changed_name_lowers_the_score_and_is_named() -> None:
    right = support("Encrypted backups are kept in Frankfurt.", [PASSAGE])
    wrong = support("Encrypted backups are kept in Dublin.", [PASSAGE])
    assert wrong.score < right.score
    assert wrong.missing_names == ("Dublin",)


def test_thousands_separators_do_not_make_another_number() -> None:
    assert support("It costs 1200 euros a year.", ["It costs 1,200 euros."]).missing_numbers == ()


@pytest.mark.parametrize("claim", ["", "[1]", "It is.", "…"])
def test_a_claim_that_says_nothing_has_no_support(claim: str) -> None:
    assert support(claim, [PASSAGE]) == Support(0.0, "weak")


def test_no_evidence_is_no_support() -> None:
    assert support("Backups are encrypted.", []).score == 0


def test_the_best_sentence_is_found_where_it_stands() -> None:
    start, end, score = best_sentence("Backups stay in Frankfurt for 90 days", PASSAGE)
    assert PASSAGE[start:end].startswith("Backups are encrypted")
    assert 0 < score < 1


@pytest.mark.parametrize("claim", ["", "Quite unrelated penguins."])
def test_without_a_match_the_first_sentence_stands_in(claim: str) -> None:
    start, end, score = best_sentence(claim, PASSAGE)
    assert PASSAGE[start:end] == "Our platform signs users in with OAuth 2.0 and PKCE."
    assert score == 0
    assert best_sentence(claim, "") == (0, 0, 0.0)


@pytest.mark.skipif(not CLAIMS.is_dir(), reason="the shared data is not here")
@pytest.mark.parametrize(
    ("name", "least"), [("scifact_train.jsonl", 0.64), ("wice_dev.jsonl", 0.68)]
)
def test_real_claims_are_told_apart_at_the_edge_of_weak(name: str, least: float) -> None:
    hits: dict[bool, list[bool]] = {True: [], False: []}
    for line in (CLAIMS / name).read_text().split("\n")[::3]:
        if line:
            row = json.loads(line)
            is_supported = row["label"] == "supported"
            is_weak = support(row["claim"], row["evidence"]).verdict == "weak"
            hits[is_supported].append(is_weak != is_supported)
    assert sum(sum(found) / len(found) for found in hits.values()) / 2 >= least
