"""The catalogue of document types: shipped files, a team's own, and wrong ones."""

from pathlib import Path

import pytest

from engine.errors import Invalid
from engine.flows.document_types import load

MINIMAL = 'id = "memo"\nname = "Memo"\ndescription = "A short note."\n'


def test_shipped_types_come_in_the_order_to_show():
    ids = [kind.id for kind in load().all()]
    assert ids == [
        "rfp_response",
        "checklist",
        "gap_analysis",
        "requirements_summary",
        "report",
        "custom",
    ]


def test_an_rfp_response_has_the_sections_of_the_contract():
    titles = [section.title for section in load().find("rfp_response").sections]
    assert titles == ["Executive Summary", "Technical Approach", "Relevant Experience", "Pricing"]


def test_custom_has_no_sections_but_a_length():
    custom = load().find("custom")
    assert custom.sections == ()
    assert custom.target_words > 0


def test_the_shipped_forms_say_how_each_type_is_laid_out():
    forms = {kind.id: kind.form for kind in load().all()}
    assert forms["checklist"] == "checklist"
    assert forms["gap_analysis"] == "table"
    assert forms["rfp_response"] == forms["custom"] == "prose"


def test_every_shipped_section_says_what_belongs_there():
    for kind in load().all():
        assert kind.description and kind.example
        for section in kind.sections:
            assert section.guidance and section.query, (kind.id, section.title)


@pytest.mark.parametrize(
    "name",
    ["rfp_response", "RFP Response", "rfp-response", "  Rfp  reSPonse ", "RFP_RESPONSE"],
)
def test_a_type_is_found_by_id_or_label_in_any_spelling(name):
    assert load().find(name).id == "rfp_response"


@pytest.mark.parametrize("name", ["nonsense", "", "rfpresponse", "\x00", "x" * 100_000])
def test_an_unknown_type_is_refused_with_the_allowed_ids(name):
    with pytest.raises(Invalid) as caught:
        load().find(name)
    assert caught.value.code == "INVALID_DOCUMENT_TYPE"
    assert caught.value.field == "document_type"
    assert "rfp_response, checklist, gap_analysis" in caught.value.message
    assert len(caught.value.message) < 300


def test_a_team_adds_a_type(tmp_path: Path):
    (tmp_path / "memo.toml").write_text(MINIMAL)
    catalogue = load(tmp_path)
    assert catalogue.find("memo").description == "A short note."
    assert catalogue.all()[-1].id == "memo"


def test_a_teams_file_wins_over_a_shipped_one(tmp_path: Path):
    (tmp_path / "ours.toml").write_text(
        'id = "report"\nname = "Board Paper"\ndescription = "For the board."\n'
    )
    catalogue = load(tmp_path)
    assert catalogue.find("board paper").id == catalogue.find("report").id == "report"
    assert len(catalogue.all()) == 6


def test_a_folder_that_is_not_there_adds_nothing(tmp_path: Path):
    assert load(tmp_path / "none").all() == load().all()


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ('name = "Memo"\ndescription = "x"\n', "id"),
        (MINIMAL.replace('"memo"', '"Me Mo"'), "id"),
        (MINIMAL.replace('"Memo"', "7"), "name"),
        (MINIMAL + 'colour = "red"\n', "colour"),
        (MINIMAL + 'form = "poem"\n', "form"),
        (MINIMAL + "target_words = 0\n", "target_words"),
        (MINIMAL + '[[section]]\nguidance = "x"\n', "section[0].title"),
        (MINIMAL + '[[section]]\ntitle = "a\\nb"\n', "section[0].title"),
        (MINIMAL + '[[section]]\ntitle = "a"\ntarget_words = "many"\n', "section[0].target_words"),
    ],
)
def test_a_wrong_field_is_named_with_its_file(tmp_path: Path, content: str, field: str):
    (tmp_path / "memo.toml").write_text(content)
    with pytest.raises(Invalid) as caught:
        load(tmp_path)
    assert "memo.toml" in caught.value.message
    assert str(tmp_path) not in caught.value.message
    assert caught.value.field == field
    assert field in caught.value.message


@pytest.mark.parametrize("content", [b"id = ", b"\xff\xfe\x00", b"[[section]\n"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes):
    (tmp_path / "broken.toml").write_bytes(content)
    with pytest.raises(Invalid, match=r"broken\.toml"):
        load(tmp_path)


def test_one_id_twice_in_a_folder_is_refused(tmp_path: Path):
    (tmp_path / "a.toml").write_text(MINIMAL)
    (tmp_path / "b.toml").write_text(MINIMAL)
    with pytest.raises(Invalid, match=r"b\.toml, field id.*a\.toml"):
        load(tmp_path)


def test_two_types_of_one_label_are_refused(tmp_path: Path):
    (tmp_path / "memo.toml").write_text(MINIMAL.replace("Memo", "rfp response"))
    with pytest.raises(Invalid, match="memo"):
        load(tmp_path)
