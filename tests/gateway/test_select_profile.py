"""What the operator's hook says about who answers."""

from __future__ import annotations

import pytest
import trio

from hermes_trio.adapter_api.messages import InboundMessage
from hermes_trio.gateway.select_profile import SELECT_SECONDS, Selection, select_profile
from hermes_trio.routing.source import MessageSource
from hermes_trio.tools.hooks import HookOutcome
from tests.tools.scripted_hooks import ScriptedHooks

SOURCE = MessageSource("telegram", chat_type="group", chat_id="7", thread_id="6", user_id="9", user_name="Alice")
MESSAGE = InboundMessage(SOURCE, "m1", "hello", 1.0)


async def ask(answer: dict[str, object]) -> Selection:
    return await select_profile(ScriptedHooks(select_profile=answer), MESSAGE, "default")


async def test_the_hook_is_told_who_says_what_where_and_to_whom():
    hooks = ScriptedHooks(select_profile={})
    await select_profile(hooks, MESSAGE, "default")
    context = hooks.context("select_profile")
    assert {name: context[name] for name in ("platform", "chat_id", "thread_id", "user_id", "text")} == {
        "platform": "telegram",
        "chat_id": "7",
        "thread_id": "6",
        "user_id": "9",
        "text": "hello",
    }
    assert context["transport_profile"] == "default"


async def test_a_hook_chooses_a_profile():
    assert await ask({"profile": "career"}) == Selection("career")


@pytest.mark.parametrize("answer", [{}, {"profile": None}, {"mood": "good"}])
async def test_a_hook_leaves_it_to_the_routes(answer):
    assert await ask(answer) == Selection()


async def test_a_hook_drops_a_message():
    assert (await ask({"action": "drop", "reason": "spam"})).refusal == "hook_dropped"
    assert (await ask({"decision": "block", "reason": "spam"})).refusal == "hook_dropped"


@pytest.mark.parametrize("name", ["", "Career", "../career", 3, ["career"]])
async def test_a_hook_that_names_no_valid_profile_drops(name):
    assert (await ask({"profile": name})).refusal == "hook_failed"


async def test_a_hook_that_fails_drops():
    class Failing(ScriptedHooks):
        async def tell(self, event, context):
            return HookOutcome(failures=("handler.py failed",))

    selection = await select_profile(Failing(), MESSAGE, "default")
    assert (selection.profile, selection.refusal, selection.detail) == (None, "hook_failed", "handler.py failed")


async def test_a_hook_that_takes_too_long_drops(autojump_clock):
    class Slow(ScriptedHooks):
        async def tell(self, event, context):
            await trio.sleep_forever()

    begun = trio.current_time()
    assert (await select_profile(Slow(), MESSAGE, "default")).refusal == "hook_failed"
    assert trio.current_time() - begun == SELECT_SECONDS
