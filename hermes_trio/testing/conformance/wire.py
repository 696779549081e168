"""Connections in memory that remember what was sent over them, and a network that can be cut."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


@dataclass(slots=True, eq=False)
class Connection:
    """One connection.

    Attributes:
        opened: ``trio.current_time()`` when it was opened.
        sent: All that the adapter sent.
        writes: When it sent something.
        closed: Whether the adapter has closed it.
    """

    opened: float
    sent: bytearray = field(default_factory=bytearray, repr=False)
    writes: list[float] = field(default_factory=list, repr=False)
    closed: bool = False


class Wire:
    """Opens connections and remembers them.

    Args:
        connect: Opens the real ones.

    Attributes:
        connections: All that were opened, oldest first.
        attempts: When somebody wanted to open one.
        is_cut: Whether there is no network: nothing can be opened, and what is open breaks.
    """

    def __init__(self, connect: Callable[[str, str, int], Awaitable[trio.abc.Stream]]) -> None:
        self.connections: list[Connection] = []
        self.attempts: list[float] = []
        self.is_cut = False
        self._connect = connect
        self._open: set[RecordedStream] = set()

    async def connect(self, scheme: str, host: str, port: int) -> trio.abc.Stream:
        """Open a connection; a `hermes_trio.io.http_transport.Connect`.

        Raises:
            OSError: There is no network.
        """
        self.attempts.append(trio.current_time())
        await trio.lowlevel.checkpoint()
        if self.is_cut:
            raise ConnectionRefusedError(111, "Connection refused")
        connection = Connection(trio.current_time())
        stream = RecordedStream(await self._connect(scheme, host, port), connection, self._open.discard)
        self.connections.append(connection)
        self._open.add(stream)
        return stream

    async def cut(self) -> None:
        """Let there be no network until `mend`."""
        self.is_cut = True
        for stream in tuple(self._open):
            await stream.break_off()

    def mend(self) -> None:
        """Let there be a network again."""
        self.is_cut = False

    def writes_since(self, moment: float) -> int:
        """How often something was sent since then, on all connections."""
        return sum(at >= moment for connection in self.connections for at in connection.writes)


class RecordedStream(trio.abc.Stream):
    """A stream that remembers what was sent."""

    def __init__(
        self, stream: trio.abc.Stream, connection: Connection, on_close: Callable[[RecordedStream], None]
    ) -> None:
        self._stream = stream
        self._connection = connection
        self._on_close = on_close
        self._broken = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """See `trio.abc.SendStream`."""
        self._connection.sent += data
        self._connection.writes.append(trio.current_time())
        try:
            await self._stream.send_all(data)
        except trio.ClosedResourceError:
            raise self._why() from None

    async def wait_send_all_might_not_block(self) -> None:
        """See `trio.abc.SendStream`."""
        await self._stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """See `trio.abc.ReceiveStream`."""
        try:
            return await self._stream.receive_some(max_bytes)
        except trio.ClosedResourceError:
            raise self._why() from None

    async def aclose(self) -> None:
        """See `trio.abc.AsyncResource`."""
        self._connection.closed = True
        self._on_close(self)
        await self._stream.aclose()

    async def break_off(self) -> None:
        """Let the network end the connection."""
        self._broken = True
        self._on_close(self)
        await self._stream.aclose()

    def _why(self) -> Exception:
        return trio.BrokenResourceError("the network is gone") if self._broken else trio.ClosedResourceError()
