"""All slash commands of chats, and how one that somebody gives is found and run."""

from __future__ import annotations

import re
from dataclasses import replace
from difflib import get_close_matches
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.adapter_api.adapter import CommandInfo
from hermes_trio.errors import HermesTrioError, ScopeClosed
from hermes_trio.home.skill_files import SkillSet
from hermes_trio.tools.skill_index import load_skills
from hermes_trio.turns.commands import agent as agent_commands
from hermes_trio.turns.commands import chat_display, history, info, models, running, sessions, surroundings
from hermes_trio.turns.commands.context import CommandCall, CommandReply
from hermes_trio.turns.commands.gate import ask_hooks, refuse
from hermes_trio.turns.commands.help import with_help
from hermes_trio.turns.commands.quick import (
    ALIAS,
    describe_quick_command,
    expand_alias,
    find_quick_command,
    run_quick_command,
)
from hermes_trio.turns.commands.running import QUEUED
from hermes_trio.turns.commands.skill_commands import find_skill_command, skill_command_name, start_skill
from hermes_trio.turns.commands.wording import code, error_text, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from hermes_trio.adapter_api.messages import InboundMessage
    from hermes_trio.home.platform_config import PlatformConfig
    from hermes_trio.scope import ProfileScope
    from hermes_trio.turns.agent import Agent
    from hermes_trio.turns.commands.context import Command, Conversation
    from hermes_trio.turns.commands.parsing import ParsedCommand

MOST_IN_MENU: Final = 100
LONGEST_MENU_NAME: Final = 32
LONGEST_MENU_LINE: Final = 256
#: Clients send it by themselves when somebody opens a chat with a bot; nothing happens.
IGNORED: Final = "start"
_NO_SKILLS: Final = SkillSet()
_NOT_IN_MENU: Final = re.compile(r"[^a-z0-9_]+")

COMMANDS: Final[tuple[Command, ...]] = with_help(
    (
        *sessions.COMMANDS,
        *history.COMMANDS,
        *running.COMMANDS,
        *models.COMMANDS,
        *agent_commands.COMMANDS,
        *chat_display.COMMANDS,
        *surroundings.COMMANDS,
        *info.COMMANDS,
    )
)
_BY_NAME: Final[Mapping[str, Command]] = MappingProxyType(
    {name: command for command in COMMANDS for name in (command.name, *command.aliases)}
)


def find_command(name: str) -> Command | None:
    """The command of a name or alias; ``reload_mcp`` is ``reload-mcp``."""
    return _BY_NAME.get(name.lower().replace("_", "-"))


def may_run_while_busy(name: str) -> bool:
    """Whether a command may be given while a turn runs.

    What is no built-in command may: dispatch looks again at what an alias stands for, and a skill is queued.
    """
    command = find_command(name)
    return command is None or command.while_busy


def menu_commands(scope: ProfileScope, skills: SkillSet = _NO_SKILLS) -> tuple[CommandInfo, ...]:
    """The commands for platforms' menus, in the strictest form that platforms want their names in.

    Args:
        scope: The profile.
        skills: Its skills, if they are to be shown; see `load_menu`.
    """
    menu: dict[str, CommandInfo] = {}
    for name, description in _menu_entries(scope, skills):
        plain = _NOT_IN_MENU.sub("_", name.lower()).strip("_")
        if 0 < len(plain) <= LONGEST_MENU_NAME and len(menu) < MOST_IN_MENU:
            menu.setdefault(plain, CommandInfo(plain, shorten(description, LONGEST_MENU_LINE) or plain))
    return tuple(menu.values())


async def load_menu(scope: ProfileScope, platform: str) -> tuple[CommandInfo, ...]:
    """The commands for a platform's menu with the skills that there are on it now.

    Raises:
        ScopeClosed: The profile is over.
    """
    return menu_commands(scope, await load_skills(scope, platform))


def _menu_entries(scope: ProfileScope, skills: SkillSet) -> Iterator[tuple[str, str]]:
    yield from ((one.name, one.description) for one in COMMANDS if one.in_menu)
    for name, quick in scope.config.chat.quick_commands.items():
        yield name, describe_quick_command(quick)
    for skill in skills.skills:
        yield skill_command_name(skill), skill.description


async def dispatch_command(
    scope: ProfileScope,
    parsed: ParsedCommand,
    *,
    message: InboundMessage,
    platform: PlatformConfig,
    agent: Agent,
    conversation: Conversation,
) -> CommandReply:
    """Run the command that an authorized person gave.

    An alias of the user's own is expanded first, so that what it stands for is judged, not its name. Then come the
    permission, the hooks of ``command:<name>``, and what the name stands for: a built-in command, the user's own, a
    skill. A command that a hook puts in the place of another one is judged again, but hooks are not asked again.

    Args:
        scope: The runtime profile, whose agent the command concerns.
        parsed: The command.
        message: The message it came in.
        platform: Settings of the bot that received it, which say who may use what.
        agent: The runtime profile's agent.
        conversation: Where it was given.

    Returns:
        What it leads to; an error that a user can understand is a reply as well.

    Raises:
        ScopeClosed: The profile is over.

    Cancellation: as the command says; most do one thing in one transaction.
    """
    if parsed.name == IGNORED:
        return CommandReply()
    dispatch = _Dispatch(scope, message, platform, agent, conversation)
    try:
        return await dispatch.run(parsed)
    except ScopeClosed:
        raise
    except HermesTrioError as error:
        return CommandReply(error_text(scope, error))


class _Dispatch:
    """One command on its way."""

    def __init__(
        self,
        scope: ProfileScope,
        message: InboundMessage,
        platform: PlatformConfig,
        agent: Agent,
        conversation: Conversation,
    ) -> None:
        self._scope = scope
        self._message = message
        self._platform = platform
        self._agent = agent
        self._conversation = conversation

    async def run(self, given: ParsedCommand, *, ask: bool = True) -> CommandReply:
        parsed = self._expanded(given)
        command = find_command(parsed.name)
        name = command.name if command is not None else parsed.name
        refused = refuse(name, command, self._message, self._platform, self._conversation)
        if refused is not None:
            return refused
        if ask:
            word = await ask_hooks(self._agent.workplace.hooks, name, parsed, self._message)
            if word.reply is not None:
                return word.reply
            if word.instead is not None:
                return await self.run(word.instead, ask=False)
        if command is None:
            return await self._run_own(parsed)
        call = CommandCall(
            name, parsed.name, parsed.arguments, self._message, self._platform, self._agent, self._conversation
        )
        return await command.run(self._scope, call)

    def _expanded(self, given: ParsedCommand) -> ParsedCommand:
        """The command, or what it is an alias for; an alias of an alias stays one."""
        if find_command(given.name) is not None:
            return given
        quick = find_quick_command(self._scope, given.name)
        return expand_alias(quick, given) if quick is not None and quick.kind == ALIAS else given

    async def _run_own(self, parsed: ParsedCommand) -> CommandReply:
        """What is no built-in command: the user's own, a skill, or nothing at all."""
        quick = find_quick_command(self._scope, parsed.name)
        if quick is not None and quick.kind != ALIAS:
            return await run_quick_command(self._scope, quick, self._message, self._agent, self._conversation)
        platform = self._message.source.platform
        skill = await find_skill_command(self._scope, parsed.name, platform)
        if skill is not None:
            running = self._conversation.running_turn() is not None
            reply = await start_skill(self._scope, skill, parsed, await self._conversation.session_id())
            return replace(reply, text=QUEUED) if running else reply
        return await self._unknown(parsed.name)

    async def _unknown(self, name: str) -> CommandReply:
        platform = self._message.source.platform
        skills = (await load_skills(self._scope, platform)).skills
        names = [*_BY_NAME, *self._scope.config.chat.quick_commands, *map(skill_command_name, skills)]
        near = get_close_matches(name.replace("_", "-"), names, n=1, cutoff=0.6)
        hint = f" Did you mean {code(f'/{near[0]}')}?" if near else " `/help` lists them all."
        return CommandReply(f"I know no command {code(f'/{shorten(name, 40)}')}.{hint}")
