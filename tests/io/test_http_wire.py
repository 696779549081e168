from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.io.http_wire import RequestInvalid, ResponseBroken, ResponseParser, frame_request

HEADERS = [(b"Host", b"h")]


def parser_for(method: bytes = b"GET", headers=HEADERS) -> ResponseParser:
    return frame_request(method, b"/", headers)[1]


def read(data: bytes, method: bytes = b"GET", headers=HEADERS) -> tuple[int, bytes, ResponseParser]:
    parser = parser_for(method, headers)
    head = parser.read_head(data)
    assert head is not None
    return head.status, parser.take_early_body(), parser


def test_a_request_reads_as_it_was_meant():
    data, _ = frame_request(b"POST", b"/a?b", [(b"Host", b"h"), (b"Content-Length", b"2")])
    assert data == b"POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n"


@pytest.mark.parametrize("header", [(b"A", b"b\r\nC: d"), (b"A b", b"c"), (b"A", b"\x00")])
def test_a_header_that_would_make_two_is_not_sent(header):
    with pytest.raises(RequestInvalid):
        frame_request(b"GET", b"/", [*HEADERS, header])


@pytest.mark.parametrize("target", [b"/a b", b"/a\r\nX: y", b"/\xff"])
def test_a_target_that_would_make_two_lines_is_not_sent(target):
    with pytest.raises(RequestInvalid):
        frame_request(b"GET", target, HEADERS)


@pytest.mark.parametrize(
    ("data", "body", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", b"", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok", True),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 9\r\n\r\n0\r\n\r\n", b"", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", b"ok", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok surplus", b"ok", False),
        (b"HTTP/1.1 204 No Content\r\n\r\nsurplus", b"", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nsurplus", b"", False),
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
            b"",
            True,
        ),
    ],
)
def test_a_response_is_complete_in_one_read(data, body, reusable):
    _, found, parser = read(data)
    assert (found, parser.done, parser.reusable) == (body, True, reusable)


def test_a_head_request_gets_no_body():
    _, body, parser = read(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", b"HEAD")
    assert (body, parser.done, parser.reusable) == (b"", True, True)


def test_a_connection_that_the_request_closes_is_not_reusable():
    _, _, parser = read(b"HTTP/1.1 204 x\r\n\r\n", headers=[*HEADERS, (b"Connection", b"close")])
    assert not parser.reusable


def test_a_body_without_a_length_ends_with_the_connection():
    _, body, parser = read(b"HTTP/1.1 200 OK\r\n\r\nsome")
    assert (body, parser.done) == (b"some", False)
    assert parser.read_body(b"more") == b"more"
    parser.end()
    assert (parser.done, parser.reusable) == (True, False)


@pytest.mark.parametrize(
    "data",
    [
        b"garbage\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 200_000,
    ],
)
def test_a_server_that_does_not_speak_http_is_noticed(data):
    with pytest.raises(ResponseBroken):
        read(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    ],
)
def test_a_server_that_stops_in_the_middle_is_noticed(data):
    parser = parser_for()
    if data and parser.read_head(data) is not None:
        parser.take_early_body()
    with pytest.raises(ResponseBroken, match="closed the connection"):
        parser.end()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_response_or_refused(data):
    with contextlib.suppress(ResponseBroken):
        read(b"HTTP/1.1 200 OK\r\n" + data + b"\r\n\r\n")


@given(st.lists(st.integers(1, 20), min_size=1))
def test_a_response_is_read_however_it_is_cut(sizes):
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    parser, body, head, at, turn = parser_for(), b"", None, 0, 0
    while not parser.done:
        piece = data[at : at + sizes[turn % len(sizes)]]
        at, turn = at + len(piece), turn + 1
        if head is None:
            head = parser.read_head(piece)
            body += b"" if head is None else parser.take_early_body()
        else:
            body += parser.read_body(piece)
    assert (body, parser.reusable) == (b"hello world", True)
