from __future__ import annotations

import pytest

from hermes_trio.testing.telegram import Entity
from tests.testing.telegram.caller import calling

NOT_MODIFIED = (
    "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a "
    "current content and reply markup of the message"
)
KEYBOARD = {"inline_keyboard": [[{"text": "Yes", "callback_data": "y"}], [{"text": "Site", "url": "https://a.org"}]]}


async def test_a_message_is_logged_with_all_that_matters():
    async with calling() as (telegram, bot, call):
        alice = telegram.user(7, "Alice")
        said = await alice.says(bot, "hi")
        result = (
            await call(
                "sendMessage",
                chat_id=7,
                text="<b>yes</b>",
                parse_mode="HTML",
                reply_parameters={"message_id": said.id},
                reply_markup=KEYBOARD,
            )
        ).result
        sent = telegram.sent[-1]
        assert (sent.token, sent.method, sent.chat_id, sent.thread) == (bot.token, "sendMessage", 7, None)
        assert (sent.text, sent.entities, sent.parse_mode) == ("yes", (Entity("bold", 0, 3),), "HTML")
        assert (sent.buttons, sent.reply_to, sent.message_id) == ((("Yes",), ("Site",)), said.id, result["message_id"])
        assert result["reply_to_message"]["text"] == "hi"
        assert "reply_to_message" not in result["reply_to_message"]


@pytest.mark.parametrize(
    ("parameters", "description"),
    [
        ({"chat_id": 7, "text": ""}, "message text is empty"),
        ({"chat_id": 7, "text": "<b> </b>", "parse_mode": "HTML"}, "message text is empty"),
        ({"chat_id": 7, "text": "x" * 4097}, "message is too long"),
        ({"chat_id": 7, "text": "😀" * 2049}, "message is too long"),
        ({"chat_id": 8, "text": "x"}, "chat not found"),
        ({"chat_id": "@nobody", "text": "x"}, "chat not found"),
        ({"text": "x"}, "chat_id is empty"),
        ({"chat_id": 7, "text": "x", "parse_mode": "XML"}, "unsupported parse_mode"),
        ({"chat_id": 7, "text": "x", "reply_to_message_id": 99}, "message to be replied not found"),
        ({"chat_id": 7, "text": "x", "reply_parameters": {"message_id": 99}}, "message to be replied not found"),
        ({"chat_id": 7, "text": "x", "message_thread_id": 5}, "message thread not found"),
        ({"chat_id": 7, "text": "x", "reply_markup": "[]"}, "object expected as reply markup"),
        (
            {
                "chat_id": 7,
                "text": "x",
                "reply_markup": {"inline_keyboard": [[{"text": "a", "callback_data": "b" * 65}]]},
            },
            "BUTTON_DATA_INVALID",
        ),
    ],
)
async def test_messages_that_telegram_would_not_take_are_refused(parameters, description):
    async with calling() as (telegram, bot, call):
        telegram.user(7, "Alice").opens(bot)
        assert (await call("sendMessage", **parameters)).refused == (400, f"Bad Request: {description}")
        assert telegram.sent == []


async def test_the_length_counts_after_parsing():
    async with calling() as (telegram, bot, call):
        telegram.user(7, "Alice").opens(bot)
        source = "&lt;" * 4096
        assert (await call("sendMessage", chat_id=7, text=source, parse_mode="HTML")).result["text"] == "<" * 4096


async def test_white_space_around_a_text_is_dropped_and_entities_follow():
    async with calling() as (telegram, bot, call):
        telegram.user(7, "Alice").opens(bot)
        result = (await call("sendMessage", chat_id=7, text="\n <b>x </b>", parse_mode="HTML")).result
        assert (result["text"], result["entities"]) == ("x", [{"type": "bold", "offset": 0, "length": 1}])


async def test_a_message_to_answer_may_be_missing_where_that_is_allowed():
    async with calling() as (telegram, bot, call):
        telegram.user(7, "Alice").opens(bot)
        reply = {"message_id": 99, "allow_sending_without_reply": True}
        assert "reply_to_message" not in (await call("sendMessage", chat_id=7, text="x", reply_parameters=reply)).result


async def test_a_bot_cannot_write_to_who_blocked_it_until_unblocked():
    async with calling() as (telegram, bot, call):
        alice = telegram.user(7, "Alice")
        await alice.blocks(bot)
        blocked = (403, "Forbidden: bot was blocked by the user")
        assert (await call("sendMessage", chat_id=7, text="x")).refused == blocked
        assert (await call("sendChatAction", chat_id=7, action="typing")).refused == blocked
        await alice.unblocks(bot)
        assert (await call("sendMessage", chat_id=7, text="x")).status == 200
        statuses = [u["my_chat_member"]["new_chat_member"]["status"] for u in (await call("getUpdates")).result]
        assert statuses == ["kicked", "member"]


async def test_an_edit_changes_the_message_and_keeps_what_was_there():
    async with calling() as (telegram, bot, call):
        telegram.user(7, "Alice").opens(bot)
        number = (await call("sendMessage", chat_id=7, text="one", reply_markup=KEYBOARD)).result["message_id"]
        message = await bot.next_reply()
        result = (await call("editMessageText", chat_id=7, message_id=number, text="two")).result
        assert (result["text"], message.text, message.edits) == ("two", "two", ["one"])
        assert result["edit_date"] >= result["date"]
        assert message.buttons == ()  # an edit without a keyboard takes it away


@pytest.mark.parametrize("method", ["editMessageText", "editMessageReplyMarkup"])
async def test_an_edit_that_changes_nothing_is_refused(method):
    async with calling() as (telegram, bot, call):
        telegram.user(7, "Alice").opens(bot)
        number = (await call("sendMessage", chat_id=7, text="same")).result["message_id"]
        assert (await call(method, chat_id=7, message_id=number, text="same")).refused == (400, NOT_MODIFIED)


async def test_a_keyboard_can_be_changed_alone():
    async with calling() as (telegram, bot, call):
        telegram.user(7, "Alice").opens(bot)
        number = (await call("sendMessage", chat_id=7, text="x")).result["message_id"]
        await call("editMessageReplyMarkup", chat_id=7, message_id=number, reply_markup=KEYBOARD)
        message = await bot.next_reply()
        assert (message.buttons, message.edits) == ((("Yes",), ("Site",)), [])


async def test_only_own_messages_that_exist_can_be_edited():
    async with calling() as (telegram, bot, call):
        said = await telegram.user(7, "Alice").says(bot, "mine")
        other = await call("editMessageText", chat_id=7, message_id=said.id, text="x")
        assert other.refused == (400, "Bad Request: message can't be edited")
        missing = await call("editMessageText", chat_id=7, message_id=99, text="x")
        assert missing.refused == (400, "Bad Request: message to edit not found")


async def test_a_deleted_message_is_gone():
    async with calling() as (telegram, bot, call):
        telegram.user(7, "Alice").opens(bot)
        number = (await call("sendMessage", chat_id=7, text="x")).result["message_id"]
        assert (await call("deleteMessage", chat_id=7, message_id=number)).result is True
        assert (await bot.next_reply()).deleted
        gone = await call("deleteMessage", chat_id=7, message_id=number)
        assert gone.refused == (400, "Bad Request: message to delete not found")
        edit = await call("editMessageText", chat_id=7, message_id=number, text="y")
        assert edit.refused == (400, "Bad Request: message to edit not found")


async def test_messages_of_others_in_a_group_cannot_be_deleted():
    async with calling() as (telegram, bot, call):
        group = telegram.group("Friends", bot)
        said = await telegram.user(7, "Alice").says_in(group, "mine")
        answer = await call("deleteMessage", chat_id=group.id, message_id=said.id)
        assert answer.refused == (400, "Bad Request: message can't be deleted")


async def test_chat_actions_are_logged_and_wrong_ones_refused():
    async with calling() as (telegram, bot, call):
        telegram.user(7, "Alice").opens(bot)
        assert (await call("sendChatAction", chat_id=7, action="typing")).result is True
        assert (telegram.sent[-1].method, telegram.sent[-1].text) == ("sendChatAction", "typing")
        wrong = await call("sendChatAction", chat_id=7, action="sleeping")
        assert wrong.refused == (400, "Bad Request: wrong parameter action in request")


async def test_a_reaction_is_put_and_taken_away():
    async with calling() as (telegram, bot, call):
        said = await telegram.user(7, "Alice").says(bot, "hi")
        await call("setMessageReaction", chat_id=7, message_id=said.id, reaction=[{"type": "emoji", "emoji": "👀"}])
        assert said.reactions == {bot.id: ("👀",)}
        await call("setMessageReaction", chat_id=7, message_id=said.id, reaction=[])
        assert said.reactions == {bot.id: ()}
        missing = await call("setMessageReaction", chat_id=7, message_id=99, reaction=[])
        assert missing.refused == (400, "Bad Request: message to react not found")


async def test_a_pressed_button_is_told_and_answered_once():
    async with calling() as (telegram, bot, call):
        alice = telegram.user(7, "Alice")
        alice.opens(bot)
        await call("sendMessage", chat_id=7, text="Shall I?", reply_markup=KEYBOARD)
        pressed = await alice.presses(await bot.next_reply(), "Yes")
        query = (await call("getUpdates")).result[0]["callback_query"]
        assert (query["data"], query["from"]["id"], query["message"]["text"]) == ("y", 7, "Shall I?")
        assert not pressed.is_answered
        await call("answerCallbackQuery", callback_query_id=query["id"], text="noted")
        assert (await pressed.answer())["text"] == "noted"
        again = await call("answerCallbackQuery", callback_query_id=query["id"])
        assert again.refused[1].startswith("Bad Request: query is too old")


async def test_a_button_that_is_not_there_or_opens_a_page_cannot_be_pressed():
    async with calling() as (telegram, bot, call):
        alice = telegram.user(7, "Alice")
        alice.opens(bot)
        await call("sendMessage", chat_id=7, text="x", reply_markup=KEYBOARD)
        message = await bot.next_reply()
        with pytest.raises(ValueError, match="no button 'No'"):
            await alice.presses(message, "No")
        with pytest.raises(ValueError, match="no callback_data"):
            await alice.presses(message, "Site")
