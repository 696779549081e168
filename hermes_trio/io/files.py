"""Parsed files of a profile, kept as long as they do not change on disk."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import trio

from hermes_trio.errors import HomeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hermes_trio.io.workers import Workers

T = TypeVar("T")

TRUSTED_SECONDS = 1.0
MAXIMUM_BYTES = 16 * 1024 * 1024
MAXIMUM_ENTRIES = 256

Identity = tuple[int, int, int] | None
"""Modification time in ns, size, inode; None for a missing file."""


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """What was read, and from which state of the files."""

    identities: tuple[Identity, ...]
    value: T


class Entry(Generic[T]):
    """The last reading of some files by one parser; ``checked`` is the time on trio's clock."""

    __slots__ = ("checked", "lock", "parsed")

    def __init__(self) -> None:
        self.lock = trio.Lock()
        self.parsed: Parsed[T] | None = None
        self.checked = 0.0


class FileCache:
    """Reads and parses files in a worker, and again only when modification time, size or inode changed.

    The files are looked at no more than once per second; callers that come together wait for one look.

    Args:
        workers: Runs the blocking part.
        limiter: Bounds the profile's blocking file work.
    """

    def __init__(self, workers: Workers, limiter: trio.CapacityLimiter) -> None:
        self._workers = workers
        self._limiter = limiter
        self._entries: dict[object, Entry[Any]] = {}
        self._derived: dict[str, tuple[tuple[object, ...], Any]] = {}

    async def get(self, path: Path, parse: Callable[[bytes | None], T]) -> T:
        """Give the parsed content of ``path``.

        Args:
            path: The file.
            parse: Gets the bytes, or None when the file does not exist. Runs in a worker; must be a pure function of
                its argument, and
                the same object at every call (a module's function, not a lambda).

        Raises:
            HomeError: The file cannot be read. What ``parse`` raises comes through; neither is remembered.
        """
        return await self._get((path, parse), (path,), lambda contents: parse(contents[0]))

    async def get_group(self, paths: tuple[Path, ...], parse: Callable[[tuple[bytes | None, ...]], T]) -> T:
        """Give what ``parse`` makes of several files together: like `get`, with one visit to the disk for all."""
        return await self._get((paths, parse), paths, parse)

    def look_again(self) -> None:
        """Trust no look at the disk that was before now; for whoever has just changed files."""
        for entry in self._entries.values():
            entry.checked = float("-inf")

    def derive(self, name: str, parts: tuple[object, ...], build: Callable[[], T]) -> T:
        """Give what ``build`` makes of ``parts``; builds again only when a part is another object than last time.

        Args:
            name: What is built; the last value per name is kept.
            parts: All that ``build`` uses; compared by identity.
            build: Makes the value; runs on the event loop.
        """
        known = self._derived.get(name)
        if known is not None and len(known[0]) == len(parts) and all(map(_is, known[0], parts)):
            value: T = known[1]
            return value
        value = build()
        self._derived[name] = (parts, value)
        return value

    async def _get(self, key: object, paths: tuple[Path, ...], parse: Callable[[tuple[bytes | None, ...]], T]) -> T:
        entry: Entry[T] = self._entry(key)
        if entry.parsed is not None and trio.current_time() - entry.checked < TRUSTED_SECONDS:
            return entry.parsed.value
        async with entry.lock:
            if entry.parsed is None or trio.current_time() - entry.checked >= TRUSTED_SECONDS:
                now = trio.current_time()
                entry.parsed = await self._workers.run(_refresh, paths, parse, entry.parsed, limiter=self._limiter)
                entry.checked = now
            return entry.parsed.value

    def _entry(self, key: object) -> Entry[Any]:
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= MAXIMUM_ENTRIES:
                del self._entries[next(iter(self._entries))]
            entry = self._entries[key] = Entry()
        return entry


def _is(one: object, other: object) -> bool:
    return one is other


def _refresh(
    paths: tuple[Path, ...], parse: Callable[[tuple[bytes | None, ...]], T], known: Parsed[T] | None
) -> Parsed[T]:
    identities = tuple(_identity(path) for path in paths)
    if known is not None and known.identities == identities:
        return known
    read = [_read(path) for path in paths]
    return Parsed(tuple(identity for identity, _ in read), parse(tuple(content for _, content in read)))


def _identity(path: Path) -> Identity:
    try:
        return _identity_of(path.stat())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _unreadable(path, error) from error


def _read(path: Path) -> tuple[Identity, bytes | None]:
    """Read a file and say which state of it was read, from one open file, so that the two belong together."""
    try:
        # Not blocking, so that a named pipe in the place of the file cannot hold a worker for ever.
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError):
        return None, None
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        with open(file, "rb") as stream:  # noqa: PTH123  a descriptor, not a path
            status = os.fstat(file)
            _check_readable(path, status)
            return _identity_of(status), stream.read(MAXIMUM_BYTES)
    except OSError as error:
        raise _unreadable(path, error) from error


def _check_readable(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise HomeError("is not a regular file", code="file_unreadable", where=str(path), mend="replace it by a file")
    if status.st_size > MAXIMUM_BYTES:
        raise HomeError(
            "is too large",
            code="file_unreadable",
            where=str(path),
            found=f"{status.st_size} bytes",
            expected=f"at most {MAXIMUM_BYTES} bytes",
            mend="make it shorter",
        )


def _identity_of(status: os.stat_result) -> Identity:
    return status.st_mtime_ns, status.st_size, status.st_ino


def _unreadable(path: Path, error: OSError) -> HomeError:
    return HomeError(
        f"cannot be read: {error.strerror or error}",
        code="file_unreadable",
        where=str(path),
        mend=f"check its permissions: `ls -l {path}`",
    )
