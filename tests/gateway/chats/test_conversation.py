"""Conversations with a bot: answered, remembered, each place its own."""

from __future__ import annotations

import trio

from hermes_trio.testing.telegram import FaultKind
from tests.gateway.chats.rig import Bot, open_chats, open_home

QUEUE = {"display": {"busy_input_mode": "queue", "busy_ack_enabled": False}}


async def test_a_direct_message_is_answered_by_the_bot_it_went_to(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(), bea=Bot()) as chats:
        assert (await chats.ask("hello")).text == "Ada here. You said: hello"
        assert (await chats.ask("hello", of="bea")).text == "Bea here. You said: hello"


async def test_what_was_said_before_is_remembered(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.ask("the word is plum")
        await chats.ask("and it is blue")
        assert (await chats.ask("!history")).text == "4 messages before this one, the first was: the word is plum"


async def test_what_was_said_before_is_remembered_after_a_crash(tmp_path, autojump_clock):
    async with open_home(tmp_path, ada=Bot()) as chats:
        async with chats.serving():
            await chats.ask("the word is plum")
            await chats.settled()
        async with chats.serving():
            assert "the first was: the word is plum" in (await chats.ask("!history")).text
            await chats.settled()
    assert chats.inbox() == ["done", "done"]


async def test_messages_from_while_the_gateway_was_down_are_answered(tmp_path, autojump_clock):
    async with open_home(tmp_path, ada=Bot(QUEUE)) as chats:
        async with chats.serving():
            await chats.ask("hello")
            await chats.settled()
        await chats.say("are you there?")
        async with chats.serving():
            assert (await chats.reply()).text == "Ada here. You said: are you there?"


async def test_pieces_that_follow_each_other_closely_are_one_message(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.say("!say one")
        await chats.say("two")
        assert (await chats.reply()).text == "one\ntwo"
        assert await chats.quiet() == []


async def test_messages_that_piled_up_are_answered_one_by_one(tmp_path, autojump_clock):
    async with open_home(tmp_path, ada=Bot(QUEUE)) as chats:
        for text in ("!say one", "!say two"):
            await chats.say(text)
            await trio.sleep(10)
        async with chats.serving():
            assert [(await chats.reply()).text for _ in range(2)] == ["one", "two"]


async def test_an_edited_message_is_not_answered_again(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        message = await chats.say("hello")
        await chats.reply()
        await chats.alice.edits(message, "hello!")
        assert await chats.quiet() == []


async def test_a_quoted_message_is_told_to_the_model(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        answer = await chats.ask("!say the plum is ripe")
        reply = await chats.ask("is it?", reply_to=answer)
        assert reply.text == 'Ada here. You said: [In reply to you: "the plum is ripe"]\nis it?'


async def test_typing_is_shown_while_a_long_answer_is_written(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.ask("!sleep 12")
        actions = [sent.text for sent in chats.ada.sent if sent.method == "sendChatAction"]
        assert len(actions) >= 3
        assert set(actions) == {"typing"}


async def test_a_long_answer_comes_in_numbered_parts_in_order(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        words = [f"word{number}" for number in range(1200)]
        await chats.say(f"!say {' '.join(words)}")
        await chats.until(lambda: len(chats.texts()) >= 3)
        texts = chats.texts()
        assert [word for text in texts for word in text.split() if word.startswith("word")] == words
        assert [text.endswith(f"({number}/{len(texts)})") for number, text in enumerate(texts, start=1)] == [
            True
        ] * len(texts)


async def test_a_blocked_bot_gives_up_and_answers_again_once_it_is_let_in(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.say("!sleep 5")
        await chats.alice.blocks(chats.ada)
        await chats.until(lambda: chats.outbox() == ["failed"])
        await chats.alice.unblocks(chats.ada)
        assert (await chats.ask("hello")).text == "Ada here. You said: hello"


async def test_an_answer_that_is_noted_as_sent_is_not_sent_again(tmp_path, autojump_clock):
    async with open_home(tmp_path, ada=Bot()) as chats:
        async with chats.serving():
            await chats.ask("hello")
            await chats.settled()
        async with chats.serving():
            assert await chats.quiet() == []


async def test_an_answer_that_may_have_arrived_says_so(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        chats.telegram.inject(FaultKind.DROP_AFTER, method="sendMessage")
        assert (await chats.ask("hello")).text == "Ada here. You said: hello"
        assert (await chats.reply()).text == "(possibly sent before)\nAda here. You said: hello"
        await chats.settled()
        assert chats.outbox() == ["sent"]


async def test_an_answer_that_cannot_have_arrived_does_not_say_so(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        chats.telegram.inject(FaultKind.TOO_MANY_REQUESTS, method="sendMessage", times=3, seconds=7)
        assert (await chats.ask("hello")).text == "Ada here. You said: hello"


async def test_a_message_that_telegram_delivers_twice_is_answered_once(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        message = await chats.say("hello")
        await chats.reply()
        chats.ada.bot_state.queue.push("message", message.as_json())
        chats.telegram.state.wake()
        assert await chats.quiet() == []
        assert chats.inbox() == ["done"]


async def test_pieces_that_a_crash_cut_off_are_answered_together_again(tmp_path, autojump_clock):
    async with open_home(tmp_path, ada=Bot()) as chats:
        async with chats.serving():
            await chats.say("!sleep 5")
            await chats.say("and this")
            await chats.until(lambda: chats.inbox() == ["running", "running"])
        async with chats.serving():
            await chats.reply()
            await chats.settled()
    assert chats.history() == [("user", "!sleep 5\nand this"), ("assistant", "Ada slept 5 s.")]


async def test_all_that_waited_when_the_gateway_went_is_answered_however_much_it_is(tmp_path, autojump_clock):
    async with open_home(tmp_path, ada=Bot(QUEUE)) as chats:
        async with chats.serving():
            await chats.say("!sleep 5")
            await chats.until(lambda: chats.inbox() == ["running"])
            for number in range(31):
                await chats.say(f"!say {number}")
            await chats.until(lambda: len(chats.inbox()) == 32)
        await chats.say("!say late")
        async with chats.serving():
            await chats.hears("late")
            await chats.settled()
    assert [text for text in chats.texts() if text.isdecimal()] == [str(number) for number in range(31)]
    assert not any("was not taken" in text for text in chats.texts())


async def test_an_answer_does_not_wait_for_those_who_are_told_of_it(tmp_path, autojump_clock, monkeypatch):
    async def take_long(*_args):
        await trio.sleep(100)

    monkeypatch.setattr("hermes_trio.turns.turn.tell_agent_end", take_long)
    async with open_chats(tmp_path) as chats:
        await chats.say("hello")
        assert (await chats.reply(seconds=5)).text == "Ada here. You said: hello"


async def test_chats_that_wait_for_a_seat_are_answered_in_the_order_in_which_they_came(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot({"max_concurrent_sessions": 1})) as chats:
        people = [chats.telegram.user(2000 + number, f"P{number}") for number in range(8)]
        for person in people:
            await chats.say("!sleep 1", by=person)
            await trio.sleep(0.1)
        await chats.settled()
        answered = [sent.chat_id for sent in chats.ada.sent if sent.is_new_message]
        assert answered == [2000 + number for number in range(8)]
