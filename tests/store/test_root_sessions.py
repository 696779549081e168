"""Sessions of a named profile that the root home holds."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from hermes_trio.errors import StoreError
from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.root_sessions import adopt_session, adopt_session_of_key
from hermes_trio.store.routing_index import lookup
from hermes_trio.store.sessions import SessionRecord, TurnRecord, list_sessions, load_conversation, record_turn
from tests.store.hermes_agent_home import (
    API_SESSION,
    CODER_ROOT_KEY,
    CODER_ROOT_PARENT,
    CODER_ROOT_SESSION,
    T0,
    TELEGRAM_KEY,
    TELEGRAM_SESSION,
    check_format,
    context_of,
    insert,
    open_state,
    read,
)
from tests.store.stand_in import open_store


@pytest.fixture
def coder(home):
    return home / "profiles" / "coder"


async def test_a_session_is_copied_with_its_ancestors_and_usage(home, coder, autojump_clock):
    async with open_store(coder, "coder") as scope:
        assert await adopt_session(scope, home / "state.db", CODER_ROOT_SESSION)
        conversation = await load_conversation(scope, CODER_ROOT_SESSION)
        assert [message.content for message in conversation.messages] == [
            f"what of {CODER_ROOT_SESSION}",
            f"much of {CODER_ROOT_SESSION}",
        ]
        assert conversation.session.parent_session_id == CODER_ROOT_PARENT
        assert conversation.session.title == "Coder's chat"
        assert await load_conversation(scope, CODER_ROOT_PARENT)
        assert CODER_ROOT_SESSION in [one.id for one in await list_sessions(scope)]
    check_format(coder / "state.db")
    sql = "SELECT model, input_tokens FROM session_model_usage WHERE session_id = ?"
    assert read(coder / "state.db", sql, CODER_ROOT_SESSION) == [("code-model", 10)]


async def test_the_root_home_stays_as_it_is(home, coder, autojump_clock):
    before = (home / "state.db").read_bytes()
    async with open_store(coder, "coder") as scope:
        await adopt_session(scope, home / "state.db", CODER_ROOT_SESSION)
    assert (home / "state.db").read_bytes() == before
    assert context_of(home / "state.db", CODER_ROOT_SESSION)


async def test_adopting_twice_copies_once_and_keeps_what_was_said_since(home, coder, autojump_clock):
    async with open_store(coder, "coder") as scope:
        assert await adopt_session(scope, home / "state.db", CODER_ROOT_SESSION)
        session = SessionRecord(CODER_ROOT_SESSION, "telegram", T0)
        await record_turn(scope, TurnRecord(session, (StoredMessage("user", "more", T0),), None, T0))
        assert await adopt_session(scope, home / "state.db", CODER_ROOT_SESSION)
        messages = (await load_conversation(scope, CODER_ROOT_SESSION)).messages
        assert [message.content for message in messages][2:] == ["more"]


@pytest.mark.parametrize("session_id", [TELEGRAM_SESSION, API_SESSION, "nobody"])
async def test_what_is_not_the_profiles_own_is_not_copied(home, coder, session_id, autojump_clock):
    async with open_store(coder, "coder") as scope:
        assert not await adopt_session(scope, home / "state.db", session_id)
        assert await load_conversation(scope, session_id) is None


async def test_the_chat_of_a_key_is_adopted_with_its_routing_entry(home, coder, autojump_clock):
    async with open_store(coder, "coder") as scope:
        assert await adopt_session_of_key(scope, home / "state.db", CODER_ROOT_KEY) == CODER_ROOT_SESSION
        assert (await lookup(scope, CODER_ROOT_KEY)).session_id == CODER_ROOT_SESSION


async def test_without_a_routing_entry_the_latest_open_session_is_adopted(home, coder, autojump_clock):
    with closing(sqlite3.connect(home / "state.db", isolation_level=None)) as other:
        other.execute("DELETE FROM gateway_routing")
    async with open_store(coder, "coder") as scope:
        assert await adopt_session_of_key(scope, home / "state.db", CODER_ROOT_KEY) == CODER_ROOT_SESSION


async def test_a_key_that_an_http_client_of_the_root_home_chose_makes_nothing_the_profiles(home, coder, autojump_clock):
    with closing(sqlite3.connect(home / "state.db", isolation_level=None)) as other:
        other.execute("DELETE FROM gateway_routing")
        other.execute(
            "UPDATE sessions SET session_key = ?, started_at = ?, ended_at = NULL WHERE id = ?",
            (CODER_ROOT_KEY, T0 + 1e6, API_SESSION),
        )
    async with open_store(coder, "coder") as scope:
        assert not await adopt_session(scope, home / "state.db", API_SESSION)
        assert await adopt_session_of_key(scope, home / "state.db", CODER_ROOT_KEY) == CODER_ROOT_SESSION


@pytest.mark.parametrize("key", [TELEGRAM_KEY, "agent:coder:telegram:dm:unknown", "agent:writer:telegram:dm:42"])
async def test_keys_of_others_and_unknown_ones_bring_nothing(home, coder, key, autojump_clock):
    async with open_store(coder, "coder") as scope:
        assert await adopt_session_of_key(scope, home / "state.db", key) is None


async def test_a_routing_entry_that_leads_to_a_strangers_session_brings_nothing(home, coder, autojump_clock):
    with closing(sqlite3.connect(home / "state.db", isolation_level=None)) as other:
        other.execute(
            "UPDATE gateway_routing SET entry_json = json_set(entry_json, '$.session_id', ?) WHERE session_key = ?",
            (TELEGRAM_SESSION, CODER_ROOT_KEY),
        )
    async with open_store(coder, "coder") as scope:
        assert await adopt_session_of_key(scope, home / "state.db", CODER_ROOT_KEY) is None
        assert await load_conversation(scope, TELEGRAM_SESSION) is None


async def test_the_default_profile_takes_nothing_over(home, tmp_path, autojump_clock):
    other = tmp_path / "other"
    other.mkdir()
    async with open_store(other) as scope:
        assert not await adopt_session(scope, home / "state.db", TELEGRAM_SESSION)
        assert await adopt_session_of_key(scope, home / "state.db", TELEGRAM_KEY) is None


async def test_a_parent_that_is_not_the_profiles_is_left_out(tmp_path, autojump_clock):
    (tmp_path / "coder").mkdir()
    with open_state(tmp_path / "state.db") as connection:
        insert(connection, "sessions", id="theirs", source="cli", started_at=1.0)
        own = {"profile_name": "coder", "parent_session_id": "theirs"}
        insert(connection, "sessions", id="own", source="cli", started_at=1.0, **own)
    async with open_store(tmp_path / "coder", "coder") as scope:
        assert await adopt_session(scope, tmp_path / "state.db", "own")
        assert (await load_conversation(scope, "own")).session.parent_session_id is None


async def test_columns_only_the_other_file_has_are_left_out(tmp_path, autojump_clock):
    (tmp_path / "coder").mkdir()
    with open_state(tmp_path / "state.db") as connection:
        connection.execute("ALTER TABLE sessions ADD COLUMN mood TEXT")
        insert(connection, "sessions", id="own", source="cli", started_at=1.0, profile_name="coder", mood="good")
    async with open_store(tmp_path / "coder", "coder") as scope:
        assert await adopt_session(scope, tmp_path / "state.db", "own")


async def test_a_missing_root_file_brings_nothing_and_a_broken_one_an_error(tmp_path, autojump_clock):
    (tmp_path / "coder").mkdir()
    async with open_store(tmp_path / "coder", "coder") as scope:
        assert not await adopt_session(scope, tmp_path / "state.db", "own")
        (tmp_path / "state.db").write_text("no database at all, is it?" * 100)
        with pytest.raises(StoreError) as caught:
            await adopt_session(scope, tmp_path / "state.db", "own")
        assert caught.value.code == "store_corrupt"
