"""A child's environment: what its profile declares and a base list; nothing of others, no secret unasked for (R4)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.home.child_environment import (
    BASE_NAMES,
    Conversation,
    child_environment,
    choose_folder,
    choose_home,
)
from hermes_trio.home.paths import ProfilePaths
from hermes_trio.home.secrets import Secrets
from tests.rig import canary

PATHS = ProfilePaths(Path("/homes/bob"))
NONE = Conversation()
LAUNCHER = {
    "PATH": "/opt/bin:/bin",
    "LANG": "de_DE.UTF-8",
    "LC_TIME": "C",
    "TZ": "Europe/Berlin",
    "USER": "u",
    "HOME": "/home/u",
    "TERM": "xterm-256color",
    "EDITOR": "vi",
    "SERVICE_PASSWORD": canary("launcher", "SERVICE_PASSWORD"),
    "OPENAI_API_KEY": canary("launcher", "OPENAI"),
    "HERMES_HOME": "/homes/launcher",
    "HERMES_SESSION_ID": "of the launcher",
    "SSH_AUTH_SOCK": "/run/agent",
    "LD_PRELOAD": "/evil.so",
}


@dataclass
class Settings:
    env_passthrough: tuple[str, ...] = ()


def declared(**values: str) -> Secrets:
    """Variables as `load_secrets` makes them of a ``.env``."""
    return Secrets(values, file=PATHS.env, lines={name: number for number, name in enumerate(values, 1)})


def environment(
    secrets: Secrets | None = None, passthrough: tuple[str, ...] = (), conversation=NONE, base=LAUNCHER
) -> dict[str, str]:
    return child_environment(
        base, "bob", PATHS, secrets or declared(), Settings(passthrough), Path("/home/u"), conversation
    )


def test_of_the_launcher_only_the_base_list_arrives():
    assert environment() == {
        "PATH": "/opt/bin:/bin",
        "LANG": "de_DE.UTF-8",
        "LC_TIME": "C",
        "TZ": "Europe/Berlin",
        "USER": "u",
        "TERM": "dumb",
        "HOME": "/home/u",
        "HERMES_HOME": "/homes/bob",
        "HERMES_SESSION_PROFILE": "bob",
    }


@given(st.dictionaries(st.from_regex(r"[A-Z_]{1,12}", fullmatch=True), st.text("xyz", max_size=5)))
def test_no_other_name_of_the_launcher_ever_arrives(base):
    found = environment(base=base)
    ours = {"PATH", "TERM", "HOME", "HERMES_HOME", "HERMES_SESSION_PROFILE"}
    assert {name for name in found if not name.startswith("LC_")} <= BASE_NAMES | ours


def test_declared_variables_arrive_and_win_over_the_base():
    found = environment(declared(GREETING="hello", PATH="/own/bin", TERM="vt100"))
    assert (found["GREETING"], found["PATH"], found["TERM"]) == ("hello", "/own/bin", "vt100")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OPENAI_API_KEY", "sk-own"),
        ("TELEGRAM_BOT_TOKEN", "12:own"),
        ("SERVICE_PASSWORD", "own"),
        ("DATABASE_URL", "postgres://user:own@host/db"),
    ],
)
def test_a_secret_arrives_only_when_it_is_named(name, value):
    secrets = declared(**{name: value})
    assert name not in environment(secrets)
    assert environment(secrets, (name,))[name] == value


def test_a_secret_that_is_missing_is_not_replaced_by_the_launchers():
    found = environment(passthrough=("OPENAI_API_KEY", "SERVICE_PASSWORD"))
    assert "CANARY" not in str(found)


def test_a_harmless_variable_of_the_launcher_arrives_when_it_is_named():
    assert environment(passthrough=("SSH_AUTH_SOCK",))["SSH_AUTH_SOCK"] == "/run/agent"


def test_what_the_default_profile_inherits_is_not_declared():
    """Its variables hold the launcher's environment, too; only those of its file were declared."""
    secrets = Secrets({**LAUNCHER, "GREETING": "hello"}, file=PATHS.env, lines={"GREETING": 1})
    found = environment(secrets)
    assert found["GREETING"] == "hello"
    assert {"EDITOR", "LD_PRELOAD", "OPENAI_API_KEY", "SSH_AUTH_SOCK"}.isdisjoint(found)
    assert environment(secrets, ("OPENAI_API_KEY",))["OPENAI_API_KEY"] == LAUNCHER["OPENAI_API_KEY"]


def test_who_one_is_cannot_be_declared():
    found = environment(declared(HERMES_HOME="/homes/ada", HERMES_SESSION_PROFILE="ada", HOME="/homes/ada"))
    assert "ada" not in str(found)


def test_a_child_knows_its_conversation():
    found = environment(conversation=Conversation("telegram", "s1", "agent:bob:telegram:dm:7", "7"))
    assert {name: value for name, value in found.items() if name.startswith("HERMES_SESSION_")} == {
        "HERMES_SESSION_PROFILE": "bob",
        "HERMES_SESSION_PLATFORM": "telegram",
        "HERMES_SESSION_SOURCE": "telegram",
        "HERMES_SESSION_ID": "s1",
        "HERMES_SESSION_KEY": "agent:bob:telegram:dm:7",
        "HERMES_SESSION_USER_ID": "7",
    }


def test_what_no_process_can_take_is_left_out():
    assert environment(declared(**{"A B": "x", "ZERO": "a\0b", "1ST": "x"})) == environment()


def test_without_a_path_the_usual_one_counts():
    assert "/usr/bin" in environment(base={})["PATH"]


@pytest.mark.parametrize(
    ("mode", "own_exists", "chosen"),
    [
        ("auto", True, "/homes/bob/home"),
        ("auto", False, "/home/u"),
        ("profile", False, "/homes/bob/home"),
        ("user", True, "/home/u"),
        ("real", True, "/home/u"),
        ("unknown", True, "/homes/bob/home"),
    ],
)
def test_home_is_the_profiles_own_or_the_users(mode, own_exists, chosen):
    assert choose_home(mode, PATHS.terminal_home, Path("/home/u"), own_exists=own_exists) == Path(chosen)


@pytest.mark.parametrize(
    ("setting", "workspace_exists", "chosen"),
    [
        (".", True, "/homes/bob/workspace"),
        (".", False, "/homes/bob"),
        ("", True, "/homes/bob/workspace"),
        ("projects", True, "/homes/bob/projects"),
        ("~/projects", True, "/home/u/projects"),
        ("~", True, "/home/u"),
        ("/srv", True, "/srv"),
    ],
)
def test_commands_run_where_the_profile_says(setting, workspace_exists, chosen):
    assert choose_folder(setting, PATHS, Path("/home/u"), workspace_exists=workspace_exists) == Path(chosen)
