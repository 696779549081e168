"""A scripted server on memory streams, below `TrioTransport`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import h11
import httpx
import trio
import trio.testing

from hermes_trio.io.http_transport import TrioTransport
from hermes_trio.io.tls import SharedTls
from hermes_trio.io.workers import InlineWorkers

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
URL = "http://upstream/path"


@dataclass
class Received:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes


class ServerSide:
    """The server's end of one connection."""

    def __init__(self, stream: trio.StapledStream) -> None:
        self.stream = stream
        self._rest = b""

    async def request(self) -> Received | None:
        """The next request, or None when the client has closed."""
        parser = h11.Connection(h11.SERVER)
        if self._rest:
            parser.receive_data(self._rest)
        found, body = None, b""
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                parser.receive_data(bytes(await self.stream.receive_some(65536)))
            elif isinstance(event, h11.Request):
                found = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self._rest = parser.trailing_data[0]
                headers = {name.decode(): value.decode() for name, value in found.headers}
                return Received(found.method.decode(), found.target.decode(), headers, body)
            else:
                return None

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def close(self) -> None:
        await self.stream.aclose()


async def run_script(script: Script, side: ServerSide) -> None:
    """A client that goes in the middle is nothing to a server."""
    with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError, h11.RemoteProtocolError):
        await script(side)


class CountedStream(trio.abc.Stream):
    """The client's end, which knows whether it was closed."""

    def __init__(self, stream: trio.StapledStream) -> None:
        self.send_stream: trio.abc.SendStream = stream.send_stream
        self.receive_stream: trio.abc.ReceiveStream = stream.receive_stream
        self.closed = False

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self.send_stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.send_stream.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self.receive_stream.receive_some(max_bytes)

    async def aclose(self) -> None:
        self.closed = True
        try:
            await self.send_stream.aclose()
        finally:
            await self.receive_stream.aclose()


Script = Callable[[ServerSide], Awaitable[None]]


@dataclass
class Upstream:
    """Runs a script for each connection; the last script serves all further ones."""

    nursery: trio.Nursery
    scripts: tuple[Script, ...]
    sides: list[ServerSide] = field(default_factory=list)
    client_streams: list[CountedStream] = field(default_factory=list)
    places: list[tuple[str, str, int]] = field(default_factory=list)

    async def connect(self, scheme: str, host: str, port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        ours, theirs = trio.testing.memory_stream_pair()
        script = self.scripts[min(len(self.sides), len(self.scripts) - 1)]
        self.places.append((scheme, host, port))
        self.sides.append(ServerSide(theirs))
        self.client_streams.append(CountedStream(ours))
        self.nursery.start_soon(run_script, script, self.sides[-1])
        return self.client_streams[-1]

    @property
    def connections(self) -> int:
        """How many were opened."""
        return len(self.sides)

    def open(self) -> int:
        """How many the client has not closed."""
        return sum(not stream.closed for stream in self.client_streams)


@dataclass
class Rig:
    client: httpx.AsyncClient
    transport: TrioTransport
    upstream: Upstream

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many connections are active, idle, open in fact: the last is the sum of the others, or one leaks."""
        return self.transport.active, self.transport.idle, self.upstream.open()


@asynccontextmanager
async def calling(*scripts: Script, timeout: float | httpx.Timeout | None = 5, **options) -> AsyncIterator[Rig]:
    async with trio.open_nursery() as nursery:
        upstream = Upstream(nursery, scripts)
        transport = TrioTransport(
            SharedTls(InlineWorkers()), connect=upstream.connect, spawn=nursery.start_soon, **options
        )
        async with httpx.AsyncClient(transport=transport, timeout=timeout) as client:
            yield Rig(client, transport, upstream)
        nursery.cancel_scope.cancel()


async def answer_ok(side: ServerSide) -> None:
    """Answers every request."""
    while await side.request() is not None:
        await side.send(OK)


def answer(*pieces: bytes, close: bool = False) -> Script:
    """A script that answers every request with these bytes, a piece at a time."""

    async def script(side: ServerSide) -> None:
        while await side.request() is not None:
            for piece in pieces:
                await side.send(piece)
            if close:
                await side.close()
                return

    return script
