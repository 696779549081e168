"""One request out and the head of its response in, over a connection that is given."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import trio

from hermes_trio.io.http_wire import LAST_CHUNK, RequestInvalid, ResponseBroken, frame_chunk, frame_request

if TYPE_CHECKING:
    from hermes_trio.io.http_idle import ClientConnection
    from hermes_trio.io.http_wire import ResponseHead, ResponseParser

READ_BYTES = 65_536
WRITE_BYTES = 65_536
_BROKEN = (trio.BrokenResourceError, trio.ClosedResourceError)


class NoResponse(Exception):
    """A kept connection turned out dead before a byte of a response; the request may go out again on a new one."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """What httpx asks for, in seconds; infinite where it asks for nothing.

    Attributes:
        connect: For a connection, TLS included.
        write: For each write.
        read: For each read.
    """

    connect: float
    write: float
    read: float

    @classmethod
    def of(cls, request: httpx.Request) -> Timeouts:
        """The timeouts of a request."""
        wanted = request.extensions.get("timeout", {})
        return cls(*(math.inf if (value := wanted.get(key)) is None else value for key in ("connect", "write", "read")))


async def exchange(
    connection: ClientConnection, request: httpx.Request, timeouts: Timeouts
) -> tuple[ResponseParser, ResponseHead, bytes]:
    """Send a request; returns the parser for the rest, the response's head, and body bytes that came with it.

    Raises:
        NoResponse: See there.
        httpx.TransportError: Everything else that goes wrong. The connection is not fit for use any more.
    """
    try:
        target = request.extensions.get("target", request.url.raw_path)  # as httpcore has it
        head, parser = frame_request(request.method.encode("ascii"), target, request.headers.raw)
    except RequestInvalid as exc:
        raise httpx.LocalProtocolError(str(exc)) from exc
    sent = False
    with trio.CancelScope() as scope:
        problem = await _send(connection, request, head, scope, timeouts.write)
        if problem is not None:
            parser.forbid_reuse()  # a server may answer and close without reading everything: look for that answer
        sent = True
        while True:
            scope.deadline = trio.current_time() + timeouts.read
            try:
                response = await _receive_head(connection, parser)
            except (*_BROKEN, ResponseBroken) as exc:
                raise _failure(connection, request, parser, problem, exc) from exc
            if response is not None:
                return parser, *response
    if sent:
        raise httpx.ReadTimeout(f"no answer within {timeouts.read:g} s")
    raise httpx.WriteTimeout(f"the server did not take the request within {timeouts.write:g} s")


async def read_data(connection: ClientConnection, seconds: float) -> bytes:
    """The next bytes of a response, none at the server's end.

    A deadline costs 4 us, asking the socket whether data is there already 0.5 us: under load it usually is.

    Raises:
        httpx.ReadTimeout: Nothing came in time.
        httpx.ReadError: The connection broke, or was closed by us.
    """
    try:
        if connection.plain and connection.has_news():
            return bytes(await connection.stream.receive_some(READ_BYTES))
        with trio.move_on_after(seconds):
            return bytes(await connection.stream.receive_some(READ_BYTES))
    except _BROKEN as exc:
        raise httpx.ReadError(_words(exc, "the connection broke")) from exc
    raise httpx.ReadTimeout(f"nothing came within {seconds:g} s")


async def _receive_head(connection: ClientConnection, parser: ResponseParser) -> tuple[ResponseHead, bytes] | None:
    data = bytes(await connection.stream.receive_some(READ_BYTES))
    if not data:
        parser.end()
    head = parser.read_head(data)
    return None if head is None else (head, parser.take_early_body())


async def _send(
    connection: ClientConnection, request: httpx.Request, head: bytes, scope: trio.CancelScope, seconds: float
) -> BaseException | None:
    """Send the whole request, each 64 KiB within ``seconds``; returns how the connection broke, if it did."""
    try:
        if _is_whole(request):
            await _send_pieces(connection, head + request.content, scope, seconds)
        else:
            await _send_stream(connection, request, head, scope, seconds)
    except _BROKEN as exc:
        return exc
    return None


async def _send_stream(
    connection: ClientConnection, request: httpx.Request, head: bytes, scope: trio.CancelScope, seconds: float
) -> None:
    chunked = "transfer-encoding" in request.headers
    pending = head
    if not isinstance(request.stream, httpx.AsyncByteStream):
        raise httpx.LocalProtocolError("the request's body is not an async stream")
    parts = aiter(request.stream)
    try:
        async for part in parts:
            if part:
                await _send_pieces(connection, pending + (frame_chunk(part) if chunked else part), scope, seconds)
                pending = b""
            scope.deadline = math.inf  # how long the caller takes for its next part is the caller's business
    finally:
        if isinstance(parts, AsyncGenerator):
            await parts.aclose()  # httpx wraps the caller's parts in one; left to the collector it would be a warning
    await _send_pieces(connection, pending + (LAST_CHUNK if chunked else b""), scope, seconds)


async def _send_pieces(connection: ClientConnection, data: bytes, scope: trio.CancelScope, seconds: float) -> None:
    view = memoryview(data)
    for start in range(0, len(data), WRITE_BYTES):
        scope.deadline = trio.current_time() + seconds
        await connection.stream.send_all(view[start : start + WRITE_BYTES])


def _is_whole(request: httpx.Request) -> bool:
    """Whether the body is in memory, so that it can be sent at once, and again."""
    return isinstance(request.stream, httpx.ByteStream)


def _failure(
    connection: ClientConnection,
    request: httpx.Request,
    parser: ResponseParser,
    problem: BaseException | None,
    exc: BaseException,
) -> Exception:
    may_repeat = _is_whole(request) and not request.extensions.get("once", False)
    if connection.reused and not connection.closed and not parser.begun and may_repeat:
        return NoResponse()
    if problem is not None:
        return httpx.WriteError(_words(problem, "the connection broke while the request was sent"))
    if isinstance(exc, ResponseBroken):
        return httpx.RemoteProtocolError(str(exc))
    return httpx.ReadError(_words(exc, "the connection broke before the response"))


def _words(exc: BaseException, otherwise: str) -> str:
    return str(exc.__cause__ or exc) or otherwise
