"""The log files of one profile: opened for a batch of lines, rotated by size, closed again. Blocking."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Protocol

from hermes_trio.io.log_format import DEBUG, INFO, WARNING, parse_level

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_ERRORS_BYTES: Final = 2 * 1024 * 1024
_ERRORS_BACKUPS: Final = 2
_MEGABYTE: Final = 1024 * 1024

# A named pipe in the place of a log file must not hold up the writing of all logs.
_FLAGS: Final = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK


class LogPathsLike(Protocol):
    """What the log needs to know of a profile's paths."""

    @property
    def logs(self) -> Path:
        """Folder of the log files."""
        ...


class LoggingLike(Protocol):
    """What the log needs to know of a profile's settings."""

    @property
    def level(self) -> str:
        """Lowest level that is written."""
        ...

    @property
    def max_size_mb(self) -> float:
        """Size in megabytes at which a file is rotated; 0 never rotates."""
        ...

    @property
    def backup_count(self) -> int:
        """Rotated files to keep; 0 never rotates."""
        ...


class RotatingFile:
    """One log file that keeps ``backups`` older files next to it: ``x.log.1`` is the newest of them.

    The folder (0700) and the file (0600) are made at the first line; the folder above must exist, so that a removed
    home stays removed.

    Args:
        path: The file.
        maximum: Bytes at which it is rotated; 0 never rotates.
        backups: Rotated files to keep; 0 never rotates.
    """

    __slots__ = ("_backups", "_maximum", "_torn", "failing", "lost", "path")

    def __init__(self, path: Path, maximum: int, backups: int) -> None:
        self.path = path
        self._maximum = maximum if backups > 0 else 0
        self._backups = backups
        self._torn = False
        self.failing = False
        self.lost = 0

    def append(self, lines: Sequence[bytes]) -> None:
        """Write lines, rotating where needed.

        Raises:
            OSError: The file cannot be written; the lines that are not written yet are lost.
        """
        start = 0
        while start < len(lines):
            start = self._append_until_full(lines, start)

    def _append_until_full(self, lines: Sequence[bytes], start: int) -> int:
        file = self._open()
        try:
            size = os.fstat(file).st_size
            end = self._how_many_fit(lines, start, size)
            self._write(file, b"".join(lines[start:end]))
        finally:
            os.close(file)
        if end < len(lines):
            self._rotate()
        return end

    def _how_many_fit(self, lines: Sequence[bytes], start: int, size: int) -> int:
        if not self._maximum:
            return len(lines)
        end = start
        while end < len(lines) and (size == 0 or size + len(lines[end]) <= self._maximum):
            size += len(lines[end])
            end += 1
        return end

    def _open(self) -> int:
        try:
            return os.open(self.path, _FLAGS, 0o600)
        except FileNotFoundError:
            os.mkdir(self.path.parent, 0o700)  # noqa: PTH102  without parents on purpose
            return os.open(self.path, _FLAGS, 0o600)

    def _write(self, file: int, data: bytes) -> None:
        view = memoryview(b"\n" + data if self._torn else data)
        while view:
            written = os.write(file, view)
            self._torn = written < len(view)
            view = view[written:]

    def _rotate(self) -> None:
        for number in range(self._backups - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self.path.replace(self._numbered(1))
        self._torn = False

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


class LogFiles:
    """Which lines go to which file of one profile."""

    __slots__ = ("_files", "level")

    def __init__(self, files: Sequence[tuple[RotatingFile, int, tuple[str, ...]]], level: int) -> None:
        self._files = files
        self.level = level

    def write(self, lines: Sequence[tuple[int, str, str]]) -> list[str]:
        """Write ``(level, component, line)`` triples, each to the files that take it.

        Returns what is worth telling on the console: that a file cannot be written, once until it can be written again.
        """
        news: list[str] = []
        encoded = [(level, component, line.encode("utf-8", "backslashreplace")) for level, component, line in lines]
        for file, lowest, components in self._files:
            floor = max(lowest, self.level)
            wanted = [
                line
                for level, component, line in encoded
                if level >= floor and (not components or component.startswith(components))
            ]
            if wanted:
                _append(file, wanted, news)
        return news


def _append(file: RotatingFile, lines: Sequence[bytes], news: list[str]) -> None:
    try:
        file.append(lines)
    except OSError as error:
        file.lost += len(lines)
        if not file.failing:
            file.failing = True
            news.append(
                f"cannot write {file.path}: {error.strerror or error}; its log lines are lost until that is mended"
            )
    else:
        if file.failing:
            file.failing = False
            news.append(f"{file.path} can be written again; about {file.lost} lines are missing in it")


def profile_log_files(paths: LogPathsLike, logging: LoggingLike) -> LogFiles:
    """The three files of a profile: ``agent.log`` for all, ``errors.log`` for trouble, ``gateway.log`` for itself."""
    maximum, backups = int(logging.max_size_mb * _MEGABYTE), logging.backup_count
    files = (
        (RotatingFile(paths.logs / "agent.log", maximum, backups), DEBUG, ()),
        (RotatingFile(paths.logs / "errors.log", _ERRORS_BYTES, _ERRORS_BACKUPS), WARNING, ()),
        (RotatingFile(paths.logs / "gateway.log", maximum, backups), INFO, ("gateway", "http")),
    )
    return LogFiles(files, parse_level(logging.level))


def gateway_log_files(paths: LogPathsLike, logging: LoggingLike) -> LogFiles:
    """The file for lines that belong to no profile: the root home's ``gateway.log``."""
    file = RotatingFile(paths.logs / "gateway.log", int(logging.max_size_mb * _MEGABYTE), logging.backup_count)
    return LogFiles(((file, DEBUG, ()),), parse_level(logging.level))
