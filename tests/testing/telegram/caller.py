"""A client of the Bot API for the tests of the fake: calls a method and gives status and body."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from hermes_trio.io.http_transport import TrioTransport
from hermes_trio.io.tls import SharedTls
from hermes_trio.io.workers import InlineWorkers
from hermes_trio.testing.telegram import FakeTelegram, open_fake_telegram


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict

    @property
    def result(self):
        assert self.body["ok"], self.body
        return self.body["result"]

    @property
    def refused(self) -> tuple[int, str]:
        assert self.status == self.body["error_code"]
        assert self.body["ok"] is False
        return self.status, self.body["description"]


class Caller:
    def __init__(self, client: httpx.AsyncClient, telegram: FakeTelegram, token: str) -> None:
        self.client = client
        self.telegram = telegram
        self.url = f"{telegram.base_url}{token}"
        self.file_url = f"{telegram.base_file_url}{token}"

    @classmethod
    @asynccontextmanager
    async def open(cls, telegram: FakeTelegram, token: str):
        transport = TrioTransport(
            SharedTls(InlineWorkers()), connect=None if _on_socket(telegram) else telegram.connect
        )
        async with httpx.AsyncClient(transport=transport, timeout=None) as client:
            yield cls(client, telegram, token)

    async def __call__(self, method: str, *, files: dict | None = None, **parameters: object) -> Answer:
        if files is None:
            answer = await self.client.post(f"{self.url}/{method}", json=parameters)
        else:
            answer = await self.client.post(f"{self.url}/{method}", data=parameters, files=files)
        return Answer(answer.status_code, answer.json())

    async def get_updates_until_cancelled(self) -> None:
        while True:
            await self("getUpdates", timeout=50)


def _on_socket(telegram: FakeTelegram) -> bool:
    return "127.0.0.1" in telegram.address


@asynccontextmanager
async def calling(token: str = "42:secret", **options):
    """A fake in memory, its bot, and a caller with the bot's token."""
    async with open_fake_telegram(sockets=False, **options) as telegram:
        bot = telegram.bot(token, "ada_bot")
        async with Caller.open(telegram, token) as caller:
            yield telegram, bot, caller
