"""Kept responses, in the tables that hermes-agent has for them."""

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from hermes_trio.errors import ScopeClosed, StoreError
from hermes_trio.store import response_store
from hermes_trio.store.response_store import KEPT_RESPONSES
from hermes_trio.testing.clock import MovingClock
from tests.store.response_rig import kept, open_responses

HERMES_TABLES = (
    "CREATE TABLE responses (response_id TEXT PRIMARY KEY, data TEXT NOT NULL, accessed_at REAL NOT NULL)",
    "CREATE TABLE conversations (name TEXT PRIMARY KEY, response_id TEXT NOT NULL)",
)


def rows(path, sql):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def write(path, *statements):
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(*statement) if isinstance(statement, tuple) else connection.execute(statement)


async def test_a_response_that_was_kept_is_found(tmp_path, autojump_clock):
    async with open_responses(tmp_path) as (store, _):
        await store.put("r1", kept())
        found = await store.find("r1")
        assert bytes(found.response) == b'{"id":"r"}'
        assert (found.conversation_history, found.session_id) == ([{"role": "user", "content": "hello"}], "s")
        assert await store.has("r1")
        assert not await store.has("r2")


async def test_looking_makes_no_file(tmp_path, autojump_clock):
    async with open_responses(tmp_path) as (store, path):
        assert await store.find("r1") is None
        assert await store.find_last("talk") is None
        assert not await store.has("r1")
        assert not await store.delete("r1")
        assert not path.exists()


async def test_only_the_owner_may_read_the_file(tmp_path, autojump_clock):
    async with open_responses(tmp_path) as (store, path):
        await store.put("r1", kept())
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_conversation_has_the_response_that_came_last(tmp_path, autojump_clock):
    async with open_responses(tmp_path) as (store, _):
        await store.put("r1", kept("one"), "talk")
        await store.put("r2", kept("two"), "talk")
        await store.put("r3", kept("three"))
        assert (await store.find_last("talk")).conversation_history[0]["content"] == "two"
        assert await store.find_last("other") is None


async def test_a_deleted_response_is_gone_and_ends_its_conversation(tmp_path, autojump_clock):
    async with open_responses(tmp_path) as (store, path):
        await store.put("r1", kept(), "talk")
        assert await store.delete("r1")
        assert not await store.delete("r1")
        assert await store.find("r1") is None
        assert await store.find_last("talk") is None
        assert rows(path, "SELECT * FROM conversations") == []


async def test_of_more_than_100_those_that_were_used_last_stay(tmp_path, autojump_clock):
    clock = MovingClock()
    async with open_responses(tmp_path, clock=clock) as (store, path):
        for number in range(KEPT_RESPONSES):
            clock.advance(1)
            await store.put(f"r{number}", kept(), f"talk{number}")
        clock.advance(1)
        assert await store.find("r0") is not None
        await store.put("new", kept())
        assert await store.find("r0") is not None
        assert await store.find("r1") is None
        assert await store.find_last("talk1") is None
        assert await store.find_last("talk2") is not None
        assert rows(path, "SELECT count(*) FROM responses") == [(KEPT_RESPONSES,)]
        assert rows(path, "SELECT count(*) FROM conversations") == [(KEPT_RESPONSES - 1,)]


async def test_beyond_128_mib_those_that_were_used_last_stay(tmp_path, autojump_clock, monkeypatch):
    monkeypatch.setattr(response_store, "KEPT_BYTES", 1024 * 1024)
    clock = MovingClock()
    async with open_responses(tmp_path, clock=clock) as (store, path):
        for number in range(5):
            clock.advance(1)
            await store.put(f"r{number}", kept("x" * 300_000), f"talk{number}")
        assert [number for number in range(5) if await store.has(f"r{number}")] == [2, 3, 4]
        assert rows(path, "SELECT name FROM conversations ORDER BY name") == [("talk2",), ("talk3",), ("talk4",)]
        await store.put("huge", kept("x" * 2_000_000))
        assert rows(path, "SELECT response_id FROM responses") == [("huge",)]
        for number in range(20):
            await store.put(f"again{number}", kept("x" * 300_000))
        assert path.stat().st_size < 4_000_000


async def test_a_clock_that_was_set_back_costs_no_new_response(tmp_path, autojump_clock):
    async with open_responses(tmp_path) as (store, path):
        await store.put("first", kept())
        future = [(f"r{number}", "{}", 9e9 + number) for number in range(KEPT_RESPONSES)]
        write(path, *(("INSERT INTO responses VALUES (?, ?, ?)", row) for row in future))
        await store.put("new", kept())
        assert await store.has("new")
        assert not await store.has("first")


async def test_a_file_of_hermes_agent_is_read_and_goes_on(tmp_path, autojump_clock):
    async with open_responses(tmp_path) as (store, path):
        data = '{"response": {"id": "old"}, "conversation_history": [], "instructions": "Be brief.", "more": 1}'
        write(path, *HERMES_TABLES, ("INSERT INTO responses VALUES (?, ?, ?)", ("old", data, 1.0)))
        write(path, "INSERT INTO conversations VALUES ('talk', 'old')")
        found = await store.find_last("talk")
        assert (bytes(found.response), found.instructions, found.session_id) == (b'{"id": "old"}', "Be brief.", None)
        await store.put("new", kept(), "talk")
        assert rows(path, "SELECT * FROM conversations") == [("talk", "new")]


async def test_the_tables_are_those_of_hermes_agent(tmp_path, autojump_clock):
    async with open_responses(tmp_path) as (store, path):
        await store.put("r1", kept())
        write(tmp_path / "other.db", *HERMES_TABLES)
        of_tables = "sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'"
        sql = f"SELECT t.name, c.name, c.type, c.pk FROM {of_tables}"
        assert sorted(rows(path, sql)) == sorted(rows(tmp_path / "other.db", sql))


@pytest.mark.parametrize("data", ["", "{", "[]", '{"id": "x"}', '{"response": 3}', '{"response": {}, "session_id": 4}'])
async def test_a_row_that_nobody_understands_counts_as_none(tmp_path, autojump_clock, data):
    async with open_responses(tmp_path) as (store, path):
        write(path, *HERMES_TABLES, ("INSERT INTO responses VALUES ('r1', ?, 1)", (data,)))
        assert await store.find("r1") is None


async def test_a_damaged_file_is_named(tmp_path, autojump_clock):
    path = tmp_path / "profiles" / "ada" / "response_store.db"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreError) as caught:
        async with open_responses(tmp_path):
            pass
    assert caught.value.code == "store_corrupt"
    assert str(path) in str(caught.value)


async def test_after_the_generation_nothing_is_kept(tmp_path, autojump_clock):
    async with open_responses(tmp_path) as (store, path):
        pass
    with pytest.raises(ScopeClosed):
        await store.put("r1", kept())
    with pytest.raises(ScopeClosed):
        await store.find("r1")
    assert not path.exists()


@pytest.mark.slow
@pytest.mark.parametrize("confirmed", [1, 150])
async def test_a_killed_process_loses_nothing_that_it_confirmed(tmp_path, confirmed):
    command = [sys.executable, "-m", "tests.store.response_rig", str(tmp_path)]
    with subprocess.Popen(command, cwd=Path(__file__).parents[2], stdout=subprocess.PIPE, text=True) as child:
        numbers = [int(child.stdout.readline()) for _ in range(confirmed)]
        child.kill()
        numbers += [int(line) for line in child.stdout if line.endswith("\n")]
    async with open_responses(tmp_path) as (store, path):
        assert await store.has(f"r{numbers[-1]}")
        assert await store.find_last("talk") is not None
        assert rows(path, "PRAGMA integrity_check") == [("ok",)]
