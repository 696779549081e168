"""Skills as commands: ``/<skill> [instruction]`` has the agent follow the skill's text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hermes_trio.tools.skill_index import load_skills
from hermes_trio.tools.skills import find_skill, read_skill
from hermes_trio.tools.tool import ToolError
from hermes_trio.turns.commands.context import CommandReply

if TYPE_CHECKING:
    from collections.abc import Sequence

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


async def with_skills(scope: ProfileScope, names: Sequence[str], text: str, session_id: str, platform: str) -> str:
    """What the agent is asked when its operator has chosen skills for a task; one that is missing is logged."""
    if not names:
        return text
    skills = await load_skills(scope, platform)
    parts: list[str] = []
    for name in names:
        try:
            skill = find_skill(skills, name)
            content = await read_skill(scope, skill, session_id)
        except ToolError as error:
            scope.log.bind(component="gateway.skills").warning(f"a task goes without a skill: {error}", code=error.code)
            continue
        head = f'[Follow the skill "{skill.name}", given here. Its folder is {skill.folder}.]'
        parts.append(f"{head}\n\n{content.strip()}")
    return "\n\n".join((*parts, f"[The task]\n{text}")) if parts else text
