"""A client that speaks bytes, and reads answers with h11 as an independent judge of our framing."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import h11
import trio
from trio.testing import memory_stream_pair

from hermes_trio.http.connection import serve_connection
from hermes_trio.http.types import Handler, ListenerLimits, Request, Responder
from hermes_trio.io.clock import FixedClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        return json.loads(self.body)["error"]


@dataclass
class RawClient:
    stream: trio.abc.Stream
    handled: list[Request] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    rest: bytes = b""

    async def send(self, data: bytes) -> None:
        await self.stream.send_all(data)

    async def answer(self, method: str = "GET") -> Answer:
        """The next answer, complete."""
        parser = h11.Connection(h11.CLIENT)
        parser.send(h11.Request(method=method, target="/", headers=[("Host", "x")]))
        if self.rest:
            parser.receive_data(self.rest)
        status, headers, body = 0, {}, b""
        while True:
            event = parser.next_event()
            if event is h11.NEED_DATA:
                parser.receive_data(bytes(await self.stream.receive_some(65536)))
            elif isinstance(event, h11.Response):
                status = event.status_code
                headers = {name.decode(): value.decode() for name, value in event.headers}
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self.rest = parser.trailing_data[0]
                return Answer(status, headers, body)

    async def ask(self, data: bytes, method: str = "GET") -> Answer:
        await self.send(data)
        return await self.answer(method)

    async def read_to_end(self) -> bytes:
        data, self.rest = self.rest, b""
        while more := await self.stream.receive_some(65536):
            data += bytes(more)
        return data

    async def closed(self) -> bool:
        """Whether the server has ended the connection, with nothing more to say."""
        return await self.read_to_end() == b""


async def echo(request: Request, responder: Responder) -> None:
    """Says what arrived."""
    body = {"method": request.method, "path": request.path, "body": request.body.decode("latin-1")}
    await responder.send(200, json.dumps(body).encode())


@asynccontextmanager
async def serving(handler: Handler = echo, limits: ListenerLimits | None = None) -> AsyncIterator[RawClient]:
    """A connection over memory streams; at the end the client goes and the connection has to end by itself."""
    ours, theirs = memory_stream_pair()
    client = RawClient(ours)

    async def handle(request: Request, responder: Responder) -> None:
        client.handled.append(request)
        await handler(request, responder)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, theirs, handle, limits or ListenerLimits(), client.errors.append)
        yield client
        await ours.aclose()


async def serve(stream: trio.abc.Stream, handler: Handler, limits: ListenerLimits, on_error: Callable) -> None:
    await serve_connection(stream, handler, limits, on_error, peer="test", clock=FixedClock())


def get(path: str = "/", *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode("latin-1")


def post(body: bytes, path: str = "/", *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
