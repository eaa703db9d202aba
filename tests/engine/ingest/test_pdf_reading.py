from pathlib import Path

import pytest
from small_files import PICTURE, lines, pdf, pdf_of, stream

from engine.ingest import pdf as pdf_reader
from engine.ingest.limits import Limits
from engine.ingest.parsed import Extracted, ParseFailed

HANDBOOK = Path("../shared/data/corpus/handbook/state-software-budgeting-handbook.pdf")
FILLER = "These words fill a line of the page from its left to its right."


def read(tmp_path: Path, data: bytes, limits: Limits | None = None) -> Extracted:
    path = tmp_path / "content"
    path.write_bytes(data)
    return pdf_reader.read(path, limits or Limits())


def prose(top: int, count: int, first: str = FILLER) -> list[tuple[float, float, float, str]]:
    return [(72, top - 14 * n, 12, FILLER if n else first) for n in range(count)]


def reason(tmp_path: Path, data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(ParseFailed) as failure:
        read(tmp_path, data, limits)
    return failure.value.message


def test_lines_become_paragraphs_and_large_type_headings(tmp_path: Path) -> None:
    page = lines((72, 720, 20, "The plan"), *prose(680, 3), *prose(620, 2, "Another paragraph."))
    document = read(tmp_path, pdf_of([page]))
    title, first, second = document.text.split("\n\n")
    assert (title, first) == ("The plan", " ".join([FILLER] * 3))
    assert second.startswith("Another paragraph.")
    assert [(h.level, document.text[h.start : h.end]) for h in document.headings] == [
        (1, "The plan")
    ]
    assert document.title == "The plan"


def test_a_short_bold_line_is_a_heading_below_the_large_ones(tmp_path: Path) -> None:
    page = b"\n".join(
        [
            lines((72, 720, 20, "The plan")),
            lines((72, 690, 12, "Scope"), font="B"),
            lines(*prose(670, 6)),
        ]
    )
    document = read(tmp_path, pdf_of([page]))
    assert [(h.level, h.title) for h in document.headings] == [(1, "The plan"), (2, "Scope")]


def test_pages_have_exact_ranges(tmp_path: Path) -> None:
    pages = [lines((72, 700, 12, f"Text of page {name}.")) for name in ("one", "two", "three")]
    document = read(tmp_path, pdf_of(pages))
    assert [document.text[page.start : page.end] for page in document.pages] == [
        "Text of page one.",
        "Text of page two.",
        "Text of page three.",
    ]


def test_running_headers_and_page_numbers_are_dropped(tmp_path: Path) -> None:
    pages = [
        lines(
            (72, 760, 9, "Company paper"),
            *prose(700, 8, f"Page {name} is about {name}."),
            (72, 588, 12, f"This is all about {name}."),
            (300, 30, 9, f"Page {n} of 4"),
        )
        for n, name in enumerate(["oaks", "elms", "firs", "yews"], start=1)
    ]
    text = read(tmp_path, pdf_of(pages)).text
    assert "Company paper" not in text and "of 4" not in text
    assert "Page firs is about firs." in text
    assert text.count(FILLER) == 28


def test_a_first_line_that_does_not_repeat_is_kept(tmp_path: Path) -> None:
    pages = [lines((72, 760, 12, f"Chapter {name}")) for name in ("alpha", "beta", "gamma")]
    assert "Chapter beta" in read(tmp_path, pdf_of(pages)).text


@pytest.mark.parametrize(
    ("ending", "opening", "joined"),
    [
        ("an imple-", "mentation of implementation", "an implementation of"),
        ("a well-", "known and well-known thing", "a well-known and"),
        ("the year-", "2020 plan", "the year-2020 plan"),
    ],
)
def test_hyphens_at_line_ends_are_joined_with_care(
    tmp_path: Path, ending: str, opening: str, joined: str
) -> None:
    page = lines((72, 700, 12, FILLER), (72, 686, 12, ending), (72, 672, 12, opening))
    assert joined in read(tmp_path, pdf_of([page])).text


def test_list_items_keep_their_lines(tmp_path: Path) -> None:
    page = lines(*[(72, 700 - 14 * n, 12, f"• Item number {n} of the list") for n in range(3)])
    assert read(tmp_path, pdf_of([page])).text.count("\n• Item") == 2


def test_rows_of_a_table_keep_their_cells_apart(tmp_path: Path) -> None:
    rows = [
        placed
        for n in range(3)
        for placed in (
            (72, 700 - 14 * n, 12, f"Service {n}"),
            (250, 700 - 14 * n, 12, f"{n} hours"),
            (400, 700 - 14 * n, 12, "yes"),
        )
    ]
    text = read(tmp_path, pdf_of([lines(*prose(760, 3), *rows)])).text
    assert "Service 1 | 1 hours | yes\nService 2 | 2 hours | yes" in text


def test_a_page_without_text_is_named(tmp_path: Path) -> None:
    words = lines((72, 700, 12, "Words"))
    document = read(tmp_path, pdf_of([words, PICTURE, b"", words]))
    assert document.warnings == ["Page 2 has no text; it looks like a scan."]
    document = read(tmp_path, pdf_of([PICTURE, words, PICTURE]))
    assert document.warnings == ["Pages 1, 3 have no text; they look like scans."]


def test_a_pdf_without_text_fails_in_plain_words(tmp_path: Path) -> None:
    assert reason(tmp_path, pdf_of([PICTURE])) == (
        "The page of this PDF has no text. It looks like a scan."
    )
    assert reason(tmp_path, pdf_of([PICTURE, PICTURE])) == (
        "No page of this PDF has text. It looks like a scan."
    )
    assert reason(tmp_path, pdf_of([b""])) == "This PDF has no text."


def test_a_locked_pdf_says_so(tmp_path: Path) -> None:
    key = b"<" + b"41" * 32 + b">"
    locked = pdf(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents 4 0 R>>",
            stream(b""),
            b"<</Filter/Standard/V 1/R 2/P -4/O %s/U %s>>" % (key, key),
        ],
        b"/Encrypt 5 0 R/ID[<41><41>]",
    )
    assert reason(tmp_path, locked) == "This PDF is protected by a password."


def test_damaged_pdfs_say_so(tmp_path: Path) -> None:
    whole = pdf_of([lines((72, 700, 12, "Words"))])
    assert "damaged" in reason(tmp_path, whole[:150])
    assert "damaged" in reason(tmp_path, b"%PDF-1.7\n" + bytes(range(256)) * 50)
    page_is_its_parent = whole.replace(b"/Kids[5 0 R]", b"/Kids[2 0 R]")
    assert "damaged" in reason(tmp_path, page_is_its_parent)


def test_too_many_pages_are_refused_before_any_is_read(tmp_path: Path) -> None:
    many = pdf_of([b""]).replace(b"/Count 1", b"/Count 1000000")
    assert reason(tmp_path, many) == "This PDF has 1,000,000 pages. At most 2,000 can be read."


def test_javascript_and_attachments_are_ignored(tmp_path: Path) -> None:
    action = b"/OpenAction<</S/JavaScript/JS(while\\(1\\){})>>/Names<</EmbeddedFiles<</Names[]>>>>"
    document = read(tmp_path, pdf_of([lines((72, 700, 12, "Words"))], catalogue=action))
    assert document.text == "Words"


@pytest.mark.skipif(not HANDBOOK.exists(), reason="needs the shared corpus")
def test_a_real_handbook_has_its_outline() -> None:
    document = pdf_reader.read(HANDBOOK, Limits())
    titles = [heading.title for heading in document.headings]
    assert len(document.pages) == 41
    assert titles.count("Key questions") == 14 == titles.count("Checklist")
    assert "Appendix B: Sample Quality Assessment Surveillance Plan (QASP)" in titles
    assert "De-risking custom technology projects 20" not in document.text
    assert all(document.text[h.start : h.end] == h.title for h in document.headings)
