from __future__ import annotations

import httpx
import pytest

from hermes_trio.io.http_transport import TrioTransport
from hermes_trio.io.tls import SharedTls
from hermes_trio.io.workers import InlineWorkers
from hermes_trio.testing import connect_by_host
from hermes_trio.testing.telegram import TELEGRAM_TEST_HOST, open_fake_telegram


async def test_connections_go_to_the_fake_of_their_host_and_nowhere_else():
    async with open_fake_telegram(sockets=False) as telegram:
        telegram.bot("42:secret", "ada_bot")
        connect = connect_by_host({TELEGRAM_TEST_HOST: telegram.connect})
        transport = TrioTransport(SharedTls(InlineWorkers()), connect=connect)
        async with httpx.AsyncClient(transport=transport) as client:
            answer = await client.get(f"{telegram.base_url}42:secret/getMe")
            assert answer.json()["result"]["username"] == "ada_bot"
            with pytest.raises(httpx.ConnectError, match=r"no host elsewhere\.test, only telegram\.test"):
                await client.get("http://elsewhere.test/")
