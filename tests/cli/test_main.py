"""What holds for every command: options in any position, exit codes, errors without a traceback."""

import subprocess
import sys

import click
import pytest

from hermes_trio import __version__, errors
from hermes_trio.cli import main
from hermes_trio.cli.exit_codes import exit_code_of
from hermes_trio.cli.invocation import Invocation, Process, common_options, current_invocation


@pytest.fixture
def probe(monkeypatch):
    """A subcommand `status` that only remembers how it was called."""
    calls: list[Invocation] = []

    @click.command("status")
    @common_options
    def status() -> None:
        calls.append(current_invocation())

    monkeypatch.setattr(main.LazyGroup, "get_command", lambda *_: status)
    return calls


def test_version(command):
    assert command("--version").out == f"hermes-trio, version {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ("-p", "coder", "--home", "/h", "status"),
        ("status", "-p", "coder", "--home", "/h"),
        ("--profile=coder", "status", "--home=/h"),
        ("--home", "/h", "status", "--profile", "coder"),
        ("status", "-pcoder", "--home=/h"),
    ],
)
def test_home_and_profile_go_anywhere(command, probe, arguments):
    assert command(*arguments).code == 0
    assert probe[0].profile == "coder"
    assert str(probe[0].home().root) == "/h"


def test_the_later_of_two_profiles_counts(command, probe):
    command("-p", "coder", "status", "-p", "poet")
    assert probe[0].profile == "poet"


def test_a_profile_name_is_normalized(command, probe):
    command("status", "-p", "Coder")
    assert probe[0].profile == "coder"


def test_a_bad_profile_name_is_wrong_usage(command, probe):
    ran = command("status", "-p", "no/such")
    assert (ran.code, probe) == (2, [])
    assert "not a valid profile name" in ran.err


def test_the_home_comes_from_the_captured_environment(command, probe, tmp_path):
    command("status", HERMES_HOME=str(tmp_path / "elsewhere"))
    assert probe[0].home().root == tmp_path / "elsewhere"


def test_a_suggested_command_names_the_home_when_this_one_did(command, probe):
    command("status")
    command("status", "--home", "/my home")
    assert [one.suggest("run") for one in probe] == ["hermes-trio run", "hermes-trio run --home '/my home'"]


@pytest.mark.parametrize(
    ("called", "suggested"),
    [(".venv/bin/hermes-trio", ".venv/bin/hermes-trio"), ("/x/__main__.py", f"{sys.executable} -m hermes_trio")],
)
def test_a_program_that_the_shell_does_not_find_is_suggested_as_it_was_called(called, suggested):
    assert Process({"PATH": "/nowhere"}, (called,)).program == suggested


def test_a_program_that_the_shell_finds_is_suggested_by_its_name(tmp_path):
    (tmp_path / "hermes-trio").write_text("#!/bin/sh\n")
    (tmp_path / "hermes-trio").chmod(0o755)
    assert Process({"PATH": str(tmp_path)}, ("/x/hermes-trio",)).program == "hermes-trio"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (errors.GatewayBusy("held"), 1),
        (errors.HomeError("missing"), 78),
        (errors.ConfigError("bad"), 78),
        (errors.SecretsError("unreadable"), 78),
        (errors.UnknownProfile("who"), 1),
        (errors.StoreError("corrupt"), 1),
    ],
)
def test_configuration_problems_exit_with_78_and_everything_else_with_1(error, code):
    assert exit_code_of(error) == code


def raising(error, monkeypatch):
    @click.command("status")
    def status() -> None:
        raise error

    monkeypatch.setattr(main.LazyGroup, "get_command", lambda *_: status)


def test_an_error_of_ours_is_one_block_without_a_traceback(command, monkeypatch):
    error = errors.ConfigError("wrong kind", where="config.yaml:3", found="7", expected="text", mend="quote it")
    raising(error, monkeypatch)
    ran = command("status")
    assert ran.code == 78
    assert ran.err.splitlines() == [
        "error: wrong kind [config_invalid]",
        "  where:     config.yaml:3",
        "  found:     7",
        "  expected:  text",
        "  mend:      quote it",
    ]
    assert ran.out == ""


def test_ctrl_c_is_quiet(command, monkeypatch):
    raising(KeyboardInterrupt(), monkeypatch)
    ran = command("status")
    assert (ran.code, ran.err) == (130, "\n")


def test_an_unknown_command_is_wrong_usage(command):
    ran = command("stauts")
    assert ran.code == 2
    assert "stauts" in ran.err


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_explains_itself_with_examples(command, name):
    ran = command(name, "--help")
    assert ran.code == 0
    assert "Examples:" in ran.out
    assert "--home" in ran.out
    assert "--profile" in ran.out


def test_the_help_page_documents_the_exit_codes(command):
    page = command("--help").out
    assert all(f"\n    {code} " in page for code in (0, 1, 2, 75, 78, 130))


@pytest.mark.slow
@pytest.mark.parametrize("argument", ["--version", "--help"])
def test_version_and_help_import_nothing_heavy(argument):
    heavy = {"trio", "httpx", "h11", "yaml", "sqlite3", "ssl"}
    program = (
        f"import sys; from hermes_trio.cli.main import run_cli; from hermes_trio.cli.invocation import Process\n"
        f"run_cli(['{argument}'], Process({{}}, ()))\nprint(sorted({heavy} & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines()[-1] == "[]"
