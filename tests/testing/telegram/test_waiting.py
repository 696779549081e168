from __future__ import annotations

import pytest
import trio

from hermes_trio.testing.telegram import NothingHappened
from tests.testing.telegram.caller import calling


async def test_replies_come_in_order_and_once_for_each_chat():
    async with calling() as (telegram, bot, call):
        alice, bob = telegram.user(7, "Alice"), telegram.user(8, "Bob")
        alice.opens(bot)
        bob.opens(bot)
        for chat, text in ((7, "a"), (8, "b"), (7, "c")):
            await call("sendMessage", chat_id=chat, text=text)
        assert [(await bot.next_reply(chat)).text for chat in (alice, alice, None)] == ["a", "c", "b"]


async def test_edits_and_actions_are_no_replies(autojump_clock):
    async with calling() as (telegram, bot, call):
        telegram.user(7, "Alice").opens(bot)
        await call("sendChatAction", chat_id=7, action="typing")
        number = (await call("sendMessage", chat_id=7, text="a")).result["message_id"]
        await bot.next_reply()
        await call("editMessageText", chat_id=7, message_id=number, text="b")
        with pytest.raises(NothingHappened, match="editMessageText to 7: 'b'"):
            await bot.next_reply(seconds=3)


async def test_waiting_ends_when_it_happens(autojump_clock):
    async with calling() as (telegram, bot, call), trio.open_nursery() as nursery:
        telegram.user(7, "Alice").opens(bot)

        async def send_later():
            await trio.sleep(2)
            await call("sendMessage", chat_id=7, text="at last")

        nursery.start_soon(send_later)
        began = trio.current_time()
        assert (await telegram.wait_for(lambda sent: sent.text == "at last")).chat_id == 7
        assert trio.current_time() - began == 2


async def test_waiting_may_begin_at_an_index(autojump_clock):
    async with calling() as (telegram, bot, call):
        telegram.user(7, "Alice").opens(bot)
        await call("sendMessage", chat_id=7, text="a")
        with pytest.raises(NothingHappened):
            await telegram.wait_for(lambda sent: sent.text == "a", since=1, seconds=1)


async def test_a_bot_is_waited_for_until_it_polls(autojump_clock):
    async with calling() as (_telegram, bot, call), trio.open_nursery() as nursery:
        with pytest.raises(NothingHappened, match="getUpdates"):
            await bot.wait_polling(seconds=1)
        nursery.start_soon(call.get_updates_until_cancelled)
        await bot.wait_polling(seconds=1)
        nursery.cancel_scope.cancel()
