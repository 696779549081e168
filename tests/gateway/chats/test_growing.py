"""Answers that grow in the chat while they are written, and what is seen of a turn besides."""

from __future__ import annotations

import trio

from hermes_trio.testing.telegram import FaultKind
from tests.gateway.chats.rig import Bot, open_chats, open_home

STREAMING = {"streaming": {"enabled": True}}
SLOW = "!tokens 40 100"


async def test_an_answer_grows_in_one_message(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(STREAMING)) as chats:
        reply = await chats.ask(SLOW)
        await chats.settled()
        assert len(reply.edits) > 3
        assert len(reply.text.split()) == 40
        assert "▉" not in reply.text
        assert len(chats.texts()) == 1


async def test_what_it_showed_in_the_end_is_what_is_remembered(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(STREAMING)) as chats:
        reply = await chats.ask(SLOW)
        await chats.settled()
        role, text = chats.history()[-1]
        assert (role, str(text).strip()) == ("assistant", reply.text)


async def test_a_platform_that_refuses_edits_gets_the_whole_answer(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(STREAMING)) as chats:
        refused = {"status": 400, "description": "Bad Request: message can't be edited"}
        chats.telegram.inject(FaultKind.ERROR, method="editMessageText", times=None, **refused)
        await chats.say(SLOW)
        await chats.until(lambda: chats.inbox() == ["done"])
        await chats.settled()
        assert len(chats.texts()[-1].split()) == 40


async def test_a_slow_platform_does_not_slow_the_turn(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(STREAMING)) as chats:
        chats.telegram.inject(FaultKind.SLOW, method="editMessageText", times=None, seconds=2.0)
        begun = trio.current_time()
        await chats.say(SLOW)
        await chats.until(lambda: chats.inbox() == ["done"])
        assert trio.current_time() - begun < 4.0 + 0.5 + 5.0
        await chats.settled()
        assert len(chats.texts()[-1].split()) > 0


async def test_a_crash_while_it_grows_leads_to_one_whole_answer(tmp_path, autojump_clock):
    async with open_home(tmp_path, ada=Bot(STREAMING)) as chats:
        async with chats.serving():
            await chats.say(SLOW)
            await trio.sleep(2)
        assert chats.inbox() != ["done"]
        async with chats.serving():
            await chats.until(lambda: chats.inbox() == ["done"])
            await chats.settled()
        finals = [sent for sent in chats.ada.sent if len(sent.text.split()) == 40 and "▉" not in sent.text]
        assert len(finals) == 1


async def test_without_streaming_nothing_is_edited(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        reply = await chats.ask(SLOW)
        await chats.settled()
        assert reply.edits == []


async def test_the_platforms_own_setting_decides(tmp_path, autojump_clock):
    config = {**STREAMING, "display": {"platforms": {"telegram": {"streaming": False}}}}
    async with open_chats(tmp_path, ada=Bot(config)) as chats:
        reply = await chats.ask(SLOW)
        await chats.settled()
        assert reply.edits == []


async def test_it_is_shown_that_somebody_writes(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.ask("!sleep 5")
        typing = [sent for sent in chats.ada.sent if sent.method == "sendChatAction"]
        assert len(typing) == 1


async def test_typing_can_be_switched_off(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(telegram={"typing_indicator": False})) as chats:
        await chats.ask("!sleep 5")
        assert [sent for sent in chats.ada.sent if sent.method == "sendChatAction"] == []


async def test_reactions_show_how_a_message_is_doing_where_they_are_wanted(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot(env={"TELEGRAM_REACTIONS": "true"})) as chats:
        said = await chats.say("!sleep 1")
        await chats.reply()
        await chats.quiet()
        reactions = [sent.values["reaction"] for sent in chats.ada.sent if sent.method == "setMessageReaction"]
        assert ["👀" in str(reaction) for reaction in reactions] == [True, False]
        assert "👍" in str(said.reactions)


async def test_a_group_that_becomes_a_supergroup_goes_on_with_its_conversation(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        group = chats.telegram.group("Friends", chats.ada)
        await chats.ask("the word is plum", group=group)
        new = await group.upgrades()
        await chats.quiet()
        assert "the first was: the word is plum" in (await chats.ask("!history", group=new)).text


async def test_progress_of_tools_is_one_message_that_grows(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot({"display": {"tool_progress": "all"}})) as chats:
        await chats.say('!tool clarify {"question": "go on?"}\n!tool read_file {"path": "b.txt"}')
        await chats.quiet(5)
        progress = chats.texts()[0]
        await chats.say("yes")
        await chats.until(lambda: chats.inbox() == ["done", "done"])
        await chats.settled()
        edits = [sent.text for sent in chats.ada.sent if sent.method == "editMessageText"]
        assert "go on?" in progress
        assert not [text for text in chats.texts()[1:] if "Reading" in text]
        assert all("Reading" not in text or "go on?" in text for text in edits)


async def test_verbose_and_footer_count_in_their_chat(tmp_path, autojump_clock):
    config = {"display": {"tool_progress_command": True}}
    async with open_chats(tmp_path, ada=Bot(config)) as chats:
        await chats.ask("/footer on")
        assert (await chats.ask("hello")).text.startswith("Ada here. You said: hello\n\necho")
        await chats.ask("/footer off")
        assert (await chats.ask("hello again")).text == "Ada here. You said: hello again"


async def test_a_long_turn_says_that_it_still_runs(tmp_path, autojump_clock):
    often = {"agent": {"gateway_notify_interval": 60}}
    async with open_chats(tmp_path, ada=Bot({**often, "display": {"long_running_notifications": True}})) as chats:
        await chats.say("!tokens 40 5000")
        await chats.until(lambda: chats.inbox() == ["done"], seconds=300)
        await chats.settled()
        assert len(chats.texts()) == 2
        assert "working" in chats.texts()[0]


async def test_whoever_asked_for_a_restart_hears_when_it_is_done(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.ask("/restart")
        assert "back" in (await chats.reply()).text
