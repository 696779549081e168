"""A hook between a bot and its profile."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from hermes_trio.tools import workplace
from tests.gateway.chats.rig import Bot, open_chats
from tests.tools.scripted_hooks import ScriptedHooks


@pytest.fixture
def hear(monkeypatch):
    """Gives all profiles a hook with this answer."""

    def hear(answer: dict[str, object]) -> ScriptedHooks:
        hooks = ScriptedHooks(pre_gateway_dispatch=answer)

        @asynccontextmanager
        async def open_hooks(_scope, _base):
            yield hooks

        monkeypatch.setattr(workplace, "open_hooks", open_hooks)
        return hooks

    return hear


async def test_what_a_hook_makes_of_a_message_is_answered(tmp_path, autojump_clock, hear):
    hear({"action": "rewrite", "text": "good day"})
    async with open_chats(tmp_path) as chats:
        assert (await chats.ask("hello")).text == "Ada here. You said: good day"


async def test_a_message_that_a_hook_skips_is_not_answered_and_not_kept(tmp_path, autojump_clock, hear):
    hear({"action": "skip", "reason": "spam"})
    async with open_chats(tmp_path) as chats:
        await chats.say("hello")
        assert await chats.quiet() == []
        assert chats.inbox() == []


async def test_hooks_do_not_hear_what_strangers_say(tmp_path, autojump_clock, hear):
    hooks = hear({"action": "rewrite", "text": "let me in"})
    strict = Bot(env={"TELEGRAM_ALLOW_ALL_USERS": "false", "TELEGRAM_ALLOWED_USERS": "1"})
    async with open_chats(tmp_path, ada=strict) as chats:
        await chats.say("hello")
        await chats.quiet()
    assert hooks.told == []
