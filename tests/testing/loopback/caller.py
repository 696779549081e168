"""A client of the loopback platform for its tests."""

from __future__ import annotations

from contextlib import asynccontextmanager

import httpx

from hermes_trio.io.http_transport import TrioTransport
from hermes_trio.io.tls import SharedTls
from hermes_trio.io.workers import InlineWorkers
from hermes_trio.testing.loopback import LoopbackServer, open_loopback

TOKEN = "ada-token"


class Caller:
    def __init__(self, client: httpx.AsyncClient, url: str, token: str) -> None:
        self._client = client
        self._url = url
        self.token = token

    async def __call__(self, method, path, body=None, *, key="", content=None):
        headers = {"authorization": f"Bearer {self.token}"} | ({"idempotency-key": key} if key else {})
        answer = await self._client.request(method, self._url + path, json=body, content=content, headers=headers)
        return answer.status_code, answer.json()

    async def get(self, path):
        status, body = await self("GET", path)
        assert status == 200, body
        return body

    async def post(self, path, body=None, **more):
        status, answer = await self("POST", path, body, **more)
        assert status == 200, answer
        return answer


@asynccontextmanager
async def open_caller(server: LoopbackServer, token: str = TOKEN, *, connect=None):
    transport = TrioTransport(SharedTls(InlineWorkers()), connect=connect)
    async with httpx.AsyncClient(transport=transport, timeout=None) as client:
        yield Caller(client, server.url, token)


@asynccontextmanager
async def calling():
    """A platform in memory, a bot, and calls in its name."""
    async with open_loopback(sockets=False) as server:
        bot = server.bot(TOKEN, "ada")
        async with open_caller(server, connect=server.connect) as call:
            yield server, bot, call
