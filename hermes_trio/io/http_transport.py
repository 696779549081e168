"""Our transport below ``httpx.AsyncClient``: HTTP/1.1 by h11 on trio, idle connections in O(1).

httpcore's pool goes through all its connections on each change: 14 ms and more a request at 500 concurrent callers.
Here a request costs the same at any number, and how many run at once is bounded by the profile's turns, not by a pool.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

import httpx
import trio

from hermes_trio.errors import ScopeClosed
from hermes_trio.io.http_exchange import NoResponse, Timeouts, exchange, read_data
from hermes_trio.io.http_idle import ClientConnection, IdleConnections, Origin
from hermes_trio.io.http_wire import ResponseBroken
from hermes_trio.io.tls import PUBLIC_AUTHORITIES, SharedTls, TlsChoice

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from hermes_trio.io.http_wire import ResponseParser

MAX_IDLE = 16
IDLE_SECONDS = 30.0
CLOSE_SECONDS = 2.0
_DEFAULT_PORTS: Mapping[str, int] = {"http": 80, "https": 443}

Connect: TypeAlias = Callable[[str, str, int], Awaitable[trio.abc.Stream]]
"""Opens a stream to (scheme, host, port), with TLS where the scheme asks for it; raises OSError."""

Spawn: TypeAlias = Callable[[Callable[[], Awaitable[None]]], object]
"""Starts a task that ends with the transport's owner, e.g. a nursery's ``start_soon``."""


class TrioTransport(httpx.AsyncBaseTransport):
    """Sends requests over connections of its own; see the module.

    Errors are httpx's: `httpx.ConnectError`, `httpx.ConnectTimeout`, `httpx.WriteError`, `httpx.WriteTimeout`,
    `httpx.ReadError`, `httpx.ReadTimeout`, `httpx.RemoteProtocolError`, `httpx.LocalProtocolError`. A request whose
    kept connection turns out dead before the first byte of a response is sent once more, on a new connection. A
    cancelled request closes its connection. A response that is closed before its end closes its connection.

    Args:
        tls: Contexts for ``https``.
        connect: Opens streams instead of real sockets.
        spawn: Starts the task that closes connections which were idle for too long; it exists only while some are idle.
            Without it they are closed when they would be used.
        max_idle: How many connections are kept.
        idle_seconds: How long one is kept.
    """

    def __init__(
        self,
        tls: SharedTls,
        *,
        connect: Connect | None = None,
        spawn: Spawn | None = None,
        max_idle: int = MAX_IDLE,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._tls = tls
        self._connect = connect
        self._spawn = spawn
        self._idle_seconds = idle_seconds
        self._idle = IdleConnections(max_idle)
        self._active: set[ClientConnection] = set()
        self._reaping = False
        self._closed = False

    @property
    def idle(self) -> int:
        """How many connections wait for a request."""
        return len(self._idle)

    @property
    def active(self) -> int:
        """How many connections carry a request."""
        return len(self._active)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return as soon as the response's head is there.

        Raises:
            ScopeClosed: The transport is closed.
        """
        self._check_open()
        origin = _origin_of(request)
        timeouts = Timeouts.of(request)
        kept = await self._take_idle(origin)
        if kept is not None:
            try:
                return await self._carry(kept, request, timeouts)
            except NoResponse:
                pass
        return await self._carry(await self._open(origin, timeouts), request, timeouts)

    async def aclose(self) -> None:
        """Close every connection, idle or not; whoever still reads a response gets `httpx.ReadError`."""
        self._closed = True
        while (connection := self._idle.take_oldest()) is not None:
            self._active.add(connection)
        # A cancelled owner must not leave the rest open. Closing a socket never waits; the deadline is for odd streams.
        with trio.move_on_after(CLOSE_SECONDS, shield=True):
            for connection in tuple(self._active):
                await self._drop(connection)

    def _check_open(self) -> None:
        if self._closed:
            raise ScopeClosed("the HTTP client was used after its profile's scope was closed")

    async def _take_idle(self, origin: Origin) -> ClientConnection | None:
        while (connection := self._idle.take(origin)) is not None:
            if not connection.has_news() and trio.current_time() < connection.idle_since + self._idle_seconds:
                connection.reused = True
                return connection
            await connection.close()
        return None

    async def _open(self, origin: Origin, timeouts: Timeouts) -> ClientConnection:
        with trio.move_on_after(timeouts.connect):
            try:
                return ClientConnection(origin, await self._open_stream(origin))
            except (OSError, trio.BrokenResourceError) as exc:
                raise httpx.ConnectError(_connect_problem(origin, exc)) from exc
        raise httpx.ConnectTimeout(f"no connection to {origin.host}:{origin.port} within {timeouts.connect:g} s")

    async def _open_stream(self, origin: Origin) -> trio.abc.Stream:
        if self._connect is not None:
            return await self._connect(origin.scheme, origin.address or origin.host, origin.port)
        context = await self._tls.context(origin.tls) if origin.scheme == "https" else None
        stream = await trio.open_tcp_stream(origin.address or origin.host, origin.port)
        if context is None:
            return stream
        secured = trio.SSLStream(stream, context, server_hostname=origin.host, https_compatible=True)
        try:
            await secured.do_handshake()
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return secured

    async def _carry(self, connection: ClientConnection, request: httpx.Request, timeouts: Timeouts) -> httpx.Response:
        """Exchange one request for a response, which from then on owns the connection."""
        self._active.add(connection)
        try:
            self._check_open()  # it may have been closed while we connected
            parser, head, early = await exchange(connection, request, timeouts)
        except BaseException:
            await self._drop(connection)
            raise
        body = ResponseBody(self, connection, parser, early, timeouts.read)
        if parser.done:
            await self.release(connection, reusable=parser.reusable)
        return httpx.Response(
            status_code=head.status,
            headers=head.headers,
            stream=body,
            extensions={"http_version": b"HTTP/" + head.version, "reason_phrase": head.reason},
        )

    async def release(self, connection: ClientConnection, *, reusable: bool) -> None:
        """Take a connection back from its response: it waits for another request, or is closed."""
        if not reusable or self._closed:
            await self._drop(connection)
            return
        self._active.discard(connection)
        surplus = self._idle.put(connection)
        if not self._reaping and self._spawn is not None:
            self._reaping = True
            self._spawn(self._reap)
        if surplus is not None:
            await surplus.close()

    async def _drop(self, connection: ClientConnection) -> None:
        self._active.discard(connection)
        if not connection.closed:
            await connection.close()

    async def _reap(self) -> None:
        """Close connections that were idle for too long; ends when none is idle."""
        try:
            while (since := self._idle.oldest_since) is not None:
                due = since + self._idle_seconds
                if trio.current_time() < due:
                    await trio.sleep_until(due)
                elif (connection := self._idle.take_oldest()) is not None:
                    await connection.close()
        finally:
            self._reaping = False


class ResponseBody(httpx.AsyncByteStream):
    """A response's body, handed on as it arrives: one piece for each read of at most 64 KiB, never an empty one."""

    def __init__(
        self,
        transport: TrioTransport,
        connection: ClientConnection,
        parser: ResponseParser,
        early: bytes,
        read_seconds: float,
    ) -> None:
        self._transport = transport
        self._connection = connection
        self._parser = parser
        self._early = early
        self._read_seconds = read_seconds

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._early:
            data, self._early = self._early, b""
            return data
        while not self._parser.done:
            data = await self._read()
            if data:
                return data
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Close the connection if the body was not read to its end."""
        if not self._parser.done:
            await self._transport.release(self._connection, reusable=False)

    async def _read(self) -> bytes:
        parser = self._parser
        try:
            received = await read_data(self._connection, self._read_seconds)
            if received:
                data = parser.read_body(received)
            else:
                parser.end()
                data = b""
        except BaseException as exc:
            await self._transport.release(self._connection, reusable=False)
            if isinstance(exc, ResponseBroken):
                raise httpx.RemoteProtocolError(str(exc)) from exc
            raise
        if parser.done:
            await self._transport.release(self._connection, reusable=parser.reusable)
        return data


def _origin_of(request: httpx.Request) -> Origin:
    url = request.url
    default_port = _DEFAULT_PORTS.get(url.scheme)
    if default_port is None or not url.host:
        raise httpx.UnsupportedProtocol(f"not an http or https URL: {url.scheme}://{url.host}")
    choice = request.extensions.get("tls", PUBLIC_AUTHORITIES) if url.scheme == "https" else PUBLIC_AUTHORITIES
    if not isinstance(choice, TlsChoice):
        raise TypeError("the request's extension 'tls' is not a TlsChoice")
    address = request.extensions.get("address", "")
    return Origin(url.scheme, url.raw_host.decode("ascii"), url.port or default_port, choice, address)


def _connect_problem(origin: Origin, exc: BaseException) -> str:
    """In words: trio hides a failed handshake behind a bare BrokenResourceError, failed attempts behind a group."""
    cause: BaseException = exc
    while cause.__cause__ is not None:
        cause = cause.__cause__
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return f"cannot connect to {origin.host}:{origin.port}: {str(cause) or type(cause).__name__}"
