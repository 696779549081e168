"""Opens files for an agent by its `FileGuard`, in a way that leaves nothing between the check and the use.

A path is resolved first, then walked from the root of the file system with one descriptor per folder and no link
followed: a link put there meanwhile is an error. Folders are recognised by device and inode, not by name, so a mount, a
linked home or a disk that ignores case shows nothing else. A file with several names (hard links) may have none in
another home, nor be a closed file of the own one. Everything here blocks: it belongs in a worker.
"""

from __future__ import annotations

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hermes_trio.home.closed_files import ClosedFiles, Identity, identity_of
from hermes_trio.home.file_guard import FileRefused, Zone, judge
from hermes_trio.home.file_rules import Parts, fold

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.home.file_guard import FileGuard

_FOLDER: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: Opening must not wait for a pipe's writer nor take a terminal, should one have been put in the place of the file.
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Folder:
    """An open folder; good for calls with ``dir_fd``.

    Attributes:
        descriptor: Its descriptor, closed by whoever opened the folder.
        names: Its real path.
        zone: Whose it is.
        inside: Folded names below the folder that makes it so.
    """

    descriptor: int
    names: Parts
    zone: Zone
    inside: Parts

    @property
    def path(self) -> Path:
        """Its real path."""
        return Path("/", *self.names)

    def refusal(self, name: str, *, write: bool) -> str | None:
        """Why an entry of this folder is refused by its place and name, or None."""
        folded = fold(name)
        return judge(self.zone, (*self.inside, folded), (*map(fold, self.names), folded), write=write)

    def own_refusal(self, *, write: bool) -> str | None:
        """Why the folder itself is refused, or None."""
        return judge(self.zone, self.inside, tuple(map(fold, self.names)), write=write)

    def check(self, name: str, *, write: bool) -> None:
        """Raise `FileRefused` when an entry of this folder is refused by its place and name."""
        reason = self.refusal(name, write=write)
        if reason is not None:
            raise FileRefused(reason, where=str(self.path / name))


class GuardedFiles:
    """One look at the disk, for one tool call: knows the homes by device and inode.

    Args:
        guard: Whose agent it is.
    """

    def __init__(self, guard: FileGuard) -> None:
        self.guard = guard
        self._zones = _zones(guard)
        self._closed = ClosedFiles(guard, self._zones)

    def resolve(self, path: Path, *, write: bool) -> Path:
        """Follow the links of a path, which need not exist, and check it before and after.

        Raises:
            FileRefused: By its names, as given or as resolved.
        """
        self.guard.check(path, write=write)
        resolved = Path(os.path.realpath(path))
        reason = self.guard.refusal(resolved, write=write)
        if reason is not None:
            raise FileRefused(reason, where=str(path))
        return resolved

    @contextlib.contextmanager
    def open_folder(
        self, resolved: Path, *, write: bool = False, made: list[Path] | None = None, judged: bool = True
    ) -> Iterator[Folder]:
        """Open a folder by its resolved path.

        Args:
            resolved: From `resolve`.
            write: Whether it is to be changed.
            made: Make missing folders and add their paths here; None to make none.
            judged: Whether the folder itself must be allowed, not only what is reached through it.

        Raises:
            FileRefused: It is out of reach, or a link was put in its place meanwhile.
            OSError: It cannot be opened, or a folder cannot be made.
        """
        folder = Folder(os.open("/", _FOLDER), (), Zone.NOBODYS, ())
        try:
            for name in resolved.parts[1:]:
                child = self._enter_or_make(folder, name, made)
                os.close(folder.descriptor)
                folder = child
            if judged:
                reason = folder.own_refusal(write=write)
                if reason is not None:
                    raise FileRefused(reason, where=str(resolved))
            yield folder
        finally:
            os.close(folder.descriptor)

    def has_homes_below(self, resolved: Path) -> bool:
        """Whether a folder holds a home of others somewhere, so that only who asks the guard may walk through it."""
        homes = (self.guard.root, self.guard.profiles) if self.guard.own != self.guard.root else (self.guard.profiles,)
        return any(Path(os.path.realpath(home)).is_relative_to(resolved) for home in homes)

    def enter(self, folder: Folder, name: str) -> Folder:
        """Open a folder in a folder, without judging it; the caller closes it. Never follows a link, never goes up.

        Raises:
            FileRefused: It is no name of a folder in this one.
            OSError: It cannot be opened.
        """
        if name in ("", ".", "..") or "/" in name:
            raise FileRefused("is not a resolved path", where=str(folder.path / name))
        descriptor = os.open(name, _FOLDER, dir_fd=folder.descriptor)
        try:
            zone = self._zones.get(identity_of(os.fstat(descriptor)))
        except BaseException:
            os.close(descriptor)
            raise
        inside = (*folder.inside, fold(name)) if zone is None else ()
        return Folder(descriptor, (*folder.names, name), zone or folder.zone, inside)

    def entries(self, folder: Folder) -> list[tuple[str, bool]]:
        """The files and folders in a folder that may be read, by name, each with whether it is a folder; no links.

        Raises:
            OSError: The folder cannot be listed.
        """
        descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder.descriptor)
        try:
            with os.scandir(descriptor) as found:
                kinds = {entry.name: _is_folder(entry) for entry in found}
        finally:
            os.close(descriptor)
        return [
            (name, is_folder)
            for name, is_folder in sorted(kinds.items())
            if is_folder is not None and folder.refusal(name, write=False) is None
        ]

    def status(self, folder: Folder, name: str, *, write: bool) -> os.stat_result | None:
        """The status of a file, or None when there is none.

        Raises:
            FileRefused: It is out of reach, or no regular file.
            IsADirectoryError: It is a folder.
        """
        folder.check(name, write=write)
        try:
            found = os.stat(name, dir_fd=folder.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        self._check_status(found, folder.path / name)
        return found

    def open_file(self, folder: Folder, name: str) -> int:
        """Open a file for reading and give its descriptor, checked once more after it was opened.

        Raises:
            FileRefused: It is out of reach, or no regular file.
            OSError: There is none, or it cannot be opened.
        """
        if self.status(folder, name, write=False) is None:
            raise FileNotFoundError(f"no such file: {folder.path / name}")
        descriptor = os.open(name, _FILE, dir_fd=folder.descriptor)
        try:
            self._check_status(os.fstat(descriptor), folder.path / name)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _enter_or_make(self, folder: Folder, name: str, made: list[Path] | None) -> Folder:
        try:
            return self.enter(folder, name)
        except FileNotFoundError:
            if made is None:
                raise
        folder.check(name, write=True)
        with contextlib.suppress(FileExistsError):
            os.mkdir(name, dir_fd=folder.descriptor)
            made.append(folder.path / name)
        return self.enter(folder, name)

    def _check_status(self, status: os.stat_result, where: Path) -> None:
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(f"is a folder: {where}")
        if stat.S_ISLNK(status.st_mode):
            raise FileRefused("a link was put there meanwhile", where=str(where))
        if not stat.S_ISREG(status.st_mode):
            raise FileRefused("is a pipe, socket or device", where=str(where))
        if status.st_nlink > 1:
            reason = self._closed.refusal(status)
            if reason is not None:
                raise FileRefused(reason, where=str(where))


def _zones(guard: FileGuard) -> dict[Identity, Zone]:
    """The folders that decide whose everything below them is; the own home wins over another name of it."""
    zones: dict[Identity, Zone] = {}
    own = str(guard.own)
    others = [str(guard.root), str(guard.profiles), *_paths_in(guard.profiles)]
    for folder in [*(other for other in others if other != own), own]:
        with contextlib.suppress(OSError):  # what is not there needs no guard
            zones[identity_of(os.stat(folder))] = Zone.OWN if folder == own else Zone.FOREIGN  # noqa: PTH116  many
    return zones


def _paths_in(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.path for entry in entries]
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool | None:
    """None for what is neither a folder nor a file."""
    if entry.is_dir(follow_symlinks=False):
        return True
    return False if entry.is_file(follow_symlinks=False) else None
