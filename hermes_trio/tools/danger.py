"""Tells dangerous command lines from harmless ones. Pure; about half a millisecond for a usual line.

This protects a user from an agent's mistakes and from the simple tricks of a text that has misled it. It is no sandbox:
a program that the agent has written itself can do all that the user can.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.tools.danger_code import code_dangers, stops_gateway
from hermes_trio.tools.danger_files import file_dangers, has_option, positionals
from hermes_trio.tools.danger_names import DESCRIPTIONS, HARDLINE_KEYS
from hermes_trio.tools.danger_patterns import BY_PROGRAM, VALUED
from hermes_trio.tools.shell_reader import read_command
from hermes_trio.tools.shell_wrappers import SHELLS, WRAPPERS, program_name, skip_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.tools.danger_patterns import Pattern
    from hermes_trio.tools.shell_command import ReadCommand, SimpleCommand

_MKFS: Final = re.compile(r"mkfs(\..+)?")
_SUDO_STDIN: Final = ("-S", "--stdin")
_SUDO_OTHERS: Final = ("-A", "--askpass", "-s", "--shell", "-i", "--login")


@dataclass(frozen=True, slots=True)
class Danger:
    """What is dangerous about a command line.

    Attributes:
        pattern_keys: Stable names, the main one first; never empty.
        description: For people and for the model.
        hardline: Whether it is never run, whoever asks.
    """

    pattern_keys: tuple[str, ...]
    description: str
    hardline: bool


def find_danger(command: ReadCommand | str, *, sudo_password: bool = False, agent_home: str = "") -> Danger | None:
    """Find what is dangerous about a command line; None if nothing is.

    Args:
        command: The line, read or not.
        sudo_password: Whether the profile has a password for sudo, so that ``sudo -S`` is only dangerous.
        agent_home: Home folder of the profile, whose settings no command should change; empty if there is none.
    """
    read = read_command(command) if isinstance(command, str) else command
    keys = dict.fromkeys(_all_dangers(read, sudo_password, agent_home))
    if not keys:
        return None
    hardline = [key for key in keys if key in HARDLINE_KEYS]
    ordered = (*hardline, *(key for key in keys if key not in HARDLINE_KEYS))
    said = list(dict.fromkeys(DESCRIPTIONS[key] for key in ordered))
    description = said[0] if len(said) == 1 else f"{said[0]}; it also {', '.join(said[1:])}"
    return Danger(ordered, description, bool(hardline))


def _all_dangers(read: ReadCommand, sudo_password: bool, agent_home: str) -> Iterator[str]:
    if read.problem:
        yield read.problem
    if read.fork_bomb:
        yield "fork_bomb"
    downloaded: set[str] = set()
    for command in read.commands:
        for key in _dangers(command, sudo_password, agent_home, downloaded):
            yield "remote_destruction" if command.remote and key in HARDLINE_KEYS else key


def _dangers(command: SimpleCommand, sudo_password: bool, agent_home: str, downloaded: set[str]) -> Iterator[str]:
    if command.hidden:
        yield "hidden_command"
    yield from file_dangers(command, agent_home)
    yield from code_dangers(command, downloaded)
    if not command.words:
        return
    if _MKFS.fullmatch(command.program) and not has_option(command.words, "--help"):
        yield "format_disk"
    elif command.program == "kill":
        yield from _kill(command)
    elif command.program == "sudo":
        yield from _sudo(command, sudo_password)
    for pattern in BY_PROGRAM.get(command.program, ()):
        if _matches(pattern, command):
            yield pattern.key


def _matches(pattern: Pattern, command: SimpleCommand) -> bool:
    words = command.words
    if any(has_option(words, option) for option in pattern.without):
        return False
    if pattern.options and not any(has_option(words, option) for option in pattern.options):
        return False
    if pattern.word and not any(re.fullmatch(pattern.word, word) for word in words[1:]):
        return False
    names = positionals(words, VALUED.get(command.program, frozenset()))
    if len(names) < len(pattern.subcommand):
        return False
    if not all(re.fullmatch(*pair) for pair in zip(pattern.subcommand, names, strict=False)):
        return False
    return not pattern.argument or any(re.fullmatch(pattern.argument, name) for name in names)


def _kill(command: SimpleCommand) -> Iterator[str]:
    """The first word with a dash is the signal, unless it stands alone."""
    targets = list(command.words[1:])
    if targets[:1] in (["-s"], ["-n"]):
        targets = targets[2:]
    elif len(targets) > 1 and targets[0].startswith("-"):
        targets = targets[1:]
    if targets[:1] == ["--"]:
        targets = targets[1:]
    if "-1" in targets:
        yield "kill_everything"
    if stops_gateway(command.words, command.substituted):
        yield "gateway_stop"


def _sudo(command: SimpleCommand, sudo_password: bool) -> Iterator[str]:
    """Only sudo's own options count: those of the command behind it are its own business."""
    behind = skip_options(command.words[1:], WRAPPERS["sudo"])
    own = command.words[: len(command.words) - len(behind)]
    if any(has_option(own, option) for option in _SUDO_STDIN):
        yield "sudo_options" if sudo_password else "sudo_without_password"
    elif any(has_option(own, option) for option in _SUDO_OTHERS):
        yield "sudo_options"
    if behind and program_name(behind[0]) in SHELLS and all(re.fullmatch(r"-[^c]*", word) for word in behind[1:]):
        yield "root_shell"
