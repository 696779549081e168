"""The commands that list the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.access.commands import may_use_command
from hermes_trio.tools.skill_index import load_skills
from hermes_trio.turns.commands.context import Command, CommandCall, CommandReply
from hermes_trio.turns.commands.parsing import whole_number
from hermes_trio.turns.commands.quick import describe_quick_command
from hermes_trio.turns.commands.skill_commands import skill_command_name
from hermes_trio.turns.commands.wording import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.scope import ProfileScope

PAGE: Final = 25
_LONGEST_LINE: Final = 100


def with_help(commands: Sequence[Command]) -> tuple[Command, ...]:
    """The commands, and ``/help`` and ``/commands``, which list them all."""

    async def run_help(scope: ProfileScope, call: CommandCall) -> CommandReply:
        return await _list(scope, call, everything)

    everything = (
        *commands,
        Command("help", "List what I can do for you", run_help, usage="[page]", while_busy=True),
        Command("commands", "List all commands", run_help, usage="[page]", while_busy=True, in_menu=False),
    )
    return everything


async def _list(scope: ProfileScope, call: CommandCall, commands: Sequence[Command]) -> CommandReply:
    entries = [_line(one) for one in commands if one.in_menu and _may_use(call, one.name)]
    entries += [
        f"`/{name}` - {describe_quick_command(one)}"
        for name, one in sorted(scope.config.chat.quick_commands.items())
        if _may_use(call, name)
    ]
    skills = (await load_skills(scope, call.message.source.platform)).skills
    named = ((skill_command_name(skill), skill.description) for skill in skills)
    entries += [f"`/{name}` - {shorten(text, _LONGEST_LINE)}" for name, text in named if name and _may_use(call, name)]
    pages = -(-len(entries) // PAGE)
    page = min(whole_number(call.arguments) or 1, pages)
    shown = "\n".join(entries[(page - 1) * PAGE : page * PAGE])
    more = f"\n\nPage {page} of {pages}. `/help {page + 1}` shows the next one." if page < pages else ""
    return CommandReply(f"**Commands**\n{shown}{more}")


def _may_use(call: CommandCall, name: str) -> bool:
    return may_use_command(call.platform.access, call.message.source, name).allowed


def _line(command: Command) -> str:
    usage = f" {command.usage}" if command.usage else ""
    return f"`/{command.name}{usage}` - {command.description}"
