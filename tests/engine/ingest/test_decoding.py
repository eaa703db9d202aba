import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ingest.decoding import decode

GERMAN = "Grüße aus München, schöne Straße. Übermäßig große Bäume."
JAPANESE = "これは日本語の文章です。文字コードを判定します。漢字もあります。"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_common_encodings_are_found(encoding: str) -> None:
    assert decode(GERMAN.encode(encoding)) == GERMAN


def test_a_legacy_asian_encoding_is_found() -> None:
    assert decode(JAPANESE.encode("shift-jis")) == JAPANESE


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_found(encoding: str) -> None:
    assert decode("plain words".encode(encoding)) == "plain words"


def test_line_ends_become_one_kind() -> None:
    assert decode(b"a\r\nb\rc\nd") == "a\nb\nc\nd"


@pytest.mark.parametrize("data", [b"a\0b", b"\x01\x02\x03\x04", bytes(1000)])
def test_binary_is_no_text(data: bytes) -> None:
    assert decode(data) is None


@given(st.binary(max_size=300))
def test_any_bytes_give_text_that_can_be_stored_or_none(data: bytes) -> None:
    text = decode(data)
    assert text is None or ("\0" not in text and "\r" not in text)


@given(st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs", "Cc"])))
def test_utf_8_text_comes_back_as_it_was(text: str) -> None:
    assert decode(text.encode()) == text.removeprefix("\ufeff")
