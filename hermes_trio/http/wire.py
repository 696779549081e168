"""HTTP/1.1 as bytes, the server's side: requests in, answers out. The only server file that knows h11; it does no I/O.

h11 parses the heads, with a fresh parser for each request (1.5 us). Bodies and answers are handled here, which saves
h11's event for every piece.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

import h11
import msgspec

from hermes_trio.http.types import Headers
from hermes_trio.io.http_chunks import ChunkDecoder, ChunkError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
_NO_QUERY: Mapping[str, str] = MappingProxyType({})
_STATUS_LINES = MappingProxyType({int(s): f"HTTP/1.1 {int(s)} {s.phrase}\r\n" for s in HTTPStatus if s >= 200})
_HEADER_NAME = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
_HEADER_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")
_OUR_HEADERS = frozenset({"connection", "content-length", "date", "transfer-encoding"})


class RequestRefused(Exception):
    """A request that is answered without a handler, after which the connection ends.

    Args:
        status: HTTP status of the answer.
        code: Stable code in the body.
        message: What is wrong with the request.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class RequestHead:
    """Request line and headers, with what they say about the body and the connection.

    Attributes:
        method: As sent.
        target: As sent.
        path: The target's path, undecoded.
        query: Decoded query parameters.
        headers: The header fields.
        old: HTTP/1.0, which knows no chunks and no keep-alive.
        keep_alive: Whether another request may follow.
        expects_continue: Whether the client waits for a ``100 Continue`` before it sends the body.
        length: Length of the body in bytes, or None when it is chunked.
    """

    method: str
    target: str
    path: str
    query: Mapping[str, str]
    headers: Headers
    old: bool
    keep_alive: bool
    expects_continue: bool
    length: int | None


class RequestParser:
    """Parses the requests of one connection, one after the other: `read_head`, then `read_body`, then again.

    Args:
        head_bytes: Largest head that is accepted.
    """

    def __init__(self, head_bytes: int) -> None:
        self._head_bytes = head_bytes
        self._parser: h11.Connection | None = None
        self._seen = 0
        self._rest = b""
        self._chunks: ChunkDecoder | None = None
        self._missing = 0
        self._body = bytearray()

    @property
    def begun(self) -> bool:
        """Whether bytes of the next request have come."""
        return self._parser is not None or bool(self._rest)

    @property
    def kept(self) -> int:
        """How many received bytes are not parsed yet."""
        return len(self._rest)

    def keep(self, data: bytes) -> None:
        """Keep bytes that came while the current request was being answered."""
        self._rest += data

    def read_head(self, data: bytes = b"") -> RequestHead | None:
        """Take bytes of a head; returns it once it is complete, until then None.

        Raises:
            RequestRefused: Malformed (400), too large (431), unsupported (501, 505).
        """
        data, self._rest = self._rest + data if self._rest else data, b""
        if not data:
            return None
        if self._parser is None:
            self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=self._head_bytes)
            self._seen = 0
        self._seen += len(data)
        self._parser.receive_data(data)
        event = _next_event(self._parser, self._head_bytes)
        if not isinstance(event, h11.Request):
            return None
        head = _read_request(event)
        self._rest = self._parser.trailing_data[0]
        if self._seen - len(self._rest) > self._head_bytes:
            raise _head_too_large(self._head_bytes)
        self._parser = None
        self._chunks = ChunkDecoder() if head.length is None else None
        self._missing = head.length or 0
        return head

    def read_body(self, limit: int, data: bytes = b"") -> bytes | None:
        """Take bytes of the current request's body; returns it once it is complete, until then None.

        Raises:
            RequestRefused: Larger than ``limit`` bytes (413), chunks malformed (400).
        """
        if len(self._body) + self._missing > limit:
            raise _body_too_large(limit)
        if self._rest:
            data, self._rest = self._rest + data, b""
        complete = self._read_known(data) if self._chunks is None else self._read_chunks(self._chunks, data)
        if len(self._body) > limit:
            raise _body_too_large(limit)
        if not complete:
            return None
        body = bytes(self._body)
        self._body = bytearray()
        return body

    def _read_known(self, data: bytes) -> bool:
        if len(data) > self._missing:
            data, self._rest = data[: self._missing], data[self._missing :]
        self._body += data
        self._missing -= len(data)
        return self._missing == 0

    def _read_chunks(self, chunks: ChunkDecoder, data: bytes) -> bool:
        try:
            self._body += chunks.feed(data)
        except ChunkError as exc:
            raise RequestRefused(400, "bad_request", f"not a valid chunked body: {exc}") from exc
        self._rest = chunks.rest
        return chunks.done


def _next_event(parser: h11.Connection, head_bytes: int) -> object:
    try:
        return parser.next_event()
    except h11.RemoteProtocolError as exc:
        if exc.error_status_hint == 431:
            raise _head_too_large(head_bytes) from exc
        raise RequestRefused(exc.error_status_hint, "bad_request", f"not a valid HTTP/1.1 request: {exc}") from exc


def _head_too_large(limit: int) -> RequestRefused:
    return RequestRefused(431, "headers_too_large", f"the request's headers are larger than {limit} bytes")


def _body_too_large(limit: int) -> RequestRefused:
    return RequestRefused(413, "body_too_large", f"the request's body is larger than {limit} bytes")


def _read_request(event: h11.Request) -> RequestHead:
    method, target = event.method.decode("ascii"), event.target.decode("ascii")
    pairs = tuple(event.headers)
    named = dict(pairs)
    old = event.http_version == b"1.0"
    if not old and not event.http_version.startswith(b"1."):
        raise RequestRefused(505, "bad_request", "only HTTP/1.1 and HTTP/1.0 are spoken here")
    chunked = b"transfer-encoding" in named
    # A proxy in front may go by the other header and see other requests than we do: never guess between them.
    if chunked and (old or b"content-length" in named):
        raise RequestRefused(400, "bad_request", "Transfer-Encoding with Content-Length or with HTTP/1.0")
    path, query = split_target(target)
    return RequestHead(
        method=method,
        target=target,
        path=path,
        query=query,
        headers=Headers(pairs),
        old=old,
        keep_alive=not old and method != "CONNECT" and not _asks_to_close(pairs, named),
        expects_continue=not old and named.get(b"expect", b"").lower() == b"100-continue",
        length=None if chunked else int(named.get(b"content-length", b"0")),
    )


def _asks_to_close(pairs: Sequence[tuple[bytes, bytes]], named: Mapping[bytes, bytes]) -> bool:
    if b"connection" not in named:
        return False
    tokens = b",".join(value for name, value in pairs if name == b"connection").lower().split(b",")
    return any(token.strip() == b"close" for token in tokens)


def split_target(target: str) -> tuple[str, Mapping[str, str]]:
    """Path and decoded query of a request target, which may be a whole URL.

    Raises:
        RequestRefused: Neither a path nor a URL.
    """
    if not target.startswith("/") and "://" in target:
        try:
            parts = urlsplit(target)
        except ValueError as exc:
            raise RequestRefused(400, "bad_request", f"not a valid request target: {exc}") from exc
        path, query = parts.path or "/", parts.query
    else:
        path, _, query = target.partition("?")
    if not query:
        return path, _NO_QUERY
    found: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        found.setdefault(name, value)
    return path, MappingProxyType(found)


def frame_head(
    status: int,
    headers: Sequence[tuple[str, str]],
    *,
    content_type: str | None,
    length: int | None,
    chunked: bool = False,
    close: bool = False,
    date: str = "",
) -> bytes:
    """The head of an answer.

    Args:
        status: 200 to 599.
        headers: Further header fields.
        content_type: Value of ``Content-Type``, or None where ``headers`` has it or there is none.
        length: Value of ``Content-Length``, or None for none.
        chunked: Whether the body comes in chunks.
        close: Whether the connection ends after this answer.
        date: Value of ``Date``, or nothing.

    Raises:
        ValueError: A header that could be read as more than one (CR, LF, NUL, controls), that is not latin-1, or that
            the connection itself sets; a status out of range.
    """
    line = _STATUS_LINES.get(status)
    if line is None:
        if not 200 <= status <= 599:
            raise ValueError(f"not the status of an answer: {status}")
        line = f"HTTP/1.1 {status} \r\n"
    text = line
    if date:
        text += f"Date: {date}\r\n"
    if content_type is not None:
        text += _field("Content-Type", content_type)
    for name, value in headers:
        text += _field(name, value)
    if length is not None:
        text += f"Content-Length: {length}\r\n"
    if chunked:
        text += "Transfer-Encoding: chunked\r\n"
    text += "Connection: close\r\n\r\n" if close else "\r\n"
    return text.encode("latin-1")


def _field(name: str, value: str) -> str:
    if name.lower() in _OUR_HEADERS:
        raise ValueError(f"the header {name} is set by the connection")
    if _HEADER_NAME.fullmatch(name) is None or _HEADER_VALUE.fullmatch(value) is None:
        raise ValueError(f"not a safe header field: {name!r}")
    return f"{name}: {value}\r\n"


def frame_chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; ``data`` is not empty, an empty chunk would end the body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def error_answer_body(message: str, kind: str, code: str) -> bytes:
    """An error in the form clients of the OpenAI API read."""
    return msgspec.json.encode({"error": {"message": message, "type": kind, "param": None, "code": code}})
