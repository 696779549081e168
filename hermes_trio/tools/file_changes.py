"""Changes files for an agent: all of a set or none, each at once for whoever reads it meanwhile. Blocking.

New content is written beside the file and takes its place by renaming, after all of the set has been written. Unless
asked to, nothing is forced to the disk: after a power cut a file may have its old content, but no mixture.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermes_trio.tools.tool import ToolError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hermes_trio.home.guarded_files import Folder, GuardedFiles

LARGEST_FILE = 16 * 1024 * 1024
"""Bytes of a file that tools take into memory at most."""


@dataclass(frozen=True, slots=True)
class FileState:
    """What a file was when it was read.

    Attributes:
        path: Its resolved path.
        data: Its content, or None when there is no file.
        status: Its status, or None.
    """

    path: Path
    data: bytes | None
    status: os.stat_result | None


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file that is to have other content.

    Attributes:
        before: What it must still be when it is changed.
        data: Its new content; None to remove it.
        mode: Permissions of a new file; None for the usual.
    """

    before: FileState
    data: bytes | None
    mode: int | None = None


@dataclass(slots=True)
class _Staged:
    """A change that is ready to take effect."""

    change: FileChange
    folder: Folder
    name: str
    temporary: str | None
    done: bool = False


def read_state(files: GuardedFiles, path: Path, *, content: bool = True) -> FileState:
    """Read a file that is to be changed.

    Args:
        files: Opens it.
        path: Its absolute path.
        content: Whether its content is wanted; without it, a change of it cannot be undone.

    Raises:
        FileRefused: It is out of reach.
        ToolError: It is too large.
        OSError: It cannot be read; a missing file is no error.
    """
    resolved = files.resolve(path, write=True)
    try:
        with files.open_folder(resolved.parent, judged=False) as folder:
            found = files.status(folder, resolved.name, write=True)
            if found is None or not content:
                return FileState(resolved, None if found is None else b"", found)
            with open(files.open_file(folder, resolved.name), "rb") as stream:  # noqa: PTH123  a descriptor
                status = os.fstat(stream.fileno())
                data = stream.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        return FileState(resolved, None, None)
    if len(data) > LARGEST_FILE:
        raise ToolError("too large to be changed here", where=str(path), expected=f"at most {LARGEST_FILE} bytes")
    return FileState(resolved, data, status)


def apply_changes(files: GuardedFiles, changes: Sequence[FileChange], *, to_disk: bool = False) -> tuple[Path, ...]:
    """Make all the changes, or none; give the folders that were made for them.

    Args:
        files: Opens the files.
        changes: What is to be changed, each file once.
        to_disk: Whether to wait until the contents are on the disk; costs some milliseconds each.

    Raises:
        FileRefused: A file is out of reach.
        ToolError: A file is not any more what it was when it was read.
        OSError: A file cannot be written. What was changed already has its old content again.
    """
    made: list[Path] = []
    with contextlib.ExitStack() as stack:
        staged: list[_Staged] = []
        try:
            for change in changes:
                staged.append(_stage(files, stack, change, made, to_disk=to_disk))  # noqa: PERF401  undone up to here
            for entry in staged:
                _check_unchanged(files, entry)
            for entry in staged:
                _put(entry)
        except BaseException:
            _undo(staged, made)
            raise
    return tuple(made)


def _stage(
    files: GuardedFiles, stack: contextlib.ExitStack, change: FileChange, made: list[Path], *, to_disk: bool
) -> _Staged:
    path = change.before.path
    creates = made if change.data is not None else None
    folder = stack.enter_context(files.open_folder(path.parent, made=creates, judged=False))
    files.status(folder, path.name, write=True)
    temporary = None if change.data is None else _write_temporary(folder, change, to_disk=to_disk)
    return _Staged(change, folder, path.name, temporary)


def _write_temporary(folder: Folder, change: FileChange, *, to_disk: bool = False) -> str:
    name = f".{secrets.token_hex(8)}.tmp"
    old = change.before.status
    if old is not None and not os.access(change.before.path.name, os.W_OK, dir_fd=folder.descriptor):
        raise PermissionError("the file is write-protected")
    mode = 0o666 if change.mode is None else change.mode
    descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode, dir_fd=folder.descriptor)
    try:
        with open(descriptor, "wb") as stream:  # noqa: PTH123  a descriptor
            if old is not None:
                _keep_owner_and_mode(descriptor, old)
            stream.write(change.data or b"")
            if to_disk:
                stream.flush()
                os.fsync(descriptor)
    except BaseException:
        os.unlink(name, dir_fd=folder.descriptor)
        raise
    return name


def _keep_owner_and_mode(descriptor: int, old: os.stat_result) -> None:
    with contextlib.suppress(PermissionError):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, old.st_mode & 0o777)


def _check_unchanged(files: GuardedFiles, entry: _Staged) -> None:
    now = files.status(entry.folder, entry.name, write=True)
    before = entry.change.before
    if _state(now) != _state(before.status):
        raise ToolError("was changed by somebody else meanwhile", where=str(before.path), mend="read it again")


def _state(status: os.stat_result | None) -> tuple[int, ...] | None:
    return None if status is None else (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


def _put(entry: _Staged) -> None:
    descriptor = entry.folder.descriptor
    if entry.temporary is not None:
        os.rename(entry.temporary, entry.name, src_dir_fd=descriptor, dst_dir_fd=descriptor)
    elif entry.change.before.data is not None:
        os.unlink(entry.name, dir_fd=descriptor)
    entry.done = True


def _undo(staged: Sequence[_Staged], made: Sequence[Path]) -> None:
    """Put back what can be put back; an error here must not hide the one that led here."""
    for entry in reversed(staged):
        with contextlib.suppress(OSError):
            if entry.done:
                _restore(entry)
            elif entry.temporary is not None:
                os.unlink(entry.temporary, dir_fd=entry.folder.descriptor)
    for folder in reversed(made):
        with contextlib.suppress(OSError):
            folder.rmdir()


def _restore(entry: _Staged) -> None:
    before = entry.change.before
    if before.data is None:
        os.unlink(entry.name, dir_fd=entry.folder.descriptor)
        return
    mode = None if before.status is None else before.status.st_mode & 0o777
    temporary = _write_temporary(entry.folder, FileChange(FileState(before.path, None, None), before.data, mode))
    os.rename(temporary, entry.name, src_dir_fd=entry.folder.descriptor, dst_dir_fd=entry.folder.descriptor)
