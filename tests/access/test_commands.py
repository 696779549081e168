"""Who may use which command."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.access.commands import command_name, is_admin, is_named_admin, may_use_command
from hermes_trio.home.platform_config import AccessConfig
from tests.access.rig import direct, group


def rules(**lists: str) -> AccessConfig:
    return AccessConfig(**{name: frozenset(ids.split()) for name, ids in lists.items()})


ADMINS = rules(admins="1", user_commands="status new")
BOTH = rules(admins="1", user_commands="status", group_admins="2", group_user_commands="usage")


@pytest.mark.parametrize(
    ("access", "source", "command", "expected"),
    [
        (AccessConfig(), direct("9"), "update", (True, "no_admin_list")),
        (rules(user_commands="status"), direct("9"), "update", (True, "no_admin_list")),
        (ADMINS, direct("1"), "update", (True, "admin")),
        (ADMINS, direct("1@example.org"), "update", (True, "admin")),
        (rules(admins="*"), direct("9"), "update", (True, "admin")),
        (ADMINS, direct("9"), "update", (False, "admins_only")),
        (ADMINS, direct("9"), "status", (True, "user_command")),
        (ADMINS, direct("9"), "/Status@mybot", (True, "user_command")),
        (ADMINS, direct("9"), "help", (True, "always_allowed")),
        (ADMINS, direct("9"), "/whoami", (True, "always_allowed")),
        (ADMINS, direct(None), "update", (False, "admins_only")),
        (ADMINS, direct(None), "status", (True, "user_command")),
        (rules(admins="1", user_commands="*"), direct("9"), "update", (True, "user_command")),
        (rules(admins="1", user_commands="/reload_mcp"), direct("9"), "reload-mcp", (True, "user_command")),
        # groups have their own
        (BOTH, group("1"), "update", (False, "admins_only")),
        (BOTH, group("2"), "update", (True, "admin")),
        (BOTH, direct("2"), "update", (False, "admins_only")),
        (BOTH, group("9"), "usage", (True, "user_command")),
        (BOTH, group("9"), "status", (False, "admins_only")),
        (BOTH, direct("9"), "usage", (False, "admins_only")),
        (rules(group_admins="2"), direct("9"), "update", (True, "no_admin_list")),
        # and without any those for direct messages hold
        (ADMINS, group("9"), "update", (False, "admins_only")),
        (ADMINS, group("9"), "status", (True, "user_command")),
        (ADMINS, group("1"), "update", (True, "admin")),
        (rules(admins="1", group_user_commands="usage"), group("9"), "update", (False, "admins_only")),
        (rules(admins="1", group_user_commands="usage"), group("1"), "update", (True, "admin")),
    ],
)
def test_who_may_use_what(access, source, command, expected):
    found = may_use_command(access, source, command)
    assert (found.allowed, found.reason.value) == expected


def test_a_refusal_says_what_may_be_used():
    text = may_use_command(ADMINS, direct("9"), "update").text
    assert text == "Only admins may use /update here. You may use /help, /new, /status, /whoami."


def test_admins_of_one_profile_are_nobody_on_another():
    assert may_use_command(rules(admins="1"), direct("1"), "restart").allowed
    assert not may_use_command(rules(admins="2"), direct("1"), "restart").allowed


def test_without_a_list_everybody_may_use_all_commands_but_nobody_is_named_an_admin():
    assert not is_named_admin(AccessConfig(), direct("1"))
    assert is_named_admin(ADMINS, group("1"))
    assert not is_named_admin(BOTH, group("1"))


@given(
    st.frozensets(st.sampled_from(["1", "2", "", "None"]), min_size=1),
    st.sampled_from([None, "", " ", "\n"]),
    st.sampled_from(["dm", "group"]),
    st.text(max_size=8),
)
def test_nobody_is_an_admin(admins, user, chat_type, command):
    source = direct(user, chat_type=chat_type)
    allowed = may_use_command(AccessConfig(admins=admins, group_admins=admins), source, command).allowed
    assert allowed == (command_name(command) in {"help", "whoami"})


def test_who_may_use_restart_is_no_admin_by_that():
    access = AccessConfig(admins=frozenset({"9"}), user_commands=frozenset({"restart"}))
    assert may_use_command(access, direct("1"), "restart").allowed
    assert not is_admin(access, direct("1"))
    assert is_admin(access, direct("9"))


def test_without_a_list_of_admins_everybody_is_one():
    assert is_admin(AccessConfig(), direct("1"))
