"""A home of hermes-agent is served as it is, and hermes-agent can read what we leave."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from hermes_trio.store.messages import StoredMessage, ToolCall
from hermes_trio.store.sessions import (
    SessionRecord,
    TurnRecord,
    UsageRecord,
    list_sessions,
    load_conversation,
    record_turn,
)
from tests.store.hermes_agent_home import (
    API_SESSION,
    CODER_ALONE_SESSION,
    CODER_API_SESSION,
    ENDED_SESSION,
    PARTS,
    T0,
    TELEGRAM_SESSION,
    TOOL_CALLS,
    check_format,
    context_of,
    read,
    search,
)
from tests.store.stand_in import open_store


async def test_its_sessions_are_visible_to_their_profile(home, autojump_clock):
    async with open_store(home) as scope:
        assert {one.id for one in await list_sessions(scope)} == {TELEGRAM_SESSION, ENDED_SESSION, API_SESSION}
    async with open_store(home / "profiles" / "coder", "coder") as scope:
        assert {one.id for one in await list_sessions(scope)} == {CODER_ALONE_SESSION, CODER_API_SESSION}


async def test_its_messages_are_understood(home, autojump_clock):
    async with open_store(home) as scope:
        conversation = await load_conversation(scope, TELEGRAM_SESSION)
    roles = [message.role for message in conversation.messages]
    assert roles == ["user", "assistant", "tool", "assistant", "user", "assistant"]
    _, called, result, _, picture, answer = conversation.messages
    assert called.tool_calls == (ToolCall("call_1", "terminal", '{"command": "ls"}', "call_1", "fc_1"),)
    assert (result.tool_call_id, result.tool_name) == ("call_1", "terminal")
    assert picture.content == tuple(PARTS)
    assert picture.platform_message_id == "1007"
    assert answer.reasoning == "sand, sea"
    assert conversation.session.title == "Pictures"
    assert conversation.session.input_tokens == 900


async def test_its_file_is_not_changed_by_looking(home, autojump_clock):
    before = (home / "state.db").read_bytes()
    async with open_store(home) as scope:
        await scope.db.check()
        await list_sessions(scope)
        await load_conversation(scope, TELEGRAM_SESSION)
    assert (home / "state.db").read_bytes() == before


async def continue_session(home, session_id):
    messages = (
        StoredMessage("user", ({"type": "text", "text": "and the zebra?"},), T0 + 50),
        StoredMessage("assistant", None, T0 + 51, tool_calls=(ToolCall("c9", "look", '{"at": "zebra"}'),)),
        StoredMessage("tool", "striped", T0 + 52, tool_call_id="c9", tool_name="look"),
        StoredMessage("assistant", "It is striped.", T0 + 53, finish_reason="stop"),
    )
    usage = UsageRecord("some-model", "openrouter", input_tokens=100, output_tokens=10)
    session = SessionRecord(session_id, "telegram", T0 + 50, model="some-model")
    async with open_store(home) as scope:
        await record_turn(scope, TurnRecord(session, messages, usage, T0 + 53))


async def test_a_session_is_continued_and_hermes_agent_reads_it(home, autojump_clock):
    path = home / "state.db"
    before = context_of(path, TELEGRAM_SESSION)
    await continue_session(home, TELEGRAM_SESSION)
    check_format(path)
    new = context_of(path, TELEGRAM_SESSION)[len(before) :]
    assert context_of(path, TELEGRAM_SESSION)[: len(before)] == before
    assert new[0]["content"] == [{"type": "text", "text": "and the zebra?"}]
    (call,) = new[1]["tool_calls"]
    assert set(call) == set(TOOL_CALLS[0])
    assert call["function"] == {"name": "look", "arguments": '{"at": "zebra"}'}
    assert new[2] == {"role": "tool", "content": "striped", "tool_call_id": "c9", "tool_name": "look"}
    assert new[3]["content"] == "It is striped."


async def test_the_counters_of_hermes_agent_go_on(home, autojump_clock):
    await continue_session(home, TELEGRAM_SESSION)
    sql = (
        "SELECT message_count, tool_call_count, input_tokens, output_tokens, api_call_count FROM sessions WHERE id = ?"
    )
    assert read(home / "state.db", sql, TELEGRAM_SESSION) == [(10, 2, 1000, 70, 4)]
    sql = "SELECT api_call_count, input_tokens, last_seen FROM session_model_usage WHERE session_id = ?"
    assert read(home / "state.db", sql, TELEGRAM_SESSION) == [(4, 1000, T0 + 53)]


async def test_hermes_agent_finds_what_we_wrote(home, autojump_clock):
    await continue_session(home, TELEGRAM_SESSION)
    assert search(home / "state.db", "striped") == ["striped", "It is striped."]
    assert len(search(home / "state.db", "zebra")) == 2, "parts and the arguments of tool calls are found as well"
    assert len(search(home / "state.db", "tripe", "messages_fts_trigram")) == 2


async def test_an_ended_session_is_open_again_for_hermes_agent(home, autojump_clock):
    await continue_session(home, ENDED_SESSION)
    assert read(home / "state.db", "SELECT ended_at, end_reason FROM sessions WHERE id = ?", ENDED_SESSION) == [
        (None, None)
    ]


async def test_a_home_of_ours_is_readable_for_hermes_agent(tmp_path, autojump_clock):
    await continue_session(tmp_path, "fresh")
    path = tmp_path / "state.db"
    check_format(path)
    assert [message["role"] for message in context_of(path, "fresh")] == ["user", "assistant", "tool", "assistant"]
    assert read(path, "SELECT version FROM schema_version") == [(22,)]
    assert read(path, "SELECT profile_name, archived, rewind_count, message_count FROM sessions") == [(None, 0, 0, 4)]


async def test_hermes_agent_may_delete_what_we_wrote(home, autojump_clock):
    await continue_session(home, TELEGRAM_SESSION)
    with closing(sqlite3.connect(home / "state.db")) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("DELETE FROM messages WHERE session_id = ?", (TELEGRAM_SESSION,))
        connection.execute("DELETE FROM sessions WHERE id = ?", (TELEGRAM_SESSION,))
        connection.commit()
    check_format(home / "state.db")
    assert search(home / "state.db", "striped") == []
