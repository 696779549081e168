"""Commands that the end of a process cuts off: what they did is not done twice, and nobody is left in the dark."""

from __future__ import annotations

import trio

from hermes_trio.adapter_api import InboundMessage, MessageSource
from hermes_trio.gateway.accepted import Accepted
from tests.gateway.chats.rig import Bot, open_home

CUT_OFF = "in the middle of this command"


async def test_what_a_command_took_back_is_not_taken_back_twice(tmp_path, autojump_clock, monkeypatch):
    async with open_home(tmp_path, ada=Bot()) as chats:
        async with chats.serving():
            for text in ("one", "two", "three"):
                await chats.ask(text)
            with monkeypatch.context() as never_stored:
                never_stored.setattr("hermes_trio.gateway.chat_command.say_and_close", hang)
                await chats.say("/undo")
                await chats.until(lambda: len(chats.history()) == 4)
        async with chats.serving():
            assert CUT_OFF in (await chats.reply()).text
            await chats.settled()
            assert [text for role, text in chats.history() if role == "user"] == ["one", "two"]


async def test_a_command_that_waited_for_its_turn_is_run_after_a_restart(tmp_path, autojump_clock):
    async with open_home(tmp_path, ada=Bot()) as chats:
        async with chats.serving():
            pass
        await chats.say("hello")
        await chats.say("/title plums")
        async with chats.serving():
            assert (await chats.reply()).text == "Ada here. You said: hello"
            assert "plums" in (await chats.reply()).text


async def hang(*_args: object) -> None:
    await trio.sleep_forever()


async def test_what_a_turn_said_between_its_tools_is_not_said_twice_and_hides_nothing_new(tmp_path, autojump_clock):
    async with open_home(tmp_path, ada=Bot()) as chats, chats.serving() as gateway:
        await chats.ask("hello")
        core = gateway.slot("ada").runtime.chats
        source = MessageSource("telegram", "dm", chat_id="1001", user_id="1001")
        message = InboundMessage(source, "1", "hello", 0.0)
        place = core.reply_place(Accepted(1, "ada", "agent:ada:telegram:dm:1001", message))
        for text in ("Let me look.", "Let me look.", "Now I write."):
            await core.say_interim(place, text, 1)
        await chats.settled()
        assert chats.texts()[1:] == ["Let me look.", "Now I write."]
