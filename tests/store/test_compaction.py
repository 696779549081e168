"""A summary takes the place of rows, and hermes-agent and search see it rightly."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from hermes_trio.store.compaction import (
    RememberedSummary,
    Summary,
    compact_session,
    drop_compaction_lock,
    load_compaction_state,
    note_compaction_failure,
    remember_summary,
    take_compaction_lock,
)
from hermes_trio.store.messages import StoredMessage
from hermes_trio.store.search import search_messages
from hermes_trio.store.sessions import SessionRecord, TurnRecord, load_conversation, record_turn
from tests.store.hermes_agent_home import TELEGRAM_SESSION, check_format, context_of, read, search
from tests.store.stand_in import open_store

SUMMARY = Summary("user", "[Summary] the ostrich was discussed")
SESSION = SessionRecord("s1", "api_server", 100.0)


def turn(number, session=SESSION):
    at = 100.0 + 2 * number
    said = (StoredMessage("user", f"question{number}", at), StoredMessage("assistant", f"answer{number}", at + 1))
    return TurnRecord(session, said, None, at + 1)


async def fill(scope, turns=6):
    for number in range(turns):
        await record_turn(scope, turn(number))


async def compact(scope, first, last, session_id="s1", summary=SUMMARY):
    """Compact the active rows from one index to another, and return whether it was done."""
    assert await take_compaction_lock(scope, session_id, "me", 60.0)
    rows = (await load_conversation(scope, session_id)).messages[first : last + 1]
    return await compact_session(scope, session_id, "me", tuple(row.id for row in rows), summary)


def texts(path, session_id="s1"):
    return [message["content"] for message in context_of(path, session_id)]


async def test_the_summary_stands_between_what_was_kept(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await fill(scope)
        before = (await load_conversation(scope, "s1")).messages
        assert await compact(scope, 2, 8)
        after = (await load_conversation(scope, "s1")).messages
    assert texts(tmp_path / "state.db") == [
        *("question0", "answer0"),
        SUMMARY.content,
        *("answer4", "question5", "answer5"),
    ]
    assert after[:2] == before[:2]
    assert after[3:] == before[9:], "what is kept is the same rows with the same ids"
    assert after[2].role == "user"
    assert [one.timestamp for one in after] == sorted(one.timestamp for one in after)
    check_format(tmp_path / "state.db")


async def test_what_was_folded_is_found_once_and_so_is_the_summary(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await fill(scope)
        await compact(scope, 2, 8)
        for number in range(6):
            (hit,) = await search_messages(scope, f"question{number}")
            assert hit.content == f"question{number}"
        (hit,) = await search_messages(scope, "ostrich")
    assert search(tmp_path / "state.db", "question1") == ["question1"]
    assert search(tmp_path / "state.db", "ostrich") == [SUMMARY.content]
    assert search(tmp_path / "state.db", "tion1", "messages_fts_trigram") == ["question1"]


async def test_folded_rows_are_marked_as_hermes_agent_marks_them(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await fill(scope)
        await compact(scope, 2, 8)
    rows = read(tmp_path / "state.db", "SELECT content, compacted FROM messages WHERE active = 0 ORDER BY timestamp")
    assert rows == [
        (text, 1) for text in ("question1", "answer1", "question2", "answer2", "question3", "answer3", "question4")
    ]


async def test_the_counters_count_what_was_said(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await fill(scope)
        await compact(scope, 2, 8)
        await record_turn(scope, turn(6))
    assert read(tmp_path / "state.db", "SELECT message_count FROM sessions") == [(14,)]


async def test_a_second_compaction_folds_the_first_summary_in(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await fill(scope)
        await compact(scope, 2, 8)
        second = Summary("user", "[Summary] the emu as well")
        assert await compact(scope, 2, 4, summary=second)
        assert len(await search_messages(scope, "answer4")) == 1
    assert texts(tmp_path / "state.db") == ["question0", "answer0", second.content, "answer5"]
    check_format(tmp_path / "state.db")


async def test_rows_that_come_meanwhile_follow(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await fill(scope)
        assert await take_compaction_lock(scope, "s1", "me", 60.0)
        rows = (await load_conversation(scope, "s1")).messages
        await record_turn(scope, turn(6))
        assert await compact_session(scope, "s1", "me", tuple(row.id for row in rows[2:8]), SUMMARY)
    assert texts(tmp_path / "state.db")[-4:] == ["question5", "answer5", "question6", "answer6"]


@pytest.mark.parametrize("change", ["UPDATE messages SET active = 0 WHERE id = 5", "DELETE FROM messages WHERE id = 5"])
async def test_rows_that_have_changed_meanwhile_are_left_alone(tmp_path, autojump_clock, change):
    async with open_store(tmp_path) as scope:
        await fill(scope)
        rows = (await load_conversation(scope, "s1")).messages
        await scope.db.write(lambda connection: connection.execute(change).rowcount)
        before = texts(tmp_path / "state.db")
        assert await take_compaction_lock(scope, "s1", "me", 60.0)
        assert not await compact_session(scope, "s1", "me", tuple(row.id for row in rows[2:8]), SUMMARY)
    assert texts(tmp_path / "state.db") == before


async def test_only_the_session_itself_is_touched(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        other = SessionRecord("s2", "api_server", 100.0)
        for number in range(4):
            await record_turn(scope, turn(number))
            await record_turn(scope, turn(number, other))
        assert await compact(scope, 1, 6)
    assert len(texts(tmp_path / "state.db", "s2")) == 8
    assert texts(tmp_path / "state.db") == ["question0", SUMMARY.content, "answer3"]


async def test_two_cannot_compact_a_session_at_once(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await fill(scope)
        assert await take_compaction_lock(scope, "s1", "me", 60.0)
        assert not await take_compaction_lock(scope, "s1", "you", 60.0)
        assert await take_compaction_lock(scope, "s2", "you", 60.0), "another session is free"
        await drop_compaction_lock(scope, "s1", "you")
        assert not await take_compaction_lock(scope, "s1", "you", 60.0), "only the holder gives it back"
        await drop_compaction_lock(scope, "s1", "me")
        assert await take_compaction_lock(scope, "s1", "you", 60.0)


async def test_a_lock_that_was_lost_compacts_nothing(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await fill(scope)
        rows = (await load_conversation(scope, "s1")).messages
        assert await take_compaction_lock(scope, "s1", "me", 60.0)
        scope.clock.advance(61)
        assert await take_compaction_lock(scope, "s1", "you", 60.0), "a dead holder's lock runs out"
        assert not await compact_session(scope, "s1", "me", tuple(row.id for row in rows[2:8]), SUMMARY)
    assert len(texts(tmp_path / "state.db")) == 12


async def test_success_gives_the_lock_back_and_forgets_the_failure(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await fill(scope)
        await note_compaction_failure(scope, "s1", "model_timeout: no answer", 600.0)
        state = await load_compaction_state(scope, "s1")
        assert state.cooldown_until == scope.clock.now() + 600.0
        await compact(scope, 2, 8)
        assert (await load_compaction_state(scope, "s1")).cooldown_until == 0.0
    assert read(tmp_path / "state.db", "SELECT * FROM compression_locks") == []
    assert read(tmp_path / "state.db", "SELECT compression_failure_error FROM sessions") == [(None,)]


async def test_a_failure_is_kept_where_hermes_agent_looks_for_it(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await fill(scope)
        await note_compaction_failure(scope, "s1", "model_timeout: no answer", 600.0)
        until = scope.clock.now() + 600.0
    sql = "SELECT compression_failure_cooldown_until, compression_failure_error FROM sessions"
    assert read(tmp_path / "state.db", sql) == [(until, "model_timeout: no answer")]


async def test_a_foreign_session_is_told_nothing(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await record_turn(scope, turn(0, SessionRecord("s1", "telegram", 1.0, session_key="agent:eve:telegram:dm:1")))
        await note_compaction_failure(scope, "s1", "no", 600.0)
    assert read(tmp_path / "state.db", "SELECT compression_failure_error FROM sessions") == [(None,)]


async def test_a_session_of_hermes_agent_is_compacted_with_all_its_columns(home, autojump_clock):
    path = home / "state.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE messages ADD COLUMN mood TEXT")
        connection.execute("UPDATE messages SET mood = 'calm', api_content = 'raw'")
        connection.commit()
    before = context_of(path, TELEGRAM_SESSION)
    async with open_store(home) as scope:
        assert await compact(scope, 1, 4, TELEGRAM_SESSION)
        reloaded = await load_conversation(scope, TELEGRAM_SESSION)
    assert [one.content for one in reloaded.messages] == [before[0]["content"], SUMMARY.content, before[5]["content"]]
    assert context_of(path, TELEGRAM_SESSION)[0] == before[0]
    check_format(path)
    moved = read(path, "SELECT mood, api_content, tool_calls FROM messages ORDER BY id DESC LIMIT 1")
    assert moved[0][:2] == ("calm", "raw")
    assert "terminal" in moved[0][2]
    assert search(path, "terminal")


async def test_a_summary_is_remembered_for_a_caller_who_brings_the_history(tmp_path, autojump_clock):
    remembered = RememberedSummary(2, 30, "abc", Summary("assistant", "what happened \ud800"))
    async with open_store(tmp_path) as scope:
        assert (await load_compaction_state(scope, "s1")).remembered is None
        await remember_summary(scope, "s1", remembered)
        await remember_summary(scope, "s1", RememberedSummary(2, 40, "def", SUMMARY))
        await remember_summary(scope, "s2", remembered)
        assert (await load_compaction_state(scope, "s1")).remembered == RememberedSummary(2, 40, "def", SUMMARY)
        assert (await load_compaction_state(scope, "s3")).remembered is None
    check_format(tmp_path / "state.db")
