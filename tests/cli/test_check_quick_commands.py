"""What ``check`` says about the user's own slash commands."""

from __future__ import annotations

import pytest

from hermes_trio.cli.checks.quick_commands import check_quick_commands
from hermes_trio.cli.checks.survey import survey_home
from hermes_trio.testing.home import ProfileFiles, write_home


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("uptime", []),
        ("up_time", []),
        ("new", ["is a command of its own already"]),
        ("reload_mcp", ["is a command of its own already"]),
        ("two words", ["cannot be given"]),
        ("a@b", ["cannot be given"]),
        ("über", ["cannot be given"]),
    ],
)
def test_a_command_that_cannot_be_given_is_told(tmp_path, name, told):
    config = f"model: builtin/echo\nquick_commands: {{'{name}': {{type: exec, command: uptime}}}}\n"
    home = write_home(tmp_path, {"a": ProfileFiles(config=config)})
    found = list(check_quick_commands(survey_home(home, {})))
    assert len(found) == len(told)
    assert all(text in finding.message for text, finding in zip(told, found, strict=True))
