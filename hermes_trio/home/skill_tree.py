"""Finds the skills below folders, and reads again only those that changed. Blocking: belongs in a worker."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.home.skill_files import (
    CATEGORY_FILE,
    LONGEST_HEAD,
    SKILL_FILE,
    Skill,
    SkillSet,
    parse_category,
    parse_skill,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MOST_SKILLS: Final = 2000
DEEPEST: Final = 5
_IGNORED: Final = frozenset({"venv", "node_modules", "__pycache__", "site-packages"})

MayRead = Callable[[Path], bool]
"""Whether the profile's agent may read what a link leads to, or a file with several names; gets the path of either."""

Identity = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class SkillFolder:
    """A folder with skills in it; ``own`` for the profile's own one."""

    path: Path
    own: bool


class SkillShelf:
    """Remembers what it has read.

    Args:
        folders: Where to look; a name that comes again is left out.
        may_read: Asked about links and, in the profile's own folder, about files with several names.
    """

    def __init__(self, folders: tuple[SkillFolder, ...], may_read: MayRead) -> None:
        self._folders = folders
        self._may_read = may_read
        self._known: dict[Path, tuple[Identity, Skill | str]] = {}
        self._last = SkillSet()

    def read(self) -> SkillSet:
        """All skills. Gives the same object as last time when nothing changed; what cannot be read is left out."""
        seen: dict[Path, tuple[Identity, Skill | str]] = {}
        skills: dict[str, Skill] = {}
        categories: dict[str, str] = {}
        for folder in self._folders:
            for path, category in _files(folder.path, self._may_read):
                value = self._parse(path, category, folder, seen)
                if isinstance(value, Skill):
                    skills.setdefault(value.name, value)
                elif value:
                    categories.setdefault(category, value)
        if seen.keys() == self._known.keys() and all(seen[path][1] is self._known[path][1] for path in seen):
            return self._last
        self._known = seen
        ordered = sorted(skills.values(), key=lambda skill: (skill.category, skill.name))
        self._last = SkillSet(tuple(ordered), MappingProxyType(categories))
        return self._last

    def _parse(
        self, path: Path, category: str, folder: SkillFolder, seen: dict[Path, tuple[Identity, Skill | str]]
    ) -> Skill | str | None:
        try:
            status = path.stat()
            identity = status.st_mtime_ns, status.st_size, status.st_ino
            known = self._known.get(path)
            if known is None or known[0] != identity:
                hidden = folder.own and status.st_nlink > 1 and not self._may_read(path)
                known = identity, "" if hidden else self._read(path, category, own=folder.own)
        except OSError:
            return None
        seen[path] = known
        return known[1]

    def _read(self, path: Path, category: str, *, own: bool) -> Skill | str:
        text = _read_head(path)
        if path.name == CATEGORY_FILE:
            return parse_category(text, path)
        return parse_skill(text, path.parent, category, own=own)


def _files(top: Path, may_read: MayRead) -> Iterator[tuple[Path, str]]:
    """The files of skills and categories below a folder, each with its category; a skill's folder holds no others."""
    pending: list[tuple[Path, tuple[str, ...]]] = [(top, ())]
    visited: set[tuple[int, int]] = set()
    found = 0
    while pending and found < MOST_SKILLS:
        folder, names = pending.pop()
        entries = {entry.name: entry for entry in _entries(folder, visited)}
        if names and SKILL_FILE in entries:
            found += 1
            yield from _allowed(entries[SKILL_FILE], "/".join(names[:-1]), may_read)
            continue
        if names and CATEGORY_FILE in entries:
            yield from _allowed(entries[CATEGORY_FILE], "/".join(names), may_read)
        if len(names) < DEEPEST:
            pending += [(folder / name, (*names, name)) for name in _below(entries.values(), may_read)]


def _allowed(entry: os.DirEntry[str], category: str, may_read: MayRead) -> Iterator[tuple[Path, str]]:
    path = Path(entry.path)
    if not entry.is_symlink() or may_read(path):
        yield path, category


def _below(entries: Iterable[os.DirEntry[str]], may_read: MayRead) -> list[str]:
    """Names of the folders to look into, links before others, for the last one is taken first: links lose."""
    names: list[tuple[bool, str]] = []
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _IGNORED or not entry.is_dir():
            continue
        if not entry.is_symlink() or may_read(Path(entry.path)):
            names.append((entry.is_symlink(), entry.name))
    return [name for _, name in sorted(names, reverse=True)]


def _entries(folder: Path, visited: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """What is in a folder; nothing when it cannot be read, or was visited under another name."""
    try:
        status = folder.stat()
        identity = status.st_dev, status.st_ino
        if identity in visited:
            return []
        visited.add(identity)
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def _read_head(path: Path) -> str:
    """The beginning of a regular file; a pipe in its place is not waited for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as stream:  # noqa: PTH123  a descriptor, not a path
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(f"not a regular file: {path}")
        return stream.read(4 * LONGEST_HEAD).decode("utf-8", "replace")
