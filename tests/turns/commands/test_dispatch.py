from __future__ import annotations

import pytest

from hermes_trio.home.platform_config import AccessConfig, PlatformConfig
from tests.turns.commands.rig import TURN
from tests.turns.commands.test_registry import write_skill

GUARDED = PlatformConfig(
    "telegram", access=AccessConfig(admins=frozenset({"1"}), user_commands=frozenset({"status", "mine", "restart"}))
)


def write_hook(root, body, event="command:*"):
    folder = root / "hooks" / "watch"
    folder.mkdir(parents=True)
    (folder / "HOOK.yaml").write_text(f"events: ['{event}']\n")
    (folder / "handler.py").write_text(f"def handle(event, context):\n    {body}\n")


@pytest.fixture
def open_hooked(tmp_path, open_chat):
    """Open a chat with a profile that has a hook on its commands."""

    def open_hooked(body, **chat):
        write_hook(tmp_path / "profiles" / "ada", body)
        return open_chat(**chat)

    return open_hooked


async def test_start_does_nothing_for_anybody(open_chat):
    async with open_chat(platform=GUARDED) as chat:
        reply = await chat.give("/start")
    assert (reply.text, reply.prompt) == ("", "")


async def test_an_unknown_command_gets_a_short_notice_with_the_nearest_name(chat):
    reply = await chat.give("/stauts")
    assert "`/status`" in reply.text
    assert reply.prompt == ""


async def test_an_unknown_command_like_no_other_points_to_the_list(chat):
    assert "`/help`" in (await chat.give("/xyzzyqq")).text


async def test_who_is_no_admin_may_use_only_what_is_named(open_chat):
    async with open_chat(platform=GUARDED) as chat:
        refused = await chat.give("/model other")
        allowed = await chat.give("/status")
    assert "Only admins may use /model" in refused.text
    assert "**Status**" in allowed.text


async def test_an_alias_of_a_command_needs_the_commands_permission(open_chat):
    async with open_chat(platform=GUARDED) as chat:
        assert "Only admins may use /new" in (await chat.give("/reset")).text


async def test_an_alias_of_the_users_own_opens_no_command_that_is_closed(open_chat):
    quick = {"mine": {"type": "alias", "target": "/model other"}}
    async with open_chat(platform=GUARDED, config={"quick_commands": quick}) as chat:
        assert "Only admins may use /model" in (await chat.give("/mine")).text


async def test_a_command_that_is_named_for_others_is_theirs_even_without_being_admins(open_chat):
    async with open_chat(platform=GUARDED) as chat:
        chat.conversation.is_admin = False
        refused = await chat.give("/platform pause telegram")
        await chat.give("/restart")
        assert chat.conversation.done == [("restart profile",)]
    assert "Only admins may use /platform" in refused.text


async def test_a_command_that_has_to_wait_is_refused_while_a_turn_runs(chat):
    chat.conversation.turn = TURN
    assert "has to wait" in (await chat.give("/undo")).text


async def test_an_alias_does_not_get_around_the_wait(open_chat):
    async with open_chat(config={"quick_commands": {"back": {"type": "alias", "target": "undo"}}}) as chat:
        chat.conversation.turn = TURN
        assert "`/undo` has to wait" in (await chat.give("/back 2")).text


@pytest.mark.parametrize("command", ["/undo", "/compress here", "/help", "/resume"])
async def test_a_number_of_thousands_of_figures_is_just_a_large_one(chat, command):
    assert (await chat.give(f"{command} {'9' * 5000}")).text


async def test_an_error_becomes_the_reply(chat):
    reply = await chat.give("/model x --provider nobody-knows-it")
    assert reply.text.startswith("⚠️")
    assert "nobody-knows-it" in reply.text


async def test_a_hook_is_told_of_a_command_by_its_canonical_name(open_hooked):
    async with open_hooked("__import__('pathlib').Path(__file__ + '.seen').write_text(repr((event, context)))") as chat:
        await chat.give("/reset@ada_bot  a title")
        seen = chat.file("hooks/watch/handler.py.seen")
    event, context = eval(seen)
    assert event == "command:new"
    assert context == {
        "platform": "telegram",
        "user_id": "7",
        "command": "new",
        "raw_command": "reset",
        "args": "a title",
        "raw_args": "a title",
    }


async def test_a_hook_may_deny_a_command(open_hooked):
    async with open_hooked("return {'decision': 'deny', 'message': 'not today'}") as chat:
        reply = await chat.give("/yolo")
        assert not chat.agent.workplace.approvals.is_bypassed(chat.conversation.session_key)
    assert reply.text == "not today"


async def test_a_hook_may_handle_a_command_itself(open_hooked):
    async with open_hooked("return {'decision': 'handled', 'message': 'done by the hook'}") as chat:
        assert (await chat.give("/status")).text == "done by the hook"


async def test_a_hook_may_put_another_command_in_the_place_of_one(open_hooked):
    async with open_hooked(
        "return {'decision': 'rewrite', 'command_name': 'title', 'raw_args': 'From a hook'}"
    ) as chat:
        assert "From a hook" in (await chat.give("/status")).text


async def test_a_command_that_a_hook_puts_in_place_needs_permission_as_well(open_hooked):
    body = "return {'decision': 'rewrite', 'command_name': 'model', 'raw_args': ''}"
    async with open_hooked(body, platform=GUARDED) as chat:
        assert "Only admins may use /model" in (await chat.give("/status")).text


async def test_a_hook_that_says_nothing_changes_nothing(open_hooked):
    async with open_hooked("return {'decision': 'allow'}") as chat:
        assert "hermes-trio" in (await chat.give("/version")).text


async def test_a_hook_is_not_asked_about_a_command_that_is_refused_anyway(open_hooked):
    async with open_hooked("__import__('pathlib').Path(__file__ + '.seen').write_text('x')", platform=GUARDED) as chat:
        await chat.give("/model")
        assert chat.file("hooks/watch/handler.py.seen") == ""


async def test_an_alias_stands_for_its_command_and_hands_on_what_follows(open_chat):
    async with open_chat(config={"quick_commands": {"name": {"type": "alias", "target": "/title Our"}}}) as chat:
        assert "Our trip" in (await chat.give("/name trip")).text


async def test_a_built_in_command_goes_before_an_alias_of_its_name(open_chat):
    async with open_chat(config={"quick_commands": {"version": {"type": "alias", "target": "/yolo"}}}) as chat:
        assert "hermes-trio" in (await chat.give("/version")).text


async def test_aliases_of_each_other_end(open_chat):
    quick = {"a": {"type": "alias", "target": "/b"}, "b": {"type": "alias", "target": "/a"}}
    async with open_chat(config={"quick_commands": quick}) as chat:
        assert "I know no command" in (await chat.give("/a")).text


async def test_a_skill_is_a_command_that_asks_the_agent_to_follow_it(chat):
    write_skill(chat, "Git Flow", "How we branch", "Branch from ${HERMES_SKILL_DIR}.")
    reply = await chat.give("/git_flow for the release")
    assert reply.text == ""
    assert f"Branch from {chat.scope.home.skills / 'git-flow'}." in reply.prompt
    assert reply.prompt.endswith("for the release")
    assert "description:" not in reply.prompt


async def test_a_skill_waits_for_the_turn_that_runs(chat):
    write_skill(chat, "Git Flow", "How we branch")
    chat.conversation.turn = TURN
    reply = await chat.give("/git-flow")
    assert "Queued" in reply.text
    assert reply.prompt


async def test_the_use_of_a_skill_is_counted(chat):
    write_skill(chat, "Git Flow", "How we branch")
    await chat.give("/git-flow")
    assert '"use_count": 1' in chat.file("skills/.usage.json")


async def test_a_skill_that_is_switched_off_is_no_command(open_chat):
    async with open_chat(config={"skills": {"platform_disabled": {"telegram": ["Git Flow"]}}}) as chat:
        write_skill(chat, "Git Flow", "How we branch")
        assert "I know no command" in (await chat.give("/git-flow")).text
