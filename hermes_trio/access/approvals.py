"""Whom a profile has approved by pairing, as its files say now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.access.pairing_files import BadPairingFile, approved_in, decode_file
from hermes_trio.access.pairing_places import APPROVED, is_platform, pairing_places
from hermes_trio.errors import HomeError

if TYPE_CHECKING:
    from pathlib import Path

    from hermes_trio.scope import ProfileScope


@dataclass(frozen=True, slots=True)
class ApprovedUsers:
    """The people that one profile has approved on one platform.

    Attributes:
        users: Their ids; compared whole. ``*`` is an id like any other here.
    """

    users: frozenset[str] = frozenset()


NOBODY: Final = ApprovedUsers()


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What one file says.

    Attributes:
        users: Who is approved in it.
        problem: Why nobody is, or empty.
    """

    users: frozenset[str]
    problem: str = ""


_NONE: Final = ReadFile(frozenset())


async def load_approvals(scope: ProfileScope, platform: str) -> ApprovedUsers:
    """The approved people of a platform from every place; read again only when a file changed.

    A file that cannot be used approves nobody and is logged; the others count all the same.
    """
    if not is_platform(platform):
        return NOBODY
    paths = pairing_places(scope.name, scope.home).files(platform, APPROVED)
    read = [await _load(scope, path) for path in paths]
    name = f"pairing approvals {platform}"
    return scope.files.derive(name, tuple(read), lambda: ApprovedUsers(frozenset().union(*(one.users for one in read))))


async def _load(scope: ProfileScope, path: Path) -> ReadFile:
    try:
        found = await scope.files.get(path, _parse)
    except HomeError as error:
        found = ReadFile(frozenset(), error.problem)
        _report(scope, path, found.problem)
        return found
    if found.problem:
        # Said once for each state of the file, not once for each message.
        scope.files.derive(f"pairing problem {path}", (found,), lambda: _report(scope, path, found.problem))
    return found


def _report(scope: ProfileScope, path: Path, problem: str) -> None:
    text = f"the pairing approvals in {path} do not count: {problem}; mend or remove the file"
    scope.log.bind(component="gateway.access").error(text)


def _parse(data: bytes | None) -> ReadFile:
    if data is None:
        return _NONE
    try:
        return ReadFile(frozenset(user.user_id for user in approved_in(decode_file(data))))
    except BadPairingFile as error:
        return ReadFile(frozenset(), str(error))
