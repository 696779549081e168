"""MCP over HTTP through the profile's own client: its proxy, its TLS, its egress policy. Loaded with the SDK.

The SDK speaks httpx2, the profile httpx; `ProfileTransport` lies between them. It also keeps the failure of one request
that request's own: the SDK ends a whole session when sending raises, and forgets the status when it does not.
"""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import httpx
import httpx2
import mcp_types as wire
import msgspec
import trio
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from hermes_trio.errors import HermesTrioError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from mcp.client._transport import TransportStreams

    from hermes_trio.io.http_client import ProfileHttp

LARGEST_ANSWER: Final = 16 * 1024 * 1024
WRITE_SECONDS: Final = 30.0
NOTICE_SECONDS: Final = 10.0
"""For the answer to a message that only informs; until it is there nothing else is sent."""

GOODBYE_SECONDS: Final = 1.0
GRACE_SECONDS: Final = 30.0
"""How much longer than a call its response stream may last, for servers that do not end it when it is cancelled."""

SESSION_HEADER: Final = "mcp-session-id"
VERSION_HEADER: Final = "mcp-protocol-version"

_NOT_FOUND: Final = 404
_SERVER_ERRORS: Final = 500
_CLIENT_ERRORS: Final = 400


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """How to reach a server.

    Attributes:
        url: Its address.
        headers: Sent with every request.
        connect_seconds: For a connection.
        call_seconds: The deadline of one call.
        old_sse: Whether it speaks the protocol of 2024 with two addresses.
    """

    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    connect_seconds: float
    call_seconds: float
    old_sse: bool = False


@asynccontextmanager
async def open_http_streams(
    http: ProfileHttp, address: ServerAddress, doubt: Callable[[], None]
) -> AsyncIterator[TransportStreams]:
    """The messages of a connection over HTTP; at the end the server is told that the session is over.

    Args:
        http: The profile's way out.
        address: The server.
        doubt: Called when a request failed in a way that may mean that the session is no more.
    """
    transport = ProfileTransport(http, address, doubt)
    if address.old_sse:

        def make_client(
            headers: dict[str, str] | None = None,  # noqa: ARG001  the transport has them
            timeout: httpx2.Timeout | None = None,  # noqa: ARG001  and the deadlines
            auth: httpx2.Auth | None = None,  # noqa: ARG001
        ) -> httpx2.AsyncClient:
            return _client(transport)

        async with sse_client(address.url, httpx_client_factory=make_client) as streams:
            yield streams
        return
    try:
        async with (
            _client(transport) as client,
            streamable_http_client(
                address.url, http_client=client, terminate_on_close=False, max_sse_event_size=LARGEST_ANSWER
            ) as streams,
        ):
            yield streams
    finally:
        await transport.say_goodbye()


def _client(transport: httpx2.AsyncBaseTransport) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(transport=transport, trust_env=False, timeout=None)


class ProfileTransport(httpx2.AsyncBaseTransport):
    """Sends a server's requests with the profile's client. What fails becomes an error response that says why."""

    def __init__(self, http: ProfileHttp, address: ServerAddress, doubt: Callable[[], None]) -> None:
        self._http = http
        self._address = address
        self._doubt = doubt
        self._session = ""
        self._version = ""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request; see the class. Cancellation closes its connection."""
        body = await request.aread()
        deadline = self._deadline(request.method, body)
        with trio.move_on_at(deadline):
            try:
                return await self._send(request, body, deadline)
            except (httpx.TransportError, httpx.InvalidURL, HermesTrioError) as error:
                return self._failure(503, f"{type(error).__name__}: {error}")
        return self._failure(504, "no answer in time")

    async def say_goodbye(self) -> None:
        """Tell the server that the session is over; best effort, takes a second at most, even when cancelled."""
        if not self._session:
            return
        headers = [(SESSION_HEADER, self._session), (VERSION_HEADER, self._version)]
        with trio.move_on_after(GOODBYE_SECONDS, shield=True):
            request = self._request("DELETE", self._address.url, headers, b"")
            try:
                answer = await self._http.client().send(request, stream=True, auth=None, follow_redirects=False)
                await answer.aclose()
            except (httpx.TransportError, HermesTrioError):
                return

    def _deadline(self, method: str, body: bytes) -> float:
        if method == "GET":
            return math.inf  # where the server speaks of its own accord, for as long as the session lasts
        seconds = self._address.call_seconds + GRACE_SECONDS if _awaits_answer(body) else NOTICE_SECONDS
        return trio.current_time() + seconds

    async def _send(self, request: httpx2.Request, body: bytes, deadline: float) -> httpx2.Response:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
        outgoing = self._request(request.method, str(request.url), headers, body)
        answer = await self._http.client().send(outgoing, stream=True, auth=None, follow_redirects=False)
        self._session = answer.headers.get(SESSION_HEADER, self._session)
        self._version = request.headers.get(VERSION_HEADER, self._version)
        if answer.status_code >= _SERVER_ERRORS or (answer.status_code == _NOT_FOUND and self._session):
            self._doubt()
        if _is_event_stream(answer) and answer.status_code < _CLIENT_ERRORS:
            return _response(answer, AnswerStream(answer, deadline))
        content = await _read_whole(answer, deadline)
        if answer.status_code >= _CLIENT_ERRORS and not _is_json(answer):
            reason = httpx.codes.get_reason_phrase(answer.status_code)
            return _error(answer.status_code, f"HTTP {answer.status_code} {reason}".strip())
        return _response(answer, OneAnswer(content))

    def _request(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes) -> httpx.Request:
        own = {name.lower() for name in self._address.headers}
        timeout = {"connect": self._address.connect_seconds, "read": None, "write": WRITE_SECONDS, "pool": None}
        return httpx.Request(
            method,
            url,
            headers=[*(pair for pair in headers if pair[0].lower() not in own), *self._address.headers.items()],
            content=body,
            extensions={"timeout": timeout},
        )

    def _failure(self, status: int, message: str) -> httpx2.Response:
        self._doubt()
        return _error(status, message)


class OneAnswer(httpx2.AsyncByteStream):
    """A body that has arrived already."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        content, self._content = self._content, b""
        if not content:
            raise StopAsyncIteration
        return content


class AnswerStream(httpx2.AsyncByteStream):
    """A response's body as it arrives, until a deadline on trio's clock."""

    def __init__(self, answer: httpx.Response, deadline: float) -> None:
        self._answer = answer
        self._deadline = deadline
        # As it comes from the network: `aiter_raw` would wrap it in another generator that nobody can close.
        self._pieces = answer.stream.__aiter__() if isinstance(answer.stream, httpx.AsyncByteStream) else None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._pieces is None:
            raise StopAsyncIteration
        with trio.move_on_at(self._deadline):
            try:
                return await self._pieces.__anext__()
            except httpx.TransportError as exc:
                raise httpx2.ReadError(str(exc)) from exc
        raise httpx2.ReadTimeout("the answer took too long")

    async def aclose(self) -> None:
        """Close the connection if the body was not read to its end."""
        if isinstance(self._pieces, AsyncGenerator):
            await self._pieces.aclose()
        await self._answer.aclose()


async def _read_whole(answer: httpx.Response, deadline: float) -> bytes:
    content = bytearray()
    stream = AnswerStream(answer, deadline)
    try:
        async for piece in stream:
            content += piece
            if len(content) > LARGEST_ANSWER:
                raise httpx.ReadError(f"the answer is larger than {LARGEST_ANSWER} bytes")
    except httpx2.TransportError as exc:
        raise httpx.ReadError(str(exc)) from exc
    finally:
        await stream.aclose()
    return bytes(content)


def _response(answer: httpx.Response, stream: httpx2.AsyncByteStream) -> httpx2.Response:
    return httpx2.Response(answer.status_code, headers=answer.headers.multi_items(), stream=stream)


def _error(status: int, message: str) -> httpx2.Response:
    """What the SDK takes for the server's own word on one request."""
    error = {"code": wire.CONNECTION_CLOSED, "message": message}
    content = msgspec.json.encode({"jsonrpc": "2.0", "id": None, "error": error})
    return httpx2.Response(status, headers={"content-type": "application/json"}, content=content)


def _awaits_answer(body: bytes) -> bool:
    """Whether this is a request; notices and answers of ours get an empty response."""
    try:
        message = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return True
    return isinstance(message, dict) and "method" in message and "id" in message


def _is_event_stream(answer: httpx.Response) -> bool:
    return str(answer.headers.get("content-type", "")).lower().startswith("text/event-stream")


def _is_json(answer: httpx.Response) -> bool:
    return str(answer.headers.get("content-type", "")).lower().startswith("application/json")
