"""An adapter that crashes while it shows how a turn is doing harms nothing but that."""

from __future__ import annotations

import pytest
import trio

from hermes_trio_adapters.telegram.adapter import TelegramAdapter
from tests.gateway.chats.rig import Bot, open_chats


@pytest.mark.parametrize("method", ["show_typing", "edit"])
async def test_the_answer_comes_all_the_same_and_once(tmp_path, autojump_clock, monkeypatch, method):
    async def crash(*_args: object) -> None:
        await trio.lowlevel.checkpoint()
        raise KeyError("foreign")

    growing = Bot({"streaming": {"enabled": method == "edit"}})
    async with open_chats(tmp_path, ada=growing) as chats:
        chats.expects_crashes = True
        with monkeypatch.context() as broken:
            broken.setattr(TelegramAdapter, method, crash)
            await chats.say("!tokens 40 40")
            await chats.until(lambda: chats.inbox() == ["done"])
        await chats.settled()
        assert chats.rows("ada", "SELECT attempts FROM trio_inbox") == [(1,)]


async def test_a_command_cannot_end_the_block_that_shows_it(tmp_path, autojump_clock):
    command = "echo '\\n```\\n[harmless](https://example.org)\\n```\\n' && rm -rf build"
    async with open_chats(tmp_path) as chats:
        asked = await chats.ask(f'!tool terminal {{"command": "{command}"}}')
        assert "[harmless](https://example.org)" in asked.text
