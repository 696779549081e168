"""Who may use which slash command. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.access.decision import Decision, Reason
from hermes_trio.access.identity import EVERYBODY, is_direct, is_listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hermes_trio.home.platform_config import AccessConfig
    from hermes_trio.routing.source import MessageSource

ALWAYS: Final = frozenset({"help", "whoami"})


def may_use_command(access: AccessConfig, source: MessageSource, command: str) -> Decision:
    """Decide whether somebody who may talk to the bot may use a command.

    Groups have lists of their own; where there are none, those for direct messages hold in groups too, so that nobody
    gets in a group what is refused in private.

    Args:
        access: The transport profile's rules for the platform.
        source: Who uses it, and where.
        command: The command's own name, not an alias; a ``/`` before it and the bot's name behind it do not matter.
    """
    admins, others = _lists(access, source)
    name = command_name(command)
    if not admins:
        return Decision(True, Reason.NO_ADMIN_LIST, "everybody who may talk to me may use every command")
    if is_named_admin(access, source):
        return Decision(True, Reason.ADMIN, "you are an admin here")
    if name in ALWAYS:
        return Decision(True, Reason.ALWAYS_ALLOWED, f"everybody may use /{name}")
    if name in others or EVERYBODY in others:
        return Decision(True, Reason.USER_COMMAND, f"/{name} is open to all users here")
    usable = ", ".join(f"/{one}" for one in sorted(ALWAYS | others))
    return Decision(False, Reason.ADMINS_ONLY, f"Only admins may use /{name} here. You may use {usable}.")


def may_consent(access: AccessConfig, source: MessageSource, *, always: bool) -> Decision:
    """Decide whether somebody may allow what the agent asks consent for, by a button, a word or ``/approve``.

    Args:
        access: The transport profile's rules for the platform.
        source: Who allows it, and where.
        always: Whether for always, which changes the settings of the profile and so is for admins.
    """
    if always and not is_admin(access, source):
        return Decision(False, Reason.ADMINS_ONLY, "Only admins may allow something for always.")
    return may_use_command(access, source, "approve")


def is_admin(access: AccessConfig, source: MessageSource) -> bool:
    """Whether somebody is on the list of admins that counts here, or there is none: then everybody is one."""
    return not _lists(access, source)[0] or is_named_admin(access, source)


def is_named_admin(access: AccessConfig, source: MessageSource) -> bool:
    """Whether somebody is on the list of admins that counts here; where there is none, nobody is."""
    return is_listed(source.user_id, _lists(access, source)[0])


def command_name(text: str) -> str:
    """A command as lists are compared by it: ``/Reload_MCP@mybot`` is ``reload-mcp``."""
    return text.strip().removeprefix("/").partition("@")[0].strip().lower().replace("_", "-")


def _lists(access: AccessConfig, source: MessageSource) -> tuple[frozenset[str], frozenset[str]]:
    """The admins that count here, and the commands of the others."""
    if not is_direct(source) and (access.group_admins or access.group_user_commands):
        return access.group_admins or access.admins, _names(access.group_user_commands)
    return access.admins, _names(access.user_commands)


def _names(commands: Iterable[str]) -> frozenset[str]:
    return frozenset(name for name in map(command_name, commands) if name)
