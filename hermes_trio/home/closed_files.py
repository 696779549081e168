"""Finds out whether a file with several names (hard links) is one that an agent may not see. Everything here blocks."""

from __future__ import annotations

import contextlib
import os
from itertools import islice
from typing import TYPE_CHECKING, Final

from hermes_trio.home.file_guard import FileGuard, Zone
from hermes_trio.home.file_rules import Parts, fold, refusal_in_home

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

Identity = tuple[int, int]
"""Device and inode."""

MOST: Final = 200_000
"""Files of other homes that are looked at; when there are more, a file with several names is refused unseen."""


def identity_of(status: os.stat_result) -> Identity:
    """What a file is, whatever its name."""
    return status.st_dev, status.st_ino


def entries_of(folder: Path) -> list[Path]:
    """What lies in a folder; nothing when it cannot be read."""
    try:
        return list(folder.iterdir())
    except OSError:
        return []


class ClosedFiles:
    """The files that an agent may not read: all of other homes, and some of its own. Looked for at first use only.

    Args:
        guard: Whose agent it is.
        zones: The homes, by device and inode.
        most: See `MOST`.
    """

    def __init__(self, guard: FileGuard, zones: Mapping[Identity, Zone], most: int = MOST) -> None:
        self._guard = guard
        self._zones = zones
        self._most = most
        self._inodes: frozenset[int] | None = None
        self._complete = True

    def refusal(self, status: os.stat_result) -> str | None:
        """Why a file with this status is refused, or None."""
        if self._inodes is None:
            seen = [inode for inode, _ in islice(self._files(), self._most + 1)]
            self._complete = len(seen) <= self._most
            self._inodes = frozenset(seen)
        if status.st_ino in self._inodes and self._is_closed(status):
            return "is another name of a closed file"
        if not self._complete:
            return "has several names, and other homes are too large to look whether one of them is there"
        return None

    def _is_closed(self, status: os.stat_result) -> bool:
        """Inodes of several disks may be alike, and the device of a file is only known by asking for its status."""
        for inode, path in self._files():
            if inode == status.st_ino:
                with contextlib.suppress(OSError):
                    if identity_of(os.lstat(path)) == identity_of(status):
                        return True
        return False

    def _files(self) -> Iterator[tuple[int, str]]:
        """Inode and path of every closed file."""
        guard = self._guard
        homes = entries_of(guard.profiles)
        if guard.own != guard.root:
            homes = [guard.root, *(home for home in homes if home.is_symlink())]
        for top in [*homes, *_closed_in(guard.own, ())]:
            yield from _files_below(top, self._zones)


def _closed_in(folder: Path, inside: Parts) -> Iterator[Path]:
    """The closed files and folders of a home; the rules about them name no more than two levels."""
    for path in entries_of(folder):
        below = (*inside, fold(path.name))
        if refusal_in_home(below, write=False) is not None:
            yield path
        elif not inside and path.name in {"cron", "memories", "platforms"}:
            yield from _closed_in(path, below)


def _files_below(top: Path, zones: Mapping[Identity, Zone]) -> Iterator[tuple[int, str]]:
    """Every file below a folder, without stepping into the own home; the file itself when it is none."""
    pending = [str(top)]
    while pending:
        folder = pending.pop()
        # What is gone meanwhile is no secret any more; what we may not list no agent of ours can have linked.
        with contextlib.suppress(OSError):
            status = os.stat(folder)  # noqa: PTH116  text, because there may be many
            if zones.get(identity_of(status)) is Zone.OWN:
                continue
            if folder == str(top) and not top.is_dir():
                yield status.st_ino, folder
                continue
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        pending.append(entry.path)
                    else:
                        yield entry.inode(), entry.path
