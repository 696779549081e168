"""Checks who may talk to the bots, and whether the rules about it can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.access.authorize import has_list
from hermes_trio.access.groups import bad_mention_patterns
from hermes_trio.access.identity import EVERYBODY
from hermes_trio.access.pairing import read_pairings
from hermes_trio.access.pairing_list import list_name
from hermes_trio.access.pairing_places import PairingError, pairing_places
from hermes_trio.access.stranger import StrangerAction
from hermes_trio.cli.checks.findings import Finding, Level
from hermes_trio.home.platform_table import variables_of
from hermes_trio.io.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.cli.checks.survey import Survey
    from hermes_trio.home.platform_config import AccessConfig, PlatformConfig
    from hermes_trio.home.settings import ProfileSettings


#: Platforms on which people's ids are numbers.
_NUMBERED: Final = frozenset({"telegram"})


def check_access(survey: Survey) -> Iterator[Finding]:
    """Bots that talk to everybody or to nobody, patterns that are none, pairing files that cannot be used."""
    for _, settings in survey.readable():
        paired: frozenset[str] | None = None
        try:
            found = read_pairings(pairing_places(settings.name, settings.paths), SystemClock().now())
            paired = frozenset(one.platform for one in found if one.approved)
        except PairingError as error:
            yield _pairing_file(settings, error)
        for platform in settings.config.platforms.values():
            if platform.enabled:
                yield from _people(settings, platform, is_paired=paired is None or platform.name in paired)
                yield from _names(settings, platform)
                yield from _commands(settings, platform)
                yield from _patterns(settings, platform)


def _people(settings: ProfileSettings, platform: PlatformConfig, *, is_paired: bool) -> Iterator[Finding]:
    access, name = platform.access, list_name(platform.name)
    where = f"{settings.paths.env} {name}"
    if access.allow_all_users or EVERYBODY in access.allowed_users:
        yield Finding(
            level=Level.WARNING,
            code="bot_open_to_everybody",
            profile=settings.name,
            where=where,
            message=f"everybody on {platform.name} may talk to this agent and have it use its tools",
            mend=f"list the people who may in {name}",
        )
    elif EVERYBODY in access.group_allowed_chats | access.group_allowed_users:
        yield Finding(
            level=Level.WARNING,
            code="bot_open_in_groups",
            profile=settings.name,
            where=f"{settings.paths.env} {variables_of(platform.name).prefix}_GROUP_ALLOWED_*",
            message=f"who adds the bot to a group on {platform.name} may talk to this agent and have it use its tools",
            mend="list the groups or people who may, in place of *",
        )
    elif not is_paired and _is_shut(access):
        yield Finding(
            level=Level.WARNING,
            code="bot_open_to_nobody",
            profile=settings.name,
            where=where,
            message=f"nobody may talk to this agent on {platform.name}, and strangers get no pairing code",
            mend=f"list people in {name}, or set unauthorized_dm_behavior: pair",
        )


def _names(settings: ProfileSettings, platform: PlatformConfig) -> Iterator[Finding]:
    """Entries that fit nobody, since they are names where ids are numbers."""
    access = platform.access
    entries = access.allowed_users | access.group_allowed_users | access.admins | access.group_admins
    names = sorted(entry for entry in entries - {EVERYBODY} if not entry.removeprefix("-").isdecimal())
    if platform.name in _NUMBERED and names:
        yield Finding(
            level=Level.WARNING,
            code="user_name_not_id",
            profile=settings.name,
            where=f"{settings.paths.env} {list_name(platform.name)}",
            message=f"people are known by number on {platform.name}, so this fits nobody: {', '.join(names)[:200]}",
            mend="write the number in its place; /whoami in a chat tells people theirs",
        )


def _commands(settings: ProfileSettings, platform: PlatformConfig) -> Iterator[Finding]:
    """Lists of commands that restrict nobody, since there is nobody whom they do not concern."""
    access = platform.access
    lists = (
        ("user_allowed_commands", access.user_commands, access.admins),
        ("group_user_allowed_commands", access.group_user_commands, access.group_admins or access.admins),
    )
    for key, commands, admins in lists:
        if commands and not admins:
            yield Finding(
                level=Level.WARNING,
                code="commands_open_to_everybody",
                profile=settings.name,
                where=f"{platform.name} {key}",
                message=f"{key} restricts nobody: without a list of admins everybody may use every command",
                mend="name the admins in allow_admin_from",
            )


def _is_shut(access: AccessConfig) -> bool:
    """Whether no list lets anybody in; where strangers get a code, the first to write learns how to go on."""
    lets_in = has_list(access) or access.group_allowed_chats or access.allowed_roles
    return not lets_in and access.unauthorized_dm_behavior != StrangerAction.PAIR


def _patterns(settings: ProfileSettings, platform: PlatformConfig) -> Iterator[Finding]:
    for problem in bad_mention_patterns(platform.access):
        yield Finding(
            level=Level.WARNING,
            code="bad_mention_pattern",
            profile=settings.name,
            where=f"{platform.name} mention_patterns",
            message=f"not a regular expression in RE2 syntax, so it counts for nothing: {problem}",
            mend="mend or remove the pattern",
        )


def _pairing_file(settings: ProfileSettings, error: PairingError) -> Finding:
    return Finding(
        level=Level.WARNING,
        code=error.code,
        profile=settings.name,
        where=error.where or str(settings.paths.root),
        message=error.problem if error.found is None else f"{error.problem}; found {error.found}",
        mend=error.mend,
    )
