from __future__ import annotations

import pytest
import trio
import trio.testing

from hermes_trio.tools.approval import ApprovalChoice, ApprovalQuestion
from tests.turns.commands.rig import TURN, other_conversation


async def test_stop_ends_the_turn_and_drops_what_waits(chat):
    chat.conversation.turn, chat.conversation.waiting = TURN, ["a", "b"]
    assert (await chat.give("/stop")).text == "⏹ Stopped. 2 waiting messages dropped."
    assert chat.conversation.turn is None


async def test_stop_of_nothing_says_so(chat):
    assert (await chat.give("/stop")).text == "Nothing is running."


async def test_queue_lets_a_text_wait(chat):
    chat.conversation.turn = TURN
    assert "Queued" in (await chat.give("/q and then tidy up")).text
    assert chat.conversation.waiting == ["and then tidy up"]


async def test_queue_says_when_too_many_wait(chat):
    chat.conversation.turn, chat.conversation.most_waiting = TURN, 0
    assert "Too many" in (await chat.give("/queue one more")).text


async def test_steer_reaches_the_running_turn(chat):
    chat.conversation.turn = TURN
    assert "Noted" in (await chat.give("/steer not the red one")).text
    assert chat.conversation.done == [("steer", "not the red one")]


async def test_steer_queues_when_the_turn_takes_no_more(chat):
    chat.conversation.turn, chat.conversation.takes_steering = TURN, False
    assert "Queued" in (await chat.give("/steer not the red one")).text
    assert chat.conversation.waiting == ["not the red one"]


async def test_steer_without_a_turn_is_a_message(chat):
    assert (await chat.give("/steer hello")).text == ""
    assert chat.conversation.waiting == ["hello"]


async def test_background_runs_in_a_session_of_its_own(chat):
    reply = await chat.give("/btw count the words")
    assert chat.conversation.done == [("background", "count the words")]
    assert "`20261120_202520_1de4570a`" in reply.text


@pytest.mark.parametrize("name", ["queue", "steer", "background"])
async def test_what_needs_a_text_says_so(chat, name):
    assert f"/{name} <text>" in (await chat.give(f"/{name}")).text
    assert chat.conversation.done == []


async def test_agents_shows_turns_with_their_ids(chat):
    chat.conversation.turn = TURN
    shown = (await chat.give("/tasks")).text
    assert "here: turn `4f1c`, 1 min, at `terminal`, 3 model calls" in shown


async def test_agents_shows_other_conversations_to_admins_only(chat):
    chat.conversation.others = [other_conversation()]
    assert "`agent:ada:telegram:dm:99`" in (await chat.give("/agents")).text
    chat.conversation.is_admin = False
    assert (await chat.give("/agents")).text == "Nothing is running."


class Asking:
    """Questions for consent that wait in a conversation."""

    def __init__(self, chat, nursery):
        self.chat, self.nursery = chat, nursery
        self.answers = {}

    async def ask(self, name, key=None):
        ledger = self.chat.agent.workplace.approvals
        asked = trio.Event()

        async def announce(_request):
            asked.set()

        async def wait():
            question = ApprovalQuestion(f"rm -r {name}", (name,), "removes")
            where = key or str(self.chat.conversation.session_key)
            self.answers[name] = await ledger.ask(question, announce, session_key=where, turn_id="4f1c")

        self.nursery.start_soon(wait)
        await asked.wait()


@pytest.fixture
async def asking(chat):
    async with trio.open_nursery() as nursery:
        yield Asking(chat, nursery)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("command", "choice"),
    [
        ("/approve", ApprovalChoice.ONCE),
        ("/approve session", ApprovalChoice.SESSION),
        ("/approve always", ApprovalChoice.ALWAYS),
        ("/deny", ApprovalChoice.DENY),
    ],
)
async def test_the_oldest_question_is_answered(asking, command, choice):
    await asking.ask("one")
    await asking.ask("two")
    assert "1 request" in (await asking.chat.give(command)).text
    await trio.testing.wait_all_tasks_blocked()
    assert asking.answers == {"one": choice}


@pytest.mark.parametrize("command", ["/approve all", "/deny all too risky"])
async def test_all_questions_are_answered(asking, command):
    await asking.ask("one")
    await asking.ask("two")
    assert "2 requests" in (await asking.chat.give(command)).text
    await trio.testing.wait_all_tasks_blocked()
    assert set(asking.answers) == {"one", "two"}


async def test_a_question_of_another_conversation_is_not_answered(asking):
    await asking.ask("one", key="agent:ada:telegram:dm:99")
    assert "Nothing waits" in (await asking.chat.give("/approve all")).text
    assert "Nothing waits" in (await asking.chat.give("/deny all")).text
    assert asking.answers == {}


async def test_the_agent_is_told_why_something_was_denied(asking):
    await asking.ask("one")
    await asking.chat.give("/deny that is my only copy")
    assert asking.chat.conversation.done == [("steer", "I denied that, because: that is my only copy")]


async def test_an_unknown_word_approves_nothing(asking):
    await asking.ask("one")
    assert "I do not know `nevr`" in (await asking.chat.give("/approve nevr")).text
    assert asking.answers == {}


async def test_yolo_switches_consent_off_and_on_again_for_this_session_only(chat):
    approvals, key = chat.agent.workplace.approvals, chat.conversation.session_key
    await chat.give("/yolo")
    assert approvals.is_bypassed(key)
    assert not approvals.is_bypassed(chat.elsewhere(chat_id="77").conversation.session_key)
    await chat.give("/yolo")
    assert not approvals.is_bypassed(key)
