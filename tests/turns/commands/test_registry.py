from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.home.skill_files import Skill, SkillSet
from hermes_trio.turns.commands.parsing import parse_command
from hermes_trio.turns.commands.registry import (
    COMMANDS,
    MOST_IN_MENU,
    find_command,
    load_menu,
    may_run_while_busy,
    menu_commands,
)

# What the original lets through while a turn runs (or what only looks), and what it does not.
AT_ONCE = """
    stop new reset status approve deny queue q steer background bg btw agents tasks help commands whoami profile restart
    yolo usage version v sessions title skills memory platform verbose footer
"""
NOT_WHILE_RUNNING = """
    model retry undo compress compact resume branch fork personality reasoning reload-mcp reload_mcp reload-skills
    sethome set-home
"""
NAMED = """
    new reset stop status model profile retry undo compress usage help commands sethome title resume sessions branch
    background queue steer approve deny yolo personality reasoning reload-mcp reload-skills whoami platform restart
    version skills memory verbose footer agents tasks
"""


@pytest.mark.parametrize("name", NAMED.split())
def test_the_commands_that_people_know_are_there(name):
    assert find_command(name) is not None


def test_no_two_commands_have_the_same_name():
    names = Counter(name for one in COMMANDS for name in (one.name, *one.aliases))
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
def test_every_command_says_what_it_does_in_one_short_line(command):
    assert 5 <= len(command.description) <= 100
    assert "\n" not in command.description
    assert not command.description.endswith(".")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda one: one.name)
def test_every_name_can_be_written_as_a_command(command):
    for name in (command.name, *command.aliases):
        parsed = parse_command(f"/{name} x")
        assert parsed is not None
        assert find_command(parsed.name) is command


@pytest.mark.parametrize("name", AT_ONCE.split())
def test_a_command_that_looks_or_steers_may_be_given_while_a_turn_runs(name):
    assert may_run_while_busy(name)


@pytest.mark.parametrize("name", NOT_WHILE_RUNNING.split())
def test_a_command_that_changes_what_a_turn_works_with_may_not(name):
    assert not may_run_while_busy(name)


def test_what_is_no_command_may_be_given_at_any_time():
    assert may_run_while_busy("nonsense")


def test_a_name_is_found_with_either_line():
    assert find_command("reload_mcp") is find_command("reload-mcp")
    assert find_command("SET_HOME") is find_command("sethome")


async def test_the_menu_has_the_commands_in_the_form_that_telegram_takes(chat):
    names = [one.name for one in menu_commands(chat.scope)]
    assert "reload_mcp" in names
    assert "new" in names
    assert "commands" not in names


async def test_the_users_own_commands_are_in_the_menu(open_chat):
    quick = {"uptime": {"type": "exec", "command": "uptime"}, "fast": {"type": "alias", "target": "/model x"}}
    async with open_chat(config={"quick_commands": quick}) as chat:
        menu = {one.name: one.description for one in menu_commands(chat.scope)}
    assert menu["fast"] == "Short for /model x"
    assert "uptime" in menu


async def test_skills_are_in_the_menu(chat):
    write_skill(chat, "Git Flow", "How we branch")
    menu = {one.name: one.description for one in await load_menu(chat.scope, "telegram")}
    assert menu["git_flow"] == "How we branch"


@given(names=st.lists(st.text(max_size=80), max_size=200), text=st.text(max_size=400))
def test_no_skill_makes_a_menu_that_telegram_refuses(names, text):
    from hermes_trio.home.chat_config import ChatConfig

    class Scope:
        class config:  # noqa: N801
            chat = ChatConfig()

    skills = tuple(Skill(name, text, "", None) for name in names)
    menu = menu_commands(Scope, SkillSet(skills))
    assert len(menu) <= MOST_IN_MENU
    assert len({one.name for one in menu}) == len(menu)
    assert all(re.fullmatch(r"[a-z0-9_]{1,32}", one.name) for one in menu)
    assert all(0 < len(one.description) <= 256 for one in menu)


def write_skill(chat, name, description, text="Do it."):
    folder = chat.scope.home.skills / name.lower().replace(" ", "-")
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(f"---\nname: {name}\ndescription: {description}\n---\n{text}\n")
