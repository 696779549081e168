"""HTTP/1.1 as bytes, the client's side: requests out, responses in. The only client file that knows h11; no I/O.

h11 checks and writes the request's head and parses the response's; bodies are handled here, in whole reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import h11

from hermes_trio.io.http_chunks import ChunkDecoder, ChunkError

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD_BYTES = 102_400
LAST_CHUNK = b"0\r\n\r\n"


class RequestInvalid(ValueError):
    """The request cannot be sent: a header or the target is not what HTTP allows."""


class ResponseBroken(ValueError):
    """The server does not speak HTTP/1.1, or stopped in the middle of a response."""


@dataclass(frozen=True, slots=True)
class ResponseHead:
    """Status line and headers.

    Attributes:
        status: 200 to 599.
        reason: The phrase after it.
        headers: Pairs of lower-case name and value.
        version: ``1.1`` or ``1.0``.
    """

    status: int
    reason: bytes
    headers: list[tuple[bytes, bytes]]
    version: bytes


def frame_chunk(data: bytes) -> bytes:
    """One chunk of a chunked request body; ``data`` is not empty."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def frame_request(method: bytes, target: bytes, headers: Sequence[tuple[bytes, bytes]]) -> tuple[bytes, ResponseParser]:
    """The head of a request, and the parser of its response.

    Raises:
        RequestInvalid: Not safe or not allowed to be sent.
    """
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=HEAD_BYTES)
    try:
        head = parser.send(h11.Request(method=method, target=target, headers=list(headers)))
    except h11.LocalProtocolError as exc:
        raise RequestInvalid(str(exc)) from exc
    asked_to_close = any(name.lower() == b"connection" and b"close" in value.lower() for name, value in headers)
    return head or b"", ResponseParser(parser, without_body=method == b"HEAD", keep_alive=not asked_to_close)


class ResponseParser:
    """Parses one response: `read_head` until it returns one, then `read_body` until `done`; `end` at the server's end.

    Attributes:
        begun: Whether any byte of a response has come.
        done: Whether the response is complete.
        reusable: Once done, whether the connection may carry another request.
    """

    __slots__ = ("_chunks", "_keep_alive", "_left", "_parser", "_rest", "_without_body", "begun", "done", "reusable")

    def __init__(self, parser: h11.Connection, *, without_body: bool, keep_alive: bool) -> None:
        self.begun = False
        self.done = False
        self.reusable = False
        self._parser: h11.Connection | None = parser
        self._without_body = without_body
        self._keep_alive = keep_alive
        self._chunks: ChunkDecoder | None = None
        self._left: int | None = None
        self._rest = b""

    def read_head(self, data: bytes) -> ResponseHead | None:
        """Take bytes; returns the head once it is complete, until then None. Informational answers are skipped.

        Raises:
            ResponseBroken: Not HTTP/1.1.
        """
        parser = self._parser
        assert parser is not None  # noqa: S101  until the head is complete
        self.begun = True
        try:
            parser.receive_data(data)
            while isinstance(event := parser.next_event(), h11.InformationalResponse):
                if event.status_code == 101:
                    raise ResponseBroken("the server switches to a protocol nobody asked for")
        except h11.RemoteProtocolError as exc:
            raise ResponseBroken(str(exc)) from exc
        if not isinstance(event, h11.Response):
            return None
        head = ResponseHead(event.status_code, bytes(event.reason), list(event.headers), bytes(event.http_version))
        self._rest = parser.trailing_data[0]
        self._parser = None
        self._read_framing(head)
        return head

    def take_early_body(self) -> bytes:
        """Body bytes that came in the same read as the head; call once, after it.

        Raises:
            ResponseBroken: The chunked coding is broken.
        """
        rest, self._rest = self._rest, b""
        if not self.done:
            return self.read_body(rest) if rest else b""
        self.reusable = self._keep_alive and not rest
        return b""

    def read_body(self, data: bytes) -> bytes:
        """Take bytes; returns the body bytes in them, maybe none.

        Raises:
            ResponseBroken: The chunked coding is broken.
        """
        if self._chunks is not None:
            try:
                body = self._chunks.feed(data)
            except ChunkError as exc:
                raise ResponseBroken(str(exc)) from exc
            if self._chunks.done:
                self._finish(surplus=bool(self._chunks.rest))
            return body
        if self._left is None:
            return data
        surplus = len(data) > self._left
        body = data[: self._left]
        self._left -= len(body)
        if self._left == 0:
            self._finish(surplus=surplus)
        return body

    def forbid_reuse(self) -> None:
        """The request was not sent completely: nothing can follow it."""
        self._keep_alive = False

    def end(self) -> None:
        """The server has closed the connection.

        Raises:
            ResponseBroken: In the middle of a response.
        """
        if self._parser is not None:
            raise ResponseBroken("the server closed the connection without sending a response")
        if self._chunks is not None or self._left is not None:
            raise ResponseBroken("the server closed the connection before the response was complete")
        self.done = True

    def _read_framing(self, head: ResponseHead) -> None:
        """How long the body is (RFC 9112 section 6.3)."""
        named = dict(head.headers)
        if head.version != b"1.1" or b"close" in named.get(b"connection", b"").lower():
            self._keep_alive = False
        if self._without_body or head.status in (204, 304):
            self.done = True
        elif b"transfer-encoding" in named:
            self._chunks = ChunkDecoder()
        elif (length := named.get(b"content-length")) is not None:
            self._left = int(length)
            self.done = self._left == 0

    def _finish(self, *, surplus: bool) -> None:
        self.done = True
        self.reusable = self._keep_alive and not surplus
