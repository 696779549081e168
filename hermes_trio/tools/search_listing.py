"""Asks ripgrep, where it is installed, which files of a folder are worth searching: it knows ``.gitignore``.

Only names come from it; the files themselves are opened through the file guard like all others.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.io.child_process import ChildCommand, ChildError, run_child

if TYPE_CHECKING:
    from pathlib import Path

LISTING_SECONDS: Final = 20.0
MOST_BYTES: Final = 16 * 1024 * 1024
"""Of all names together; what comes later is left out."""
_OPTIONS: Final = ("--files", "--null", "--no-messages", "--no-config")


class _Names:
    """Keeps what comes until there is too much."""

    def __init__(self) -> None:
        self.data = bytearray()

    def feed(self, data: bytes) -> None:
        """See `Sink.feed`."""
        if len(self.data) < MOST_BYTES:
            self.data += data


class _Nothing:
    def feed(self, data: bytes) -> None:
        """See `Sink.feed`."""


async def list_files(program: str, folder: Path) -> bytes | None:
    """What the program says of the files below a folder, for `read_listing`; None when it did not work.

    Cancellation: the program is ended first.
    """
    names = _Names()
    command = ChildCommand((program, *_OPTIONS), {}, folder)
    try:
        deadline = trio.current_time() + LISTING_SECONDS
        done = await run_child(command, names, _Nothing(), deadline=deadline, grace=0.5)
    except ChildError:
        return None
    if done.code not in (0, 1) and not names.data:
        return None
    return bytes(names.data)


def read_listing(data: bytes) -> tuple[str, ...]:
    """The paths of the files that are neither hidden nor ignored, sorted. A second for a million: for a worker."""
    complete, _, _ = data.rpartition(b"\0")
    names = [name.removeprefix(b"./") for name in complete.split(b"\0") if name]
    names.sort(key=lambda name: name.replace(b"/", b"\0"))  # folder by folder: no name has a byte below it
    return tuple(map(os.fsdecode, names))
