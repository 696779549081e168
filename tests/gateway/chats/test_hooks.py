"""Hooks between a bot and its profile."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from hermes_trio.tools import workplace
from tests.gateway.chats.forum import open_forum
from tests.gateway.chats.rig import Bot, open_chats
from tests.tools.scripted_hooks import ScriptedHooks


@pytest.fixture
def hear(monkeypatch):
    """Gives all profiles hooks with these answers."""

    def hear(**answers: dict[str, object]) -> ScriptedHooks:
        hooks = ScriptedHooks(**answers)

        @asynccontextmanager
        async def open_hooks(_scope, _base):
            yield hooks

        monkeypatch.setattr(workplace, "open_hooks", open_hooks)
        return hooks

    return hear


async def test_what_a_hook_makes_of_a_message_is_answered(tmp_path, autojump_clock, hear):
    hear(pre_gateway_dispatch={"action": "rewrite", "text": "good day"})
    async with open_chats(tmp_path) as chats:
        assert (await chats.ask("hello")).text == "Ada here. You said: good day"


async def test_a_message_that_a_hook_skips_is_not_answered_and_not_kept(tmp_path, autojump_clock, hear):
    hear(pre_gateway_dispatch={"action": "skip", "reason": "spam"})
    async with open_chats(tmp_path) as chats:
        await chats.say("hello")
        assert await chats.quiet() == []
        assert chats.inbox() == []


async def test_hooks_do_not_hear_what_strangers_say(tmp_path, autojump_clock, hear):
    hooks = hear(pre_gateway_dispatch={"action": "rewrite", "text": "let me in"})
    strict = Bot(env={"TELEGRAM_ALLOW_ALL_USERS": "false", "TELEGRAM_ALLOWED_USERS": "1"})
    async with open_chats(tmp_path, ada=strict) as chats:
        await chats.say("hello")
        await chats.quiet()
    assert hooks.told == []


async def test_hooks_hear_that_a_conversation_begins_anew_by_itself(tmp_path, autojump_clock, hear):
    hooks = hear(on_session_reset={})
    idle = Bot({"session_reset": {"mode": "idle", "idle_minutes": 60}})
    async with open_chats(tmp_path, ada=idle) as chats:
        await chats.ask("hello")
        chats.clock.advance(2 * 3600)
        await chats.ask("hello again")
        ((_, newest),) = chats.rows("ada", "SELECT count(*), max(id) FROM sessions WHERE ended_at IS NULL")
    context = hooks.context("on_session_reset")
    assert (context["session_id"], context["platform"], context["user_id"]) == (newest, "telegram", "1001")


async def test_a_hook_of_the_operators_chooses_who_answers_before_the_routes(tmp_path, autojump_clock, hear):
    hear(select_profile={"profile": "systems"})
    async with open_forum(tmp_path) as forum, forum.serving():
        assert (await forum.ask_in("career", "!persona")).text == "Systems"
        assert (await forum.ask("!persona", of="default")).text == "Systems"


async def test_a_message_that_the_operators_hook_drops_is_counted(tmp_path, autojump_clock, hear):
    hear(select_profile={"action": "drop", "reason": "spam"})
    async with open_forum(tmp_path) as forum, forum.serving() as gateway:
        await forum.say_in("career", "hello")
        assert await forum.quiet() == []
        assert gateway.gateway.status().profiles[0].adapters[0].dropped == {"hook_dropped": 1}


async def test_a_chosen_profile_that_is_not_there_answers_nothing(tmp_path, autojump_clock, hear):
    hear(select_profile={"profile": "nobody"})
    async with open_forum(tmp_path) as forum, forum.serving() as gateway:
        await forum.say_in("career", "hello")
        assert await forum.quiet() == []
        assert gateway.gateway.status().profiles[0].adapters[0].dropped == {"route_target_unknown": 1}


async def test_hooks_of_other_profiles_choose_nothing(tmp_path, autojump_clock, hear):
    hooks = hear(select_profile={"profile": "default"})
    async with open_chats(tmp_path, default=Bot(), bea=Bot()) as chats:
        assert (await chats.ask("!persona", of="bea")).text == "Bea"
    assert hooks.told == []
