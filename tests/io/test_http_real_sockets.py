"""The client on real sockets: what memory streams cannot show."""

from __future__ import annotations

from types import SimpleNamespace

import httpx
import pytest
import trio

from hermes_trio.io.http_client import open_http
from hermes_trio.io.tls import SharedTls
from hermes_trio.io.workers import ThreadWorkers

pytestmark = pytest.mark.slow
DIRECT = SimpleNamespace(proxy="", no_proxy="")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Counts connections and requests; closes each connection after ``requests`` of them."""

    def __init__(self, requests: int, close_after: float = 0) -> None:
        self.requests = requests
        self.close_after = close_after
        self.connections = 0
        self.received = 0
        self.closed = trio.Event()

    async def serve(self, task_status=trio.TASK_STATUS_IGNORED) -> None:
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(trio.serve_tcp, self.handle, 0)
            task_status.started(listeners[0].socket.getsockname()[1])

    async def handle(self, stream: trio.SocketStream) -> None:
        self.connections += 1
        for _ in range(self.requests):
            if not await stream.receive_some():
                return
            self.received += 1
            await stream.send_all(OK)
        await stream.aclose()
        self.closed.set()


async def test_a_kept_connection_that_the_server_closed_is_noticed_before_anything_is_sent():
    server = Server(requests=1)
    async with trio.open_nursery() as nursery:
        url = f"http://127.0.0.1:{await nursery.start(server.serve)}/"
        async with open_http(DIRECT, SharedTls(ThreadWorkers())) as http:
            for _ in range(3):
                server.closed = trio.Event()
                assert (await http.client().post(url, content=b"x")).text == "ok"
                await server.closed.wait()
        assert (server.connections, server.received) == (3, 3)
        nursery.cancel_scope.cancel()


async def test_a_request_that_cannot_be_repeated_never_goes_out_on_a_dead_connection():
    async def body():
        yield b"once"

    server = Server(requests=1)
    async with trio.open_nursery() as nursery:
        url = f"http://127.0.0.1:{await nursery.start(server.serve)}/"
        async with open_http(DIRECT, SharedTls(ThreadWorkers())) as http:
            await http.client().get(url)
            await server.closed.wait()
            assert (await http.client().post(url, content=body())).text == "ok"
        nursery.cancel_scope.cancel()


async def test_a_thousand_requests_at_once_use_a_bounded_number_of_kept_connections():
    server = Server(requests=1000)
    async with trio.open_nursery() as nursery:
        url = f"http://127.0.0.1:{await nursery.start(server.serve)}/"
        async with open_http(DIRECT, SharedTls(ThreadWorkers())) as http:
            client = http.client()

            async def ask() -> None:
                for _ in range(10):
                    assert (await client.get(url)).text == "ok"

            async with trio.open_nursery() as callers:
                for _ in range(100):
                    callers.start_soon(ask)
            assert server.received == 1000
            assert client._transport.active == 0
            assert client._transport.idle <= 16
        nursery.cancel_scope.cancel()


async def test_nobody_listening_is_a_connect_error():
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    await listeners[0].aclose()
    async with open_http(DIRECT, SharedTls(ThreadWorkers())) as http:
        with pytest.raises(httpx.ConnectError, match="Connection refused"):
            await http.client().get(f"http://127.0.0.1:{port}/")
