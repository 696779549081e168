"""Slash commands in a chat that do something to the conversation or to the profile."""

from __future__ import annotations

import pytest
import trio

from tests.gateway.chats.rig import Bot, open_chats, open_home

SURE = Bot({"approvals": {"destructive_slash_confirm": False}})


async def test_new_asks_back_and_begins_anew(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.ask("the word is plum")
        question = await chats.ask("/new")
        assert question.text.startswith("Begin a new conversation?")
        await chats.alice.presses(question, "Approve")
        assert (await chats.reply()).text == "🆕 A new conversation begins."
        assert (await chats.ask("!history")).text == "0 messages before this one"


@pytest.mark.parametrize("word", ["approve", "yes", "1", "ok!"])
async def test_new_is_confirmed_in_words(tmp_path, autojump_clock, word):
    async with open_chats(tmp_path) as chats:
        await chats.ask("the word is plum")
        await chats.ask("/new")
        assert (await chats.ask(word)).text == "🆕 A new conversation begins."


@pytest.mark.parametrize("word", ["no", "Cancel", "3"])
async def test_new_is_taken_back_in_words(tmp_path, autojump_clock, word):
    async with open_chats(tmp_path) as chats:
        await chats.ask("the word is plum")
        await chats.ask("/new")
        assert (await chats.ask(word)).text == "All right, nothing changed."


async def test_whoever_says_something_else_does_not_mean_new_any_more_and_is_answered(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.ask("the word is plum")
        await chats.ask("/new")
        texts = [(await chats.ask("!history")).text, (await chats.reply()).text]
        assert texts == [
            "Nobody answered, so nothing was changed.",
            "2 messages before this one, the first was: the word is plum",
        ]


async def test_a_confirmed_command_loses_its_buttons(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        question = await chats.ask("/new")
        await chats.alice.presses(question, "Cancel")
        await chats.telegram.wait_until(lambda: question.buttons == ())


async def test_new_that_nobody_confirms_changes_nothing(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.ask("the word is plum")
        await chats.ask("/new")
        await chats.reply(seconds=600)
        assert "plum" in (await chats.ask("!history")).text


async def test_a_text_that_the_settings_name_begins_anew_and_no_other_does(tmp_path, autojump_clock):
    triggers = Bot({**SURE.config, "reset_triggers": ["Start over", "/begin"]})
    async with open_chats(tmp_path, ada=triggers) as chats:
        assert (await chats.ask("start  OVER")).text == "🆕 A new conversation begins."
        assert (await chats.ask("/begin")).text == "🆕 A new conversation begins."
        assert (await chats.ask("start over again")).text == "Ada here. You said: start over again"


async def test_restart_gateway_in_private_means_restart_with_its_permission(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(telegram={"extra": {"allow_admin_from": ["1002"]}})) as chats:
        group = chats.telegram.supergroup("Garden", chats.ada)
        assert "Only admins may use /restart" in (await chats.ask("Restart gateway")).text
        assert (await chats.ask("restart gateway", group=group)).text == "Ada here. You said: restart gateway"


async def test_new_ends_the_turn_that_runs(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=SURE) as chats:
        await chats.say("!hang")
        await chats.until(lambda: "running" in chats.inbox())
        assert (await chats.ask("/new")).text == "🆕 A new conversation begins."
        assert (await chats.ask("!history")).text == "0 messages before this one"
        await chats.settled()
        assert chats.inbox() == ["done"] * 3


async def test_a_message_that_follows_new_belongs_to_the_new_conversation(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=SURE) as chats:
        await chats.ask("the word is plum")
        await chats.say("/new")
        await chats.say("!history")
        assert [(await chats.reply()).text for _ in range(2)] == [
            "🆕 A new conversation begins.",
            "0 messages before this one",
        ]


async def test_retry_answers_the_last_message_as_if_it_were_the_first_time(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.ask("the word is plum")
        await chats.ask("!history")
        assert (await chats.ask("/retry")).text == "🔁 Once more: !history"
        assert (await chats.reply()).text == "2 messages before this one, the first was: the word is plum"


async def test_a_background_question_has_a_conversation_of_its_own(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.ask("the word is plum")
        assert "in the background" in (await chats.ask("/background !history")).text
        assert (await chats.reply()).text == "0 messages before this one"
        assert "2 messages before" in (await chats.ask("!history")).text


async def test_a_background_question_disturbs_no_turn_and_waits_for_none(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.say("!sleep 9")
        await chats.until(lambda: "running" in chats.inbox())
        await chats.ask("/background !say meanwhile")
        assert (await chats.reply()).text == "meanwhile"
        assert (await chats.reply()).text == "Ada slept 9 s."


async def test_restart_restarts_this_profile_only_and_loses_nothing(tmp_path, autojump_clock):
    queueing = Bot({"display": {"busy_input_mode": "queue"}})
    async with open_chats(tmp_path, ada=queueing, bea=queueing) as chats:
        await chats.say("!sleep 20")
        await chats.say("!sleep 50", of="bea")
        await chats.until(lambda: "running" in chats.inbox() and "running" in chats.inbox("bea"))
        await chats.ask("!say in the queue")
        await chats.ask("/restart")
        await trio.sleep(5)
        await chats.say("!say while it restarts")
        await chats.hears("while it restarts")
        await chats.hears("✅ I am back.")
        said = ["Ada slept 20 s.", "in the queue", "while it restarts"]
        assert [text for text in chats.texts() if text in said] == said
        assert chats.gateway.slot("ada").generation == 2
        assert (await chats.reply(of="bea", seconds=60)).text == "Bea slept 50 s."
        assert chats.gateway.slot("bea").generation == 1


async def test_a_restart_that_cannot_wait_resumes_the_turn_afterwards(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot({"agent": {"restart_drain_timeout": 2}})) as chats:
        await chats.say("!sleep 20")
        await chats.until(lambda: "running" in chats.inbox())
        await chats.ask("/restart")
        await chats.hears("✅ I am back.")
        await chats.hears("Ada slept 20 s.", seconds=60)
        await chats.settled()
        assert set(chats.inbox()) == {"done"}
        assert [role for role, _ in chats.history()] == ["user", "assistant"]


async def test_a_command_that_was_replied_to_is_not_run_again_after_a_crash(tmp_path, autojump_clock):
    async with open_home(tmp_path, ada=SURE) as chats:
        async with chats.serving():
            await chats.ask("/new")
            await chats.settled()
            await chats.ask("hello")
            await chats.settled()
        async with chats.serving():
            assert await chats.quiet() == []
            assert "2 messages" in (await chats.ask("!history")).text


async def test_commands_for_admins_are_refused_to_others(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(telegram={"extra": {"allow_admin_from": ["1002"]}})) as chats:
        assert "Only admins may use /restart" in (await chats.ask("/restart")).text
        assert chats.gateway.slot("ada").generation == 1


async def test_start_is_answered_by_nobody(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.say("/start")
        assert await chats.quiet() == []
        assert chats.inbox() == ["done"]


async def test_a_command_for_another_bot_is_left_to_it(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(), bea=Bot()) as chats:
        group = chats.telegram.supergroup("Garden", chats.ada, chats.bots["bea"])
        assert "Profile: bea" in (await chats.ask("/profile@bea_bot", group=group, of="bea")).text
        assert [sent.text for sent in await chats.quiet()] == []
        assert chats.inbox("ada") == []


async def test_a_pause_of_the_platform_keeps_messages_until_it_is_resumed(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        assert "telegram" in (await chats.ask("/platform pause telegram")).text
        await chats.say("are you there?")
        assert await chats.quiet(60) == []
        assert chats.ada.pending_updates > 0
