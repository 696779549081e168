"""Background commands that tell their conversation when they are done; real children, on the machine's clock."""

from __future__ import annotations

import pytest

from tests.gateway.chats.rig import Bot, open_chats

pytestmark = pytest.mark.slow
OPEN = Bot({"approvals": {"mode": "off"}, "display": {"busy_input_mode": "queue"}})


def background(command: str) -> str:
    return f'!tool terminal {{"command": "{command}", "background": true, "notify_on_complete": true}}'


async def test_the_end_of_a_background_command_is_a_message_of_its_own(tmp_path):
    async with open_chats(tmp_path, ada=OPEN) as chats:
        await chats.ask(background("sleep 0.3; echo done"))
        told = (await chats.reply()).text
        assert "[Event of the system, not written by the user]" in told
        assert "done" in told
        await chats.settled()
        assert chats.inbox() == ["done", "done"]


async def test_it_reaches_the_topic_that_it_was_started_in_through_the_bot_that_was_asked(tmp_path):
    own = Bot({**OPEN.config, "thread_sessions_per_user": True})
    async with open_chats(tmp_path, ada=own, bea=own) as chats:
        forum = chats.telegram.supergroup("Garden", chats.bots["bea"], forum=True)
        plums = await forum.opens_topic("Plums")
        await chats.ask(background("sleep 0.3; echo done"), of="bea", group=forum, thread=plums)
        assert (await chats.reply(of="bea", group=forum)).thread == plums
        assert chats.ada.sent == [one for one in chats.ada.sent if one.method == "setMyCommands"]


async def test_it_waits_for_the_turn_that_runs(tmp_path):
    interrupting = Bot({"approvals": {"mode": "off"}})
    async with open_chats(tmp_path, ada=interrupting) as chats:
        await chats.ask(background("sleep 0.2; echo done"))
        assert (await chats.ask("!sleep 1")).text == "Ada slept 1 s."
        assert "Event of the system" in (await chats.reply()).text
