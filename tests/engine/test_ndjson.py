"""Lines of newline-delimited JSON, from bytes cut anywhere."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.writers.ndjson import LineDecoder, LineTooLong

BODIES = {
    b"": [],
    b"\n\r\n \t\r\n": [],
    b'{"a": 1}\n{"b": 2}\n': [b'{"a": 1}', b'{"b": 2}'],
    b'{"a": 1}\r\n{"b": 2}\r\n': [b'{"a": 1}', b'{"b": 2}'],
    b'\xef\xbb\xbf{"a": 1}\n\xef\xbb\xbf\n': [b'{"a": 1}', b"\xef\xbb\xbf"],
    b'{"a": 1}\n{"b"': [b'{"a": 1}', b'{"b"'],
    '{"a": "\u2028\u0085\x0b\x0c"}\n'.encode(): ['{"a": "\u2028\u0085\x0b\x0c"}'.encode()],
    b"a\rb\n": [b"a\rb"],
    "größer 😀\n\n日本\n".encode(): ["größer 😀".encode(), "日本".encode()],
}


def decoded(body: bytes, cuts: list[int]) -> list[bytes]:
    decoder = LineDecoder()
    ends = zip([0, *cuts], [*cuts, len(body)], strict=True)
    return [line for a, b in ends for line in decoder.feed(body[a:b])] + decoder.close()


@pytest.mark.parametrize("body", BODIES)
def test_lines_end_at_lf_and_at_nothing_else(body: bytes) -> None:
    assert decoded(body, []) == BODIES[body]


@given(st.sampled_from(list(BODIES)), st.data())
def test_any_cut_gives_the_same_lines(body: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    assert decoded(body, cuts) == BODIES[body]


@given(st.binary(max_size=60), st.data())
def test_any_cut_of_any_bytes_gives_the_same_lines(body: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    assert decoded(body, cuts) == decoded(body, [])


@given(st.integers(0, 23))
def test_a_line_over_the_cap_is_refused_and_those_before_it_are_kept(cut: int) -> None:
    body = b"12345678\n\n123456789\n1\n12"
    decoder = LineDecoder(max_line_bytes=8)
    lines: list[bytes] = []
    with pytest.raises(LineTooLong) as caught:
        for part in (body[:cut], body[cut:]):
            lines += decoder.feed(part)
    assert lines + caught.value.lines == [b"12345678"]


def test_many_small_pieces_of_one_line_cost_linear_time() -> None:
    def seconds(count: int) -> float:
        decoder = LineDecoder(max_line_bytes=1 << 30)
        began = time.process_time()
        for _ in range(count):
            decoder.feed(b"12345678")
        return time.process_time() - began

    seconds(1000)
    few = min(seconds(5_000) for _ in range(3))
    assert min(seconds(50_000) for _ in range(3)) < 40 * few
