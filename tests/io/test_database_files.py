"""What is said about files that cannot be used, and how files are opened."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from functools import partial

import pytest
import trio

from hermes_trio.errors import StoreError
from hermes_trio.io.database import OpenDatabases, open_database
from hermes_trio.io.database_files import DatabaseFile, _choose_journal, read_other_file
from hermes_trio.io.workers import InlineWorkers


def prepare(connection):
    connection.execute("CREATE TABLE IF NOT EXISTS words(word TEXT PRIMARY KEY)")


def add(word, connection):
    connection.execute("INSERT INTO words VALUES (?)", (word,))


def open_at(path):
    return open_database(path, prepare, "coder", OpenDatabases(), InlineWorkers())


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state.db"


async def error_of_check(path):
    async with open_at(path) as database:
        with pytest.raises(StoreError) as caught:
            await database.check()
        with pytest.raises(StoreError) as again:
            await database.write(partial(add, "one"))
        assert again.value.code == caught.value.code
    text = str(caught.value)
    assert "profile 'coder'" in text
    assert str(path) in text
    assert caught.value.mend
    return caught.value


async def test_a_missing_file_is_fine_and_stays_missing(path, autojump_clock):
    async with open_at(path) as database:
        await database.check()
    assert list(path.parent.iterdir()) == []


async def test_a_good_file_is_prepared_and_closed_again(path, autojump_clock):
    with closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs(x)")
    async with open_at(path) as database:
        await database.check()
        assert not database.is_open
    with closing(sqlite3.connect(path)) as other:
        tables = {name for (name,) in other.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables == {"theirs", "words"}


async def test_a_check_leaves_a_prepared_file_as_it_is(path, autojump_clock):
    with closing(sqlite3.connect(path)) as other:
        prepare(other)
    before = path.read_bytes()
    async with open_at(path) as database:
        await database.check()
    assert path.read_bytes() == before


async def test_a_text_file(path, autojump_clock):
    path.write_text("these are not the bytes you are looking for\n" * 100)
    before = path.read_bytes()
    error = await error_of_check(path)
    assert error.code == "store_corrupt"
    assert ".recover" in str(error.mend)
    assert path.read_bytes() == before


async def test_a_file_whose_schema_is_damaged(path, autojump_clock):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        prepare(other)
    damaged = bytearray(path.read_bytes())
    damaged[100:200] = b"\xff" * 100
    path.write_bytes(damaged)
    assert (await error_of_check(path)).code == "store_corrupt"


async def test_a_file_that_ends_too_early(path, autojump_clock):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        prepare(other)
    path.write_bytes(path.read_bytes()[:700])
    assert (await error_of_check(path)).code == "store_corrupt"


async def test_a_directory(path, autojump_clock):
    path.mkdir()
    error = await error_of_check(path)
    assert error.code == "store_corrupt"
    assert error.found == "a directory"


async def test_a_file_that_another_process_holds_for_longer_than_five_seconds(path, autojump_clock):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        prepare(other)
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        start = trio.current_time()
        error = await error_of_check(path)
        assert error.code == "store_locked"
        assert "fuser" in str(error.mend)
        assert trio.current_time() - start == pytest.approx(10), "5 s for the check, 5 s for the write"


async def test_a_lock_that_ends_in_time_is_waited_for(path, autojump_clock):
    async def release_after(seconds, connection):
        await trio.sleep(seconds)
        connection.execute("COMMIT")

    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        prepare(other)
        start = trio.current_time()
        async with open_at(path) as database, trio.open_nursery() as nursery:
            await database.read(lambda connection: connection.execute("SELECT 1").fetchone())
            other.execute("BEGIN IMMEDIATE")
            nursery.start_soon(release_after, 2, other)
            await database.write(partial(add, "one"))
            assert 2 <= trio.current_time() - start < 5
        assert other.execute("SELECT word FROM words").fetchall() == [("one",)]


async def test_a_lock_on_one_database_does_not_keep_workers_from_the_others(tmp_path, autojump_clock):
    shared = OpenDatabases(threads=1)
    locked, free = tmp_path / "locked.db", tmp_path / "free.db"
    with closing(sqlite3.connect(locked, isolation_level=None)) as other:
        prepare(other)
        other.execute("PRAGMA journal_mode=WAL")
        other.execute("BEGIN IMMEDIATE")
        async with (
            open_database(locked, prepare, "a", shared, InlineWorkers()) as a,
            open_database(free, prepare, "b", shared, InlineWorkers()) as b,
            trio.open_nursery() as nursery,
        ):
            nursery.start_soon(a.write, partial(add, "one"))
            await trio.testing.wait_all_tasks_blocked()
            start = trio.current_time()
            for number in range(20):
                await b.write(partial(add, str(number)))
            assert trio.current_time() == start
            other.execute("COMMIT")


async def test_a_file_that_can_only_be_read(path, autojump_clock, monkeypatch):
    """As root every file can be written, so here SQLite is told to open it for reading."""
    connect = sqlite3.connect

    def connect_for_reading(address, **options):
        return connect(address.replace("mode=rw", "mode=ro"), **options)

    with closing(connect(path)) as other:
        prepare(other)
    monkeypatch.setattr(sqlite3, "connect", connect_for_reading)
    assert (await error_of_check(path)).code == "store_unwritable"


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
async def test_a_file_without_write_permission(path, autojump_clock):
    with closing(sqlite3.connect(path)) as other:
        prepare(other)
    path.chmod(0o400)
    assert (await error_of_check(path)).code == "store_unwritable"


def sqlite_error(code, text):
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (sqlite3.SQLITE_READONLY, "store_unwritable"),
        (sqlite3.SQLITE_FULL, "store_unwritable"),
        (sqlite3.SQLITE_IOERR_WRITE, "store_unwritable"),
        (sqlite3.SQLITE_CANTOPEN, "store_unwritable"),
        (sqlite3.SQLITE_CORRUPT_VTAB, "store_corrupt"),
        (sqlite3.SQLITE_NOTADB, "store_corrupt"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "store_locked"),
        (sqlite3.SQLITE_LOCKED, "store_locked"),
        (sqlite3.SQLITE_ERROR, "store_failed"),
    ],
)
def test_sqlites_codes_in_the_products_terms(path, code, expected):
    error = DatabaseFile(path, "coder", prepare).translate(sqlite_error(code, "as SQLite says"))
    assert error.code == expected
    assert error.found == "as SQLite says"


async def test_a_new_file_is_private_and_has_a_write_ahead_log(path, autojump_clock):
    async with open_at(path) as database:
        await database.write(partial(add, "one"))
        assert path.stat().st_mode & 0o777 == 0o600
        mode, synchronous, foreign_keys = await database.read(
            lambda connection: [
                connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("journal_mode", "synchronous", "foreign_keys")
            ]
        )
        assert (mode, synchronous, foreign_keys) == ("wal", 1, 1)


def test_where_no_write_ahead_log_is_possible_a_journal_with_full_syncs_is_used(path):
    path.touch()
    with closing(sqlite3.connect(f"{path.as_uri()}?vfs=unix-dotfile", uri=True, isolation_level=None)) as connection:
        _choose_journal(connection)
        prepare(connection)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


async def test_odd_file_names(tmp_path, autojump_clock):
    path = tmp_path / "50% of #1? yes & 'no'.db"
    async with open_at(path) as database:
        await database.write(partial(add, "one"))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_another_profiles_file_is_read_without_a_trace(path):
    assert read_other_file(path, "coder", lambda connection: 1) is None
    assert not path.exists()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=WAL")
        prepare(other)
        add("one", other)
    before = path.read_bytes()
    assert read_other_file(path, "coder", lambda c: c.execute("SELECT word FROM words").fetchall()) == [("one",)]
    with pytest.raises(StoreError):
        read_other_file(path, "coder", partial(add, "two"))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
