from __future__ import annotations

from dataclasses import replace

from tests.turns.commands.rig import SOURCE


async def test_sethome_writes_the_chat_into_the_profiles_env(open_chat):
    async with open_chat(
        source=replace(SOURCE, thread_id="5"), env={"OTHER": "stays", "TELEGRAM_BOT_TOKEN": "123456:abcdefgh"}
    ) as chat:
        reply = await chat.give("/set-home")
        home = chat.next_config().platforms["telegram"].home_channel
        assert "OTHER=stays" in chat.file(".env")
    assert (home.chat_id, home.thread_id) == ("42", "5")
    assert "/restart" in reply.text


async def test_sethome_forgets_the_thread_of_a_former_home(open_chat):
    async with open_chat(env={"TELEGRAM_HOME_CHANNEL_THREAD_ID": "5"}) as chat:
        await chat.give("/sethome")
        assert "THREAD_ID" not in chat.file(".env")


async def test_sethome_is_for_admins(chat):
    chat.conversation.is_admin = False
    assert "for admins" in (await chat.give("/sethome")).text
    assert "HOME_CHANNEL" not in chat.file(".env")


async def test_sethome_is_refused_where_the_profile_has_no_bot(chat):
    chat.conversation.transport_profile = "bob"
    assert "belongs to profile **bob**" in (await chat.give("/sethome")).text
    assert "HOME_CHANNEL" not in chat.file(".env")


async def test_platform_lists_the_adapters(chat):
    assert "**telegram** as @ada_bot: connected" in (await chat.give("/platform")).text


async def test_platform_pauses_and_resumes(chat):
    assert "paused" in (await chat.give("/platform pause Telegram")).text
    assert "connects again" in (await chat.give("/platform resume telegram")).text
    assert chat.conversation.done == [("pause", "telegram"), ("resume", "telegram")]


async def test_platform_knows_only_the_profiles_own(chat):
    assert "no platform `slack`" in (await chat.give("/platform pause slack")).text


async def test_platform_explains_itself(chat):
    assert "/platform pause <name>" in (await chat.give("/platform restart telegram")).text


async def test_restart_restarts_this_profile(chat):
    assert "Profile **ada** restarts" in (await chat.give("/restart")).text
    assert chat.conversation.done == [("restart profile",)]


async def test_restart_of_the_gateway_is_for_its_admins(chat):
    assert "Only admins of the default profile" in (await chat.give("/restart gateway")).text
    assert chat.conversation.done == []
    chat.conversation.is_gateway_admin = True
    await chat.give("/restart gateway")
    assert chat.conversation.done == [("restart gateway",)]


async def test_restart_of_anything_else_restarts_nothing(chat):
    await chat.give("/restart everything")
    assert chat.conversation.done == []
