from __future__ import annotations

import pytest

from tests.rig import canary

pytestmark = pytest.mark.slow


def quick(command):
    return {"quick_commands": {"it": {"type": "exec", "command": command}}}


async def test_a_command_of_the_users_own_shows_what_it_says(open_chat):
    async with open_chat(config=quick("echo hello; echo hidden >&2")) as chat:
        assert (await chat.give("/it")).text == "```\nhello\n```"


async def test_what_is_written_in_the_chat_does_not_reach_the_shell(open_chat):
    async with open_chat(config=quick("echo one")) as chat:
        assert (await chat.give("/it ; echo two")).text == "```\none\n```"


async def test_a_command_finds_its_profile_and_its_conversation(open_chat):
    line = 'echo "$HERMES_HOME $HERMES_SESSION_PLATFORM $HERMES_SESSION_CHAT_ID"'
    async with open_chat(config=quick(line)) as chat:
        reply = await chat.give("/it")
        assert str(chat.scope.home.root) in reply.text
    assert "telegram 42" in reply.text


async def test_a_secret_does_not_get_into_the_chat(open_chat):
    secret = canary("ada", "OPENAI_API_KEY")
    async with open_chat(config=quick("cat $HERMES_HOME/.env"), env={"OPENAI_API_KEY": secret}) as chat:
        assert secret not in (await chat.give("/it")).text


async def test_a_command_that_fails_says_so(open_chat):
    async with open_chat(config=quick("echo broken >&2; exit 3")) as chat:
        reply = await chat.give("/it")
    assert "Exit status `3`" in reply.text
    assert "broken" in reply.text


async def test_a_command_that_takes_too_long_is_ended(open_chat, monkeypatch):
    monkeypatch.setattr("hermes_trio.turns.commands.quick.EXEC_SECONDS", 0.1)
    async with open_chat(config=quick("echo begun; sleep 60")) as chat:
        reply = await chat.give("/it")
    assert "was ended" in reply.text
    assert "begun" in reply.text
