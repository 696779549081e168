from __future__ import annotations

from dataclasses import replace

from hermes_trio.home.platform_config import AccessConfig, PlatformConfig
from hermes_trio.store.session_list import session_totals
from tests.tools.scripted_hooks import ScriptedHooks
from tests.turns.commands.test_dispatch import write_hook


async def test_new_begins_another_session_under_the_same_key(chat):
    before = await chat.conversation.session_id()
    reply = await chat.give("/new Trip to Rome")
    after = await chat.conversation.session_id()
    assert after != before
    assert (await session_totals(chat.scope, after)).title == "Trip to Rome"
    assert "Trip to Rome" in reply.text


async def test_new_asks_first(chat):
    await chat.give("/new")
    ((_question, choices),) = chat.conversation.asked
    assert choices == ("Approve", "Always", "Cancel")


async def test_new_changes_nothing_when_it_is_not_meant(chat):
    before = await chat.conversation.session_id()
    for answer in ("Cancel", None):
        chat.conversation.answer = answer
        assert "nothing" in (await chat.give("/new")).text
    assert await chat.conversation.session_id() == before


async def test_always_switches_the_question_off(chat):
    chat.conversation.answer = "Always"
    await chat.give("/new")
    assert not chat.next_config().chat.destructive_slash_confirm


async def test_who_is_no_admin_cannot_switch_the_question_off_for_all(chat):
    chat.conversation.is_admin = False
    await chat.give("/new")
    ((_question, choices),) = chat.conversation.asked
    assert choices == ("Approve", "Cancel")


async def test_new_does_not_ask_where_the_settings_say_so(open_chat):
    async with open_chat(config={"approvals": {"destructive_slash_confirm": False}}) as chat:
        await chat.give("/new")
        assert chat.conversation.asked == []


async def test_hooks_hear_of_the_end_and_the_new_beginning(tmp_path, open_chat):
    body = "open_ = __import__('pathlib').Path(__file__ + '.seen').open('a'); print(event, file=open_); open_.close()"
    write_hook(tmp_path / "profiles" / "ada", body, "session:*")
    async with open_chat() as chat:
        await chat.give("/new")
        assert chat.file("hooks/watch/handler.py.seen").split() == ["session:end", "session:reset"]


async def test_hooks_hear_which_session_ends_and_which_begins(chat):
    hooks = ScriptedHooks(on_session_finalize={}, on_session_reset={})
    chat.agent.workplace = replace(chat.agent.workplace, hooks=hooks)
    before = await chat.conversation.session_id()
    await chat.give("/new")
    assert hooks.context("on_session_finalize")["session_id"] == before
    assert hooks.context("on_session_reset")["session_id"] == await chat.conversation.session_id() != before
    assert hooks.context("on_session_reset")["session_key"] == str(chat.conversation.session_key)


async def test_title_names_the_conversation_and_tells_its_name(chat):
    assert "no title" in (await chat.give("/title")).text
    await chat.give("/title Our trip")
    assert "**Our trip**" in (await chat.give("/title")).text


async def test_sessions_lists_the_earlier_conversations_of_the_chat(chat):
    await chat.say("about Rome")
    await chat.give("/new")
    other = chat.elsewhere(chat_id="77")
    await other.say("about Paris")
    await other.give("/new")
    listed = (await chat.give("/sessions")).text
    assert "about Rome" in listed
    assert "about Paris" not in listed


async def test_sessions_shows_other_chats_of_the_same_person_when_asked(chat):
    other = chat.elsewhere(chat_id="77")
    await other.say("about Paris")
    stranger = chat.elsewhere(chat_id="88", user_id="8")
    await stranger.say("about secrets")
    listed = (await chat.give("/sessions --all")).text
    assert "about Paris" in listed
    assert "about secrets" not in listed


async def test_everybodys_conversations_are_for_admins_that_the_settings_name(open_chat):
    async with open_chat() as chat:
        await chat.elsewhere(chat_id="88", user_id="8").say("about secrets")
        assert "for admins" in (await chat.give("/sessions --cross-room")).text
        chat.platform = PlatformConfig("telegram", access=AccessConfig(admins=frozenset({"7"})))
        assert "about secrets" in (await chat.give("/sessions --cross-room")).text


async def test_resume_goes_on_with_the_one_of_a_number_or_a_title(chat):
    first = await chat.conversation.session_id()
    await chat.say("about Rome")
    await chat.give("/title Rome")
    await chat.give("/new")
    await chat.say("about Paris")
    assert "**Rome**" in (await chat.give("/resume 1")).text
    assert await chat.conversation.session_id() == first
    await chat.give("/resume paris")
    assert await chat.conversation.session_id() == first
    assert "about Paris" in (await chat.give("/resume 1")).text


async def test_resume_finds_no_conversation_of_another_chat(chat):
    other = chat.elsewhere(chat_id="88", user_id="8")
    await other.say("about secrets")
    other_id = await other.conversation.session_id()
    own_id = await chat.conversation.session_id()
    assert "I know no conversation" in (await chat.give(f"/resume {other_id}")).text
    assert await chat.conversation.session_id() == own_id


async def test_resume_without_a_name_lists(chat):
    await chat.say("about Rome")
    await chat.give("/new")
    assert "about Rome" in (await chat.give("/resume")).text


async def test_branch_goes_on_in_a_copy(chat):
    await chat.say("about Rome")
    before = await chat.conversation.session_id()
    assert "**Plan B**" in (await chat.give("/branch Plan B")).text
    assert await chat.conversation.session_id() != before
    assert "2 messages before this one" in await chat.say("!history")
