"""One bot for many profiles: who answers, through whom, and what happens when who is meant is not there."""

from __future__ import annotations

import shutil

import pytest
import trio

from hermes_trio.gateway.states import ProfileState
from hermes_trio.testing.home import ProfileFiles
from hermes_trio.testing.telegram import FaultKind
from tests.gateway.chats.forum import PROFILES, open_forum
from tests.gateway.chats.rig import Bot, open_chats
from tests.rig import canary

HOLD = {"route_unavailable": "hold"}


async def test_each_topic_is_answered_by_its_profile_through_the_one_bot(tmp_path, autojump_clock):
    async with open_forum(tmp_path) as forum, forum.serving():
        for name in PROFILES:
            answer = await forum.ask_in(name, "!persona")
            assert (answer.text, answer.thread) == (name.title(), forum.topics[name])
        assert {sent.token for sent in forum.telegram.sent} == {forum.default.token}


async def test_what_no_route_takes_is_the_default_profiles(tmp_path, autojump_clock):
    async with open_forum(tmp_path) as forum, forum.serving():
        assert (await forum.ask_in(forum.elsewhere, "!persona")).text == "Default"
        assert (await forum.ask("!persona", of="default")).text == "Default"


async def test_the_profile_command_names_the_profile_of_the_topic(tmp_path, autojump_clock):
    async with open_forum(tmp_path) as forum, forum.serving():
        assert "career" in (await forum.ask_in("career", "/profile")).text
        assert "systems" in (await forum.ask_in("systems", "/profile")).text


async def test_sessions_are_stored_by_the_profile_that_answers_and_by_no_other(tmp_path, autojump_clock):
    async with open_forum(tmp_path) as forum, forum.serving():
        for name in PROFILES:
            await forum.ask_in(name, f"the word is {name}")
        for name in PROFILES:
            said = [text for role, text in forum.history(name) if role == "user"]
            assert said == [f"the word is {name}"]
            (key,) = forum.rows(name, "SELECT session_key FROM trio_inbox")[0]
            assert key == f"agent:{name}:telegram:group:{forum.group.id}:{forum.topics[name]}:1001"
        assert forum.history("default") == []


@pytest.mark.slow
async def test_memory_workspace_and_secrets_are_those_of_the_profile_that_answers(tmp_path):
    async with open_forum(tmp_path) as forum, forum.serving():
        script = '!tool memory {"action": "add", "target": "memory", "content": "CONTENT"}\n!tool terminal COMMAND'
        for name in ("career", "systems"):
            run = '{"command": "pwd; echo $MY_SECRET $HERMES_HOME; touch made_here"}'
            await forum.ask_in(name, script.replace("CONTENT", f"plum of {name}").replace("COMMAND", run))
        for name, other in (("career", "systems"), ("systems", "career")):
            home = forum.home.profile(name)
            assert f"plum of {name}" in (home.root / "memories" / "MEMORY.md").read_text()
            results = "".join(str(text) for role, text in forum.history(name) if role == "tool")
            assert str(home.root) in results
            assert other not in results
        assert not (forum.home.profile("default").root / "memories" / "MEMORY.md").exists()
        assert canary("career", "SECRET") not in "".join(str(row) for row in forum.history("systems"))


async def test_the_log_of_a_turn_is_the_runtime_profiles(tmp_path, autojump_clock):
    async with open_forum(tmp_path) as forum:
        async with forum.serving():
            await forum.ask_in("career", "the word is plum")
        logs = {name: forum.home.profile(name).logs / "agent.log" for name in ("default", "career")}
        assert "the word is plum" in logs["career"].read_text()
        assert "the word is plum" not in logs["default"].read_text()


async def test_turns_of_two_topics_run_side_by_side(tmp_path, autojump_clock):
    async with open_forum(tmp_path) as forum, forum.serving():
        await forum.say_in("career", "!sleep 20")
        assert (await forum.ask_in("systems", "!persona")).text == "Systems"


async def test_who_may_write_is_said_by_the_profile_of_the_bot(tmp_path, autojump_clock):
    config = {"model": "builtin/echo", "thread_sessions_per_user": True}
    career = ProfileFiles("You are Career.", config, {"TELEGRAM_ALLOW_ALL_USERS": "true"})
    strict = Bot(env={"TELEGRAM_ALLOW_ALL_USERS": "", "TELEGRAM_ALLOWED_USERS": "1001"})
    async with open_forum(tmp_path, bot=strict, career=career) as forum, forum.serving():
        assert (await forum.ask_in("career", "!persona")).text == "Career"
        await forum.say_in("career", "!persona", by=forum.bob)
        assert await forum.quiet() == []
        assert forum.inbox("career") == ["done"]


@pytest.mark.parametrize(
    ("state", "reason"),
    [(ProfileState.PARKED, "route_target_parked"), (ProfileState.QUARANTINED, "route_target_quarantined")],
)
async def test_a_message_for_a_profile_that_is_away_is_dropped(tmp_path, autojump_clock, state, reason):
    async with open_forum(tmp_path) as forum:
        if state is ProfileState.PARKED:
            forum.home.profile("career").parked_marker.touch()
        async with forum.serving() as gateway:
            if state is ProfileState.QUARANTINED:
                gateway.slot("career").enter(state)
            await forum.say_in("career", "hello")
            assert await forum.quiet() == []
            dropped = gateway.gateway.status().profiles[0].adapters[0].dropped
            assert dropped == {reason: 1}
            assert forum.history("default") == []


async def test_a_route_to_nobody_never_runs_the_default_profile(tmp_path, autojump_clock):
    async with open_forum(tmp_path) as forum:
        shutil.rmtree(forum.home.profile("finance").root)
        (forum.home.profile("career").config).write_text("model: [broken")
        async with forum.serving(wanted=["default", "career", "research"]) as gateway:
            for name in ("finance", "career", "systems"):
                await forum.say_in(name, "hello")
            assert await forum.quiet() == []
            assert forum.history("default") == []
            assert gateway.gateway.status().profiles[0].adapters[0].dropped == {
                "route_target_unknown": 1,
                "route_target_failed": 1,
                "route_target_not_served": 1,
            }
            assert (await forum.ask_in("research", "!persona")).text == "Research"


async def test_held_messages_are_answered_in_order_once_the_profile_is_there(tmp_path, autojump_clock):
    async with open_forum(tmp_path, HOLD) as forum:
        broken = forum.home.profile("career").config
        good = broken.read_text()
        broken.write_text("model: [broken")
        async with forum.serving() as gateway:
            await forum.say_in("career", "the first")
            await forum.say_in("career", "the second")
            assert await forum.quiet() == []
            assert forum.rows("default", "SELECT target, reason FROM trio_held") == [
                ("career", "route_target_failed"),
                ("career", "route_target_failed"),
            ]
            broken.write_text(good)
            await gateway.slot("career").serving()
            await forum.hears("the second", of="default")
            said = [text for role, text in forum.history("career") if role == "user"]
            assert said[0].startswith("the first")
            assert forum.rows("default", "SELECT count(*) FROM trio_held") == [(0,)]


async def test_held_messages_survive_a_crash(tmp_path, autojump_clock):
    async with open_forum(tmp_path, HOLD) as forum:
        forum.home.profile("career").parked_marker.touch()
        async with forum.serving():
            await forum.say_in("career", "hello")
            await forum.until(lambda: forum.rows("default", "SELECT 1 FROM trio_held") != [])
        forum.home.profile("career").parked_marker.unlink()
        async with forum.serving():
            assert (await forum.next_in_forum()).text == "Career here. You said: hello"


async def test_a_message_that_was_accepted_is_answered_by_its_profile_after_a_crash(tmp_path, autojump_clock):
    async with open_forum(tmp_path) as forum:
        async with forum.serving():
            await forum.say_in("career", "!sleep 10")
            await forum.until(lambda: forum.inbox("career") == ["running"])
        async with forum.serving():
            assert (await forum.next_in_forum()).thread == forum.topics["career"]
        assert forum.inbox("career") == ["done"]


async def test_an_answer_waits_for_the_bot_it_has_to_go_through(tmp_path, autojump_clock):
    async with open_forum(tmp_path) as forum, forum.serving():
        await forum.say_in("career", "!sleep 5")
        await forum.until(lambda: forum.inbox("career") == ["running"])
        forum.telegram.inject(FaultKind.DROP_BEFORE, bot=forum.default, times=None)
        await trio.sleep(60)
        assert forum.outbox("career") == ["pending"]
        forum.telegram.faults.clear()
        await forum.until(lambda: forum.outbox("career") == ["sent"], seconds=300)


async def test_a_button_below_a_routed_question_is_taken_by_the_profile_that_asks(tmp_path, autojump_clock):
    async with open_forum(tmp_path) as forum, forum.serving():
        question = await forum.ask_in("career", '!tool clarify {"question": "Which?", "choices": ["red", "blue"]}')
        await forum.alice.presses(question, "blue")
        await forum.hears('"user_response":"blue"', of="default")


async def test_a_routed_conversation_hears_of_its_own_background_processes(tmp_path, autojump_clock):
    async with open_forum(tmp_path) as forum, forum.serving():
        await forum.ask_in("career", "/background !say done in the background")
        assert "done in the background" in await forum.hears("done in the background", of="default")


async def test_a_routed_profile_may_have_a_bot_of_its_own_and_they_do_not_mix(tmp_path, autojump_clock):
    routes = [{"platform": "telegram", "user_id": "1001", "profile": "bea"}]
    given = Bot({"gateway": {"profile_routes": routes}})
    async with open_chats(tmp_path, default=given, bea=Bot()) as chats:
        assert (await chats.ask("!persona", of="default")).text == "Bea"
        assert (await chats.ask("!persona", of="bea")).text == "Bea"
        assert (await chats.ask("!persona", of="default", by=chats.bob)).text == "Default"
        transports = chats.rows("bea", "SELECT DISTINCT transport_profile FROM trio_inbox ORDER BY 1")
        assert transports == [("bea",), ("default",)]


async def test_stop_through_one_bot_leaves_the_lane_of_the_other_bot_alone(tmp_path, autojump_clock):
    routes = [{"platform": "telegram", "user_id": "1001", "profile": "bea"}]
    given = Bot({"gateway": {"profile_routes": routes}})
    async with open_chats(tmp_path, default=given, bea=Bot()) as chats:
        await chats.say("!sleep 20", of="default")
        await chats.until(lambda: chats.inbox("bea") == ["running"])
        await chats.ask("/stop", of="bea")
        assert await chats.hears("slept", of="default") == "Bea slept 20 s."


async def test_a_restart_of_the_target_loses_nothing(tmp_path, autojump_clock):
    async with open_forum(tmp_path) as forum, forum.serving() as gateway:
        await forum.say_in("career", "!sleep 5")
        await forum.until(lambda: forum.inbox("career") == ["running"])
        gateway.slot("career").restart_wanted.set()
        await forum.say_in("career", "and this")
        await forum.hears("and this", of="default", seconds=120)
        assert forum.history("default") == []
