"""Search over one profile's messages."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.search import _index_for, _match_query, search_messages
from hermes_trio.store.sessions import SessionRecord, TurnRecord, record_turn
from tests.store.hermes_agent_home import CODER_ROOT_SESSION, open_state, read
from tests.store.stand_in import open_store


async def store(scope, *texts, session="s1", source="cli"):
    messages = tuple(StoredMessage("user", text, 1.0) for text in texts)
    await record_turn(scope, TurnRecord(SessionRecord(session, source, 1.0), messages, None, 1.0))


async def found(scope, query, **options):
    return [hit.content for hit in await search_messages(scope, query, **options)]


async def test_all_words_must_occur(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await store(scope, "the lighthouse keeper", "the lighthouse", "a keeper of bees")
        assert await found(scope, "keeper Lighthouse") == ["the lighthouse keeper"]
        assert await found(scope, "nothing") == []
        assert await found(scope, "  ") == []


async def test_a_hit_says_where(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await store(scope, "the lighthouse keeper")
        (hit,) = await search_messages(scope, "lighthouse")
        assert (hit.message_id, hit.session_id, hit.role, hit.timestamp) == (1, "s1", "user", 1.0)
        assert ">>>lighthouse<<<" in hit.snippet


async def test_operators_are_taken_literally(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await store(scope, 'say "NOT" AND mean it*', "other")
        for query in ('"NOT"', "AND", "it*", "say AND", "(say", "content:say", "NEAR(", '"'):
            await search_messages(scope, query)
        assert await found(scope, 'NOT" AND') == ['say "NOT" AND mean it*']


async def test_scripts_without_spaces_are_found_within_the_text(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await store(scope, "昨日灯台守に会いました", "something else")
        assert await found(scope, "灯台守") == ["昨日灯台守に会いました"]
        assert await found(scope, "灯台") == ["昨日灯台守に会いました"]


async def test_undone_messages_are_not_found_and_compacted_ones_are(home, autojump_clock):
    async with open_store(home) as scope:
        assert await found(scope, "remark") == ["compacted away remark"]


async def test_the_sessions_of_another_profile_are_not_found(home, autojump_clock):
    sql = "SELECT count(*) FROM messages WHERE session_id = ?"
    assert read(home / "state.db", sql, CODER_ROOT_SESSION) == [(2,)]
    async with open_store(home) as scope:
        assert await found(scope, CODER_ROOT_SESSION) == []
        assert await found(scope, "much of 灯", limit=5) == []
        assert len(await found(scope, "much of")) == 2


async def test_only_the_asked_platform(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await store(scope, "lighthouse one", session="s1", source="cli")
        await store(scope, "lighthouse two", session="s2", source="telegram")
        assert await found(scope, "lighthouse", source="telegram") == ["lighthouse two"]
        assert len(await found(scope, "lighthouse", limit=1)) == 1


async def test_a_file_without_full_text_index_is_looked_through(tmp_path, autojump_clock):
    with open_state(tmp_path / "state.db") as connection:
        for table in ("messages_fts", "messages_fts_trigram"):
            for event in ("insert", "delete", "update"):
                connection.execute(f"DROP TRIGGER {table}_{event}")
            connection.execute(f"DROP TABLE {table}")
        connection.execute("INSERT INTO sessions(id, source, started_at) VALUES ('s1', 'cli', 1.0)")
        connection.execute("INSERT INTO messages(id, session_id, role, timestamp) VALUES (6000, 's1', 'user', 1.0)")
    async with open_store(tmp_path) as scope:
        await store(scope, "the Lighthouse keeper", "other")
        assert await found(scope, "lighthouse KEEPER") == ["the Lighthouse keeper"]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_no_text_is_an_invalid_query(text):
    words = text.split()
    if not words or _index_for(words) is None:
        return
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE VIRTUAL TABLE t USING fts5(content)")
        connection.execute("SELECT * FROM t WHERE t MATCH ?", (_match_query(words),)).fetchall()


@pytest.mark.parametrize(
    ("words", "index"),
    [
        (["light"], "messages_fts"),
        (["Grüße", "Ελλάδα", "мир"], "messages_fts"),
        (["灯台守"], "messages_fts_trigram"),
        (["灯台"], None),
        (["ประภาคาร"], "messages_fts_trigram"),
    ],
)
def test_which_index_answers(words, index):
    assert _index_for(words) == index
