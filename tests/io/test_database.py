"""The database actor: group commit, containment of failures, cancellation, closing."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager, closing
from functools import partial

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from hermes_trio.errors import ScopeClosed, StoreError
from hermes_trio.io.database import BATCH_JOBS, DRAIN_SECONDS, WAITING_JOBS, OpenDatabases, open_database
from hermes_trio.io.workers import InlineWorkers, ThreadWorkers


def prepare(connection):
    connection.execute("CREATE TABLE IF NOT EXISTS words(word TEXT PRIMARY KEY)")


def add(word, connection):
    connection.execute("INSERT INTO words VALUES (?)", (word,))
    return word


def words(connection):
    return [word for (word,) in connection.execute("SELECT word FROM words ORDER BY word")]


def words_on_disk(path):
    with closing(sqlite3.connect(path)) as connection:
        return words(connection)


class GatedWorkers:
    """Runs work in the calling task while its gate is open, and counts it."""

    def __init__(self):
        self.gate = trio.Event()
        self.gate.set()
        self.calls = []

    async def run(self, fn, *args, limiter):
        async with limiter:
            await self.gate.wait()
            self.calls.append(fn.__name__)
            return fn(*args)


@asynccontextmanager
async def database_at(path, workers=None, shared=None, prepare=prepare):
    async with open_database(path, prepare, "coder", shared or OpenDatabases(), workers or InlineWorkers()) as database:
        yield database


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.db"


# Writing


async def test_a_write_returns_its_result_after_the_commit(path, autojump_clock):
    async with database_at(path) as database:
        assert await database.write(partial(add, "one")) == "one"
        assert words_on_disk(path) == ["one"]


async def test_writes_that_wait_for_one_commit_share_the_next(path, autojump_clock):
    workers = GatedWorkers()
    async with database_at(path, workers) as database:
        workers.gate = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.write, partial(add, "first"))
            await wait_all_tasks_blocked()
            for number in range(50):
                nursery.start_soon(database.write, partial(add, f"word{number}"))
            await wait_all_tasks_blocked()
            workers.gate.set()
        assert workers.calls == ["commit_batch", "commit_batch"]
        assert len(words_on_disk(path)) == 51


async def test_one_transaction_takes_a_bounded_number_of_jobs(path, autojump_clock):
    workers = GatedWorkers()
    async with database_at(path, workers) as database:
        async with trio.open_nursery() as nursery:
            for number in range(BATCH_JOBS + 1):
                nursery.start_soon(database.write, partial(add, f"word{number}"))
        assert workers.calls == ["commit_batch", "commit_batch"]


async def test_a_failing_job_takes_back_its_own_writes_only(path, autojump_clock):
    failures = []

    def fail(connection):
        add("half", connection)
        raise KeyError("no")

    async def try_to_fail(database):
        with pytest.raises(KeyError) as caught:
            await database.write(fail)
        failures.append(caught.value)

    workers = GatedWorkers()
    async with database_at(path, workers) as database:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.write, partial(add, "one"))
            nursery.start_soon(try_to_fail, database)
            nursery.start_soon(try_to_fail, database)
            nursery.start_soon(database.write, partial(add, "two"))
        assert workers.calls == ["commit_batch"]
        assert len(failures) == 2
        assert words_on_disk(path) == ["one", "two"]


async def test_a_job_that_fails_alone_leaves_nothing(path, autojump_clock):
    def fail(connection):
        add("half", connection)
        add("half", connection)

    async with database_at(path) as database:
        with pytest.raises(sqlite3.IntegrityError):
            await database.write(fail)
        assert words_on_disk(path) == []


async def test_a_job_that_ends_the_transaction_fails_the_whole_batch(path, autojump_clock):
    caught = []

    def commit(connection):
        connection.execute("COMMIT")

    async def expect_failure(database, job):
        with pytest.raises(StoreError) as failure:
            await database.write(job)
        caught.append(failure.value)

    async with database_at(path) as database:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(expect_failure, database, commit)
            nursery.start_soon(expect_failure, database, commit)
        assert [error.code for error in caught] == ["store_failed", "store_failed"]
        assert caught[0] is not caught[1], "callers must not share an exception object"


async def test_a_disk_that_is_full_fails_the_writers_and_is_over_when_there_is_room_again(path, autojump_clock):
    limits = [8]

    def small(connection):
        prepare(connection)
        connection.execute(f"PRAGMA max_page_count={limits[-1]}")

    async with database_at(path, prepare=small) as database:
        await database.write(partial(add, "one"))
        with pytest.raises(StoreError) as caught:
            await database.write(partial(add, "x" * 100_000))
        assert caught.value.code == "store_unwritable"
        assert "free space" in str(caught.value)
        limits.append(1000)
        await database.write(partial(add, "x" * 100_000))
        assert len(words_on_disk(path)) == 2


async def test_a_commit_that_fails_is_told_to_every_caller_of_the_batch(path, autojump_clock):
    """A foreign key that is checked at the commit stands for everything that can go wrong there."""
    caught = []

    def prepare_links(connection):
        prepare(connection)
        connection.execute(
            "CREATE TABLE IF NOT EXISTS links(word TEXT REFERENCES words(word) DEFERRABLE INITIALLY DEFERRED)"
        )

    async def expect_failure(database, job):
        with pytest.raises(StoreError) as failure:
            await database.write(job)
        caught.append(failure.value.code)

    async with database_at(path, prepare=prepare_links) as database:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(expect_failure, database, partial(add, "one"))
            nursery.start_soon(expect_failure, database, lambda c: c.execute("INSERT INTO links VALUES ('none')"))
        assert caught == ["store_failed", "store_failed"]
        await database.write(partial(add, "two"))
        assert words_on_disk(path) == ["two"]


# Reading


async def test_a_read_of_a_missing_file_creates_it_first(path, autojump_clock):
    async with database_at(path) as database:
        assert await database.read(words) == []
        assert path.stat().st_mode & 0o777 == 0o600


async def test_a_read_cannot_write(path, autojump_clock):
    async with database_at(path) as database:
        with pytest.raises(StoreError):
            await database.read(partial(add, "one"))
        assert words_on_disk(path) == []


async def test_a_read_sees_one_snapshot(path, autojump_clock):
    def read_twice(connection):
        before = words(connection)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            add("meanwhile", other)
        return before, words(connection)

    async with database_at(path) as database:
        assert await database.read(read_twice) == ([], [])
        assert await database.read(words) == ["meanwhile"]


async def test_a_failing_read_leaves_the_connection_usable(path, autojump_clock):
    async with database_at(path) as database:
        with pytest.raises(ZeroDivisionError):
            await database.read(lambda _connection: 1 // 0)
        assert await database.read(words) == []


# Cancellation


async def test_a_cancelled_writer_abandons_its_wait_and_not_its_job(path, autojump_clock):
    workers = GatedWorkers()
    async with database_at(path, workers) as database:
        workers.gate = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.write, partial(add, "running"))
            await wait_all_tasks_blocked()
            nursery.start_soon(database.write, partial(add, "queued"))
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        workers.gate.set()
        await database.write(partial(add, "later"))
        assert words_on_disk(path) == ["later", "queued", "running"]


async def test_writers_wait_when_the_queue_is_full_and_a_cancelled_one_stores_nothing(path, autojump_clock):
    workers = GatedWorkers()
    async with database_at(path, workers) as database:
        workers.gate = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.write, partial(add, "running"))
            await wait_all_tasks_blocked()
            for number in range(WAITING_JOBS):
                nursery.start_soon(database.write, partial(add, f"word{number}"))
            await wait_all_tasks_blocked()
            with trio.move_on_after(1) as patience:
                await database.write(partial(add, "one too many"))
            assert patience.cancelled_caught
            workers.gate.set()
        stored = words_on_disk(path)
        assert len(stored) == WAITING_JOBS + 1
        assert "one too many" not in stored


async def test_a_cancelled_reader_leaves_the_connection_to_the_next(path, autojump_clock):
    workers = GatedWorkers()
    async with database_at(path, workers) as database:
        await database.read(words)
        workers.gate = trio.Event()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.read, words)
            nursery.start_soon(database.read, words)
            await wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        workers.gate.set()
        assert await database.read(words) == []


# Closing


async def test_after_the_end_every_use_is_refused_and_the_file_stays_away(path, autojump_clock):
    async with database_at(path) as database:
        await database.write(partial(add, "one"))
    path.unlink()
    for use in (lambda: database.write(partial(add, "late")), lambda: database.read(words), database.check):
        with pytest.raises(ScopeClosed):
            await use()
    assert list(path.parent.iterdir()) == []


async def test_nothing_is_touched_before_the_first_use(path, autojump_clock):
    async with database_at(path):
        pass
    assert list(path.parent.iterdir()) == []


async def test_what_is_queued_at_the_end_is_still_written(path, autojump_clock):
    workers = GatedWorkers()
    async with trio.open_nursery() as nursery:
        async with database_at(path, workers) as database:
            workers.gate = trio.Event()
            for number in range(10):
                nursery.start_soon(database.write, partial(add, f"word{number}"))
            await wait_all_tasks_blocked()
            workers.gate.set()
        assert len(words_on_disk(path)) == 10


async def test_a_cancelled_owner_still_drains(path, autojump_clock):
    workers = GatedWorkers()
    async with trio.open_nursery() as callers:
        with trio.CancelScope() as owner:
            async with database_at(path, workers) as database:
                workers.gate = trio.Event()
                callers.start_soon(database.write, partial(add, "one"))
                await wait_all_tasks_blocked()
                callers.start_soon(open_gate_after, workers, 1)
                owner.cancel()
                await trio.sleep_forever()
    assert words_on_disk(path) == ["one"]


async def test_the_drain_has_a_deadline_and_tells_the_callers(path, autojump_clock):
    workers = GatedWorkers()
    outcomes = []

    async def write(database):
        with pytest.raises(ScopeClosed):
            await database.write(partial(add, "never"))
        outcomes.append(trio.current_time() - start)

    async with trio.open_nursery() as callers, database_at(path, workers) as database:
        workers.gate = trio.Event()
        for _ in range(WAITING_JOBS + 10):
            callers.start_soon(write, database)
        await wait_all_tasks_blocked()
        start = trio.current_time()
    assert len(outcomes) == WAITING_JOBS + 10
    assert max(outcomes) == pytest.approx(DRAIN_SECONDS)
    assert not path.exists()


async def test_the_end_waits_for_a_read_that_has_begun(path, autojump_clock):
    workers = GatedWorkers()
    found = []
    async with trio.open_nursery() as callers:

        async def read(database):
            found.append(await database.read(words))

        async with database_at(path, workers) as database:
            await database.write(partial(add, "one"))
            workers.gate = trio.Event()
            callers.start_soon(read, database)
            await wait_all_tasks_blocked()
            callers.start_soon(open_gate_after, workers, 1)
    assert found == [["one"]]


async def test_a_read_that_waits_for_its_turn_at_the_end_is_refused(path, autojump_clock):
    workers = GatedWorkers()
    refused = []

    async def read(database):
        try:
            await database.read(words)
        except ScopeClosed:
            refused.append(True)

    async with trio.open_nursery() as callers, database_at(path, workers) as database:
        workers.gate = trio.Event()
        callers.start_soon(read, database)
        callers.start_soon(read, database)
        await wait_all_tasks_blocked()
        callers.start_soon(open_gate_after, workers, 1)
    assert refused == [True]


async def open_gate_after(workers, seconds):
    await trio.sleep(seconds)
    workers.gate.set()


async def test_the_owners_exception_arrives_as_itself(path, autojump_clock):
    async def fail():
        async with database_at(path) as database:
            await database.write(partial(add, "one"))
            raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await fail()


async def test_the_last_connection_leaves_one_file_behind(path, autojump_clock):
    async with database_at(path) as database:
        await database.write(partial(add, "one"))
        await database.read(words)
    assert [file.name for file in path.parent.iterdir()] == ["state.db"]


# Staying open


class Steps(trio.abc.Instrument):
    """Counts how often tasks with a certain name run."""

    def __init__(self, name):
        self.name = name
        self.count = 0

    def before_task_step(self, task):
        self.count += task.name == self.name


async def test_a_database_that_has_just_been_used_stays_open_even_when_there_are_too_many(tmp_path, autojump_clock):
    shared = OpenDatabases(max_open=1, resting_seconds=1)
    async with (
        database_at(tmp_path / "a.db", shared=shared) as one,
        database_at(tmp_path / "b.db", shared=shared) as other,
    ):
        await one.write(partial(add, "one"))
        await other.write(partial(add, "other"))
        assert one.is_open
        await trio.sleep(1)
        await other.write(partial(add, "again"))
        await wait_all_tasks_blocked()
        assert not one.is_open
        assert other.is_open


async def test_those_that_are_too_many_close_soon_after_their_use(tmp_path, autojump_clock):
    shared = OpenDatabases(max_open=1, resting_seconds=1)
    async with (
        database_at(tmp_path / "a.db", shared=shared) as one,
        database_at(tmp_path / "b.db", shared=shared) as other,
    ):
        await one.write(partial(add, "one"))
        await other.write(partial(add, "other"))
        await trio.sleep(1.1)
        assert [one.is_open, other.is_open] == [True, False]


async def test_one_that_becomes_one_too_many_closes_soon_although_it_was_to_stay(tmp_path, autojump_clock):
    shared = OpenDatabases(max_open=1, resting_seconds=1)
    async with (
        database_at(tmp_path / "a.db", shared=shared) as one,
        database_at(tmp_path / "b.db", shared=shared) as other,
    ):
        await one.write(partial(add, "one"))
        await other.write(partial(add, "other"))
        await one.write(partial(add, "again"))
        await trio.sleep(1.1)
        assert [one.is_open, other.is_open] == [False, False]


async def test_an_idle_database_closes_after_ten_minutes_and_then_sleeps(path, autojump_clock):
    async with database_at(path) as database:
        await database.write(partial(add, "one"))
        await trio.sleep(599)
        assert database.is_open
        await trio.sleep(2)
        assert not database.is_open
        steps = Steps("database of coder")
        trio.lowlevel.add_instrument(steps)
        await trio.sleep(1_000_000)
        trio.lowlevel.remove_instrument(steps)
        assert steps.count == 0
        assert await database.read(words) == ["one"]


async def test_reading_keeps_a_database_open_and_lets_it_close_later(path, autojump_clock):
    async with database_at(path) as database:
        for _ in range(4):
            assert await database.read(words) == []
            await trio.sleep(400)
            assert database.is_open
        await trio.sleep(201)
        assert not database.is_open


async def test_a_read_that_outlasts_the_idle_time_neither_closes_nor_wakes_the_database(path, autojump_clock):
    workers = GatedWorkers()
    async with database_at(path, workers) as database:
        await database.write(partial(add, "one"))
        workers.gate = trio.Event()
        steps = Steps("database of coder")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(database.read, words)
            trio.lowlevel.add_instrument(steps)
            await trio.sleep(10_000)
            trio.lowlevel.remove_instrument(steps)
            assert database.is_open
            workers.gate.set()
        assert steps.count <= 2
        await trio.sleep(601)
        assert not database.is_open


async def test_a_database_without_files_never_wakes_up(path, autojump_clock):
    async with database_at(path):
        await wait_all_tasks_blocked()
        steps = Steps("database of coder")
        trio.lowlevel.add_instrument(steps)
        await trio.sleep(1_000_000)
        trio.lowlevel.remove_instrument(steps)
        assert steps.count == 0


async def test_the_least_recently_used_database_closes_when_too_many_are_open(tmp_path, autojump_clock):
    shared = OpenDatabases(max_open=2, resting_seconds=0)
    async with (
        database_at(tmp_path / "a.db", shared=shared) as a,
        database_at(tmp_path / "b.db", shared=shared) as b,
        database_at(tmp_path / "c.db", shared=shared) as c,
    ):
        for database in (a, b, a, c):
            await database.write(partial(add, str(trio.current_time())))
            await trio.sleep(1)
        assert [database.is_open for database in (a, b, c)] == [True, False, True]
        await b.write(partial(add, "again"))
        await trio.sleep(1)
        assert [database.is_open for database in (a, b, c)] == [False, True, True]


async def test_a_database_in_use_is_not_closed_by_the_use_of_others(tmp_path, autojump_clock):
    shared = OpenDatabases(max_open=1, resting_seconds=0)
    workers = GatedWorkers()
    async with (
        database_at(tmp_path / "a.db", workers, shared) as a,
        database_at(tmp_path / "b.db", shared=shared) as b,
        trio.open_nursery() as nursery,
    ):
        await a.write(partial(add, "one"))
        workers.gate = trio.Event()
        nursery.start_soon(a.write, partial(add, "two"))
        await wait_all_tasks_blocked()
        await b.write(partial(add, "one"))
        await b.write(partial(add, "two"))
        assert a.is_open
        assert b.is_open
        workers.gate.set()


@pytest.mark.slow
async def test_nothing_is_lost_when_many_databases_share_few_places(tmp_path, autojump_clock):
    shared = OpenDatabases(max_open=2, resting_seconds=0)

    async def use(number):
        async with database_at(tmp_path / f"{number}.db", InlineWorkers(), shared) as database:
            for count in range(20):
                await database.write(partial(add, str(count)))
                assert len(await database.read(words)) == count + 1
                await trio.sleep(number % 3)

    async with trio.open_nursery() as users:
        for number in range(12):
            users.start_soon(use, number)
    assert shared.idle_count == 0


@pytest.mark.slow
async def test_real_threads_lose_nothing_either(tmp_path):
    shared = OpenDatabases(max_open=2, idle_seconds=0.01, resting_seconds=0)

    async def write(database, number):
        await database.write(partial(add, str(number)))
        assert str(number) in await database.read(words)

    async def use(name):
        async with database_at(tmp_path / name, ThreadWorkers(), shared) as database:
            for round_number in range(3):
                async with trio.open_nursery() as writers:
                    for number in range(40):
                        writers.start_soon(write, database, 100 * round_number + number)
                await trio.sleep(0.03)
            assert len(await database.read(words)) == 120

    async with trio.open_nursery() as users:
        for name in "abcdef":
            users.start_soon(use, name)


async def test_a_file_that_was_replaced_is_opened_anew(path, autojump_clock):
    async with database_at(path) as database:
        await database.write(partial(add, "old"))
        await database.read(words)
        for file in path.parent.iterdir():
            file.unlink()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            prepare(other)
            add("restored", other)
        assert await database.read(words) == ["restored"]
        await database.write(partial(add, "new"))
        assert words_on_disk(path) == ["new", "restored"]


async def test_a_home_that_vanished_is_not_made_again(tmp_path, autojump_clock):
    home = tmp_path / "home"
    home.mkdir()
    async with database_at(home / "state.db") as database:
        await database.write(partial(add, "one"))
        for file in home.iterdir():
            file.unlink()
        home.rmdir()
        for use in (lambda: database.write(partial(add, "two")), lambda: database.read(words)):
            with pytest.raises(StoreError) as caught:
                await use()
            assert caught.value.code == "store_unwritable"
    assert not home.exists()


# Jobs that are cheaper together


def add_all(connection, items):
    connection.executemany("INSERT INTO words VALUES (?)", [(item,) for item in items])


async def test_callers_who_wait_with_the_same_job_are_served_together(path, autojump_clock):
    served = []

    def record(connection, items):
        served.append(list(items))
        add_all(connection, items)

    workers = GatedWorkers()
    async with database_at(path, workers) as database:
        workers.gate = trio.Event()
        async with trio.open_nursery() as nursery:
            for use in (
                partial(database.write_combined, record, "a"),
                partial(database.write_combined, record, "b"),
                partial(database.write_combined, record, "c"),
                partial(database.write, partial(add, "other")),
                partial(database.write_combined, record, "d"),
            ):
                nursery.start_soon(use)
                await wait_all_tasks_blocked()
            workers.gate.set()
        assert served == [["a"], ["b", "c"], ["d"]], "the first was on its way, the last came after another job"
        assert words_on_disk(path) == ["a", "b", "c", "d", "other"]


async def test_only_the_item_at_fault_fails(path, autojump_clock):
    failed = []

    async def write(database, item):
        try:
            await database.write_combined(add_all, item)
        except sqlite3.IntegrityError:
            failed.append(item)

    async with database_at(path) as database:
        async with trio.open_nursery() as nursery:
            for item in ("a", "b", "b", "c"):
                nursery.start_soon(write, database, item)
        assert failed == ["b"]
        assert words_on_disk(path) == ["a", "b", "c"]
