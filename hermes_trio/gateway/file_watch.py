"""Waits until somebody changes a file of a profile that cannot start."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hermes_trio.io.workers import Workers

POLL_SECONDS = 2.0

Identity = tuple[tuple[int, int, int, int] | None, ...]


def file_identity(paths: Sequence[Path]) -> Identity:
    """What tells one version of the files from the next: time, size, inode and mode of each, None for a missing one.

    Of a folder only inode and mode count.
    """
    return tuple(_identity(path) for path in paths)


def _identity(path: Path) -> tuple[int, int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    if stat.S_ISDIR(found.st_mode):
        # Its time changes with every file in it, our own ones included.
        return (0, 0, found.st_ino, found.st_mode)
    return (found.st_mtime_ns, found.st_size, found.st_ino, found.st_mode)


async def wait_for_change(
    paths: Sequence[Path], seen: Identity, workers: Workers, limiter: trio.CapacityLimiter
) -> None:
    """Return once the files differ from ``seen``; looks every 2 s, so only profiles that wait for a mend may use it."""
    # A file on disk sets no event.
    while await workers.run(file_identity, paths, limiter=limiter) == seen:  # noqa: ASYNC110
        await trio.sleep(POLL_SECONDS)
