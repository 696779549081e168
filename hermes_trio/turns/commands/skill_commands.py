"""Skills as commands: ``/<skill> [instruction]`` has the agent follow the skill's text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hermes_trio.tools.skill_index import load_skills
from hermes_trio.tools.skills import read_skill
from hermes_trio.turns.commands.context import CommandReply

if TYPE_CHECKING:
    from hermes_trio.home.skill_files import Skill
    from hermes_trio.scope import ProfileScope
    from hermes_trio.turns.commands.parsing import ParsedCommand

_OTHERS: Final = re.compile(r"[^a-z0-9]+")


def skill_command_name(skill: Skill) -> str:
    """The command that a skill is: ``Git Flow`` is ``git-flow``; empty when no letter of its name can be in one."""
    return _OTHERS.sub("-", skill.name.lower()).strip("-")


async def find_skill_command(scope: ProfileScope, name: str, platform: str) -> Skill | None:
    """The skill that is the command of this name on a platform, or None."""
    wanted = _OTHERS.sub("-", name.lower()).strip("-")
    skills = (await load_skills(scope, platform)).skills
    return next((skill for skill in skills if wanted and skill_command_name(skill) == wanted), None)


async def start_skill(scope: ProfileScope, skill: Skill, parsed: ParsedCommand, session_id: str) -> CommandReply:
    """What the agent is asked when somebody gives a skill's command.

    Raises:
        ToolError: The skill cannot be read.
    """
    text = await read_skill(scope, skill, session_id)
    said = f'[The user has chosen the skill "{skill.name}" with /{parsed.name}: follow its instructions, given here.'
    prompt = f"{said} Its folder is {skill.folder}.]\n\n{text.strip()}"
    if parsed.arguments:
        prompt += f"\n\n[What the user wants]\n{parsed.arguments}"
    return CommandReply(prompt=prompt)
