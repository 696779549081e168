"""Messages and commands that come close together: what one means for the other does not depend on a moment."""

from __future__ import annotations

import trio

from hermes_trio.gateway.chat_request import message_text
from hermes_trio.store.chat_sessions import start_new
from tests.gateway.chats.rig import Bot, open_chats


async def test_a_message_that_had_to_wait_for_a_seat_is_not_lost_to_the_next_one(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot({"max_concurrent_sessions": 1})) as chats:
        await chats.say("!hang", by=chats.bob)
        await chats.until(lambda: "running" in chats.inbox())
        await chats.say("my name is Alice")
        await chats.until(lambda: chats.inbox() == ["running", "running"])
        assert "Leaving" in (await chats.ask("who am I?")).text
        await chats.say("/stop", by=chats.bob)
        answer = await chats.reply()
        assert "my name is Alice\nwho am I?" in answer.text
        await chats.settled()
        assert set(chats.inbox()) == {"done"}


async def test_what_comes_after_a_new_conversation_was_asked_for_is_answered_in_it(tmp_path, autojump_clock):
    settings = {
        "continuation_seconds": 1,
        "approvals": {"destructive_slash_confirm": False},
        "display": {"busy_input_mode": "queue", "busy_ack_enabled": False},
    }
    async with open_chats(tmp_path, ada=Bot(settings)) as chats:
        await chats.say("first")
        await chats.say("/new")
        await chats.say("hello")
        assert (await chats.reply()).text == "Ada here. You said: first"
        assert "new conversation" in (await chats.reply()).text
        assert (await chats.reply()).text == "Ada here. You said: hello"


async def test_stop_reaches_a_message_whose_end_is_waited_for(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot({"continuation_seconds": 3})) as chats:
        await chats.say("x" * 4050)
        await chats.until(lambda: "accepted" in chats.inbox())
        assert (await chats.ask("/stop")).text == "Nothing was running. 1 waiting message dropped."
        assert [sent for sent in await chats.quiet(5) if sent.is_new_message] == []
        assert chats.inbox() == ["done", "done"]


async def test_what_was_answered_together_is_answered_together_after_a_crash(tmp_path, autojump_clock, monkeypatch):
    crashes = []

    def crash_once(scope, messages):
        if not crashes:
            crashes.append(messages)
            raise ZeroDivisionError("foreign")
        return message_text(scope, messages)

    monkeypatch.setattr("hermes_trio.gateway.chat_turn.message_text", crash_once)
    async with open_chats(tmp_path) as chats:
        chats.expects_crashes = True
        await chats.say("I want")
        assert (await chats.ask("two plums")).text == "Ada here. You said: I want\ntwo plums"
        await chats.settled()
        assert chats.texts() == ["Ada here. You said: I want\ntwo plums"]


async def test_what_is_said_while_a_new_conversation_begins_is_answered_in_it(tmp_path, autojump_clock, monkeypatch):
    async def start_slowly(*args, **more):
        await trio.sleep(2)
        return await start_new(*args, **more)

    monkeypatch.setattr("hermes_trio.gateway.conversation.start_new", start_slowly)
    settings = {
        "approvals": {"destructive_slash_confirm": False},
        "display": {"busy_input_mode": "queue", "busy_ack_enabled": False},
    }
    async with open_chats(tmp_path, ada=Bot(settings)) as chats:
        await chats.say("!hang")
        await chats.until(lambda: "running" in chats.inbox())
        await chats.say("/new")
        await chats.say("!history")
        await chats.hears("new conversation")
        await chats.settled()
        said = "SELECT group_concat(content, '; ') FROM messages WHERE role = 'user' GROUP BY session_id"
        assert set(chats.rows("ada", said)) == {("!hang",), ("!history",)}
