import click
import pytest

from hermes_trio.cli.invocation import Process, complete_profiles
from hermes_trio.testing.home import write_home


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script(command, shell):
    ran = command("completion", shell)
    assert ran.code == 0
    assert "_HERMES_TRIO_COMPLETE" in ran.out


def test_the_shell_is_told_from_the_environment(command):
    assert command("completion", SHELL="/usr/bin/zsh").out == command("completion", "zsh").out


def test_an_unknown_shell_is_asked_for(command):
    ran = command("completion", SHELL="/bin/tcsh")
    assert ran.code == 2
    assert "bash, zsh, fish" in ran.err


def completed(environ, incomplete):
    context = click.Context(click.Command("status"), obj=Process(environ, ()))
    return [item.value for item in complete_profiles(context, None, incomplete)]


def test_profile_names_are_completed(tmp_path):
    write_home(tmp_path, {"coder": "C", "cook": "K", "poet": "P"})
    assert completed({"HERMES_HOME": str(tmp_path)}, "co") == ["coder", "cook"]


def test_without_a_home_nothing_is_completed(tmp_path):
    assert completed({"HERMES_HOME": str(tmp_path / "missing")}, "") == []
