"""One group commit: many write jobs, one transaction. Runs in a worker."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from itertools import groupby
from typing import TYPE_CHECKING, Any, Generic, TypeGuard, TypeVar, cast

import trio

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hermes_trio.errors import StoreError
    from hermes_trio.io.database_files import Handle

T = TypeVar("T")

Combine = Callable[[sqlite3.Connection, "Sequence[Any]"], None]


class Job(Generic[T]):
    """A write that waits for its commit; ``done`` is set after the outcome is known.

    Args:
        work: Does the SQL.
        combine: Does the SQL of several jobs with the same ``combine`` at once, given their ``item``.
        item: This job's part of that.
    """

    __slots__ = ("_result", "combine", "done", "error", "item", "work")

    def __init__(
        self, work: Callable[[sqlite3.Connection], T], combine: Combine | None = None, item: object = None
    ) -> None:
        self.work = work
        self.combine = combine
        self.item = item
        self.done = trio.Event()
        self.error: Exception | None = None
        self._result: T | None = None

    def run(self, connection: sqlite3.Connection) -> bool:
        """Do the work and keep its result or its exception; True when it succeeded."""
        try:
            self._result = self.work(connection)
            self.error = None
        except Exception as exc:  # noqa: BLE001  the boundary between one caller's job and everybody else's
            self.error = exc
        return self.error is None

    def outcome(self) -> T:
        """The result; raises the job's exception."""
        error, self.error = self.error, None
        if error is not None:
            raise error
        return cast("T", self._result)


def run_batch(connection: sqlite3.Connection, jobs: Sequence[Job[Any]]) -> None:
    """Run all ``jobs`` in one transaction and commit; one that fails takes back its own writes and keeps its exception.

    Savepoints are not free: each makes the full-text index write out what it has gathered. So the jobs run without them
    first, and only when one fails is everything rolled back and run again with a savepoint around each. Hence a job may
    run twice and must do nothing but SQL.

    Raises:
        sqlite3.Error: Beginning or committing failed; nothing of the batch is stored.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        if not _run_all(connection, jobs):
            connection.execute("ROLLBACK")
            if len(jobs) == 1:
                return
            connection.execute("BEGIN IMMEDIATE")
            _run_each_in_savepoint(connection, jobs)
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise


def _run_all(connection: sqlite3.Connection, jobs: Sequence[Job[Any]]) -> bool:
    for alike in _neighbours_alike(jobs):
        succeeded = alike[0].run(connection) if len(alike) == 1 else _run_combined(connection, alike)
        _require_transaction(connection, alike[0])
        if not succeeded:
            return False
    return True


def _neighbours_alike(jobs: Sequence[Job[Any]]) -> Iterator[list[Job[Any]]]:
    return (list(alike) for _, alike in groupby(jobs, key=lambda job: job.combine or job))


def _run_combined(connection: sqlite3.Connection, jobs: list[Job[Any]]) -> bool:
    """Run jobs of one kind in one go; True when it succeeded. Whose fault a failure is shows later, one by one."""
    combine = jobs[0].combine
    try:
        if combine is not None:
            combine(connection, [job.item for job in jobs])
    except Exception as exc:  # noqa: BLE001  the boundary between one caller's job and everybody else's
        jobs[0].error = exc
        return False
    return True


def _run_each_in_savepoint(connection: sqlite3.Connection, jobs: Sequence[Job[Any]]) -> None:
    for job in jobs:
        connection.execute("SAVEPOINT job")
        succeeded = job.run(connection)
        _require_transaction(connection, job)
        if not succeeded:
            connection.execute("ROLLBACK TO job")
        connection.execute("RELEASE job")


def _require_transaction(connection: sqlite3.Connection, job: Job[Any]) -> None:
    """Some errors (disk full, I/O) make SQLite roll everything back at once; then the whole batch has failed."""
    if connection.in_transaction:
        return
    if isinstance(job.error, sqlite3.Error):
        raise job.error
    raise sqlite3.ProgrammingError("a job ended the transaction it was run in") from job.error


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def run_read(connection: sqlite3.Connection, job: Callable[[sqlite3.Connection], T]) -> T:
    """Run ``job`` on one consistent snapshot."""
    connection.execute("BEGIN")
    try:
        return job(connection)
    finally:
        _roll_back(connection)


def commit_batch(handle: Handle, jobs: Sequence[Job[Any]]) -> None:
    """`run_batch` on the handle's connection, errors translated; after a failure the file is opened anew.

    Raises:
        StoreError: Nothing of the batch is stored.
    """
    try:
        run_batch(handle.use(), jobs)
    except sqlite3.Error as exc:
        error = handle.file.translate(exc)
        if error.code != "store_locked":
            handle.close()
        raise error from exc
    for job in jobs:
        if job.error is not None and _is_environmental(job.error):
            job.error = _caused(handle.file.translate(job.error), job.error)
            handle.close()


def read_snapshot(handle: Handle, job: Callable[[sqlite3.Connection], T]) -> T:
    """`run_read` on the handle's connection, with SQLite's complaints translated.

    Raises:
        StoreError: The file cannot be read.
    """
    try:
        return run_read(handle.use(), job)
    except sqlite3.Error as exc:
        if not _is_environmental(exc):
            raise
        raise handle.file.translate(exc) from exc


def _is_environmental(error: Exception) -> TypeGuard[sqlite3.Error]:
    """Whether the file or the machine is at fault, not the statement's data or its author."""
    return isinstance(error, sqlite3.OperationalError) or type(error) is sqlite3.DatabaseError


def _caused(error: StoreError, cause: Exception) -> StoreError:
    error.__cause__ = cause
    return error
