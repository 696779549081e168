"""Opening, checking and closing an SQLite file, and what its errors mean to a user. It all blocks; workers run it."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from hermes_trio.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

T = TypeVar("T")

BUSY_MILLISECONDS = 20
JOURNAL_LIMIT_BYTES = 4 * 1024 * 1024
CACHED_STATEMENTS = 64

#: Half of what SQLite takes: dozens of databases are open at once, and this cost no speed on turns.
PAGE_CACHE_KIB = 1000

_CORRUPT = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_UNWRITABLE = frozenset(
    {
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_PROTOCOL,
    }
)
_NO_WAL = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_CANTOPEN})


@dataclass(frozen=True, slots=True)
class DatabaseFile:
    """Which file, of which profile, and what brings it to the wanted schema.

    Attributes:
        path: The database file.
        profile: Its owner, for messages.
        prepare: Brings an open database to the wanted schema. Runs at every opening, in a worker, maybe in two
            processes at once: it must be idempotent and do its work in one ``BEGIN IMMEDIATE`` transaction.
        opening: Held by the worker that opens the file.
    """

    path: Path
    profile: str
    prepare: Callable[[sqlite3.Connection], None]
    opening: threading.Lock = field(default_factory=threading.Lock)

    def identity(self) -> tuple[int, int] | None:
        """Device and inode of the file, or None when it is gone."""
        try:
            found = os.stat(self.path)  # noqa: PTH116  twice as fast as Path.stat, and runs for every batch
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def error(self, problem: str, code: str, *, found: str | None = None, mend: str | None = None) -> StoreError:
        """Build the error of this file."""
        return StoreError(problem, code=code, profile=self.profile, where=str(self.path), found=found, mend=mend)

    def translate(self, error: sqlite3.Error | OSError) -> StoreError:
        """Say in the product's terms what SQLite or the system complained about."""
        if self.path.is_dir():
            return self.error("is not an SQLite database", "store_corrupt", found="a directory", mend=self._replace())
        if not self.path.parent.is_dir():
            problem = "the directory it belongs in does not exist (any more)"
            return self.error(problem, "store_unwritable", mend="bring the profile's home back, or remove the profile")
        if isinstance(error, OSError):
            return self.error("cannot be opened", "store_unwritable", found=str(error), mend=self._permit())
        return self._translate_sqlite(error)

    def _translate_sqlite(self, error: sqlite3.Error) -> StoreError:
        primary = primary_code(error)
        if primary in _CORRUPT:
            return self.error(
                "is damaged or not an SQLite database", "store_corrupt", found=str(error), mend=self._replace()
            )
        if primary in _LOCKED:
            mend = f"end the process that holds it; `fuser {self.path}` names it"
            return self.error("is locked by another process", "store_locked", found=str(error), mend=mend)
        if primary == sqlite3.SQLITE_FULL:
            return self.error("cannot grow", "store_unwritable", found=str(error), mend="free space on its disk")
        if primary in _UNWRITABLE:
            return self.error("cannot be written", "store_unwritable", found=str(error), mend=self._permit())
        if "no such module" in str(error) or "no such tokenizer" in str(error):
            mend = "use a Python whose SQLite is 3.34 or newer and has FTS5"
            return self.error("needs a newer SQLite", "store_failed", found=str(error), mend=mend)
        return self.error("SQLite refused a statement", "store_failed", found=str(error))

    def _replace(self) -> str:
        return (
            f"restore a backup, or save what is readable with `sqlite3 {self.path} .recover`, then move "
            f"{self.path.name} (and its -wal and -shm files) away; the profile starts with a new one"
        )

    def _permit(self) -> str:
        return f"let the gateway's user write {self.path} and its directory {self.path.parent}"


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code of ``error``, or 0 when Python itself raised it."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _try_to_write(connection: sqlite3.Connection) -> None:
    """Begin a write and take it back. Beginning is not enough: on a read-only file SQLite quietly begins a read."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(f"PRAGMA user_version = {version}")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


class Handle:
    """The one connection for writing, or the one for reading; opened when used, used by one worker at a time."""

    def __init__(self, file: DatabaseFile, *, writes: bool) -> None:
        self.file = file
        self._writes = writes
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    @property
    def is_open(self) -> bool:
        """Whether the connection holds file descriptors."""
        return self._connection is not None

    def use(self) -> sqlite3.Connection:
        """The connection, opened if need be; opened anew when the file was removed or replaced under it.

        A missing file is created with mode 0600, but never the directory it belongs in.

        Raises:
            StoreError: The file cannot be used.
        """
        if self._connection is not None and self.file.identity() == self._identity:
            return self._connection
        self.close()
        with self.file.opening, translated(self.file):
            _create_missing(self.file.path)
            self._connection = _open(self.file) if self._writes else _open_for_reading(self.file)
            self._identity = self.file.identity()
        return self._connection

    def close(self, optimize: bool = False) -> None:
        """Close the connection; with ``optimize`` let SQLite refresh its statistics first."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            if optimize:
                connection.executescript("PRAGMA analysis_limit=200; PRAGMA optimize")
        except sqlite3.Error:
            pass  # statistics are a courtesy; a full disk or a lock must not keep a profile from closing
        finally:
            connection.close()


def check_file(file: DatabaseFile, look: Callable[[sqlite3.Connection], T] | None = None) -> T | None:
    """Open an existing file, prepare it and try to begin a write, which is then rolled back; a missing file is fine.

    Args:
        file: The file.
        look: Reads something while the file is open, or None.

    Returns:
        What ``look`` returns; None without it, or when the file is missing.

    Raises:
        StoreError: The file cannot be used.
    """
    if file.identity() is None and not file.path.is_symlink():
        return None
    with translated(file), contextlib.closing(_connect(file.path)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        _try_to_write(connection)
        file.prepare(connection)
        return None if look is None else look(connection)


@contextlib.contextmanager
def translated(file: DatabaseFile) -> Iterator[None]:
    """Raise what SQLite or the system complains about inside as `StoreError`."""
    try:
        yield
    except (sqlite3.Error, OSError) as exc:
        raise file.translate(exc) from exc


def _create_missing(path: Path) -> None:
    """Make an empty file only its owner can read.

    Exclusive creation matters: closing any other descriptor of an open database would drop this process's POSIX locks
    on it.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def _open(file: DatabaseFile) -> sqlite3.Connection:
    connection = _connect(file.path)
    try:
        _choose_journal(connection)
        file.prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _open_for_reading(file: DatabaseFile) -> sqlite3.Connection:
    connection = _open(file)
    connection.execute("PRAGMA query_only=ON")
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=CACHED_STATEMENTS,
        timeout=BUSY_MILLISECONDS / 1000,
    )
    try:
        connection.executescript(
            f"PRAGMA foreign_keys=ON; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-{PAGE_CACHE_KIB}; "
            f"PRAGMA journal_size_limit={JOURNAL_LIMIT_BYTES}"
        )
    except BaseException:
        connection.close()
        raise
    return connection


def _choose_journal(connection: sqlite3.Connection) -> None:
    """Write-ahead log; where the file system refuses it (network mounts), a rollback journal with full syncs."""
    try:
        mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    except sqlite3.OperationalError as exc:
        if primary_code(exc) not in _NO_WAL:
            raise
        mode = "refused"
    if mode != "wal":
        connection.executescript("PRAGMA journal_mode=DELETE; PRAGMA synchronous=FULL")


def read_other_file(path: Path, profile: str, job: Callable[[sqlite3.Connection], T]) -> T | None:
    """Run ``job`` on a file that belongs to somebody else, without changing anything; None when there is no such file.

    Args:
        path: The file.
        profile: Who asks, for errors.
        job: Only reads, and fetches all it wants.

    Raises:
        StoreError: The file cannot be read.
    """
    file = DatabaseFile(path, profile, prepare=lambda _connection: None)
    if file.identity() is None:
        return None
    # Not opened in SQLite's read-only mode: that leaves the files of the write-ahead log behind.
    with translated(file), contextlib.closing(_connect(path)) as connection:
        connection.execute("PRAGMA query_only=ON")
        return job(connection)
