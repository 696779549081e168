from __future__ import annotations

ALLOWED = {"display": {"tool_progress_command": True}}


async def test_verbose_has_to_be_allowed(chat):
    assert "switched off" in (await chat.give("/verbose")).text
    assert "tool_progress" not in await chat.entry()


async def test_verbose_goes_round(open_chat):
    async with open_chat(config=ALLOWED) as chat:
        seen = []
        for _ in range(5):
            await chat.give("/verbose")
            seen.append((await chat.entry())["tool_progress"])
    assert seen == ["new", "all", "verbose", "off", "new"]


async def test_verbose_begins_with_what_the_settings_say(open_chat):
    async with open_chat(config={"display": {"tool_progress_command": True, "tool_progress": "all"}}) as chat:
        assert "**verbose**" in (await chat.give("/verbose")).text


async def test_verbose_holds_in_this_chat_only(open_chat):
    async with open_chat(config=ALLOWED) as chat:
        other = chat.elsewhere(chat_id="77")
        await other.conversation.session_id()
        await chat.give("/verbose")
        assert "tool_progress" not in await other.entry()


async def test_footer_is_switched_for_the_chat(chat):
    await chat.give("/footer on")
    assert (await chat.entry())["footer"] is True
    assert "**on**" in (await chat.give("/footer status")).text
    await chat.give("/footer")
    assert (await chat.entry())["footer"] is False


async def test_footer_stays_when_the_conversation_begins_anew(chat):
    await chat.give("/footer on")
    await chat.give("/new")
    assert (await chat.entry())["footer"] is True


async def test_footer_knows_no_other_word(chat):
    assert "I do not know `maybe`" in (await chat.give("/footer maybe")).text
    assert "footer" not in await chat.entry()
