from __future__ import annotations

import pytest

from tests.testing.telegram.caller import Caller, calling


async def messages(call):
    return [update["message"] for update in (await call("getUpdates")).result if "message" in update]


async def test_every_bot_of_a_group_gets_a_message():
    async with calling() as (telegram, bot, call):
        other = telegram.bot("43:secret", "ben_bot")
        outsider = telegram.bot("44:secret")
        group = telegram.group("Friends", bot, other)
        await telegram.user(7, "Alice").says_in(group, "hi @ben_bot")
        async with Caller.open(telegram, other.token) as second:
            mine, theirs = (await messages(call))[0], (await messages(second))[0]
        assert mine == theirs
        assert mine["chat"] == {"id": group.id, "type": "group", "title": "Friends"}
        assert mine["entities"] == [{"type": "mention", "offset": 3, "length": 8}]
        assert outsider.pending_updates == 0


@pytest.mark.parametrize(
    ("text", "heard"),
    [
        ("hello all", False),
        ("hello @ada_bot", True),
        ("hello @ben_bot", False),
        ("/help", True),
        ("/help@ada_bot", True),
        ("/help@ben_bot", False),
    ],
)
async def test_a_bot_in_privacy_mode_hears_only_what_is_meant_for_it(text, heard):
    async with calling(token="41:other") as (telegram, _bot, _call):
        bot = telegram.bot("42:secret", "ada_bot", privacy=True)
        await telegram.user(7, "Alice").says_in(telegram.group("Friends", bot), text)
        assert bot.pending_updates == heard


async def test_a_bot_in_privacy_mode_hears_answers_to_it():
    async with calling() as (telegram, bot, call):
        group = telegram.group("Friends", bot)
        bot.bot_state.reads_all = False
        await call("sendMessage", chat_id=group.id, text="question")
        await telegram.user(7, "Alice").says_in(group, "answer", reply_to=await bot.next_reply(group))
        assert [message["text"] for message in await messages(call)] == ["answer"]


async def test_bots_do_not_hear_bots():
    async with calling() as (telegram, bot, call):
        other = telegram.bot("43:secret")
        group = telegram.group("Friends", bot, other)
        await call("sendMessage", chat_id=group.id, text="hi")
        assert (bot.pending_updates, other.pending_updates) == (0, 0)


async def test_messages_of_a_topic_name_it_and_those_of_the_general_topic_do_not():
    async with calling() as (telegram, bot, call):
        forum = telegram.supergroup("Forum", bot, forum=True)
        alice = telegram.user(7, "Alice")
        thread = await forum.opens_topic("Plans")
        await alice.says_in(forum, "in general")
        await alice.says_in(forum, "in general, too", thread=1)
        await alice.says_in(forum, "in plans", thread=thread)
        created, general, named_general, topic = await messages(call)
        assert created["forum_topic_created"]["name"] == "Plans"
        for message in (general, named_general):
            assert "message_thread_id" not in message
            assert "is_topic_message" not in message
        assert (topic["message_thread_id"], topic["is_topic_message"]) == (thread, True)
        assert topic["reply_to_message"]["message_id"] == thread
        assert topic["chat"]["is_forum"] is True


async def test_a_bot_writes_into_topics_that_exist():
    async with calling() as (telegram, bot, call):
        forum = telegram.supergroup("Forum", bot, forum=True)
        thread = (await call("createForumTopic", chat_id=forum.id, name="Plans")).result["message_thread_id"]
        result = (await call("sendMessage", chat_id=forum.id, message_thread_id=thread, text="x")).result
        assert (result["message_thread_id"], result["is_topic_message"]) == (thread, True)
        assert (await bot.next_reply(forum)).thread == thread
        await forum.deletes_topic(thread)
        gone = await call("sendMessage", chat_id=forum.id, message_thread_id=thread, text="x")
        assert gone.refused == (400, "Bad Request: message thread not found")


async def test_the_general_topic_is_named_for_actions_only():
    async with calling() as (telegram, bot, call):
        forum = telegram.supergroup("Forum", bot, forum=True)
        named = await call("sendMessage", chat_id=forum.id, message_thread_id=1, text="x")
        assert named.refused == (400, "Bad Request: message thread not found")
        assert "message_thread_id" not in (await call("sendMessage", chat_id=forum.id, text="x")).result
        assert (await call("sendChatAction", chat_id=forum.id, message_thread_id=1, action="typing")).result is True


async def test_only_forums_have_topics():
    async with calling() as (telegram, bot, call):
        group = telegram.supergroup("Plain", bot)
        answer = await call("createForumTopic", chat_id=group.id, name="x")
        assert answer.refused == (400, "Bad Request: the chat is not a forum")


@pytest.mark.parametrize("forum", [False, True], ids=["plain supergroup", "General topic"])
async def test_an_answer_outside_of_topics_has_a_thread_nobody_can_write_into_by_number(forum):
    async with calling() as (telegram, bot, call):
        group = telegram.supergroup("Talk", bot, forum=forum)
        alice = telegram.user(7, "Alice")
        first = await alice.says_in(group, "question")
        await alice.says_in(group, "answer", reply_to=first)
        _, answer = await messages(call)
        assert answer["message_thread_id"] == first.id
        assert "is_topic_message" not in answer
        named = await call("sendMessage", chat_id=group.id, message_thread_id=first.id, text="x")
        assert named.refused == (400, "Bad Request: message thread not found")
        reply = {"message_id": answer["message_id"]}
        assert (await call("sendMessage", chat_id=group.id, reply_parameters=reply, text="x")).status == 200


async def test_a_channel_post_has_no_author():
    async with calling() as (telegram, bot, call):
        channel = telegram.channel("News", bot, username="the_news")
        await channel.posts("breaking")
        post = (await call("getUpdates")).result[0]["channel_post"]
        assert (post["text"], post["chat"]["type"]) == ("breaking", "channel")
        assert "from" not in post
        assert (await call("sendMessage", chat_id="@the_news", text="x")).result["sender_chat"]["id"] == channel.id


async def test_a_button_below_a_channel_post_is_told_to_the_bot_that_posted():
    async with calling() as (telegram, bot, call):
        other = telegram.bot("43:secret")
        channel = telegram.channel("News", other, bot)
        keyboard = {"inline_keyboard": [[{"text": "More", "callback_data": "m"}]]}
        await call("sendMessage", chat_id=channel.id, text="news", reply_markup=keyboard)
        await telegram.user(7, "Alice").presses(await bot.next_reply(channel), "More")
        assert (bot.pending_updates, other.pending_updates) == (1, 0)


async def test_a_group_that_has_become_a_supergroup_names_its_new_id():
    async with calling() as (telegram, bot, call):
        group = telegram.group("Friends", bot)
        new = await group.upgrades()
        old_news, new_news = await messages(call)
        assert (old_news["chat"]["id"], old_news["migrate_to_chat_id"]) == (group.id, new.id)
        assert (new_news["chat"]["id"], new_news["migrate_from_chat_id"]) == (new.id, group.id)
        answer = await call("sendMessage", chat_id=group.id, text="x")
        assert answer.refused == (400, "Bad Request: group chat was upgraded to a supergroup chat")
        assert answer.body["parameters"] == {"migrate_to_chat_id": new.id}
        assert (await call("sendMessage", chat_id=new.id, text="x")).status == 200


async def test_a_bot_writes_only_where_it_is():
    async with calling() as (telegram, bot, call):
        group = telegram.group("Friends")
        assert (await call("getChat", chat_id=group.id)).refused == (400, "Bad Request: chat not found")
        await group.adds(bot)
        assert (await call("getChat", chat_id=group.id)).result["title"] == "Friends"
        await group.removes(bot)
        kicked = await call("sendMessage", chat_id=group.id, text="x")
        assert kicked.refused == (403, "Forbidden: bot was kicked from the group chat")
        await group.adds(bot)
        assert (await call("leaveChat", chat_id=group.id)).result is True
        assert (await call("sendMessage", chat_id=group.id, text="x")).status == 400
        statuses = [u["my_chat_member"]["new_chat_member"]["status"] for u in (await call("getUpdates")).result]
        assert statuses == ["member", "kicked", "member"]


async def test_an_edited_message_is_told():
    async with calling() as (telegram, bot, call):
        alice = telegram.user(7, "Alice")
        said = await alice.says(bot, "frist")
        await alice.edits(said, "first")
        edited = (await call("getUpdates")).result[1]["edited_message"]
        assert (edited["message_id"], edited["text"]) == (said.id, "first")
        assert edited["edit_date"] >= edited["date"]


async def test_private_chats_of_two_bots_with_one_person_are_two():
    async with calling() as (telegram, bot, _call):
        other = telegram.bot("43:secret")
        alice = telegram.user(7, "Alice")
        await alice.says(bot, "to the first")
        assert other.pending_updates == 0
        async with Caller.open(telegram, other.token) as second:
            assert (await second("sendMessage", chat_id=7, text="x")).refused == (400, "Bad Request: chat not found")


async def test_a_private_chat_can_have_topics():
    async with calling() as (telegram, bot, call):
        alice = telegram.user(7, "Alice")
        thread = await alice.opens_topic(bot, "Plans")
        await alice.says(bot, "in plans", thread=thread)
        _, said = await messages(call)
        assert (said["message_thread_id"], said["is_topic_message"]) == (thread, True)
        await call("sendMessage", chat_id=7, message_thread_id=thread, text="x")
        assert (await bot.next_reply(alice)).thread == thread
