"""Replies that hermes-agent left undelivered reach their chats, once."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing

import pytest

from hermes_trio.home.process_record import SystemProcesses
from hermes_trio.store.obligations import take_over_obligations
from hermes_trio.store.outbox import due
from tests.store.hermes_agent_home import insert, open_state, read
from tests.store.stand_in import open_store

NOW = 1_790_000_000.0
LEDGER = """CREATE TABLE delivery_obligations(obligation_id TEXT PRIMARY KEY, session_key TEXT NOT NULL,
    platform TEXT NOT NULL, chat_id TEXT NOT NULL, thread_id TEXT, content TEXT NOT NULL, state TEXT NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, created_at REAL NOT NULL, updated_at REAL NOT NULL, owner_pid INTEGER,
    owner_started_at INTEGER, last_error TEXT)"""


@pytest.fixture
def owe(tmp_path):
    """Write a row of the ledger."""
    with open_state(tmp_path / "state.db") as connection:
        connection.execute(LEDGER)

    def write(obligation_id="o1", **changes):
        row = {
            "obligation_id": obligation_id,
            "session_key": "agent:main:telegram:dm:42",
            "platform": "telegram",
            "chat_id": "42",
            "thread_id": "7",
            "content": f"answer {obligation_id}",
            "state": "pending",
            "attempts": 0,
            "created_at": NOW - 3600,
            "updated_at": NOW - 3600,
            "owner_pid": None,
            "owner_started_at": None,
        }
        with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
            insert(connection, "delivery_obligations", **row | changes)
            connection.commit()

    return write


async def take_over(home, profile="default"):
    """Take over as a start of the profile does; what is to be sent then."""
    async with open_store(home, profile) as scope:
        await take_over_obligations(scope, json.dumps)
        return {row.idempotency_key.partition(":")[2]: row for row in await due(scope, NOW, 99)}


async def test_a_reply_is_sent_by_the_profiles_own_bot(tmp_path, owe, autojump_clock):
    owe()
    (row,) = (await take_over(tmp_path)).values()
    assert (row.transport_profile, row.platform, row.chat_id, row.thread_id) == ("default", "telegram", "42", "7")
    assert (row.kind, json.loads(row.content), row.may_have_arrived) == ("reply", "answer o1", False)
    assert read(tmp_path / "state.db", "SELECT state FROM delivery_obligations") == [("abandoned",)]


async def test_it_is_taken_over_once(tmp_path, owe, autojump_clock):
    owe()
    await take_over(tmp_path)
    async with open_store(tmp_path) as scope:
        assert await take_over_obligations(scope, json.dumps) == 0


@pytest.mark.parametrize(("state", "may_have_arrived"), [("pending", False), ("failed", False), ("attempting", True)])
async def test_what_was_being_sent_may_have_arrived(tmp_path, owe, autojump_clock, state, may_have_arrived):
    owe(state=state)
    assert (await take_over(tmp_path))["o1"].may_have_arrived is may_have_arrived


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "delivered"},
        {"state": "abandoned"},
        {"attempts": 3},
        {"created_at": NOW - 86_400},
        {"session_key": "agent:coder:telegram:dm:42"},
        {"owner_pid": os.getpid(), "owner_started_at": SystemProcesses().start_time(os.getpid())},
        {"owner_pid": os.getpid()},
    ],
)
async def test_the_rest_is_left_alone(tmp_path, owe, autojump_clock, changes):
    owe(**changes)
    before = read(tmp_path / "state.db", "SELECT * FROM delivery_obligations")
    assert await take_over(tmp_path) == {}
    assert read(tmp_path / "state.db", "SELECT * FROM delivery_obligations") == before


async def test_a_later_process_with_the_owners_number_is_not_the_owner(tmp_path, owe, autojump_clock):
    owe(owner_pid=os.getpid(), owner_started_at=1)
    assert list(await take_over(tmp_path)) == ["o1"]


@pytest.mark.parametrize(
    ("profile", "key"), [("coder", "agent:coder:telegram:dm:42"), ("main", "agent:main~:telegram:dm:42")]
)
async def test_a_profile_that_ran_alone_gets_its_own_keys(tmp_path, owe, autojump_clock, profile, key):
    owe()
    (row,) = (await take_over(tmp_path, profile)).values()
    assert (row.transport_profile, row.session_key) == (profile, key)


async def test_a_file_without_a_ledger_or_with_another_one(tmp_path, autojump_clock):
    assert await take_over(tmp_path) == {}
    with closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        connection.execute("CREATE TABLE delivery_obligations(obligation_id TEXT, state TEXT)")
        connection.commit()
    assert await take_over(tmp_path) == {}
