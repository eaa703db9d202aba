"""The sample knowledge base is complete, readable and free of text that imitates a citation."""

import io
import re
import zipfile
from pathlib import Path

import docx
import lxml.html
import pypdfium2
import pytest

from engine import samples

MINIMUM_WORDS = {
    "security-whitepaper.pdf": 2500,
    "company-profile.docx": 1400,
    "past-projects.md": 1200,
    "pricing-notes.html": 700,
    "support-and-service-levels.md": 700,
    "rfp-resident-services.txt": 1200,
}
FACTS_IN_TWO_DOCUMENTS = [
    "214",
    "99.982 percent",
    "May 14, 2021",
    "4.7 out of 5",
    "recovery time objective is 4 hours",
    "Sundays between 01:00 and 05:00 Central Time",
]


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return {path.name: readable_text(path) for path in samples.paths()}


def readable_text(path: Path) -> str:
    if path.suffix == ".pdf":
        return "\n".join(pdf_pages(path))
    if path.suffix == ".docx":
        return docx_text(path)
    text = path.read_text(encoding="utf-8")
    return lxml.html.fromstring(text).text_content() if path.suffix == ".html" else text


def pdf_pages(path: Path) -> list[str]:
    with pypdfium2.PdfDocument(path) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def docx_text(path: Path) -> str:
    document = docx.Document(str(path))
    cells = [cell for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join(part.text for part in [*document.paragraphs, *cells])


def named(name: str) -> Path:
    return next(path for path in samples.paths() if path.name == name)


def test_paths_name_existing_files_in_a_stable_order():
    assert [path.name for path in samples.paths()] == list(MINIMUM_WORDS)
    assert all(path.is_file() for path in samples.paths())


def test_every_format_that_people_upload_is_present():
    suffixes = {path.suffix for path in samples.paths()}
    assert suffixes == {".pdf", ".docx", ".md", ".html", ".txt"}


@pytest.mark.parametrize(
    ("name", "magic"),
    [("security-whitepaper.pdf", b"%PDF-"), ("company-profile.docx", b"PK\x03\x04")],
)
def test_binary_files_are_what_their_name_says(name, magic):
    assert named(name).read_bytes().startswith(magic)


@pytest.mark.parametrize("name", MINIMUM_WORDS)
def test_every_document_has_enough_to_say(texts, name):
    assert len(texts[name].split()) >= MINIMUM_WORDS[name]


def test_every_page_of_the_whitepaper_has_text_and_its_number():
    pages = pdf_pages(named("security-whitepaper.pdf"))
    assert len(pages) >= 6
    for number, page in enumerate(pages, start=1):
        assert len(page.split()) > 100
        assert f"Page {number} of {len(pages)}" in page


def test_the_profile_has_headings_lists_and_a_table():
    document = docx.Document(str(named("company-profile.docx")))
    styles = {paragraph.style.name for paragraph in document.paragraphs}
    assert {"Title", "Heading 1", "Heading 2", "List Bullet", "List Number"} <= styles
    assert len(document.tables) == 1


def test_the_pricing_page_has_noise_around_its_main_part():
    page = lxml.html.parse(str(named("pricing-notes.html")))
    assert all(page.find(f".//{tag}") is not None for tag in ("nav", "main", "table", "footer"))


def test_the_request_has_one_paragraph_per_line(texts):
    lines = [line for line in texts["rfp-resident-services.txt"].splitlines() if line]
    numbered = [line for line in lines if re.match(r"\d+\.\d+ ", line)]
    assert len(numbered) >= 40
    assert all(line.endswith(".") for line in numbered)


def test_no_document_holds_a_bracket_that_looks_like_a_citation(texts):
    assert not [name for name, text in texts.items() if re.search(r"[\[\]【】]", text)]


@pytest.mark.parametrize("fact", FACTS_IN_TWO_DOCUMENTS)
def test_documents_agree_on_a_fact(texts, fact):
    assert sum(fact in " ".join(text.split()) for text in texts.values()) >= 2


def test_the_five_year_price_is_the_sum_of_its_parts(texts):
    staff, residents, implementation = 420 * 46 * 12, 11_200 * 12, 318_000
    subscription = staff + residents
    total = subscription * (2 + 1.03 + 1.03**2 + 1.03**3) + implementation
    for amount in (staff, residents, subscription, implementation, round(total)):
        assert f"${amount:,}" in texts["pricing-notes.html"]


def test_the_example_request_fits_the_limit_and_names_the_request():
    assert "2026-114" in samples.EXAMPLE_CONTEXT
    assert len(samples.EXAMPLE_CONTEXT) <= 10_000
    assert samples.KB_NAME.startswith("Sample: ")


def test_committed_files_are_what_their_sources_make():
    pytest.importorskip("typst")
    from engine.samples import build

    assert build.build_whitepaper() == named("security-whitepaper.pdf").read_bytes()
    assert parts(build.build_profile()) == parts(named("company-profile.docx").read_bytes())


def parts(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}
