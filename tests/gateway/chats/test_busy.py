"""What a message does to a turn that runs, end to end, and what stays in the conversation."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.gateway import chat_turn
from tests.gateway.chats.rig import Bot, open_chats


def busy(mode: str, **more: object) -> Bot:
    return Bot({"display": {"busy_input_mode": mode}, **more})


async def running(chats) -> None:
    await chats.until(lambda: "running" in chats.inbox())


async def test_a_message_interrupts_the_turn_and_is_answered_next(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=busy("interrupt")) as chats:
        await chats.say("!hang")
        await running(chats)
        assert (await chats.ask("!say better")).text == "⚡ Leaving what I was doing for this."
        assert (await chats.reply()).text == "better"
        await chats.settled()
        assert chats.inbox() == ["done", "done"]


async def test_an_interrupted_message_stays_in_the_conversation(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=busy("interrupt")) as chats:
        await chats.say("!hang")
        await running(chats)
        await chats.ask("!say better")
        await chats.reply()
        assert chats.history() == [("user", "!hang"), ("user", "!say better"), ("assistant", "better")]


@pytest.mark.parametrize("progress", ["off", "all"])
async def test_an_answer_that_grows_is_interrupted_for_good(tmp_path, autojump_clock, progress):
    growing = Bot({"streaming": {"enabled": True}, "display": {"tool_progress": progress}})
    async with open_chats(tmp_path, ada=growing) as chats:
        answer = await chats.ask("!tokens 100 100")
        await chats.telegram.wait_until(lambda: "1 2 3" in answer.text)
        await chats.say("!say instead")
        await chats.hears("instead")
        assert [sent for sent in await chats.quiet(30) if sent.is_new_message] == []
        assert "▉" not in answer.text
        assert chats.inbox() == ["done", "done"]


async def test_plain_text_may_have_a_rule_of_its_own(tmp_path, autojump_clock):
    own = Bot({"display": {"busy_input_mode": "interrupt", "busy_text_mode": "queue"}})
    async with open_chats(tmp_path, ada=own) as chats:
        await chats.say("!sleep 5")
        await running(chats)
        assert (await chats.ask("!say second")).text == "⏳ I will come to this next."
        assert [(await chats.reply()).text for _ in range(2)] == ["Ada slept 5 s.", "second"]


async def test_a_queued_message_waits_for_its_turn(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=busy("queue")) as chats:
        await chats.say("!sleep 5")
        await running(chats)
        assert (await chats.ask("!say second")).text == "⏳ I will come to this next."
        await chats.say("!say third")
        assert [(await chats.reply()).text for _ in range(3)] == ["Ada slept 5 s.", "second", "third"]
        assert [text for role, text in chats.history() if role == "user"] == ["!sleep 5", "!say second", "!say third"]


async def test_a_steered_message_is_heard_after_the_next_tool(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=busy("steer")) as chats:
        await chats.say('!tool clarify {"question": "Which?"}\n!tool memory {}')
        await chats.reply()
        await chats.say("/steer make it quick")
        assert "Noted" in (await chats.reply()).text
        answer = await chats.ask("red")
        assert "make it quick" in answer.text
        await chats.settled()
        assert set(chats.inbox()) == {"done"}


async def test_what_was_steered_too_late_is_answered_after_the_turn(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=busy("steer")) as chats:
        await chats.say("!sleep 5")
        await running(chats)
        assert (await chats.ask("!say too late")).text == "↪️ I will take this into account."
        assert (await chats.reply()).text == "Ada slept 5 s."
        assert (await chats.reply()).text == "too late"
        await chats.settled()
        assert chats.inbox() == ["done", "done"]


async def test_what_a_command_steered_too_late_is_answered_after_the_turn(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.say("!sleep 5")
        await running(chats)
        assert "Noted" in (await chats.ask("/steer !say too late")).text
        assert (await chats.reply()).text == "Ada slept 5 s."
        assert (await chats.reply()).text == "too late"


async def test_a_message_is_not_taken_for_heard_because_a_command_was(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=busy("steer")) as chats:
        await chats.say('!tool terminal {"command": "rm -rf build"}')
        await chats.reply()
        await chats.say("/steer be quick")
        await chats.reply()
        assert "be quick" in (await chats.ask("/deny")).text + (await chats.reply()).text
        await chats.settled()
        assert set(chats.inbox()) == {"done"}


async def test_stop_ends_the_turn_and_drops_what_waits(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=busy("queue")) as chats:
        await chats.say("!hang")
        await running(chats)
        await chats.ask("one")
        await chats.say("two")
        assert (await chats.ask("/stop")).text == "⏹ Stopped. 2 waiting messages dropped."
        assert (await chats.ask("!say on we go")).text == "on we go"
        await chats.settled()
        assert chats.inbox() == ["done"] * 5


async def test_stop_says_so_when_nothing_runs(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        assert (await chats.ask("/stop")).text == "Nothing is running."


async def test_status_is_told_while_a_turn_runs(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.say("!sleep 5")
        await running(chats)
        assert "thinking" in (await chats.ask("/status")).text
        assert (await chats.reply()).text == "Ada slept 5 s."


async def test_some_commands_wait_for_a_better_time(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.say("!sleep 5")
        await running(chats)
        assert (await chats.ask("/retry")).text == "⏳ Not while I am working. /stop ends that."
        assert (await chats.reply()).text == "Ada slept 5 s."


async def test_a_command_queues_a_message(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.say("!sleep 5")
        await running(chats)
        assert "Queued" in (await chats.ask("/queue !say later")).text
        assert (await chats.reply()).text == "Ada slept 5 s."
        assert (await chats.reply()).text == "later"


async def test_other_chats_go_on_while_one_hangs(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.say("!hang")
        await running(chats)
        assert (await chats.ask("hello", by=chats.bob)).text == "Ada here. You said: hello"


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["interrupt", "queue", "steer"])
async def test_every_message_of_a_flood_is_answered_told_or_dropped_by_its_word(tmp_path, autojump_clock, mode):
    async with open_chats(tmp_path, ada=busy(mode)) as chats:
        await chats.say("!sleep 1")
        await running(chats)
        for number in range(40):
            await chats.say(f"!say {number}")
        await chats.settled()
        assert set(chats.inbox()) == {"done"}
        assert len(chats.inbox()) == 41


async def test_a_message_that_is_interrupted_before_its_turn_has_begun_is_answered_with_the_next(
    tmp_path, autojump_clock, monkeypatch
):
    real, begun = chat_turn.get_or_create, []

    async def slow(*args, **more):
        begun.append(args)
        await trio.sleep(5 if len(begun) == 1 else 0)
        return await real(*args, **more)

    monkeypatch.setattr(chat_turn, "get_or_create", slow)
    async with open_chats(tmp_path, ada=busy("interrupt")) as chats:
        await chats.say("the word is plum")
        await chats.until(lambda: bool(begun))
        await chats.say("and it is blue")
        await chats.hears("the word is plum\nand it is blue")
        await chats.settled()
        assert chats.inbox() == ["done", "done"]


async def test_a_message_that_waits_for_a_seat_is_not_forgotten_for_a_later_one(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot({"max_concurrent_sessions": 1})) as chats:
        await chats.say("!sleep 20", by=chats.bob)
        await chats.until(lambda: chats.inbox() == ["running"])
        await chats.say("the word is plum")
        await trio.sleep(5)
        await chats.say("and it is blue")
        await chats.hears("and it is blue")
        await chats.settled()
        said = [text for role, text in chats.history() if role == "user"]
        assert "the word is plum" in "\n".join(said)
