"""Open connections that wait for their next request. Every operation costs the same, however many there are."""

from __future__ import annotations

import select
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, NamedTuple

import trio

if TYPE_CHECKING:
    from trio.socket import SocketType

    from hermes_trio.io.tls import TlsChoice


class Origin(NamedTuple):
    """Where requests go; a connection serves one origin only.

    ``address`` is what the host's name was resolved to by the caller, or nothing. It is part of the origin, so that a
    caller who has checked an address is never given a connection to another one.
    """

    scheme: str
    host: str
    port: int
    tls: TlsChoice
    address: str = ""


class ClientConnection:
    """One open stream to an origin.

    Attributes:
        origin: The other side.
        stream: The stream; over TLS the inner one.
        plain: Whether what arrives at the socket is what `stream` returns.
        reused: Whether it has carried a request before.
        closed: Whether we have closed it.
        idle_since: When (`trio.current_time`) it last began to wait.
    """

    __slots__ = ("_socket", "closed", "idle_since", "origin", "plain", "reused", "stream")

    def __init__(self, origin: Origin, stream: trio.abc.Stream) -> None:
        self.origin = origin
        self.stream = stream
        self.reused = False
        self.closed = False
        self.idle_since = 0.0
        self._socket = _socket_below(stream)
        self.plain = isinstance(stream, trio.SocketStream)

    def has_news(self) -> bool:
        """Whether the socket can be read at once: while idle that means that the server has closed it."""
        if self._socket is None or self.closed:
            return False
        poll = select.poll()
        poll.register(self._socket.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    async def close(self) -> None:
        """Close without any farewell; done even if cancelled."""
        self.closed = True
        await trio.aclose_forcefully(self.stream)


def _socket_below(stream: trio.abc.Stream) -> SocketType | None:
    if isinstance(stream, trio.SSLStream):
        stream = stream.transport_stream
    return stream.socket if isinstance(stream, trio.SocketStream) else None


class IdleConnections:
    """Idle connections by origin; the one used last is used next, so that the surplus grows old and goes.

    Args:
        limit: How many may wait; the oldest makes room.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_origin: dict[Origin, deque[ClientConnection]] = {}
        self._waiting: OrderedDict[ClientConnection, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def oldest_since(self) -> float | None:
        """Since when (`trio.current_time`) the oldest has waited, or None when there is none."""
        oldest = next(iter(self._waiting), None)
        return None if oldest is None else oldest.idle_since

    def put(self, connection: ClientConnection) -> ClientConnection | None:
        """Let a connection wait; returns the one that has to be closed to make room, if any."""
        self._by_origin.setdefault(connection.origin, deque()).append(connection)
        self._waiting[connection] = None
        connection.idle_since = trio.current_time()
        return self.take_oldest() if len(self._waiting) > self._limit else None

    def take(self, origin: Origin) -> ClientConnection | None:
        """The connection to this origin that was used last, or None."""
        waiting = self._by_origin.get(origin)
        if waiting is None:
            return None
        connection = waiting.pop()
        if not waiting:
            del self._by_origin[origin]
        del self._waiting[connection]
        return connection

    def take_oldest(self) -> ClientConnection | None:
        """The connection that has waited longest, or None."""
        if not self._waiting:
            return None
        connection, _ = self._waiting.popitem(last=False)
        waiting = self._by_origin[connection.origin]
        waiting.popleft()  # the oldest of all is the oldest of its origin
        if not waiting:
            del self._by_origin[connection.origin]
        return connection
