"""Which files the agent of a profile may read and write; the one place that decides it.

`FileGuard` judges a path by its names alone. `guarded_files.GuardedFiles` opens files by it: it judges what is really
there, folder by folder, so that no symbolic link, hard link, mount or other spelling of a name leads around a rule.

This is a guard, not a wall: the terminal commands of all profiles run as the same user of the machine.
"""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hermes_trio.errors import HermesTrioError
from hermes_trio.home.file_rules import OF_ANOTHER, Parts, fold, refusal_elsewhere, refusal_in_home
from hermes_trio.home.names import DEFAULT_PROFILE

if TYPE_CHECKING:
    from hermes_trio.home.paths import ProfilePaths


class FileRefused(HermesTrioError):
    """An agent may not touch this file. The text says nothing of whether it exists."""

    default_code = "file_refused"


class Zone(enum.Enum):
    """Whose a folder and all below it is."""

    OWN = enum.auto()
    FOREIGN = enum.auto()
    NOBODYS = enum.auto()


def judge(zone: Zone, inside: Parts, parts: Parts, *, write: bool) -> str | None:
    """Why a file is refused, or None.

    Args:
        zone: Whose it is.
        inside: Folded names below the folder that makes it so.
        parts: Folded names below the root of the file system.
        write: Whether it is to be changed.
    """
    if zone is Zone.FOREIGN:
        return OF_ANOTHER
    if zone is Zone.OWN:
        return refusal_in_home(inside, write=write)
    return refusal_elsewhere(parts, write=write)


@dataclass(frozen=True, slots=True)
class FileGuard:
    """Decides for the agent of one profile; made by `make_file_guard`.

    A named profile's agent has nothing to do in the root home but for its own folder in it; the default profile's home
    is the root home, without the folder of the named ones.

    Attributes:
        own: The profile's home.
        root: The root home.
    """

    own: Path
    root: Path

    @property
    def profiles(self) -> Path:
        """The folder of the named profiles."""
        return self.root / "profiles"

    def refusal(self, path: Path, *, write: bool) -> str | None:
        """Why a path is refused by its names, or None; pure, so it knows nothing of links.

        Args:
            path: An absolute path without ``..``.
            write: Whether it is to be changed.
        """
        parts = tuple(fold(part) for part in path.parts[1:])
        zones = [(self.root, Zone.FOREIGN), (self.profiles, Zone.FOREIGN), (self.own, Zone.OWN)]
        if self.own == self.root:
            zones = [(self.root, Zone.OWN), (self.profiles, Zone.FOREIGN)]
        zone, inside = Zone.NOBODYS, parts
        for folder, candidate in zones:  # from the outer to the inner ones
            above = tuple(fold(part) for part in folder.parts[1:])
            if parts[: len(above)] == above:
                zone, inside = candidate, parts[len(above) :]
        return judge(zone, inside, parts, write=write)

    def check(self, path: Path, *, write: bool) -> None:
        """Raise `FileRefused` when a path is refused by its names."""
        reason = self.refusal(_lexical(path), write=write)
        if reason is not None:
            raise FileRefused(reason, where=str(path))


def make_file_guard(home_root: Path, profile_paths: ProfilePaths) -> FileGuard:
    """Build the guard of a profile; touches no file.

    Args:
        home_root: The root home that the profile belongs to.
        profile_paths: The profile's paths.
    """
    return FileGuard(_lexical(profile_paths.root), _lexical(home_root))


def guard_of_profile(name: str, profile_paths: ProfilePaths) -> FileGuard:
    """Build the guard of a profile from its name and paths alone; touches no file."""
    home = profile_paths.root
    return make_file_guard(home if name == DEFAULT_PROFILE else home.parent.parent, profile_paths)


def _lexical(path: Path) -> Path:
    return Path(os.path.normpath(path))
