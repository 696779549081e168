from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.io.http_chunks import MAX_LINE_BYTES, MAX_TRAILER_BYTES, ChunkDecoder, ChunkError

EXTENSIONS = st.sampled_from([b"", b";a=b", b' ;name="quoted"', b"  "])
TRAILERS = st.sampled_from([b"", b"X-Sum: 1\r\n", b"A: b\r\nC:\r\n"])
PARTS = st.lists(st.tuples(st.binary(min_size=1, max_size=40), EXTENSIONS), max_size=8)


def encode(parts, trailers=b""):
    coded = b"".join(b"%x%b\r\n%b\r\n" % (len(part), extension, part) for part, extension in parts)
    return coded + b"0\r\n" + trailers + b"\r\n"


@given(PARTS, TRAILERS, st.lists(st.integers(1, 30), min_size=1))
def test_a_body_is_found_however_the_reads_cut_it(parts, trailers, sizes):
    data, decoder, body, at, turn = encode(parts, trailers) + b"NEXT", ChunkDecoder(), b"", 0, 0
    while not decoder.done:
        size = sizes[turn % len(sizes)]
        body += decoder.feed(data[at : at + size])
        at, turn = at + size, turn + 1
    assert body == b"".join(part for part, _ in parts)
    assert decoder.rest + data[at:] == b"NEXT"


PIECES = st.sampled_from([b"5\r\nhello\r\n", b"0\r\n", b"\r\n", b"1", b"A: b\r\n", b";", b"\n", b"x"])


@given(st.lists(PIECES, max_size=8))
def test_a_body_that_it_takes_to_be_complete_is_the_same_to_an_independent_parser(pieces):
    data, decoder = b"".join(pieces) + b"0\r\n\r\n", ChunkDecoder()
    try:
        body = decoder.feed(data)
    except ChunkError:
        return
    if not decoder.done:
        return
    judge = h11.Connection(h11.SERVER)
    judge.receive_data(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + data)
    judge.next_event()
    judged = b""
    while isinstance(event := judge.next_event(), h11.Data):
        judged += bytes(event.data)
    assert judged == body
    assert isinstance(event, h11.EndOfMessage)
    assert judge.trailing_data[0] == decoder.rest


@pytest.mark.parametrize(
    "data",
    [
        b"\r\n",
        b"g\r\n",
        b"-1\r\nx\r\n",
        b"+1\r\nx\r\n",
        b"0x1\r\nx\r\n",
        b" 1\r\nx\r\n",
        b"1_0\r\n",
        b"5\nhello\r\n",
        b"5\r\nhello\n",
        b"5\r\nhello!\r\n",
        b"4\r\nhello\r\n",
        b"1" * 16 + b"\r\n",
        b"1;\x00\r\nx\r\n",
        b"1;a\rb\r\nx\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\nA: b\n\r\n\r\n",
        b"1;" + b"a" * MAX_LINE_BYTES,
        b"0\r\nA: " + b"b" * MAX_TRAILER_BYTES,
    ],
)
def test_a_broken_coding_is_refused(data):
    with pytest.raises(ChunkError):
        ChunkDecoder().feed(data)


def test_a_line_end_cut_in_two_is_waited_for():
    decoder = ChunkDecoder()
    assert decoder.feed(b"2\r\nab\r") == b"ab"
    assert decoder.feed(b"\n0\r\n\r") == b""
    assert not decoder.done
    decoder.feed(b"\n")
    assert decoder.done


def test_a_wrong_byte_after_a_cut_line_end_is_refused():
    decoder = ChunkDecoder()
    decoder.feed(b"2\r\nab\r")
    with pytest.raises(ChunkError):
        decoder.feed(b"x")
