"""The tool ``terminal`` in the foreground, and what belongs to one profile (R4)."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
import trio

from hermes_trio.io.process_table import session_members
from hermes_trio.testing.home import ProfileFiles
from hermes_trio.tools.approval import ApprovalAnswer
from hermes_trio.tools.tool import ToolError
from tests.rig import canary
from tests.tools.scripted_hooks import ScriptedHooks
from tests.tools.terminal_rig import LAUNCHER, TOOLS, open_profile, open_profiles, parse_environment

if TYPE_CHECKING:
    from pathlib import Path


async def test_it_returns_output_and_status(tmp_path):
    async with open_profile(tmp_path) as bob:
        reply = await bob.call("terminal", command="echo one; echo two >&2; exit 3")
    assert reply == {"output": "one\ntwo\n", "exit_code": 3, "error": None}


async def test_it_runs_in_the_profiles_workspace(tmp_path):
    async with open_profile(tmp_path) as bob:
        assert await bob.run("pwd") == f"{bob.home}\n"
        bob.scope.home.workspace.mkdir()
        assert await bob.run("pwd") == f"{bob.home}/workspace\n"
        (bob.scope.home.workspace / "sub").mkdir()
        assert await bob.run("pwd", workdir="sub") == f"{bob.home}/workspace/sub\n"
        assert await bob.run("pwd", workdir="/usr") == "/usr\n"


async def test_it_runs_where_the_settings_say(tmp_path):
    async with open_profile(tmp_path, terminal={"cwd": "projects"}) as bob:
        (bob.home / "projects" / "a").mkdir(parents=True)
        assert await bob.run("pwd", workdir="a") == f"{bob.home}/projects/a\n"


async def test_a_missing_folder_is_named(tmp_path):
    async with open_profile(tmp_path) as bob:
        with pytest.raises(ToolError, match=r"no such folder; found nowhere"):
            await bob.run("pwd", workdir="nowhere")


async def test_home_is_the_profiles_own_if_it_has_one(tmp_path):
    async with open_profile(tmp_path) as bob:
        assert await bob.run("echo ~") == "/home/launcher\n"
        bob.scope.home.terminal_home.mkdir()
        assert await bob.run("echo ~") == f"{bob.home}/home\n"
        assert await bob.run("pwd", workdir="~") == f"{bob.home}/home\n"


async def test_init_files_are_read_first_if_they_are_there(tmp_path):
    async with open_profile(tmp_path, terminal={"shell_init_files": ["init.sh", "missing.sh"]}) as bob:
        (bob.home / "init.sh").write_text("hello() { echo hello $1; }\n")
        assert await bob.run("hello bob") == "hello bob\n"


async def test_a_command_cannot_wait_for_input(tmp_path):
    async with open_profile(tmp_path) as bob:
        with trio.fail_after(5):
            assert await bob.run("read line; echo got $line") == "got\n"


async def test_it_is_stopped_after_its_time(tmp_path):
    async with open_profile(tmp_path, terminal={"timeout": 0.1, "daemon_term_grace_seconds": 0.1}) as bob:
        reply = await bob.call("terminal", command="echo $$; sleep 300")
        assert reply["exit_code"] == 124
        assert reply["error"].startswith("the command was stopped after 0.1 s")
        assert session_members(int(reply["output"])) == set()


@pytest.mark.slow
async def test_what_it_left_running_is_ended_and_said(tmp_path):
    async with open_profile(tmp_path) as bob:
        text = await bob.run("sleep 300 & echo $$")
    leader, *note = text.splitlines()
    assert "background=true" in note[-1]
    assert session_members(int(leader)) == set()


async def test_much_output_keeps_its_ends_and_stays_whole_json(tmp_path):
    async with open_profile(tmp_path, tool_output={"max_bytes": 2000}) as bob:
        text = await bob.run("echo begin; seq 100000; echo end")
    assert text.startswith("begin\n1\n")
    assert text.endswith("100000\nend\n")
    assert "left out" in text
    assert len(text.encode()) < 2000


async def test_what_is_not_allowed_is_not_run(tmp_path, monkeypatch):
    async def check(scope, turn, command, folder):
        return ApprovalAnswer(allowed="rm" not in command, reason="Not run: no.")

    monkeypatch.setattr("hermes_trio.tools.terminal.check_command", check)
    async with open_profile(tmp_path) as bob:
        (bob.home / "precious").touch()
        for background in (False, True):
            with pytest.raises(ToolError, match="Not run: no") as caught:
                await bob.call("terminal", command="rm precious", background=background)
            assert caught.value.code == "command_denied"
        assert (bob.home / "precious").exists()
        assert await bob.run("ls precious") == "precious\n"


@pytest.mark.parametrize(("command", "said"), [("  ", "empty"), ("x" * 200_000, "too long")])
async def test_what_cannot_be_run_is_said(tmp_path, command, said):
    async with open_profile(tmp_path) as bob:
        with pytest.raises(ToolError, match=said):
            await bob.run(command)


@pytest.mark.parametrize("backend", ["ssh", "modal"])
async def test_a_backend_that_is_not_there_is_refused_and_nothing_runs_here(tmp_path, backend):
    async with open_profile(tmp_path, terminal={"backend": backend}) as bob:
        for name, arguments in (("terminal", {"command": "touch x"}), ("execute_code", {"code": "open('x', 'w')"})):
            with pytest.raises(ToolError, match=f"not available; found {backend}"):
                await bob.call(name, **arguments)
        assert not (bob.home / "x").exists()


async def test_a_cancelled_call_leaves_no_process(tmp_path):
    async with open_profile(tmp_path) as bob:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(bob.run, "echo $$ > leader; sleep 300")
            leader = await content_of(bob.home / "leader")
            nursery.cancel_scope.cancel()
        assert session_members(int(leader)) == set()


async def content_of(path: Path) -> str:
    with trio.fail_after(5):
        while not path.exists() or not path.read_text():
            await trio.sleep(0.005)
    return path.read_text()


def family(**env: str) -> dict[str, ProfileFiles]:
    settings = {"model": "builtin/echo", "terminal": {"env_passthrough": ["WANTED_TOKEN", "SERVICE_PASSWORD"]}}
    return {
        name: ProfileFiles(
            config=settings,
            env={
                "GREETING": f"hello {name}",
                f"ONLY_{name.upper()}": "yes",
                "WANTED_TOKEN": f"token of {name}",
                "OPENAI_API_KEY": canary(name, "OPENAI"),
                **env,
            },
        )
        for name in ("ida", "bob")  # names with letters that no hexadecimal id has
    }


async def dumps_of(profile) -> dict[str, dict[str, str]]:
    """What children of all kinds find in their environment."""
    code = "import os; print(*(f'{k}={v}' for k, v in os.environ.items()), sep='\\1')"
    python = await profile.call("execute_code", code=code)
    process_id = await profile.background("env -0 | tr '\\0' '\\1'")
    background = await profile.call("process", action="wait", session_id=process_id)
    on_terminal = await profile.run("env -0 | tr '\\0' '\\1'", pty=True)
    texts = {"python": python["output"], "background": background["output"], "pty": on_terminal}
    return {"shell": await profile.environment(), **{kind: parse_environment(text) for kind, text in texts.items()}}


async def test_a_child_finds_nothing_of_another_profile_nor_of_the_launcher(tmp_path):
    async with open_profiles(tmp_path, family()) as profiles:
        for own, other in (("ida", "bob"), ("bob", "ida")):
            for kind, found in (await dumps_of(profiles[own])).items():
                assert found["GREETING"] == f"hello {own}", kind
                assert found["WANTED_TOKEN"] == f"token of {own}", kind
                assert found["HERMES_HOME"] == str(profiles[own].home), kind
                assert found["HERMES_SESSION_PROFILE"] == own, kind
                assert found["HERMES_SESSION_KEY"] == f"agent:{own}:telegram:dm:7", kind
                assert other not in str(found).replace(str(tmp_path), ""), kind
                assert "CANARY" not in str(found), kind
                assert {"UNDECLARED", "SERVICE_PASSWORD", "API_SERVER_KEY"}.isdisjoint(found), kind


async def test_a_child_of_the_default_profile_gets_the_launchers_secrets_only_by_name(tmp_path):
    settings = {"model": "builtin/echo", "terminal": {"env_passthrough": ["SERVICE_PASSWORD"]}}
    async with open_profiles(tmp_path, {"default": ProfileFiles(config=settings)}) as profiles:
        found = await profiles["default"].environment()
    assert found["SERVICE_PASSWORD"] == LAUNCHER["SERVICE_PASSWORD"]
    assert {"UNDECLARED", "OPENAI_API_KEY"}.isdisjoint(found)


async def test_nothing_is_inherited_from_the_process_itself(tmp_path):
    async with open_profile(tmp_path) as bob:
        found = await bob.environment()
    assert set(found) <= {
        "HERMES_TRIO_CHILD",
        "PATH", "LANG", "TERM", "HOME", "HERMES_HOME", "PWD", "SHLVL", "_",
        *(f"HERMES_SESSION_{name}" for name in ("PROFILE", "PLATFORM", "SOURCE", "ID", "KEY", "USER_ID")),
    }  # fmt: skip


def test_the_schemas_are_short():
    for tool in TOOLS.values():
        assert len(json.dumps({"d": tool.description, "p": tool.parameters})) < 1100, tool.name


@pytest.mark.parametrize(("workdir", "below"), [("", ""), ("sub", "sub"), ("..", "..")])
async def test_a_command_is_judged_by_the_folder_it_runs_in(tmp_path, monkeypatch, workdir, below):
    judged = []

    async def judge(_scope, _turn, command, folder):
        judged.append((command, os.path.realpath(folder)))
        return ApprovalAnswer(allowed=True)

    monkeypatch.setattr("hermes_trio.tools.terminal.check_command", judge)
    async with open_profile(tmp_path) as bob:
        (bob.home / "workspace" / "sub").mkdir(parents=True)
        await bob.run("true", workdir=workdir)
        assert judged == [("true", os.path.realpath(bob.home / "workspace" / below))]


async def test_a_hook_replaces_the_output(tmp_path):
    async with open_profile(tmp_path) as bob:
        bob.hooks = ScriptedHooks(transform_terminal_output={"text": "shorter"})
        reply = await bob.call("terminal", command="echo one; exit 3")
    context = bob.hooks.context("transform_terminal_output")
    assert reply == {"output": "shorter", "exit_code": 3, "error": None}
    assert (context["output"], context["returncode"], context["env_type"]) == ("one\n", 3, "local")
    assert (context["command"], context["cwd"]) == ("echo one; exit 3", str(bob.home))


async def test_output_stays_as_it_is_when_the_hook_says_nothing(tmp_path):
    async with open_profile(tmp_path) as bob:
        bob.hooks = ScriptedHooks(transform_terminal_output={})
        assert await bob.run("echo one") == "one\n"
