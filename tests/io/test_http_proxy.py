"""What a proxy is asked for."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import httpx
import pytest
import trio

from hermes_trio.io.http_client import open_http
from hermes_trio.io.tls import SharedTls
from hermes_trio.io.workers import InlineWorkers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Network:
    proxy: str
    no_proxy: str = ""


@asynccontextmanager
async def a_proxy(answer: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A proxy that answers everything the same; its URL, and the first lines of what it is asked."""
    lines: list[bytes] = []

    async def serve(stream: trio.SocketStream) -> None:
        async with stream:
            lines.append(bytes(await stream.receive_some(65_536)).partition(b"\r\n")[0])
            await stream.send_all(answer)

    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
        port = listeners[0].socket.getsockname()[1]
        yield f"http://127.0.0.1:{port}", lines
        nursery.cancel_scope.cancel()


async def test_a_tunnel_is_asked_for_by_host_and_not_by_a_secret_path():
    with trio.fail_after(10):
        async with (
            a_proxy(b"HTTP/1.1 403 no\r\ncontent-length: 0\r\nconnection: close\r\n\r\n") as (url, lines),
            open_http(Network(url), SharedTls(InlineWorkers())) as http,
        ):
            with pytest.raises(httpx.ProxyError):
                await http.client().get("https://bots.test/getMe", extensions={"target": b"/secret/getMe"})
    assert lines == [b"CONNECT bots.test:443 HTTP/1.1"]


async def test_without_a_tunnel_the_whole_address_is_asked_for():
    with trio.fail_after(10):
        async with (
            a_proxy(b"HTTP/1.1 204 x\r\nconnection: close\r\n\r\n") as (url, lines),
            open_http(Network(url), SharedTls(InlineWorkers())) as http,
        ):
            response = await http.client().get("http://bots.test/getMe", extensions={"target": b"/secret/a%20b?c=d"})
    assert lines == [b"GET http://bots.test/secret/a%20b?c=d HTTP/1.1"]
    assert response.request.url == "http://bots.test/getMe"
