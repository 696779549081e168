"""What people change in a session after the fact."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hermes_trio.errors import StoreError
from hermes_trio.store.compaction import Summary, compact_session, take_compaction_lock
from hermes_trio.store.messages import StoredMessage, ToolCall
from hermes_trio.store.search import search_messages
from hermes_trio.store.session_edits import add_observed, branch, last_user_message, set_title, undo
from hermes_trio.store.sessions import SessionRecord, TurnRecord, load_conversation, record_turn
from tests.store.hermes_agent_home import CODER_ROOT_SESSION, TELEGRAM_SESSION, check_format, context_of, read
from tests.store.stand_in import open_store


def message(role, text, **more):
    return StoredMessage(role, text, 1.0, **more)


TALK = (
    message("user", "one", platform_message_id="1"),
    message("assistant", "", tool_calls=(ToolCall("c1", "terminal", "{}"),)),
    message("tool", "files", tool_call_id="c1", tool_name="terminal"),
    message("assistant", "answer one"),
    message("user", "two", platform_message_id="2"),
    message("assistant", "answer two"),
)


async def talk(scope, session_id="s1", messages=TALK, **session):
    await record_turn(scope, TurnRecord(SessionRecord(session_id, "telegram", 1.0, **session), messages, None, 1.0))


async def texts(scope, session_id="s1"):
    return [message.content for message in (await load_conversation(scope, session_id)).messages]


async def test_undo_takes_back_the_last_exchange(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await talk(scope)
        undone = await undo(scope, "s1")
        assert (undone.texts, undone.count) == (("two",), 1)
        assert await texts(scope) == ["one", "", "files", "answer one"]
        assert await search_messages(scope, "two") == ()
    assert read(tmp_path / "state.db", "SELECT rewind_count FROM sessions") == [(1,)]
    assert read(tmp_path / "state.db", "SELECT count(*) FROM messages") == [(6,)]
    check_format(tmp_path / "state.db")


@pytest.mark.parametrize("exchanges", [2, 99])
async def test_undo_takes_back_as_many_as_there_are(tmp_path, autojump_clock, exchanges):
    async with open_store(tmp_path) as scope:
        await talk(scope)
        undone = await undo(scope, "s1", exchanges)
        assert (undone.texts, undone.count) == (("one", "two"), 2)
        assert await texts(scope) == []
        assert (await undo(scope, "s1")).count == 0
    assert read(tmp_path / "state.db", "SELECT rewind_count FROM sessions") == [(1,)]


async def test_undo_of_nothing_changes_nothing(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await talk(scope)
        assert (await undo(scope, "s1", 0)).count == 0
        assert len(await texts(scope)) == 6


async def test_after_an_undo_the_conversation_goes_on(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await talk(scope)
        await undo(scope, "s1")
        await talk(scope, messages=(message("user", "three"), message("assistant", "answer three")))
        assert (await texts(scope))[-2:] == ["three", "answer three"]
        assert (await undo(scope, "s1", 2)).texts == ("one", "three")


async def test_a_summary_of_earlier_exchanges_stays(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await talk(scope)
        rows = (await load_conversation(scope, "s1")).messages
        await take_compaction_lock(scope, "s1", "me", 60)
        assert await compact_session(scope, "s1", "me", tuple(row.id for row in rows[:4]), Summary("user", "summary"))
        assert await texts(scope) == ["summary", "two", "answer two"]
        assert (await undo(scope, "s1", 5)).texts == ("two",)
        assert await texts(scope) == ["summary"]
        assert await last_user_message(scope, "s1") is None


async def test_a_message_right_before_what_was_folded_away_is_no_summary(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        later = StoredMessage("user", "just now", 9.0, platform_message_id="3")
        await talk(scope, messages=(*TALK, later))
        rows = (await load_conversation(scope, "s1")).messages
        await take_compaction_lock(scope, "s1", "me", 60)
        await compact_session(scope, "s1", "me", tuple(row.id for row in rows[:4]), Summary("user", "summary"))
        assert (await last_user_message(scope, "s1")).content == "just now"


async def test_the_last_message_of_the_user(tmp_path, autojump_clock):
    parts = ({"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "data:,"}})
    async with open_store(tmp_path) as scope:
        await talk(scope, messages=(*TALK, message("user", parts)))
        assert (await last_user_message(scope, "s1")).content == parts


async def test_what_was_only_overheard_is_no_message_of_the_user(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await talk(scope)
        await add_observed(scope, "s1", message("user", "by the way", platform_message_id="9"))
        assert (await last_user_message(scope, "s1")).content == "two"
        assert (await load_conversation(scope, "s1")).messages[-1].observed
        assert (await undo(scope, "s1")).texts == ("two",)
        assert "by the way" not in await texts(scope)


async def test_what_is_delivered_again_is_overheard_once(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await talk(scope)
        overheard = message("user", "by the way", platform_message_id="9")
        for one in (overheard, overheard, replace(overheard, timestamp=overheard.timestamp + 60)):
            await add_observed(scope, "s1", one)
        assert [one.timestamp for one in (await load_conversation(scope, "s1")).messages if one.observed] == [
            overheard.timestamp,
            overheard.timestamp + 60,
        ]


async def test_a_branch_goes_its_own_way(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await talk(scope, title="Plans", session_key="agent:main:telegram:dm:7", chat_id="7", system_prompt="You.")
        await undo(scope, "s1")
        assert await branch(scope, "s1", "s2") == "Plans #2"
        assert await texts(scope, "s2") == await texts(scope, "s1")
        await talk(scope, "s2", (message("user", "elsewhere"),))
        assert len(await texts(scope, "s2")) == len(await texts(scope, "s1")) + 1
        session = (await load_conversation(scope, "s2")).session
    assert (session.parent_session_id, session.chat_id, session.system_prompt) == ("s1", "7", "You.")
    assert (session.message_count, session.tool_call_count, session.input_tokens) == (5, 1, 0)
    check_format(tmp_path / "state.db")


async def test_a_branch_can_have_a_name(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await talk(scope)
        assert await branch(scope, "s1", "s2", "Other plans") == "Other plans"
        assert await branch(scope, "s1", "s3") is None


async def test_a_branch_of_hermes_agents_session_reads_the_same(home, autojump_clock):
    async with open_store(home) as scope:
        await branch(scope, TELEGRAM_SESSION, "s2")
    assert context_of(home / "state.db", "s2") == context_of(home / "state.db", TELEGRAM_SESSION)


async def test_titles_are_unique(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await talk(scope)
        await talk(scope, "s2")
        assert await set_title(scope, "s1", " Plans ") == "Plans"
        assert await set_title(scope, "s1", "Plans") == "Plans"
        assert await set_title(scope, "s2", "Plans") == "Plans #2"
        with pytest.raises(StoreError) as caught:
            await set_title(scope, "s2", "  ")
        assert caught.value.code == "title_empty"
        assert (await load_conversation(scope, "s2")).session.title == "Plans #2"


async def test_another_profiles_session_cannot_be_touched(home, autojump_clock):
    before = read(home / "state.db", "SELECT * FROM messages")
    async with open_store(home) as scope:
        for edit in (
            undo(scope, CODER_ROOT_SESSION),
            branch(scope, CODER_ROOT_SESSION, "s2"),
            set_title(scope, CODER_ROOT_SESSION, "mine"),
            last_user_message(scope, CODER_ROOT_SESSION),
            add_observed(scope, CODER_ROOT_SESSION, message("user", "hi")),
            undo(scope, "nonsense"),
        ):
            with pytest.raises(StoreError) as caught:
                await edit
            assert caught.value.code == "session_unknown"
    assert read(home / "state.db", "SELECT * FROM messages") == before
