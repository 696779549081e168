"""Checks the user's own slash commands: can they be given at all?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.cli.checks.findings import Finding, Level
from hermes_trio.turns.commands.parsing import parse_command
from hermes_trio.turns.commands.registry import find_command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.cli.checks.survey import Survey


def check_quick_commands(survey: Survey) -> Iterator[Finding]:
    """Commands behind a built-in one, and those whose name is none."""
    for _, settings in survey.readable():
        for name in settings.config.chat.quick_commands:
            parsed = parse_command(f"/{name}")
            if parsed is None or parsed != (name, ""):
                problem = f"/{name} cannot be given: the name of a command has letters a to z, figures, - and _"
            elif find_command(name) is not None:
                problem = f"/{name} is a command of its own already, which counts"
            else:
                continue
            yield Finding(
                level=Level.WARNING,
                code="quick_command_unusable",
                profile=settings.name,
                where=f"{settings.paths.config} quick_commands.{name}",
                message=problem,
                mend="give it another name",
            )
