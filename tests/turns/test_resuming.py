"""A message that is answered again after the process died in the middle."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace

import pytest
import trio

from hermes_trio.errors import ModelError
from hermes_trio.store.messages import JSON_PREFIX, StoredMessage, ToolCall
from hermes_trio.store.sessions import SessionRecord, TurnRecord, record_turn
from hermes_trio.turns.place import Place
from hermes_trio.turns.resuming import ONCE_MORE_NOTE, RESUMED_NOTE

PLACE = Place(chat_id="42", message_id="m7")
ASKED = StoredMessage("user", "write it down", 1.0, platform_message_id="m7")
CALLED = StoredMessage("assistant", None, 2.0, tool_calls=(ToolCall("c1", "write_file", "{}"),))
DONE = StoredMessage("tool", '{"written": true}', 3.0, tool_call_id="c1", tool_name="write_file")
OTHERS = (StoredMessage("user", "hello", 0.1, platform_message_id="m6"), StoredMessage("assistant", "hi", 0.2))


async def left_behind(agent, *rows: StoredMessage) -> None:
    """What a process that was killed has stored."""
    await record_turn(agent.scope, TurnRecord(SessionRecord("s", "telegram", 1.0), rows, None, 4.0))


async def contents(agent) -> list[tuple[object, ...]]:
    return await agent.rows("SELECT role, content, platform_message_id FROM messages ORDER BY id")


async def test_the_platforms_id_is_stored_with_the_message(open_agent, autojump_clock):
    async with open_agent() as agent:
        await agent.ask("hello", place=PLACE)
        assert [row[::2] for row in await contents(agent)] == [("user", "m7"), ("assistant", None)]


async def test_a_message_nothing_is_stored_of_is_answered_as_if_it_were_new(open_agent, autojump_clock):
    async with open_agent() as agent:
        await left_behind(agent, *OTHERS)
        result = await agent.ask("!history", place=PLACE, resumed=True)
        assert result.text.startswith("2 messages before this one")
        assert (await contents(agent))[2] == ("user", "!history", "m7")


async def test_a_message_that_is_stored_is_answered_and_not_added_again(open_agent, autojump_clock):
    async with open_agent() as agent:
        await left_behind(agent, *OTHERS, ASKED)
        result = await agent.ask("write it down", place=PLACE, resumed=True)
        assert result.text == "Ada here. You said: write it down"
        assert [role for role, _, _ in await contents(agent)] == ["user", "assistant", "user", "assistant"]


async def test_work_that_is_stored_is_gone_on_with(open_agent, autojump_clock):
    async with open_agent() as agent:
        await left_behind(agent, *OTHERS, ASKED, CALLED, DONE)
        result = await agent.ask("write it down", place=PLACE, resumed=True)
        assert result.text == f"Ada here. You said: {RESUMED_NOTE}"
        assert (await contents(agent))[5:] == [("user", RESUMED_NOTE, None), ("assistant", result.text, None)]
        # The whole conversation was sent: two messages before, the message, its round, the note.
        assert (await agent.ask("!history")).text.startswith("7 messages")


async def test_a_message_after_which_others_were_answered_is_told_once_more(open_agent, autojump_clock):
    async with open_agent() as agent:
        await left_behind(agent, *OTHERS, ASKED, StoredMessage("user", "and you?", 2.0, platform_message_id="m8"))
        result = await agent.ask("write it down", place=PLACE, resumed=True)
        once_more = f"{ONCE_MORE_NOTE}\nwrite it down"
        assert result.text == f"Ada here. You said: {once_more}"
        assert (await contents(agent))[4:] == [("user", once_more, "m7"), ("assistant", result.text, None)]


async def test_a_picture_that_is_told_once_more_is_still_there(open_agent, autojump_clock):
    asked = ({"type": "text", "text": "what is this?"}, {"type": "image_url", "image_url": {"url": "data:,"}})
    async with open_agent() as agent:
        await left_behind(agent, ASKED, *OTHERS)
        await agent.ask(asked, place=PLACE, resumed=True)
        stored = json.loads(str((await contents(agent))[3][1]).removeprefix(JSON_PREFIX))
        assert stored == [{"type": "text", "text": ONCE_MORE_NOTE}, *asked]


async def test_what_was_overheard_since_is_no_work(open_agent, autojump_clock):
    chatter = StoredMessage("user", "[Bob] plums!", 2.0, platform_message_id="m8", observed=True)
    async with open_agent() as agent:
        await left_behind(agent, ASKED, chatter)
        await agent.ask("write it down", place=PLACE, resumed=True)
        assert [role for role, _, _ in await contents(agent)] == ["user", "user", "assistant"]


async def test_what_was_overheard_is_not_taken_for_the_message(open_agent, autojump_clock):
    async with open_agent() as agent:
        await left_behind(agent, replace(ASKED, observed=True))
        await agent.ask("write it down", place=PLACE, resumed=True)
        assert [role for role, _, _ in await contents(agent)] == ["user", "user", "assistant"]


async def test_a_message_of_another_bot_with_the_same_number_is_another_message(open_agent, autojump_clock):
    elsewhere = replace(PLACE, transport_profile="default")
    async with open_agent() as agent:
        await left_behind(agent, ASKED)
        for _ in range(2):
            with trio.move_on_after(5):
                await agent.ask("!hang", place=elsewhere, resumed=True, keeps_message=True)
        assert (await contents(agent)) == [("user", "write it down", "m7"), ("user", "!hang", "default:m7")]


async def test_a_message_that_is_not_resumed_is_always_added(open_agent, autojump_clock):
    async with open_agent() as agent:
        await left_behind(agent, ASKED)
        await agent.ask("write it down", place=PLACE)
        assert [role for role, _, _ in await contents(agent)] == ["user", "user", "assistant"]


async def test_without_an_id_a_message_cannot_be_recognised(open_agent, autojump_clock):
    async with open_agent() as agent:
        await left_behind(agent, StoredMessage("user", "write it down", 1.0))
        await agent.ask("write it down", place=Place(chat_id="42"), resumed=True)
        assert [role for role, _, _ in await contents(agent)] == ["user", "user", "assistant"]


async def test_a_message_can_be_resumed_again_and_again(open_agent, autojump_clock):
    config = {"platform_toolsets": {"api_server": ["todo", "delegation"]}}
    text = '!tool todo {}\n!tool delegate_task {"goal": "!hang"}'
    async with open_agent(config=config) as agent:
        with trio.move_on_after(5):
            await agent.ask(text, place=PLACE)
        for _ in range(2):
            await agent.ask(text, place=PLACE, resumed=True)
        stored = await contents(agent)
    assert [content for role, content, _ in stored if role == "user"] == [text, RESUMED_NOTE, RESUMED_NOTE]
    assert sum(message_id == "m7" for _, _, message_id in stored) == 1


@pytest.mark.parametrize("text", ["!hang", "!fail 400"])
async def test_a_message_may_stay_although_nothing_came_of_it(open_agent, autojump_clock, text):
    async with open_agent() as agent:
        for keeps in (False, True):
            with trio.move_on_after(5):
                with contextlib.suppress(ModelError):
                    await agent.ask(text, place=PLACE, keeps_message=keeps)
        assert await contents(agent) == [("user", text, "m7")]
        result = await agent.ask("!history")
        assert result.text == f"1 messages before this one, the first was: {text}"
