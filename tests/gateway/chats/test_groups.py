"""Groups, topics and channels: who shares a conversation, and when the bot listens."""

from __future__ import annotations

from tests.gateway.chats.rig import Bot, open_chats

MENTIONS = Bot(env={"TELEGRAM_REQUIRE_MENTION": "true"})


async def test_in_a_group_everybody_has_a_conversation_of_their_own(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        group = chats.telegram.supergroup("Garden", chats.ada)
        await chats.ask("the word is plum", group=group)
        await chats.ask("the word is fig", group=group, by=chats.bob)
        assert "the first was: the word is plum" in (await chats.ask("!history", group=group)).text
        assert "the first was: the word is fig" in (await chats.ask("!history", group=group, by=chats.bob)).text


async def test_a_shared_group_tells_the_model_who_speaks(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot({"group_sessions_per_user": False})) as chats:
        group = chats.telegram.supergroup("Garden", chats.ada)
        assert (await chats.ask("hello", group=group)).text == "Ada here. You said: [Alice] hello"
        assert (await chats.ask("hello", group=group, by=chats.bob)).text == "Ada here. You said: [Bob] hello"
        assert chats.rows("ada", "SELECT count(*) FROM sessions") == [(1,)]


async def test_a_forum_topic_is_one_conversation_of_all_who_write_there(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        forum = chats.telegram.supergroup("Garden", chats.ada, forum=True)
        plums, figs = await forum.opens_topic("Plums"), await forum.opens_topic("Figs")
        await chats.ask("the word is plum", group=forum, thread=plums)
        await chats.ask("me too", group=forum, thread=plums, by=chats.bob)
        await chats.ask("the word is fig", group=forum, thread=figs)
        said = "SELECT group_concat(content, '; ') FROM messages WHERE role = 'user' GROUP BY session_id"
        assert set(chats.rows("ada", said)) == {
            ("[Alice] the word is plum; [Bob] me too",),
            ("[Alice] the word is fig",),
        }


async def test_an_answer_goes_into_the_topic_of_its_question(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        forum = chats.telegram.supergroup("Garden", chats.ada, forum=True)
        plums = await forum.opens_topic("Plums")
        answer = await chats.ask("hello", group=forum, thread=plums)
        assert answer.thread == plums
        assert not (await chats.ask("hello", group=forum)).in_topic


async def test_typing_is_shown_in_the_topic(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot({"thread_sessions_per_user": True})) as chats:
        forum = chats.telegram.supergroup("Garden", chats.ada, forum=True)
        plums = await forum.opens_topic("Plums")
        await chats.ask("!sleep 3", group=forum, thread=plums)
        assert [sent.thread for sent in chats.ada.sent if sent.method == "sendChatAction"] == [plums]


async def test_a_channel_post_is_answered_in_the_channel_when_the_channel_is_allowed(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(env={"TELEGRAM_GROUP_ALLOWED_CHATS": "*"})) as chats:
        channel = chats.telegram.channel("News", chats.ada)
        await channel.posts("hello")
        assert "You said: " in (await chats.reply(group=channel)).text


async def test_a_group_that_needs_a_mention_is_left_alone_without_one(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=MENTIONS) as chats:
        group = chats.telegram.supergroup("Garden", chats.ada)
        await chats.say("hello", group=group)
        assert await chats.quiet() == []
        assert (await chats.ask("@ada_bot hello", group=group)).text == "Ada here. You said: hello"


async def test_a_reply_to_the_bot_is_meant_for_it(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=MENTIONS) as chats:
        group = chats.telegram.supergroup("Garden", chats.ada)
        answer = await chats.ask("@ada_bot !say yes", group=group)
        assert "and you?" in (await chats.ask("and you?", group=group, reply_to=answer)).text


async def test_what_was_not_meant_for_the_bot_is_known_to_it_when_it_is_asked(tmp_path, autojump_clock):
    observant = Bot(
        {"group_sessions_per_user": False},
        env=MENTIONS.env,
        telegram={"extra": {"observe_unmentioned_group_messages": True}},
    )
    async with open_chats(tmp_path, ada=observant) as chats:
        group = chats.telegram.supergroup("Garden", chats.ada)
        await chats.say("the plum is ripe", group=group, by=chats.bob)
        assert await chats.quiet() == []
        await chats.ask("@ada_bot is it?", group=group)
        assert [text for _, text in chats.history()] == [
            "[Bob] the plum is ripe",
            "[Alice] is it?",
            "Ada here. You said: [Alice] is it?",
        ]


async def test_two_bots_of_one_group_keep_to_themselves(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=MENTIONS, bea=MENTIONS) as chats:
        group = chats.telegram.supergroup("Garden", chats.ada, chats.bots["bea"])
        assert (await chats.ask("@ada_bot hello", group=group)).text == "Ada here. You said: hello"
        assert (await chats.ask("@bea_bot hello", group=group, of="bea")).text == "Bea here. You said: hello"
        assert chats.inbox("ada") == chats.inbox("bea") == ["done"]


async def test_a_group_that_became_a_supergroup_still_gets_its_answer(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        group = chats.telegram.group("Garden", chats.ada)
        await chats.say("!sleep 5", group=group)
        await chats.until(lambda: chats.inbox() == ["running"])
        new = await group.upgrades()
        assert (await chats.reply(group=new)).text == "Ada slept 5 s."


async def test_only_the_first_part_quotes_the_question_in_a_group(tmp_path, autojump_clock):
    for mode, expected in (("first", [True, False]), ("all", [True, True]), ("off", [False, False])):
        async with open_chats(tmp_path / mode, ada=Bot(telegram={"reply_to_mode": mode})) as chats:
            group = chats.telegram.supergroup("Garden", chats.ada)
            question = await chats.say(f"!say {'word ' * 1200}", group=group)
            await chats.until(lambda chats=chats: len(chats.texts()) == 2)
            sent = [sent for sent in chats.ada.sent if sent.is_new_message]
            assert [one.reply_to == question.id for one in sent] == expected


async def test_a_message_of_a_moved_chat_is_not_taken_for_an_old_one_with_its_number(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        group = chats.telegram.group("Garden", chats.ada)
        for piece in ("the", "word is"):
            await chats.say(piece, group=group)
        old = await chats.say("plum", group=group)
        await chats.reply(group=group)
        moved = await group.upgrades()
        new = await chats.say("the word is fig", group=moved)
        assert new.id == old.id
        assert (await chats.reply(group=moved)).text == "Ada here. You said: the word is fig"
