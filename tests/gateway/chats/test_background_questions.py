"""What runs in the background asks in the chat it was begun in, and is answered there."""

from __future__ import annotations

import pytest

from tests.gateway.chats.rig import Bot, open_chats

CLARIFY = '/background !tool clarify {"question": "Which?", "choices": ["red", "blue"]}'
DANGEROUS = '/background !tool terminal {"command": "rm -rf build"}'
ASKING = Bot({"approvals": {"mode": "manual"}})


async def ask(chats, text):
    """Begin something in the background and return what it asks."""
    assert "in the background" in (await chats.ask(text)).text
    return await chats.reply()


@pytest.mark.parametrize("by_button", [True, False])
async def test_consent_is_given_and_refused(tmp_path, autojump_clock, by_button):
    async with open_chats(tmp_path, ada=ASKING) as chats:
        asked = await ask(chats, DANGEROUS)
        await (chats.alice.presses(asked, "❌ No") if by_button else chats.say("no"))
        assert "the user said no" in (await chats.reply()).text


@pytest.mark.parametrize("by_button", [True, False])
async def test_a_choice_is_made(tmp_path, autojump_clock, by_button):
    async with open_chats(tmp_path) as chats:
        asked = await ask(chats, CLARIFY)
        await (chats.alice.presses(asked, "blue") if by_button else chats.say("2"))
        assert '"user_response":"blue"' in (await chats.reply()).text


async def test_other_words_are_meant_for_the_conversation_itself(tmp_path, autojump_clock):
    async with open_chats(tmp_path) as chats:
        await ask(chats, CLARIFY)
        assert (await chats.ask("hello")).text == "Ada here. You said: hello"
        assert '"user_response":"blue"' in (await chats.ask("blue")).text


async def test_nobody_else_may_answer(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=ASKING) as chats:
        group = chats.telegram.supergroup("Garden", chats.ada)
        await chats.ask(DANGEROUS, group=group)
        asked = await chats.reply(group=group)
        pressed = await chats.bob.presses(asked, "✅ Once")
        assert "not for you" in (await pressed.answer())["text"]
