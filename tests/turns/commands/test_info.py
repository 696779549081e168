from __future__ import annotations

from dataclasses import replace

from hermes_trio import __version__
from hermes_trio.home.platform_config import AccessConfig, PlatformConfig
from tests.turns.commands.rig import SOURCE, TURN
from tests.turns.commands.test_registry import write_skill


async def test_status_tells_how_the_conversation_is_doing(chat):
    await chat.say("hello")
    await chat.give("/title Our trip")
    chat.conversation.turn, chat.conversation.waiting = TURN, ["a"]
    text = (await chat.give("/status")).text
    assert f"Session: `{await chat.conversation.session_id()}`" in text
    for line in (
        "Title: Our trip",
        "Model: `echo` (builtin)",
        "Running: turn `4f1c`",
        "Waiting: 1 message",
        "Platforms: telegram (connected)",
    ):
        assert line in text


async def test_status_works_before_anything_was_said(chat):
    assert "Running: nothing" in (await chat.give("/status")).text


async def test_profile_reports_the_one_that_answers(open_chat):
    async with open_chat(name="ada") as chat:
        text = (await chat.give("/profile")).text
        assert "Profile: **ada**" in text
        assert str(chat.scope.home.root) in text
        assert "Bot:" not in text


async def test_profile_says_whose_bot_it_is_when_that_is_another_one(chat):
    chat.conversation.transport_profile = "bob"
    text = (await chat.give("/profile")).text
    assert "Profile: **ada**" in text
    assert "Bot: of profile **bob**" in text


async def test_whoami_tells_ids_and_role(open_chat):
    platform = PlatformConfig("telegram", access=AccessConfig(admins=frozenset({"7"})))
    async with open_chat(platform=platform, source=replace(SOURCE, thread_id="5")) as chat:
        text = (await chat.give("/whoami")).text
        chat.source = replace(SOURCE, user_id="8")
        other = (await chat.give("/whoami")).text
    for line in ("You: Mia", "User id: `7`", "Chat: `42` (dm)", "Thread: `5`", "Role: admin"):
        assert line in text
    assert "Role: user" in other


async def test_version_is_ours(chat):
    assert (await chat.give("/v")).text == f"hermes-trio {__version__}"


async def test_help_lists_the_commands_in_pages(chat):
    first, second = (await chat.give("/help")).text, (await chat.give("/help 2")).text
    assert "`/new [title]` - Begin a new conversation" in first
    assert "Page 1 of 2" in first
    assert "`/help [page]`" in second
    assert (await chat.give("/commands 99")).text == second


async def test_help_lists_skills_and_the_users_own_commands(open_chat):
    async with open_chat(config={"quick_commands": {"fast": {"type": "alias", "target": "/model x"}}}) as chat:
        write_skill(chat, "Git Flow", "How we branch")
        text = (await chat.give("/help 2")).text
    assert "`/fast` - Short for /model x" in text
    assert "`/git-flow` - How we branch" in text


async def test_help_shows_people_what_they_may_use(open_chat):
    access = AccessConfig(admins=frozenset({"1"}), user_commands=frozenset({"status"}))
    async with open_chat(platform=PlatformConfig("telegram", access=access)) as chat:
        text = (await chat.give("/help")).text
    assert "`/status`" in text
    assert "`/model" not in text
