"""Making, changing, copying and deleting sessions for programs."""

from __future__ import annotations

import pytest

from hermes_trio.errors import StoreError
from hermes_trio.store.compaction import Summary, compact_session, take_compaction_lock
from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.routing_index import RoutingEntry, lookup, upsert
from hermes_trio.store.session_lifecycle import (
    close_session,
    create_session,
    delete_session,
    fork_session,
    model_alias_of,
    rename_session,
)
from hermes_trio.store.session_objects import (
    find_stored_session,
    list_stored_sessions,
    load_messages,
    session_keys,
)
from hermes_trio.store.sessions import SessionRecord, TurnRecord, load_conversation, record_turn
from tests.store.hermes_agent_home import check_format, read
from tests.store.stand_in import open_store

TALK = (StoredMessage("user", "one", 1.0), StoredMessage("assistant", "answer", 2.0))


async def talk(scope, session_id="s1", messages=TALK, **session):
    await record_turn(scope, TurnRecord(SessionRecord(session_id, "telegram", 1.0, **session), messages, None, 1.0))


async def test_every_session_a_home_of_hermes_agent_has_is_listed_and_found(home, autojump_clock):
    async with open_store(home) as scope:
        listed = await list_stored_sessions(scope, limit=200, include_children=True)
        own = read(home / "state.db", "SELECT count(*) FROM sessions WHERE profile_name IS NULL AND archived = 0")
        assert 0 < len(listed) <= own[0][0]
        for session in listed:
            assert await find_stored_session(scope, session.id) == session
            assert await load_messages(scope, session.id) is not None


async def test_what_is_made_copied_and_deleted_leaves_a_file_that_hermes_agent_reads(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await create_session(scope, "s1", "Title", "model", "alias")
        assert await model_alias_of(scope, "s1") == "alias"
        await talk(scope)
        await fork_session(scope, "s1", "s2")
        assert await model_alias_of(scope, "s2") == "alias"
        await delete_session(scope, "s1")
        assert (await find_stored_session(scope, "s2")).title == "Title #2"
    check_format(tmp_path / "state.db")


@pytest.mark.parametrize("stored", [None, "", "[]", "no json", '{"a": 1}', "5"])
async def test_a_branch_is_marked_whatever_its_session_keeps_of_its_model(tmp_path, autojump_clock, stored):
    async with open_store(tmp_path) as scope:
        await talk(scope)
        await scope.db.write(lambda one: one.execute("UPDATE sessions SET model_config = ?", (stored,)))
        await fork_session(scope, "s1", "s2")
        assert {one.id for one in await list_stored_sessions(scope)} == {"s1", "s2"}
        assert await model_alias_of(scope, "s1") == ""


async def test_a_child_of_a_session_that_ended_by_branching_is_a_branch(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await talk(scope)
        await talk(scope, "child", parent_session_id="s1")
        assert [one.id for one in await list_stored_sessions(scope)] == ["s1"]
        await close_session(scope, "s1", "branched")
        assert len(await list_stored_sessions(scope)) == 2


@pytest.mark.parametrize(
    "change",
    [
        lambda scope: rename_session(scope, "s1", "x"),
        lambda scope: close_session(scope, "s1", "x"),
        lambda scope: fork_session(scope, "s1", "s2"),
        lambda scope: delete_session(scope, "s1"),
    ],
)
async def test_nothing_is_changed_in_a_session_of_another_profile(tmp_path, autojump_clock, change):
    async with open_store(tmp_path) as scope:
        await talk(scope, profile_name="other")
        before = read(tmp_path / "state.db", "SELECT * FROM sessions")
        with pytest.raises(StoreError) as caught:
            await change(scope)
        assert caught.value.code == "session_unknown"
        assert await find_stored_session(scope, "s1") is None
        assert await load_messages(scope, "s1") is None
    assert read(tmp_path / "state.db", "SELECT * FROM sessions") == before


async def test_deleting_forgets_the_summary_and_the_lock(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await talk(scope)
        rows = (await load_conversation(scope, "s1")).messages
        await take_compaction_lock(scope, "s1", "me", 60)
        await compact_session(scope, "s1", "me", (rows[0].id,), Summary("user", "summary"))
        await delete_session(scope, "s1")
    assert read(tmp_path / "state.db", "SELECT count(*) FROM compression_locks") == [(0,)]
    assert read(tmp_path / "state.db", "SELECT count(*) FROM trio_summaries") == [(0,)]


async def test_a_chat_of_a_deleted_session_stands_for_a_new_one(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await talk(scope, session_key="agent:main:telegram:dm:1")
        more = {"verbose": "on", "model_override": {"model": "x"}}
        await upsert(scope, RoutingEntry("agent:main:telegram:dm:2", "s1", "", "", more))
        await upsert(scope, RoutingEntry("agent:main:telegram:dm:3", "s2", "", "", {}))
        assert await session_keys(scope, "s1") == {"agent:main:telegram:dm:1", "agent:main:telegram:dm:2"}
        marks = scope.db.changes.count("gateway_routing")
        await delete_session(scope, "s1")
        entry = await lookup(scope, "agent:main:telegram:dm:2")
        assert entry.session_id not in ("s1", "s2")
        assert (entry.more["verbose"], "model_override" in entry.more) == ("on", False)
        assert (await lookup(scope, "agent:main:telegram:dm:3")).session_id == "s2"
        assert scope.db.changes.count("gateway_routing") > marks
