"""What a turn stores and what is read back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest
import trio

from hermes_trio.errors import StoreError
from hermes_trio.store.messages import StoredMessage, ToolCall
from hermes_trio.store.sessions import (
    SessionRecord,
    TurnRecord,
    UsageRecord,
    end_session,
    list_sessions,
    load_conversation,
    record_turn,
)
from tests.store.hermes_agent_home import CODER_ROOT_SESSION, insert, open_state, read
from tests.store.stand_in import open_store

SESSION = SessionRecord("s1", "api_server", 100.0, model="some-model", system_prompt="Be kind.")
USAGE = UsageRecord("some-model", "openrouter", "https://models.test", 2, 100, 20, 30, 4, 5)


def said(role, content, at=100.0, **more):
    return StoredMessage(role, content, at, **more)


def turn(*texts, session=SESSION, usage=USAGE, earlier=()):
    messages = tuple(said(role, text) for role, text in zip(("user", "assistant"), texts, strict=True))
    return TurnRecord(session, messages, usage, 101.0, earlier)


def texts(conversation):
    return [message.content for message in conversation.messages]


async def test_a_first_turn_makes_the_session(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await record_turn(scope, turn("hello", "hi"))
        conversation = await load_conversation(scope, "s1")
        assert texts(conversation) == ["hello", "hi"]
        assert [message.id for message in conversation.messages] == [1, 2]
        assert conversation.session == replace(
            SESSION,
            message_count=2,
            api_call_count=2,
            input_tokens=100,
            output_tokens=20,
            cache_read_tokens=30,
            cache_write_tokens=4,
            reasoning_tokens=5,
        )


async def test_later_turns_add_messages_and_counters(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        for number in range(3):
            await record_turn(scope, turn(f"question {number}", f"answer {number}"))
        session = (await load_conversation(scope, "s1")).session
        assert (session.message_count, session.api_call_count, session.input_tokens) == (6, 6, 300)


async def test_tool_calls_are_kept_and_counted(tmp_path, autojump_clock):
    calls = (ToolCall("c1", "terminal", "{}", "c1"), ToolCall("c2", "terminal", "{}", "c2"))
    messages = (
        said("user", "go"),
        said("assistant", None, tool_calls=calls, finish_reason="tool_calls"),
        said("tool", "done", tool_call_id="c1", tool_name="terminal"),
        said("tool", "done", tool_call_id="c2", tool_name="terminal"),
        said("assistant", "did it", reasoning="easy", token_count=7, finish_reason="stop"),
    )
    async with open_store(tmp_path) as scope:
        await record_turn(scope, TurnRecord(SESSION, messages, USAGE, 101.0))
        conversation = await load_conversation(scope, "s1")
        assert conversation.session.tool_call_count == 2
        assert tuple(replace(message, id=None) for message in conversation.messages) == messages


async def test_usage_is_kept_by_model(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await record_turn(scope, turn("a", "b"))
        await record_turn(scope, replace(turn("a", "b"), at=300.0))
        await record_turn(scope, turn("a", "b", usage=UsageRecord("other-model", input_tokens=1)))
        await record_turn(scope, turn("a", "b", usage=None))
    sql = "SELECT model, billing_provider, api_call_count, input_tokens, first_seen, last_seen FROM session_model_usage"
    assert sorted(read(tmp_path / "state.db", sql)) == [
        ("other-model", "", 1, 1, 101.0, 101.0),
        ("some-model", "openrouter", 4, 200, 101.0, 300.0),
    ]
    sql = "SELECT api_call_count, input_tokens, billing_provider FROM sessions"
    assert read(tmp_path / "state.db", sql) == [(5, 201, "openrouter")]


async def test_a_session_that_had_ended_goes_on(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await record_turn(scope, turn("a", "b"))
        assert await end_session(scope, "s1", "agent_close")
        session = (await load_conversation(scope, "s1")).session
        assert (session.ended_at, session.end_reason) == (scope.clock.now(), "agent_close")
        assert not await end_session(scope, "s1", "idle"), "it has ended already"
        await record_turn(scope, turn("c", "d"))
        session = (await load_conversation(scope, "s1")).session
        assert (session.ended_at, session.end_reason) == (None, None)


async def test_the_callers_account_is_stored_only_for_a_new_conversation(tmp_path, autojump_clock):
    earlier = (said("user", "before"), said("assistant", "indeed"))
    async with open_store(tmp_path) as scope:
        await record_turn(scope, turn("a", "b", earlier=earlier))
        await record_turn(scope, turn("c", "d", earlier=(*earlier, said("user", "a"), said("assistant", "b"))))
        conversation = await load_conversation(scope, "s1")
        assert texts(conversation) == ["before", "indeed", "a", "b", "c", "d"]
        assert conversation.session.message_count == 6


async def test_two_first_turns_at_once_store_the_callers_account_once(tmp_path, autojump_clock):
    earlier = (said("user", "before"),)
    async with open_store(tmp_path) as scope:
        async with trio.open_nursery() as nursery:
            for _ in range(3):
                nursery.start_soon(record_turn, scope, turn("a", "b", earlier=earlier))
        assert texts(await load_conversation(scope, "s1")) == ["before", "a", "b", "a", "b", "a", "b"]


async def test_messages_come_in_the_order_they_were_stored_whatever_their_clocks_say(tmp_path, autojump_clock):
    messages = (said("user", "first", at=200.0), said("assistant", "second", at=100.0))
    async with open_store(tmp_path) as scope:
        await record_turn(scope, TurnRecord(SESSION, messages, None, 200.0))
        assert texts(await load_conversation(scope, "s1")) == ["first", "second"]


async def test_a_long_account_is_stored_in_order(tmp_path, autojump_clock):
    earlier = tuple(said("user", str(number)) for number in range(300))
    async with open_store(tmp_path) as scope:
        await record_turn(scope, turn("a", "b", earlier=earlier))
        assert texts(await load_conversation(scope, "s1")) == [*map(str, range(300)), "a", "b"]


async def test_what_a_session_has_is_not_overwritten_by_what_a_turn_does_not_say(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await record_turn(scope, turn("a", "b", session=replace(SESSION, title="Kindness", user_id="42")))
        bare = SessionRecord("s1", "telegram", 999.0, session_key="agent:main:telegram:dm:42")
        await record_turn(scope, turn("c", "d", session=bare, usage=None))
        session = (await load_conversation(scope, "s1")).session
        assert (session.source, session.started_at, session.title) == ("api_server", 100.0, "Kindness")
        assert (session.model, session.system_prompt, session.user_id) == ("some-model", "Be kind.", "42")
        assert session.session_key == "agent:main:telegram:dm:42"


async def test_a_taken_title_gets_a_number(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        for name in ("s1", "s2", "s3"):
            await record_turn(scope, turn("a", "b", session=replace(SESSION, id=name, title=" Same ")))
        titles = [session.title for session in await list_sessions(scope)]
        assert sorted(titles) == ["Same", "Same #2", "Same #3"]


async def test_sessions_are_listed_newest_first(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        for number, source in enumerate(("cli", "telegram", "cli", "cli")):
            session = SessionRecord(f"s{number}", source, float(number))
            await record_turn(scope, turn("a", "b", session=session))
        assert [one.id for one in await list_sessions(scope)] == ["s3", "s2", "s1", "s0"]
        assert [one.id for one in await list_sessions(scope, source="cli", limit=1, offset=1)] == ["s2"]


async def test_archived_sessions_are_listed_on_request(tmp_path, autojump_clock):
    with open_state(tmp_path / "state.db") as connection:
        insert(connection, "sessions", id="s1", source="cli", started_at=1.0, archived=1)
    async with open_store(tmp_path) as scope:
        assert await list_sessions(scope) == ()
        assert [one.id for one in await list_sessions(scope, include_archived=True)] == ["s1"]


async def test_an_unknown_session_is_none(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        assert await load_conversation(scope, "nobody") is None


async def test_auxiliary_usage_is_kept_by_task_and_is_none_of_the_sessions_own(tmp_path, autojump_clock):
    asked = (UsageRecord("m", task="vision", input_tokens=7), UsageRecord("m", task="vision", input_tokens=3))
    async with open_store(tmp_path) as scope:
        await record_turn(scope, replace(turn("a", "b", usage=None), auxiliary=asked))
        rows = await scope.db.read(
            lambda connection: connection.execute(
                "SELECT task, api_call_count, input_tokens FROM session_model_usage"
            ).fetchall()
        )
        assert rows == [("vision", 2, 10)]
        assert (await load_conversation(scope, "s1")).session.input_tokens == 0


async def test_a_seal_is_run_after_the_messages_are_there(tmp_path, autojump_clock):
    seen = []

    def seal(connection):
        seen.append(connection.execute("SELECT count(*) FROM messages").fetchone())

    async with open_store(tmp_path) as scope:
        await record_turn(scope, replace(turn("a", "b"), seal=seal))
    assert seen == [(2,)]


async def test_a_turn_is_stored_whole_or_not_at_all(tmp_path, autojump_clock):
    broken = replace(turn("a", "b"), usage=UsageRecord(None))
    async with open_store(tmp_path) as scope:
        with pytest.raises(sqlite3.IntegrityError):
            await record_turn(scope, broken)
        assert await load_conversation(scope, "s1") is None


async def test_text_that_is_no_text_is_stored_with_replacements(tmp_path, autojump_clock):
    odd = replace(SESSION, session_key="k\udc00", title="t\ud800", user_id="u\ud800")
    async with open_store(tmp_path) as scope:
        await record_turn(scope, turn("half \ud83d", "an answer", session=odd))
        assert texts(await load_conversation(scope, "s1")) == ["half ?", "an answer"]


async def test_a_row_that_is_not_utf8_does_not_hide_its_session(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await record_turn(scope, turn("a", "b"))
        with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as other:
            other.execute("UPDATE messages SET content = CAST(X'61FF62' AS TEXT) WHERE id = 1")
        assert texts(await load_conversation(scope, "s1")) == ["a\ufffdb", "b"]
        assert (await list_sessions(scope))[0].id == "s1"


async def test_a_session_of_another_profile_is_neither_seen_nor_continued(home, autojump_clock):
    foreign = replace(SESSION, id=CODER_ROOT_SESSION)
    async with open_store(home) as scope:
        assert await load_conversation(scope, CODER_ROOT_SESSION) is None
        assert CODER_ROOT_SESSION not in [one.id for one in await list_sessions(scope)]
        with pytest.raises(StoreError) as caught:
            await record_turn(scope, turn("a", "b", session=foreign))
        assert caught.value.code == "session_foreign"
        with pytest.raises(StoreError) as caught:
            await load_conversation(scope, CODER_ROOT_SESSION, to_continue=True)
        assert caught.value.code == "session_not_found"
        assert not await end_session(scope, CODER_ROOT_SESSION, "idle")


async def test_turns_of_many_sessions_at_once_stay_apart(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        async with trio.open_nursery() as nursery:
            for number in range(60):
                session = replace(SESSION, id=f"s{number % 20}")
                nursery.start_soon(record_turn, scope, turn(f"q{number % 20}", f"a{number % 20}", session=session))
        for number in range(20):
            conversation = await load_conversation(scope, f"s{number}")
            assert texts(conversation) == [f"q{number}", f"a{number}"] * 3
