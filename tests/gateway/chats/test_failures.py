"""When answering goes wrong: the chat is told, nothing is lost, and the next message flows."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.errors import StoreError
from hermes_trio.gateway import chat_turn, handover
from hermes_trio.gateway.take_up import take_up_replayed
from hermes_trio.store import inbox
from hermes_trio.testing.telegram import FaultKind
from tests.gateway.chats.rig import Bot, open_chats, open_home

PATIENT = Bot({"agent": {"api_max_retries": 1}})
POISON = "poison"


@pytest.fixture
def poisoned(monkeypatch):
    """Turns about poison crash with an error of nobody we know; returns how often."""
    crashes = []

    def message_text(scope, messages):
        text = "\n".join(one.message.text for one in messages)
        if POISON in text and len(crashes) < crashes_at_most[0]:
            crashes.append(text)
            raise ZeroDivisionError("foreign")
        return text

    crashes_at_most = [1000]
    monkeypatch.setattr("hermes_trio.gateway.chat_turn.message_text", message_text)
    crashes_list = crashes
    return crashes_list, crashes_at_most


async def test_a_failing_model_is_told_in_the_chat_with_its_code(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=PATIENT) as chats:
        told = await chats.ask("!fail 401")
        assert told.text.startswith("⚠️ No answer this time:")
        assert "auth" in told.text or "401" in told.text
        await chats.settled()
        assert chats.inbox() == ["done"]


async def test_a_message_whose_answer_failed_stays_in_the_conversation(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=PATIENT) as chats:
        await chats.ask("!fail 401")
        await chats.ask("hello")
        assert chats.history() == [
            ("user", "!fail 401"),
            ("user", "hello"),
            ("assistant", "Ada here. You said: hello"),
        ]


async def test_a_failure_is_told_without_secrets(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=PATIENT) as chats:
        assert "CANARY" not in (await chats.ask(f"!fail 400 {chats.ada.token}")).text


async def test_an_exceeded_budget_is_told(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot({"budget": {"turns": 1, "window": "day"}})) as chats:
        assert (await chats.ask("hello")).text == "Ada here. You said: hello"
        told = (await chats.ask("hello again")).text
        assert told.startswith("⚠️ No answer this time:")
        assert "budget" in told


async def test_a_message_that_crashes_its_turn_is_tried_again(tmp_path, autojump_clock, poisoned):
    crashes, at_most = poisoned
    at_most[0] = 2
    async with open_chats(tmp_path) as chats:
        chats.expects_crashes = True
        assert (await chats.ask(POISON)).text == "Ada here. You said: poison"
        await chats.settled()
        assert len(crashes) == 2
        assert chats.history() == [("user", "poison"), ("assistant", "Ada here. You said: poison")]


async def test_a_message_that_always_crashes_its_turn_is_put_aside_and_told(tmp_path, autojump_clock, poisoned):
    async with open_chats(tmp_path) as chats:
        chats.expects_crashes = True
        told = await chats.ask(POISON)
        assert told.text.startswith("⚠️ This message failed several times and was put aside")
        assert len(poisoned[0]) == 3
        assert chats.inbox() == ["dead"]


async def test_the_next_message_flows_while_a_poisoned_one_is_tried_again(tmp_path, autojump_clock, poisoned):
    async with open_chats(tmp_path) as chats:
        chats.expects_crashes = True
        await chats.say(POISON)
        await chats.until(lambda: len(poisoned[0]) == 1)
        assert (await chats.ask("hello")).text == "Ada here. You said: hello"
        assert (await chats.reply()).text.startswith("⚠️ This message failed several times")
        assert (await chats.ask("hello")).text == "Ada here. You said: hello"


async def test_a_poisoned_message_is_put_aside_also_across_restarts(tmp_path, autojump_clock, poisoned):
    async with open_home(tmp_path, ada=Bot()) as chats:
        chats.expects_crashes = True
        await chats.say(POISON)
        for count in (1, 2):
            async with chats.serving():
                await chats.until(lambda count=count: len(poisoned[0]) == count)
                await chats.until(lambda: chats.inbox() == ["accepted"])
        async with chats.serving():
            assert (await chats.reply()).text.startswith("⚠️ This message failed several times")
            assert (await chats.ask("hello")).text == "Ada here. You said: hello"


async def test_a_message_put_aside_is_answered_when_it_is_replayed(tmp_path, autojump_clock, poisoned):
    crashes, at_most = poisoned
    async with open_chats(tmp_path) as chats:
        chats.expects_crashes = True
        await chats.ask(POISON)
        at_most[0] = len(crashes)
        runtime = chats.gateway.slot("ada").require_runtime()
        assert await inbox.replay(runtime.scope, 1)
        await runtime.call(lambda _scope: take_up_replayed(runtime.chats))
        assert (await chats.reply()).text == "Ada here. You said: poison"
        await chats.settled()
        assert chats.inbox() == ["done"]


async def test_who_was_turned_away_meanwhile_is_not_answered_after_a_restart(tmp_path, autojump_clock):
    async with open_home(tmp_path, ada=Bot()) as chats:
        async with chats.serving():
            await chats.say("!hang")
            await chats.until(lambda: chats.inbox() == ["running"])
            await chats.say("/queue !say later")
            await chats.until(lambda: len(chats.inbox()) == 3)
        chats.rewrite("ada", Bot(env={"TELEGRAM_ALLOW_ALL_USERS": "", "TELEGRAM_ALLOWED_USERS": "1002"}))
        async with chats.serving():
            assert (await chats.ask("hello", by=chats.bob)).text == "Ada here. You said: hello"
            assert "running" not in chats.inbox()
        assert "later" not in " ".join(sent.text for sent in chats.ada.sent)


async def test_a_replay_takes_up_nothing_that_is_being_answered(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await chats.say("!sleep 3")
        await chats.until(lambda: chats.inbox() == ["running"])
        await chats.say("/queue !say later")
        runtime = chats.gateway.slot("ada").require_runtime()
        for _ in range(30):
            await runtime.call(lambda _scope: take_up_replayed(runtime.chats))
            await trio.sleep(0.1)
        await chats.settled()
        assert [text for text in chats.texts() if "Queued" not in text] == ["Ada slept 3 s.", "later"]


async def test_what_the_store_did_not_take_is_not_confirmed_to_the_platform(tmp_path, autojump_clock, monkeypatch):
    accept, refused = inbox.accept, []

    async def full(scope, row):
        await trio.lowlevel.checkpoint()
        if len(refused) < 2:
            refused.append(row.message_id)
            raise StoreError("the disk is full", profile=scope.name)
        return await accept(scope, row)

    monkeypatch.setattr("hermes_trio.gateway.handover.inbox.accept", full)
    async with open_chats(tmp_path) as chats:
        await chats.say("hello")
        await chats.until(lambda: len(refused) == 1)
        assert chats.ada.pending_updates == 1
        assert (await chats.reply(seconds=300)).text == "Ada here. You said: hello"
        await chats.until(lambda: chats.ada.pending_updates == 0)
        assert chats.inbox() == ["done"]


@pytest.mark.parametrize("step", ["mark_running", "set_back"])
async def test_what_the_store_could_not_note_is_answered_all_the_same(tmp_path, autojump_clock, monkeypatch, step):
    real, failed = getattr(inbox, step), []

    async def fail_twice(scope, *args, **more):
        if len(failed) < 2:
            failed.append(step)
            raise StoreError("the disk is full", profile=scope.name)
        return await real(scope, *args, **more)

    real_get, crashes = chat_turn.get_or_create, []

    async def crash_twice(*args, **more):
        if len(crashes) < 2 and step == "set_back":
            crashes.append("foreign")
            raise ZeroDivisionError("foreign")
        return await real_get(*args, **more)

    monkeypatch.setattr("hermes_trio.gateway.chat_turn.get_or_create", crash_twice)
    monkeypatch.setattr(f"hermes_trio.gateway.chat_turn.inbox.{step}", fail_twice)
    async with open_chats(tmp_path) as chats:
        chats.expects_crashes = True
        assert (await chats.ask("hello")).text == "Ada here. You said: hello"
        await chats.settled()
        assert failed == [step, step]
        assert chats.inbox() == ["done"]


async def test_a_message_that_is_tried_again_interrupts_nobody(tmp_path, autojump_clock, poisoned):
    _, at_most = poisoned
    at_most[0] = 1
    async with open_chats(tmp_path) as chats:
        chats.expects_crashes = True
        await chats.say(POISON)
        await chats.until(lambda: len(poisoned[0]) == 1)
        assert (await chats.ask("!sleep 20")).text == "Ada slept 20 s."
        assert (await chats.reply()).text == "Ada here. You said: poison"


async def test_a_message_that_cannot_even_be_taken_is_left_out_and_the_next_flows(
    tmp_path, autojump_clock, monkeypatch
):
    taken = handover.key_of

    def key_of(scope, source):
        if source.user_id == "1002":
            raise ZeroDivisionError("foreign")
        return taken(scope, source)

    monkeypatch.setattr(handover, "key_of", key_of)
    async with open_chats(tmp_path) as chats:
        chats.expects_crashes = True
        await chats.say("poison", by=chats.bob)
        await chats.say("hello")
        assert (await chats.reply(seconds=300)).text == "Ada here. You said: hello"
        assert chats.inbox() == ["done"]


@pytest.mark.parametrize("kind", [FaultKind.TOO_MANY_REQUESTS, FaultKind.BAD_GATEWAY, FaultKind.DROP_BEFORE])
async def test_an_answer_gets_through_a_storm(tmp_path, autojump_clock, kind):
    async with open_chats(tmp_path) as chats:
        chats.telegram.inject(kind, times=12, probability=0.7)
        await chats.say("hello")
        assert (await chats.reply(seconds=3600)).text.endswith("Ada here. You said: hello")


async def test_a_failed_command_is_told_and_done_with(tmp_path, autojump_clock, monkeypatch):
    async def crash(*_args, **_more):
        await trio.lowlevel.checkpoint()
        raise ZeroDivisionError("foreign")

    monkeypatch.setattr("hermes_trio.turns.commands.sessions.set_title", crash)
    async with open_chats(tmp_path) as chats:
        chats.expects_crashes = True
        told = await chats.ask("/title plums")
        assert told.text == "⚠️ /title failed (crashed). My log says more."
        await chats.settled()
        assert chats.inbox() == ["done"]
        assert (await chats.ask("hello")).text == "Ada here. You said: hello"


async def test_a_turn_in_which_nothing_happens_is_ended_and_told(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot({"agent": {"gateway_timeout": 60}})) as chats:
        await chats.say("!hang")
        assert "(model_timeout)" in await chats.hears("No answer this time", seconds=120)
        await chats.settled()
        assert chats.inbox() == ["done"]


async def test_a_model_that_crashes_is_tried_again_and_given_up(tmp_path, autojump_clock, monkeypatch):
    asked = []

    async def crash(attempt):
        await trio.lowlevel.checkpoint()
        asked.append(attempt)
        raise ZeroDivisionError("foreign")

    async with open_chats(tmp_path) as chats:
        chats.expects_crashes = True
        with monkeypatch.context() as broken:
            broken.setattr("hermes_trio.models.echo.EchoAttempt.open", crash)
            await chats.say("hello")
            await chats.hears("was put aside", seconds=300)
        assert len(asked) == 3
        assert chats.inbox() == ["dead"]
        await chats.say("hello again")
        await chats.hears("Ada here. You said: hello again")
