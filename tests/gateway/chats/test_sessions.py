"""When a conversation begins anew by itself, who gets in, and what is different in one chat."""

from __future__ import annotations

import trio

from hermes_trio.access.pairing import approve
from hermes_trio.access.pairing_places import pairing_places
from tests.gateway.chats.rig import Bot, open_chats, open_home

IDLE = Bot({"session_reset": {"mode": "idle", "idle_minutes": 60}})
CLOSED = Bot(env={"TELEGRAM_ALLOW_ALL_USERS": ""})


async def let_in(chats, profile: str, told: str) -> None:
    """What `hermes-trio pairing approve` does with the code at the end of a text; it counts within a second."""
    places = pairing_places(profile, chats.home.profile(profile))
    approve(places, "telegram", told.split()[-1], chats.clock.now())
    await trio.sleep(1)


async def test_a_conversation_begins_anew_after_a_long_pause_and_says_so(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=IDLE) as chats:
        await chats.ask("the word is plum")
        chats.clock.advance(2 * 3600)
        texts = {(await chats.ask("!history")).text, (await chats.reply()).text}
        assert "0 messages before this one" in texts
        assert any("A new conversation begins after a pause" in text for text in texts)


async def test_a_conversation_goes_on_within_the_pause(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=IDLE) as chats:
        await chats.ask("the word is plum")
        chats.clock.advance(50 * 60)
        assert "plum" in (await chats.ask("!history")).text


async def test_a_conversation_begins_anew_on_a_new_day(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=Bot({"session_reset": {"mode": "daily", "at_hour": 4}})) as chats:
        await chats.ask("the word is plum")
        chats.clock.advance(24 * 3600)
        texts = {(await chats.ask("!history")).text, (await chats.reply()).text}
        assert "0 messages before this one" in texts
        assert any("for the new day" in text for text in texts)


async def test_the_notice_of_a_new_conversation_can_be_switched_off(tmp_path, autojump_clock):
    quiet = Bot({"session_reset": {"mode": "idle", "idle_minutes": 60, "notify": False}})
    async with open_chats(tmp_path, ada=quiet) as chats:
        await chats.ask("the word is plum")
        chats.clock.advance(2 * 3600)
        assert (await chats.ask("!history")).text == "0 messages before this one"
        assert await chats.quiet() == []


async def test_an_earlier_conversation_can_be_resumed(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=IDLE) as chats:
        await chats.ask("the word is plum")
        chats.clock.advance(2 * 3600)
        await chats.ask("hello")
        await chats.reply()
        assert (await chats.ask("/resume 1")).text.startswith("↩️ Going on with the word is plum")
        assert "plum" in (await chats.ask("!history")).text


async def test_a_stranger_gets_a_code_and_is_let_in_with_it(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=CLOSED) as chats:
        told = (await chats.ask("hello")).text
        assert "pairing approve -p ada telegram" in told
        await let_in(chats, "ada", told)
        assert (await chats.ask("hello again")).text == "Ada here. You said: hello again"
        assert chats.history()[0] == ("user", "hello again")


async def test_a_stranger_is_told_the_code_once_only(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=CLOSED) as chats:
        await chats.ask("hello")
        await chats.say("hello?")
        assert await chats.quiet() == []
        assert chats.inbox() == []


async def test_a_stranger_in_a_group_is_left_alone(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=CLOSED) as chats:
        group = chats.telegram.supergroup("Garden", chats.ada)
        await chats.say("hello", group=group)
        assert await chats.quiet() == []


async def test_who_is_let_in_to_one_bot_is_a_stranger_to_the_other(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=CLOSED, bea=CLOSED) as chats:
        await let_in(chats, "ada", (await chats.ask("hello")).text)
        await chats.ask("hello")
        assert "pairing code" in (await chats.ask("hello", of="bea")).text


async def test_a_chat_has_a_model_and_a_prompt_of_its_own(tmp_path, autojump_clock):
    async with open_home(tmp_path, ada=Bot()) as chats:
        group = chats.telegram.supergroup("Garden", chats.ada)
        special = Bot(
            telegram={
                "channel_prompts": {str(group.id): "Speak of plums only."},
                "channel_overrides": {str(group.id): {"system_prompt": "Be brief."}},
            }
        )
        chats.rewrite("ada", special)
        async with chats.serving():
            prompt = (await chats.ask("!system text", group=group)).text
            texts = [prompt, *[sent.text for sent in await chats.quiet()]]
            assert any("Speak of plums only." in text for text in texts)
            assert any("Be brief." in text for text in texts)
            await chats.ask("!system text")
            texts = [sent.text for sent in await chats.quiet()]
            assert not any("plums" in text for text in texts)


async def test_a_reset_waits_for_a_young_background_process(tmp_path, autojump_clock):
    async with open_chats(tmp_path, ada=IDLE) as chats:
        await chats.ask("the word is plum")
        runtime = chats.gateway.slot("ada").require_runtime()
        runtime.chats.has_live_processes = lambda _key: True
        chats.clock.advance(2 * 3600)
        assert "plum" in (await chats.ask("!history")).text
