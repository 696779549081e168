"""What the routing index keeps of a chat: settings, counters, and what a restart has to know."""

from __future__ import annotations

import pytest

from hermes_trio.errors import HomeError
from hermes_trio.home.chat_config import ResetPolicy
from hermes_trio.home.clean_shutdown import leave_marker, take_marker
from hermes_trio.store import chat_entries
from hermes_trio.store.chat_entries import TurnCounts, note_turn, set_model_override, turn_counter, update_entry
from hermes_trio.store.chat_sessions import SessionOrigin, get_or_create
from hermes_trio.store.routing_index import TOPIC, list_entries, lookup
from tests.store.stand_in import open_store

KEY = "agent:main:telegram:dm:7"


async def begin(scope, key=KEY):
    chat_id = key.rpartition(":")[2]
    return await get_or_create(scope, key, SessionOrigin("telegram", chat_id, user_id=chat_id), ResetPolicy())


async def more(scope, key=KEY):
    return (await lookup(scope, key)).more


async def test_a_chat_keeps_its_settings(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await begin(scope)
        assert await update_entry(scope, KEY, verbose="all", footer=True)
        assert await update_entry(scope, KEY, footer=None, suspended=None)
    async with open_store(tmp_path) as scope:
        fields = await more(scope)
    assert (fields["verbose"], fields["suspended"]) == ("all", False)
    assert "footer" not in fields


async def test_a_chat_without_an_entry_keeps_nothing(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        assert not await update_entry(scope, KEY, verbose="all")
        await note_turn(scope, KEY, TurnCounts(1))
        assert await list_entries(scope) == ()


async def test_another_model_until_it_is_taken_back(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await begin(scope)
        await set_model_override(scope, KEY, {"model": "big", "provider": "p"})
        assert (await more(scope))["model_override"] == {"model": "big", "provider": "p"}
        await set_model_override(scope, KEY, None)
        assert "model_override" not in await more(scope)


async def test_turns_are_counted(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await begin(scope)
        await note_turn(scope, KEY, TurnCounts(100, 10, 5, 6, last_prompt_tokens=90, cost_usd=0.5))
        await note_turn(scope, KEY, TurnCounts(200, 20))
        fields = await more(scope)
    assert [fields[name] for name in ("input_tokens", "output_tokens", "total_tokens")] == [300, 30, 330]
    assert [fields[name] for name in ("cache_read_tokens", "cache_write_tokens")] == [5, 6]
    assert [fields[name] for name in ("last_prompt_tokens", "estimated_cost_usd")] == [90, 0.5]
    assert fields["cost_status"] == "estimated"


async def test_counting_can_be_a_part_of_a_transaction_that_fails(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await begin(scope)

        def seal(connection):
            turn_counter(scope, KEY, TurnCounts(100))(connection)
            raise LookupError

        with pytest.raises(LookupError):
            await scope.db.write(seal)
        assert (await more(scope))["input_tokens"] == 0


async def mark(scope):
    """Mark a chat as hermes-agent does when it is stopped."""
    at = scope.clock.local().replace(tzinfo=None).isoformat()
    reason = "restart_timeout"
    await update_entry(scope, KEY, resume_pending=True, resume_reason=reason, last_resume_marked_at=at)


async def test_interrupted_turns_are_marked_until_they_are_taken_up(tmp_path, autojump_clock):
    other = "agent:main:telegram:dm:8"
    async with open_store(tmp_path) as scope:
        await begin(scope)
        await begin(scope, other)
        await mark(scope)
    async with open_store(tmp_path) as scope:
        (entry,) = await chat_entries.list_resume_pending(scope)
        assert (entry.session_key, entry.more["resume_reason"]) == (KEY, "restart_timeout")
        assert await chat_entries.clear_resume_pending(scope, [KEY]) == 1
        assert await chat_entries.list_resume_pending(scope) == ()
        assert (await more(scope))["resume_pending"] is False


async def test_what_was_interrupted_long_ago_is_let_rest(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await begin(scope)
        await mark(scope)
        scope.clock.advance(3600)
        assert len(await chat_entries.list_resume_pending(scope)) == 1
        scope.clock.advance(1)
        assert await chat_entries.list_resume_pending(scope) == ()


async def test_chats_unused_for_long_are_forgotten(tmp_path, autojump_clock):
    other = "agent:main:telegram:dm:8"
    async with open_store(tmp_path) as scope:
        await begin(scope)
        scope.clock.advance(80 * 86_400)
        await begin(scope, other)
        scope.clock.advance(11 * 86_400)
        count = scope.db.changes.count(TOPIC)
        assert await chat_entries.prune_entries(scope, 90) == 1
        assert await chat_entries.prune_entries(scope, 90) == 0
        assert scope.db.changes.count(TOPIC) == count + 1
        assert [entry.session_key for entry in await list_entries(scope)] == [other]


def test_an_orderly_stop_is_known_once(tmp_path):
    marker = tmp_path / ".clean_shutdown"
    assert not take_marker(marker)
    leave_marker(marker)
    leave_marker(marker)
    assert take_marker(marker)
    assert not take_marker(marker)


def test_a_marker_in_a_home_that_is_gone_is_an_error(tmp_path):
    with pytest.raises(HomeError):
        leave_marker(tmp_path / "gone" / ".clean_shutdown")
    (tmp_path / "marker" / "full").mkdir(parents=True)
    with pytest.raises(HomeError):
        take_marker(tmp_path / "marker")
