"""What hooks may say to a message before it is taken."""

from __future__ import annotations

import pytest

from hermes_trio.adapter_api.messages import InboundMessage
from hermes_trio.gateway.dispatch_hook import Skipped, ask_before_dispatch
from hermes_trio.routing.source import MessageSource
from tests.tools.scripted_hooks import ScriptedHooks

MESSAGE = InboundMessage(MessageSource("telegram", chat_id="7", user_id="9", user_name="Alice"), "m1", "hello", 1.0)


async def ask(answer: dict[str, object]) -> InboundMessage | Skipped:
    return await ask_before_dispatch(ScriptedHooks(pre_gateway_dispatch=answer), MESSAGE)


async def test_hooks_are_told_who_says_what_and_where():
    hooks = ScriptedHooks(pre_gateway_dispatch={})
    await ask_before_dispatch(hooks, MESSAGE)
    assert hooks.context("pre_gateway_dispatch") == {
        "platform": "telegram",
        "user_id": "9",
        "user_name": "Alice",
        "chat_id": "7",
        "chat_type": "dm",
        "thread_id": "",
        "message_id": "m1",
        "text": "hello",
        "attachments": 0,
    }


async def test_a_hook_skips_a_message():
    assert await ask({"action": "skip", "reason": "spam"}) == Skipped("spam")
    assert await ask({"action": "skip"}) == Skipped("")


async def test_a_hook_that_blocks_skips():
    assert await ask({"action": "block", "message": "spam"}) == Skipped("spam")


async def test_a_hook_rewrites_a_message():
    changed = await ask({"action": "rewrite", "text": "good day"})
    assert isinstance(changed, InboundMessage)
    assert (changed.text, changed.message_id) == ("good day", "m1")


@pytest.mark.parametrize(
    "answer", [{}, {"action": "allow"}, {"action": "dance"}, {"action": "rewrite"}, {"action": "rewrite", "text": 3}]
)
async def test_anything_else_leaves_it_as_it_is(answer):
    assert await ask(answer) is MESSAGE
