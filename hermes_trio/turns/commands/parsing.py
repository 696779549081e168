"""Tells a slash command from a text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

_NEW: Final = ("/new", "/reset")
_RESTART: Final = "restart gateway"
LARGEST_NUMBER: Final = 1_000_000_000
_COMMAND: Final = re.compile(r"/([A-Za-z0-9_][A-Za-z0-9_-]*)(?:@\S*)?(?:\s+(.*))?\Z", re.DOTALL)


class ParsedCommand(NamedTuple):
    """A command as it was written.

    Attributes:
        name: Its name, lower case, without the slash.
        arguments: What stands behind it, stripped; em dashes are two hyphens.
    """

    name: str
    arguments: str


def spoken_command(text: str, triggers: Iterable[str], *, direct: bool) -> str:
    """A text that means a command without being written as one, as that command; every other one as it is.

    Args:
        text: What somebody said.
        triggers: Texts that mean ``/new``.
        direct: Whether it was said in private, where ``restart gateway`` means ``/restart``.
    """
    said = _words(text)
    if said and said not in _NEW and said in map(_words, triggers):
        return _NEW[0]
    return "/restart" if direct and said == _RESTART else text


def _words(text: str) -> str:
    return " ".join(text.casefold().split())


def whole_number(text: str) -> int | None:
    """The number that a text is, or None when it is none; larger ones than `LARGEST_NUMBER` are that."""
    if not text.isdecimal():
        return None
    # Python refuses to read numbers of thousands of figures.
    return int(text) if len(text) < len(str(LARGEST_NUMBER)) else LARGEST_NUMBER


def parse_command(text: str) -> ParsedCommand | None:
    """The command that a message is, or None when it is none.

    A path is no command: its first word has another slash. ``/start``, which clients send by themselves, is a command
    that does nothing.
    """
    found = _COMMAND.match(text.strip())
    if found is None:
        return None
    return ParsedCommand(found[1].lower(), (found[2] or "").replace("\u2014", "--").strip())
