"""What commands print, where a command line itself tells; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from hermes_trio.tools.shell_words import decode_escapes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.tools.shell_command import SimpleCommand

#: What these print is the name of a program, or what their users put into ``eval``.
_KNOWN_PRINTERS_TEXT: Final = """
    which command type realpath readlink dirname basename brew npm pyenv rbenv nodenv asdf mise nvm fnm direnv ssh-agent
    keychain opam conda mamba micromamba starship zoxide minikube lesspipe dircolors luarocks
    register-python-argcomplete
"""
_KNOWN_PRINTERS: Final = frozenset(_KNOWN_PRINTERS_TEXT.split())
_CONVERSION: Final = re.compile(r"%[-0-9.]*[a-zA-Z]")


def plain_output(commands: Sequence[SimpleCommand]) -> str | None:
    """What commands print, where that can be told without running them."""
    if not commands:
        return None
    command = commands[-1]
    if any(one.words[-len(command.words) :] != command.words for one in commands):
        return None  # more than one command that runs another
    return None if command.writes else printed(command)


def printed(command: SimpleCommand) -> str | None:
    """What one command prints, to wherever that goes."""
    arguments = [word for word in command.words[1:] if word not in ("-n", "-e", "-E", "-ne", "-en", "--")]
    if command.program == "echo":
        text = " ".join(arguments)
        return decode_escapes(text) if {"-e", "-ne", "-en"} & set(command.words) else text
    if command.program == "printf" and arguments:
        return decode_escapes(_printf(arguments[0], arguments[1:]))
    if command.program == "tee" or (command.program == "cat" and not arguments):
        return command.stdin
    return None


def _printf(form: str, values: list[str]) -> str:
    """The form is used again and again, until all values are."""
    if not _CONVERSION.search(form):
        return form
    waiting = list(values)
    done = _CONVERSION.sub(lambda _: waiting.pop(0) if waiting else "", form)
    while waiting:
        done += _CONVERSION.sub(lambda _: waiting.pop(0) if waiting else "", form)
    return done


def prints_known(commands: Sequence[SimpleCommand]) -> bool:
    """Whether what commands print is surely harmless in the place of a program's name."""
    return bool(commands) and all(command.program in _KNOWN_PRINTERS for command in commands)
