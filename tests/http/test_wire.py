from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.http.wire import RequestHead, RequestParser, RequestRefused, frame_chunk, frame_head

HEAD_LIMIT = 2000


def parse(data: bytes) -> RequestHead:
    head = RequestParser(HEAD_LIMIT).read_head(data)
    assert head is not None
    return head


def refusal(data: bytes) -> RequestRefused:
    parser = RequestParser(HEAD_LIMIT)
    try:
        if parser.read_head(data) is not None:
            parser.read_body(100)
    except RequestRefused as exc:
        return exc
    raise AssertionError("not refused")


def test_a_head_is_taken_apart():
    head = parse(b"POST /p/coder/v1?a=1&b=x%20y&a=2 HTTP/1.1\r\nHost: h\r\nX-Name: Value\r\nContent-Length: 3\r\n\r\n")
    assert (head.method, head.path, head.length) == ("POST", "/p/coder/v1", 3)
    assert dict(head.query) == {"a": "1", "b": "x y"}
    assert head.headers.get("x-nAmE") == "Value"
    assert head.headers.get("absent") is None
    assert head.keep_alive
    assert not head.old


def test_a_whole_url_as_target_is_reduced_to_its_path():
    head = parse(b"GET http://h:1/a/b?q=1 HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (head.path, dict(head.query)) == ("/a/b", {"q": "1"})


def test_a_url_inside_a_query_is_left_alone():
    assert parse(b"GET /a?next=http://h/ HTTP/1.1\r\nHost: h\r\n\r\n").path == "/a"


@pytest.mark.parametrize(
    ("request_line", "header", "keeps"),
    [
        (b"GET / HTTP/1.1", b"", True),
        (b"GET / HTTP/1.1", b"Connection: close\r\n", False),
        (b"GET / HTTP/1.1", b"Connection: upgrade, Close\r\n", False),
        (b"GET / HTTP/1.1", b"Connection: keep-alive\r\nUpgrade: h2c\r\n", True),
        (b"GET / HTTP/1.0", b"Connection: keep-alive\r\n", False),
        (b"CONNECT h:1 HTTP/1.1", b"", False),
    ],
)
def test_whether_another_request_may_follow(request_line, header, keeps):
    assert parse(request_line + b"\r\nHost: h\r\n" + header + b"\r\n").keep_alive is keeps


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400),
        (b"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400),
        (b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * HEAD_LIMIT + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * HEAD_LIMIT, 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" + b"a" * 101 + b"\r\n0\r\n\r\n",
            413,
        ),
    ],
)
def test_a_request_that_cannot_be_trusted_is_refused(data, status):
    assert refusal(data).status == status


def test_a_head_of_exactly_the_limit_is_accepted():
    start = b"GET / HTTP/1.1\r\nHost: a\r\nX: "
    assert parse(start + b"a" * (HEAD_LIMIT - len(start) - 4) + b"\r\n\r\n").path == "/"


def test_a_body_of_exactly_the_limit_is_accepted():
    parser = RequestParser(HEAD_LIMIT)
    assert parser.read_head(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n")
    assert parser.read_body(100, b"a" * 100) == b"a" * 100


REQUESTS = (
    b"GET /one HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
    (
        b"POST /three HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nfoo\r\n"
        b"4;x=y\r\nbarr\r\n0\r\nT: v\r\n\r\n"
    ),
    b"POST /four HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n",
)


@given(st.lists(st.integers(1, 40), min_size=1))
def test_pipelined_requests_are_found_however_the_reads_cut_them(sizes):
    data = b"".join(REQUESTS)
    parser, found, head, at, turn = RequestParser(HEAD_LIMIT), [], None, 0, 0
    while len(found) < 4:
        piece = b""
        if not parser.kept:
            piece, at, turn = data[at : at + sizes[turn % len(sizes)]], at + sizes[turn % len(sizes)], turn + 1
        if head is None:
            head = parser.read_head(piece)
            piece = b""
        if head is not None and (body := parser.read_body(1000, piece)) is not None:
            found.append((head.path, body))
            head = None
    assert found == [("/one", b""), ("/two", b"hello"), ("/three", b"foobarr"), ("/four", b"")]
    assert not parser.begun


@given(st.binary(max_size=300))
def test_any_bytes_are_parsed_refused_or_incomplete(data):
    parser = RequestParser(200)
    try:
        if parser.read_head(data) is not None:
            parser.read_body(200)
    except RequestRefused as exc:
        assert exc.status in (400, 413, 431, 501, 505)  # noqa: PT017  either outcome is right


def test_an_answer_reads_as_it_was_meant():
    head = frame_head(
        201, [("X-A", "b")], content_type="text/plain", length=2, close=True, date="Sun, 06 Nov 1994 08:49:37 GMT"
    )
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    parser.receive_data(head + b"hi")
    response = parser.next_event()
    assert isinstance(response, h11.Response)
    assert (response.status_code, bytes(response.reason)) == (201, b"Created")
    assert list(response.headers) == [
        (b"date", b"Sun, 06 Nov 1994 08:49:37 GMT"),
        (b"content-type", b"text/plain"),
        (b"x-a", b"b"),
        (b"content-length", b"2"),
        (b"connection", b"close"),
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-A", "a\r\nX-B: c"),
        ("X-A", "a\nb"),
        ("X-A", "a\rb"),
        ("X-A", "a\x00b"),
        ("X-A\r\nX-B", "c"),
        ("X A", "b"),
        ("", "b"),
        ("X-A:", "b"),
        ("X-A", "\u20ac"),
        ("Content-Length", "5"),
        ("transfer-encoding", "chunked"),
        ("Connection", "keep-alive"),
    ],
)
def test_a_header_that_could_change_the_framing_is_not_sent(name, value):
    with pytest.raises(ValueError):  # noqa: PT011  a UnicodeEncodeError is one as well
        frame_head(200, [(name, value)], content_type=None, length=0)


@pytest.mark.parametrize("value", ["text/html\r\nX: y", "a\nb"])
def test_a_content_type_cannot_inject_a_header_either(value):
    with pytest.raises(ValueError, match="not a safe header"):
        frame_head(200, [], content_type=value, length=0)


@pytest.mark.parametrize("status", [100, 101, 199, 600, 0])
def test_only_final_statuses_can_be_sent(status):
    with pytest.raises(ValueError, match="not the status"):
        frame_head(status, [], content_type=None, length=0)


def test_a_status_without_a_name_can_be_sent():
    assert frame_head(299, [], content_type=None, length=0).startswith(b"HTTP/1.1 299 \r\n")


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_header_ever_makes_two(name, value):
    try:
        head = frame_head(200, [(name, value)], content_type=None, length=0)
    except ValueError:
        return
    assert head.count(b"\n") == 4


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=5))
def test_chunks_read_as_they_were_meant(parts):
    from hermes_trio.io.http_chunks import ChunkDecoder

    decoder = ChunkDecoder()
    assert decoder.feed(b"".join(map(frame_chunk, parts)) + b"0\r\n\r\n") == b"".join(parts)
    assert decoder.done
