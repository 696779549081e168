"""Two profiles have one Telegram token: Telegram sees one poller, and it is the default profile's."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.testing import open_gateway
from hermes_trio.testing.home import telegram_files
from hermes_trio.testing.telegram import open_fake_telegram
from tests.gateway.scripted import slot_of, until

TOKEN = "42:CANARY-shared-token-AAAAAAAAAAAA"


@pytest.mark.parametrize("slow", ["nobody", "default", "coder"])
async def test_what_waited_for_the_bot_and_what_comes_later_is_answered_by_default(tmp_path, autojump_clock, slow):
    async def start(scope, *, task_status):
        await trio.sleep(3 if scope.name == slow else 0)
        task_status.started()
        await trio.sleep_forever()

    async with open_fake_telegram(sockets=False) as telegram:
        bot, alice = telegram.bot(TOKEN), telegram.user(1001, "Alice")
        await alice.says(bot, "before the start")
        names = ("default", "coder")
        profiles = {name: telegram_files(f"You are {name.title()}.", telegram.base_url, TOKEN) for name in names}
        async with open_gateway(profiles, root=tmp_path, telegram=telegram, services=[start]) as gateway:
            assert "Default" in (await bot.next_reply(alice)).text
            await until(lambda: slot_of(gateway, "coder").reason == "duplicate_credential", seconds=5)
            await alice.says(bot, "after it")
            assert "Default" in (await bot.next_reply(alice)).text
            assert "Coder" in await gateway.ask("coder", "and you?")
        assert bot.conflicts == 0
