from hypothesis import given
from hypothesis import strategies as st

from engine.ingest import text as plain

DOCUMENT = """REQUEST FOR PROPOSALS

Words of the first part.

Details
=======

A line that STARTS in capitals only.

- ITEM

1. SCOPE OF WORK

Words.
"""


def test_underlined_and_capital_lines_that_stand_alone_are_headings() -> None:
    document = plain.read(DOCUMENT)
    assert [heading.title for heading in document.headings] == [
        "REQUEST FOR PROPOSALS",
        "Details",
        "1. SCOPE OF WORK",
    ]
    assert document.title == "REQUEST FOR PROPOSALS"
    assert document.text == DOCUMENT


@given(st.text(alphabet="AB c-=\n1.", max_size=200))
def test_headings_lie_in_order_within_any_text(text: str) -> None:
    end = 0
    for heading in plain.read(text).headings:
        assert end <= heading.start < heading.end <= len(text)
        end = heading.end
