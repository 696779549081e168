from __future__ import annotations

import pytest

from tests.testing.telegram.caller import calling

HELP = [{"command": "help", "description": "Says what there is"}]


async def test_commands_are_kept_for_each_scope_and_language():
    async with calling() as (_telegram, bot, call):
        await call("setMyCommands", commands=HELP)
        assert (await call("getMyCommands")).result == HELP
        groups = {"type": "all_group_chats"}
        assert (await call("getMyCommands", scope=groups)).result == []
        await call("setMyCommands", commands=[], scope=groups)
        assert bot.commands == {'[{"type":"default"},""]': HELP, '[{"type":"all_group_chats"},""]': []}
        await call("deleteMyCommands")
        assert (await call("getMyCommands")).result == []


@pytest.mark.parametrize(
    ("commands", "code"),
    [
        ([{"command": "Help Me", "description": "x"}], "BOT_COMMAND_INVALID"),
        ([{"command": "help", "description": ""}], "BOT_COMMAND_DESCRIPTION_INVALID"),
        ([{"command": f"c{n}", "description": "x"} for n in range(101)], "BOT_COMMANDS_TOO_MUCH"),
    ],
)
async def test_commands_that_telegram_would_not_take_are_refused(commands, code):
    async with calling() as (_telegram, _bot, call):
        assert (await call("setMyCommands", commands=commands)).refused == (400, f"Bad Request: {code}")


async def test_a_bot_that_logged_out_is_served_no_more():
    async with calling() as (_telegram, _bot, call):
        assert (await call("close")).result is True
        assert (await call("logOut")).result is True
        assert (await call("getMe")).refused == (400, "Bad Request: Logged out")
