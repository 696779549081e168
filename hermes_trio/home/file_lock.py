"""Takes an exclusive ``flock`` on a file that others may be looking at, replacing or removing meanwhile."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

#: A reader holds a shared lock for an instant only; so long we wait for it to go.
_ATTEMPTS: Final = 10
_PAUSE_SECONDS: Final = 0.02


def lock_file(path: Path) -> int | None:
    """Open (or create, mode 0600) and lock a file; blocking, 0.2 s at most.

    Returns:
        The open descriptor, which holds the lock until it is closed; None when another process holds it.

    Raises:
        OSError: The file cannot be opened, or its file system has no locks.
    """
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(_PAUSE_SECONDS)  # noqa: TID251  in a worker thread, at most 0.2 s in all
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(path, descriptor):
                return descriptor
        except BlockingIOError:
            pass
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    return None


def _is_still(path: Path, descriptor: int) -> bool:
    """Whether the locked file is the one others will open; it may have been removed before the lock was ours."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def rewrite(descriptor: int, data: bytes) -> None:
    """Replace the whole content of an open file."""
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, data, 0)
