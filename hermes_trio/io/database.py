"""One SQLite database of one profile: an actor that commits writes in groups, and a read-only connection beside it.

Why an actor: a hop to a worker thread costs more than a commit, so all writes that wait while one batch is committed
share the next transaction. A caller's write returns after its commit, which survives a crash of the process
(``synchronous=NORMAL``).
"""

from __future__ import annotations

import copy
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from hermes_trio.errors import ScopeClosed, StoreError
from hermes_trio.io.database_batch import Job, commit_batch, read_snapshot
from hermes_trio.io.database_changes import Changes
from hermes_trio.io.database_files import DatabaseFile, Handle, check_file
from hermes_trio.io.open_databases import OpenDatabases

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from hermes_trio.errors import HermesTrioError
    from hermes_trio.io.workers import Workers

__all__ = ["Database", "OpenDatabases", "open_database"]

T = TypeVar("T")
Item = TypeVar("Item")

WAITING_JOBS = 1024
BATCH_JOBS = 256
LOCK_PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.2, 1.25)

DRAIN_SECONDS = 5.0


class Database:
    """A profile's database. Opens its file at the first use, closes it when idle; see `open_database`.

    Attributes:
        changes: Lets tasks of the profile wait for changes of a table.
    """

    def __init__(self, file: DatabaseFile, shared: OpenDatabases, workers: Workers) -> None:
        self.changes = Changes()
        self._file = file
        self._shared = shared
        self._workers = workers
        self._writer = Handle(file, writes=True)
        self._reader = Handle(file, writes=False)
        self._reading = trio.Lock()
        self._send, self._receive = trio.open_memory_channel[Job[Any] | None](WAITING_JOBS)
        self._drain = trio.CancelScope(shield=True)
        self._closed = False
        self._users = 0
        self._close_at = float("inf")
        self._close_requested = False
        self._waits_until = 0.0

    @property
    def path(self) -> Path:
        """The database file."""
        return self._file.path

    @property
    def is_open(self) -> bool:
        """Whether the file is open now."""
        return self._writer.is_open or self._reader.is_open

    async def write(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``job`` in a write transaction, maybe together with others, and return its result after the commit.

        Args:
            job: Does nothing but SQL on the connection it is given: it runs in a worker, and once more when another job
                of the same transaction fails. It must not begin, commit or roll back.

        Raises:
            StoreError: The file cannot be used (``store_corrupt``, ``store_locked``, ``store_unwritable``); nothing was
                stored.
            ScopeClosed: The profile has closed its database.
            Exception: Whatever ``job`` raised; what it wrote was taken back, other jobs are not affected.

        Cancellation: while more than 1024 jobs wait, a cancelled caller's job is not accepted. After that the caller
            only abandons
        its wait: the job is still committed, whole.
        """
        return await self._wait_for(Job(job))

    async def write_combined(self, job: Callable[[sqlite3.Connection, Sequence[Item]], None], item: Item) -> None:
        """Like `write`, for a job that is cheaper for several callers' items at once.

        Args:
            job: Gets the items of callers with the same ``job`` (the same object) that wait together, in order; in
                every other respect like the job of `write`. When it fails it is run again for each item alone, so that
                only the item that is at fault fails.
            item: This caller's part.

        Raises:
            StoreError: As `write`.
            ScopeClosed: As `write`.
            Exception: As `write`.

        Cancellation: as `write`.
        """
        await self._wait_for(Job(lambda connection: job(connection, (item,)), job, item))

    async def _wait_for(self, job: Job[T]) -> T:
        self._check_open()
        try:
            self._send.send_nowait(job)
        except trio.WouldBlock:
            await self._send_when_room(job)
        await job.done.wait()
        return job.outcome()

    async def _send_when_room(self, waiting: Job[T]) -> None:
        try:
            await self._send.send(waiting)
        except (trio.ClosedResourceError, trio.BrokenResourceError) as exc:
            raise self._gone() from exc

    async def read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run ``job`` on a consistent snapshot over a connection that cannot write; a missing file is created first.

        Reads of one database run one after the other; they do not wait for writes.

        Args:
            job: Only reads, and fetches all it wants; runs in a worker.

        Raises:
            StoreError: The file cannot be used.
            ScopeClosed: The profile has closed its database.
            Exception: Whatever ``job`` raised.

        Cancellation: waiting for the turn is cancellable; a job that has begun is waited for.
        """
        self._check_open()
        self._enter()
        try:
            async with self._reading:
                return await self._while_locked(lambda: self._read(job))
        finally:
            self._leave()

    async def _read(self, job: Callable[[sqlite3.Connection], T]) -> T:
        self._check_open()
        return await self._workers.run(read_snapshot, self._reader, job, limiter=self._shared.readers)

    async def check(self, look: Callable[[sqlite3.Connection], T] | None = None) -> T | None:
        """Find out whether the file can be used; a missing file is fine and stays missing, and none is kept open.

        Args:
            look: Reads something on the occasion, in a worker; or None.

        Returns:
            What ``look`` returns; None without it, or when the file is missing.

        Raises:
            StoreError: ``store_corrupt``, ``store_locked`` (after 5 s) or ``store_unwritable``, with what mends it.
            ScopeClosed: The profile has closed its database.

        Cancellation: cancellable between attempts at a locked file.
        """
        self._check_open()
        return await self._while_locked(
            lambda: self._workers.run(check_file, self._file, look, limiter=self._shared.writers)
        )

    def request_close(self) -> None:
        """Close the file soon, unless somebody uses it by then; called when too many databases are open."""
        self._close_requested = True
        self._wake()

    async def serve_writes(self) -> None:
        """Commit what is queued, batch by batch, until `close`; then drain and close the file. Run once.

        Cancellation: shielded until `close` sets the deadline, so that jobs of cancelled callers are committed.
        """
        with self._drain:
            try:
                while True:
                    await self._serve_next()
            except trio.EndOfChannel:
                await self._close_file(optimize=True)
        self._abandon_rest()

    def close(self) -> None:
        """Refuse further use; what is queued may still be written within 5 s."""
        self._closed = True
        self._shared.note_busy(self)
        self._drain.deadline = trio.current_time() + DRAIN_SECONDS
        self._send.close()

    async def _serve_next(self) -> None:
        job = await self._next_job()
        if job is not None:
            self._enter()
            try:
                await self._write_batch(self._gather(job))
            finally:
                self._leave()
        elif not self._users and (self._close_requested or trio.current_time() >= self._idle_until()):
            await self._close_file(optimize=False)

    async def _next_job(self) -> Job[Any] | None:
        """The next job, or None when it may be time to close."""
        until = self._idle_until()
        self._waits_until = until
        with trio.CancelScope(deadline=until):
            return await self._receive.receive()
        return None

    def _idle_until(self) -> float:
        """When to close the open file; never while it is used or closed already: then nothing needs a wake-up."""
        return self._close_at if self.is_open and not self._users else float("inf")

    def _gather(self, first: Job[Any]) -> list[Job[Any]]:
        batch = [first]
        while len(batch) < BATCH_JOBS:
            try:
                job = self._receive.receive_nowait()
            except (trio.WouldBlock, trio.EndOfChannel):
                break
            if job is not None:
                batch.append(job)
        return batch

    async def _write_batch(self, batch: Sequence[Job[Any]]) -> None:
        failure: HermesTrioError | None = self._gone()
        try:
            await self._while_locked(lambda: self._commit(batch))
            failure = None
        except StoreError as exc:
            failure = exc
        finally:
            _settle(batch, failure)

    async def _commit(self, batch: Sequence[Job[Any]]) -> None:
        await self._workers.run(commit_batch, self._writer, batch, limiter=self._shared.writers)

    async def _while_locked(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try again, for 5 s, while another process holds the file.

        The waiting happens here and not in SQLite's busy handler, because a worker that waits would keep its place from
        the databases of other profiles.
        """
        for pause in LOCK_PAUSES:
            try:
                return await attempt()
            except StoreError as exc:
                if exc.code != "store_locked":
                    raise
            await trio.sleep(pause)
        return await attempt()

    async def _close_file(self, optimize: bool) -> None:
        self._shared.note_busy(self)
        self._close_requested = False
        async with self._reading:
            await self._workers.run(self._reader.close, limiter=self._shared.writers)
        await self._workers.run(self._writer.close, optimize, limiter=self._shared.writers)

    def _abandon_rest(self) -> None:
        """After the drain: nothing is left, unless its deadline struck."""
        with self._receive:
            _settle(self._gather_rest(), self._gone())
        if not self._reading.locked():
            self._reader.close()
        self._writer.close()

    def _gather_rest(self) -> list[Job[Any]]:
        rest = []
        while self._receive.statistics().current_buffer_used:
            job = self._receive.receive_nowait()
            if job is not None:
                rest.append(job)
        return rest

    def _enter(self) -> None:
        self._users += 1
        self._close_requested = False
        self._shared.note_busy(self)

    def _leave(self) -> None:
        self._users -= 1
        if self._users or self._closed or not self.is_open:
            return
        self._close_at = trio.current_time() + self._shared.note_idle(self)
        if self._close_at < self._waits_until:
            self._wake()

    def _wake(self) -> None:
        """Let the writer task look at the clock again; when its channel is full or closed it is awake anyway."""
        if not self._closed and not self._send.statistics().current_buffer_used:
            self._send.send_nowait(None)

    def _check_open(self) -> None:
        if self._closed:
            raise self._gone()

    def _gone(self) -> ScopeClosed:
        return ScopeClosed("its database was closed", profile=self._file.profile, where=str(self.path))


def _settle(batch: Sequence[Job[Any]], failure: HermesTrioError | None) -> None:
    """Tell the callers; each gets an exception object of its own, since raising one changes it."""
    for job in batch:
        if failure is not None:
            job.error = copy.copy(failure)
            job.error.__cause__ = failure.__cause__
        job.done.set()


@asynccontextmanager
async def open_database(
    path: Path,
    prepare: Callable[[sqlite3.Connection], None],
    profile: str,
    shared: OpenDatabases,
    workers: Workers,
) -> AsyncIterator[Database]:
    """Own a profile's database for as long as the ``async with`` lasts. Touches no file before the first use.

    At the end the jobs already queued get 5 s to be committed, also when the surroundings are cancelled; then every use
    raises `ScopeClosed` and the file cannot come into being again.

    Args:
        path: The database file. A missing one is created (0600) at the first use, its directory never.
        prepare: Brings a freshly opened file to the wanted schema; see `DatabaseFile.prepare`.
        profile: Its owner's name, for errors.
        shared: What the databases of all profiles share.
        workers: Runs the SQL.
    """
    database = Database(DatabaseFile(path, profile, prepare), shared, workers)
    failure: BaseException | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(database.serve_writes, name=f"database of {profile}")
        try:
            yield database
        except BaseException as exc:  # noqa: BLE001  raised again below; in here it would come out wrapped in a group
            failure = exc
        finally:
            database.close()
    if failure is not None:
        raise failure
