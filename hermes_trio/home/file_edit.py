"""Edits a small text file of the user's in place: atomically, under a lock, with mode, owner and links kept."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import tempfile
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from hermes_trio.home.text_file import SIZE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_NEW_MODE: Final = 0o600
_ATTEMPTS: Final = 3
_LOCK_ATTEMPTS: Final = 250
_LOCK_PAUSE_SECONDS: Final = 0.02
#: A file system that has no locks on folders; the look at the file's identity before it is replaced has to do.
_NO_LOCKS: Final = frozenset({errno.EBADF, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})


class FileVersion(NamedTuple):
    """A state of the file."""

    text: str
    identity: tuple[int, int, int] | None
    mode: int


def edit_file(path: Path, edit: Callable[[str], str]) -> bool | None:
    """Replace a file by what ``edit`` makes of its text; blocking, 5 s at most when others edit it.

    Bytes that are not UTF-8 are lone surrogates in the text and come back as they were.

    Args:
        path: The file; made with mode 0600 when it is missing; a link stays one.
        edit: From the old text to the new; may be called again when somebody else has changed the file meanwhile.

    Returns:
        Whether the file was changed; None when others do not let go of it.

    Raises:
        OSError: It cannot be read or written. The file is as it was.
    """
    target = path.resolve()
    with _locked(target.parent) as locked:
        for _ in range(_ATTEMPTS if locked else 0):
            version = _read(target)
            edited = edit(version.text)
            if edited == version.text:
                return False
            if _replace(target, edited, version):
                return True
    return None


@contextmanager
def _locked(folder: Path) -> Iterator[bool]:
    """Hold the lock of a folder: the file itself becomes another one with every edit."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    for _ in range(_LOCK_ATTEMPTS):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_LOCK_PAUSE_SECONDS)  # noqa: TID251  in a worker thread, 5 s in all
        except OSError as exc:
            if exc.errno in _NO_LOCKS:
                return True
            raise
        else:
            return True
    return False


def _read(target: Path) -> FileVersion:
    try:
        if not stat.S_ISREG(target.stat().st_mode):
            raise OSError(errno.EINVAL, "not a file")  # opening a pipe would wait for ever
        with target.open("rb") as file:
            found = os.fstat(file.fileno())
            data = file.read(SIZE_LIMIT + 1)
    except FileNotFoundError:
        return FileVersion("", None, _NEW_MODE)
    if len(data) > SIZE_LIMIT:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    text = data.decode("utf-8", errors="surrogateescape")
    return FileVersion(text, (found.st_mtime_ns, found.st_size, found.st_ino), found.st_mode & 0o7777)


def _replace(target: Path, text: str, version: FileVersion) -> bool:
    """Replace the file, unless it is not the one that was read any more."""
    descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode("utf-8", errors="surrogateescape"))
            _keep_owner(target, file.fileno())
            os.fchmod(file.fileno(), version.mode)
            file.flush()
            os.fsync(file.fileno())
        if _identity(target) != version.identity:
            os.unlink(temporary)  # noqa: PTH108  mkstemp gives text
            return False
        os.replace(temporary, target)  # noqa: PTH105  both are on one file system
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)  # noqa: PTH108  mkstemp gives text
        raise
    return True


def _identity(target: Path) -> tuple[int, int, int] | None:
    try:
        found = target.stat()
    except FileNotFoundError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _keep_owner(target: Path, descriptor: int) -> None:
    """Only root may give a file away; everybody else owns the new one, which is all that can be had."""
    with suppress(OSError):
        found = target.stat()
        os.fchown(descriptor, found.st_uid, found.st_gid)
