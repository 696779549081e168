"""Questions in a chat: consent and choices, by button and in words, and who may answer them."""

from __future__ import annotations

import pytest
import trio

from tests.gateway.chats.rig import Bot, open_chats

CLARIFY = '!tool clarify {"question": "Which?", "choices": ["red", "blue"]}'
DANGEROUS = '!tool terminal {"command": "rm -rf build"}'
ASKING = Bot({"approvals": {"mode": "manual"}})


async def test_a_question_has_its_choices_as_buttons(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        question = await chats.ask(CLARIFY)
        assert question.text == "❓ Which?"
        assert question.buttons == (("red",), ("blue",))


async def test_a_question_is_answered_by_its_button(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        question = await chats.ask(CLARIFY)
        pressed = await chats.alice.presses(question, "blue")
        assert '"user_response":"blue"' in (await chats.reply()).text
        assert (await pressed.answer()).get("text", "") == ""


@pytest.mark.parametrize(
    ("said", "heard"), [("2", "blue"), ("BLUE", "blue"), ("neither, green", "neither, green"), ("3", "3")]
)
async def test_a_question_is_answered_in_words(tmp_path, autojump_clock, said, heard):
    async with open_chats(tmp_path) as chats:
        await chats.ask(CLARIFY)
        assert f'"user_response":"{heard}"' in (await chats.ask(said)).text
        await chats.settled()
        assert chats.inbox() == ["done", "done"]


async def test_an_answered_question_loses_its_buttons(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        question = await chats.ask(CLARIFY)
        await chats.ask("1")
        await chats.telegram.wait_until(lambda: question.buttons == ())
        assert question.text == "❓ Which?"


async def test_a_question_that_nobody_answers_is_given_up(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        question = await chats.ask(CLARIFY)
        await chats.hears("The tools said:", seconds=3 * 3600)
        await chats.telegram.wait_until(lambda: question.buttons == ())


async def test_a_button_of_a_question_that_is_over_says_so(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        question = await chats.ask(CLARIFY)
        keyboard = question.keyboard
        await chats.ask("1")
        await chats.telegram.wait_until(lambda: question.buttons == ())
        question.keyboard = keyboard  # Alice's app has not seen the edit yet
        pressed = await chats.alice.presses(question, "blue")
        assert (await pressed.answer())["text"] == "Nobody waits for this answer any more."


async def test_a_dangerous_command_is_refused_by_button(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=ASKING) as chats:
        question = await chats.ask(DANGEROUS)
        assert "rm -rf build" in question.text
        assert ("✅ Once",) in question.buttons
        await chats.alice.presses(question, "❌ No")
        assert "the user said no" in (await chats.reply()).text


@pytest.mark.parametrize("word", ["no", "Deny!", "👎", "/deny"])
async def test_a_dangerous_command_is_refused_in_words(tmp_path, autojump_clock, word):
    async with open_chats(tmp_path, ada=ASKING) as chats:
        await chats.ask(DANGEROUS)
        await chats.say(word)
        await chats.telegram.wait_for(
            lambda sent: sent.text.startswith("The tools said") and "the user said no" in sent.text
        )
        await chats.settled()
        assert set(chats.inbox()) == {"done"}


async def test_a_dangerous_command_that_nobody_allows_is_not_run(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=ASKING) as chats:
        (chats.home.profile("ada").root / "build").mkdir()
        await chats.ask(DANGEROUS)
        await chats.hears("The tools said:", seconds=3 * 3600)
        assert (chats.home.profile("ada").root / "build").exists()


@pytest.mark.slow
@pytest.mark.parametrize("word", ["yes", "/approve", "button"])
async def test_a_dangerous_command_is_run_once_it_is_allowed(tmp_path, word):
    async with open_chats(tmp_path, ada=ASKING) as chats:
        build = chats.home.profile("ada").root / "build"
        build.mkdir()
        question = await chats.ask(DANGEROUS)
        assert build.exists()
        if word == "button":
            await chats.alice.presses(question, "✅ Once")
        else:
            await chats.say(word)
        await chats.telegram.wait_for(lambda sent: sent.text.startswith("The tools said"))
        assert not build.exists()


async def test_other_words_do_not_pass_for_consent(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot({**ASKING.config, "display": {"busy_input_mode": "queue"}})) as chats:
        await chats.ask(DANGEROUS)
        assert (await chats.ask("yes, but why?")).text == "⏳ I will come to this next."
        await chats.ask("no")
        assert (await chats.reply()).text == "Ada here. You said: yes, but why?"


async def test_a_stranger_may_not_press(tmp_path, autojump_clock):
    only_alice = Bot(env={"TELEGRAM_ALLOW_ALL_USERS": "", "TELEGRAM_ALLOWED_USERS": "1001"})
    async with open_chats(tmp_path, ada=only_alice) as chats:
        group = chats.telegram.supergroup("Garden", chats.ada)
        question = await chats.ask(CLARIFY, group=group)
        pressed = await chats.bob.presses(question, "blue")
        assert (await pressed.answer())["text"] == "This question is not for you."
        assert await chats.quiet() == []


async def test_another_member_of_the_group_may_not_press(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        group = chats.telegram.supergroup("Garden", chats.ada)
        question = await chats.ask(CLARIFY, group=group)
        pressed = await chats.bob.presses(question, "blue")
        assert (await pressed.answer())["text"] == "This question is not for you."
        await chats.alice.presses(question, "red")
        assert '"user_response":"red"' in (await chats.reply(group=group)).text


@pytest.mark.parametrize("key", ["group_allow_admin_from", "allow_admin_from"])
async def test_an_admin_may_press_in_a_group(tmp_path, autojump_clock, key):
    async with open_chats(tmp_path, ada=Bot(telegram={"extra": {key: ["1002"]}})) as chats:
        group = chats.telegram.supergroup("Garden", chats.ada)
        question = await chats.ask(CLARIFY, group=group)
        await chats.bob.presses(question, "blue")
        assert '"user_response":"blue"' in (await chats.reply(group=group)).text


@pytest.mark.parametrize(
    ("allowed", "said", "told"),
    [
        ([], "yes", "Only admins may use /approve here."),
        (["approve"], "always", "Only admins may allow something for always."),
        (["approve"], "/approve always", "Only admins may allow something for always."),
    ],
)
async def test_consent_needs_the_permission_that_approve_needs(tmp_path, autojump_clock, allowed, said, told):
    rules = {"allow_admin_from": ["1002"], "user_allowed_commands": allowed}
    async with open_chats(tmp_path, ada=Bot(ASKING.config, telegram={"extra": rules})) as chats:
        build = chats.home.profile("ada").root / "build"
        build.mkdir()
        question = await chats.ask(DANGEROUS)
        assert told in (await chats.ask(said)).text
        pressed = await chats.alice.presses(question, "✅ Always" if allowed else "✅ Once")
        assert told in (await pressed.answer())["text"]
        assert build.exists()
        assert "the user said no" in (await chats.ask("no")).text


@pytest.mark.slow
async def test_who_may_use_approve_may_press(tmp_path):
    rules = {"allow_admin_from": ["1002"], "user_allowed_commands": ["approve"]}
    async with open_chats(tmp_path, ada=Bot(ASKING.config, telegram={"extra": rules})) as chats:
        pressed = await chats.alice.presses(await chats.ask(DANGEROUS), "✅ Once")
        assert (await pressed.answer()).get("text", "") == ""
        await chats.hears("The tools said")


async def test_words_of_another_member_answer_no_question(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=ASKING) as chats:
        group = chats.telegram.supergroup("Garden", chats.ada)
        await chats.ask(DANGEROUS, group=group)
        assert (await chats.ask("no", group=group, by=chats.bob)).text == "Ada here. You said: no"
        assert "the user said no" in (await chats.ask("no", group=group)).text


async def test_a_question_that_could_not_be_shown_is_answered_in_words(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        chats.telegram.inject("server_error", method="sendMessage")
        await chats.say(CLARIFY)
        await chats.until(lambda: "running" in chats.inbox())
        await trio.sleep(2)
        assert '"user_response":"blue"' in (await chats.ask("blue")).text


async def test_a_question_of_one_bot_cannot_be_answered_through_another(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(), bea=Bot()) as chats:
        await chats.ask(CLARIFY)
        other = await chats.ask(CLARIFY, of="bea")
        await chats.alice.presses(other, "blue")
        assert '"user_response":"blue"' in (await chats.reply(of="bea")).text
        assert chats.ada.sent[-1].method != "sendMessage" or "Which?" in chats.ada.sent[-1].text
        assert chats.inbox("ada") == ["running"]


async def test_an_interrupted_question_loses_its_buttons(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=ASKING) as chats:
        question = await chats.ask(DANGEROUS)
        await chats.ask("!say something else")
        await chats.telegram.wait_until(lambda: question.buttons == ())


async def test_a_question_in_a_group_is_asked_in_its_topic(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot({"thread_sessions_per_user": True})) as chats:
        forum = chats.telegram.supergroup("Garden", chats.ada, forum=True)
        plums = await forum.opens_topic("Plums")
        question = await chats.ask(CLARIFY, group=forum, thread=plums)
        assert question.thread == plums
        await chats.alice.presses(question, "red")
        assert (await chats.reply(group=forum)).thread == plums
