from __future__ import annotations

import pytest

from tests.turns.commands.rig import SOURCE
from tests.turns.commands.test_registry import write_skill

PERSONALITIES = {"agent": {"personalities": {"pirate": "Talk like a pirate.", "terse": {"system_prompt": "Be brief."}}}}


async def test_personality_lists_what_there_is(open_chat):
    async with open_chat(config=PERSONALITIES) as chat:
        text = (await chat.give("/personality")).text
    assert "**pirate**: Talk like a pirate." in text
    assert "**terse**" in text


async def test_personality_writes_its_text_into_the_settings(open_chat):
    async with open_chat(config=PERSONALITIES) as chat:
        reply = await chat.give("/personality Pirate")
        assert chat.next_config().agent.system_prompt == "Talk like a pirate."
    assert "/restart" in reply.text


async def test_personality_none_takes_it_away(open_chat):
    async with open_chat(config=PERSONALITIES) as chat:
        await chat.give("/personality pirate")
        await chat.give("/personality none")
        assert chat.next_config().agent.system_prompt == ""


async def test_an_unknown_personality_changes_nothing(open_chat):
    async with open_chat(config=PERSONALITIES) as chat:
        before = chat.file("config.yaml")
        assert "I know no personality `ninja`" in (await chat.give("/personality ninja")).text
        assert chat.file("config.yaml") == before


async def test_personality_of_the_profile_is_for_admins(open_chat):
    async with open_chat(config=PERSONALITIES) as chat:
        chat.conversation.is_admin = False
        assert "for admins" in (await chat.give("/personality pirate")).text


async def test_skills_are_listed_as_the_commands_they_are(chat):
    assert "no skills" in (await chat.give("/skills")).text
    write_skill(chat, "Git Flow", "How we branch")
    write_skill(chat, "Baking", "Bread")
    await chat.give("/reload-skills")
    text = (await chat.give("/skills")).text
    assert "**2 skills**" in text
    assert "`/git-flow` How we branch" in text


async def test_skills_are_searched(chat):
    write_skill(chat, "Git Flow", "How we branch")
    write_skill(chat, "Baking", "Bread")
    assert "git-flow" not in (await chat.give("/skills bread")).text


async def test_reload_skills_reads_them_at_once(chat):
    await chat.give("/skills")
    write_skill(chat, "Git Flow", "How we branch")
    assert "1 skill read" in (await chat.give("/reload_skills")).text


@pytest.fixture
def remembering(tmp_path):
    def write(home):
        (home / "memories").mkdir(exist_ok=True)
        (home / "memories" / "MEMORY.md").write_text("The server is called owl.\n§\nTests run nightly.")
        (home / "memories" / "USER.md").write_text("Mia likes short answers.")

    return write


async def test_memory_is_shown_in_direct_messages(chat, remembering):
    remembering(chat.scope.home.root)
    text = (await chat.give("/memory")).text
    assert "**My notes**: 2 entries" in text
    assert "- The server is called owl." in text
    assert "- Mia likes short answers." in text


async def test_memory_is_only_counted_among_several_people(open_chat, remembering):
    from dataclasses import replace

    async with open_chat(source=replace(SOURCE, chat_type="group")) as chat:
        remembering(chat.scope.home.root)
        text = (await chat.give("/memory")).text
    assert "2 entries" in text
    assert "owl" not in text
    assert "Mia" not in text


async def test_empty_memory_is_no_error(chat):
    assert "**My notes**: 0 entries" in (await chat.give("/memory")).text


async def test_reload_mcp_starts_the_profile_again_after_asking(chat):
    assert "starts anew" in (await chat.give("/reload_mcp")).text
    assert len(chat.conversation.asked) == 1
    assert chat.conversation.done == [("restart profile",)]


async def test_reload_mcp_does_nothing_when_it_is_not_meant(chat):
    chat.conversation.answer = "Cancel"
    await chat.give("/reload-mcp")
    assert chat.conversation.done == []


async def test_reload_mcp_does_not_ask_where_the_settings_say_so(open_chat):
    async with open_chat(config={"approvals": {"mcp_reload_confirm": False}}) as chat:
        await chat.give("/reload-mcp")
        assert chat.conversation.asked == []
