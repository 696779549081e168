"""The inbox: what was accepted is answered, once, or ends as a dead letter somebody can see."""

from __future__ import annotations

import sqlite3

import pytest
import trio
import trio.testing

from hermes_trio.errors import StoreError
from hermes_trio.store import inbox
from hermes_trio.store.inbox import NewInboxRow, accept, close_rows, mark_running, set_back, unfinished
from tests.store.hermes_agent_home import read
from tests.store.stand_in import open_store

DAY = 86_400


def arrival(message_id, *, transport="default", platform="telegram", chat="42", text='"hello"'):
    return NewInboxRow(transport, platform, chat, message_id, f"agent:main:{platform}:dm:{chat}", text, "7")


async def states(scope):
    rows = await inbox.list_rows(scope, ("accepted", "running", "done", "dead"), 100)
    return {row.id: row.state for row in rows}


async def finish_one(scope, message_id="1"):
    row_id = await accept(scope, arrival(message_id))
    await mark_running(scope, [row_id])
    await inbox.finish(scope, [row_id])
    return row_id


async def test_an_accepted_message_waits_as_it_came(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        row_id = await accept(scope, arrival("1"))
    async with open_store(tmp_path) as scope:
        (row,) = await unfinished(scope)
    assert (row.id, row.state, row.attempts, row.last_error) == (row_id, "accepted", 0, None)
    assert (row.transport_profile, row.platform, row.chat_id, row.thread_id) == ("default", "telegram", "42", "7")
    assert (row.message_id, row.session_key, row.message) == ("1", "agent:main:telegram:dm:42", '"hello"')
    assert row.accepted_at == row.updated_at == 1_790_000_000.0


@pytest.mark.parametrize("state", ["accepted", "running", "done", "dead"])
async def test_a_duplicate_ends_here_whatever_became_of_the_first(tmp_path, autojump_clock, state):
    async with open_store(tmp_path) as scope:
        row_id = await accept(scope, arrival("1"))
        if state != "accepted":
            await mark_running(scope, [row_id])
        if state == "done":
            await inbox.finish(scope, [row_id])
        if state == "dead":
            await set_back(scope, [row_id], "broken", max_attempts=1)
        assert await accept(scope, arrival("1")) is None
        assert await states(scope) == {row_id: state}


async def test_bot_platform_and_chat_tell_equal_message_ids_apart(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        rows = [
            arrival("1"),
            arrival("1", transport="coder"),
            arrival("1", platform="discord"),
            arrival("1", chat="43"),
        ]
        ids = [await accept(scope, row) for row in rows]
        assert None not in ids
        assert [row.id for row in await unfinished(scope)] == ids


async def test_many_at_once_are_one_transaction_and_each_gets_its_id(tmp_path, autojump_clock):
    found = {}

    async def take(message_id):
        found.setdefault(message_id, []).append(await accept(scope, arrival(message_id)))

    async with open_store(tmp_path) as scope:
        async with trio.open_nursery() as nursery:
            for number in range(50):
                nursery.start_soon(take, str(number % 40))
        ids = [one for given in found.values() for one in given if one is not None]
        assert len(ids) == len(set(ids)) == 40
        assert all(given.count(None) == len(given) - 1 for given in found.values())
        assert {row.id: row.message_id for row in await unfinished(scope)} == {
            next(one for one in given if one): message_id for message_id, given in found.items()
        }


async def test_a_cancelled_caller_still_learns_what_was_accepted(tmp_path, autojump_clock):
    learned = []

    async def take():
        learned.append(await accept(scope, arrival("1")))

    async with open_store(tmp_path) as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(take)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        assert learned == [row.id for row in await unfinished(scope)]


async def test_a_message_without_a_conversation_key_is_the_only_one_refused(tmp_path, autojump_clock):
    """One row that SQLite refuses does not take the others of its batch with it."""
    outcomes = {}

    async def take(row):
        try:
            outcomes[row.message_id] = await accept(scope, row)
        except sqlite3.IntegrityError as error:
            outcomes[row.message_id] = type(error).__name__

    bad = NewInboxRow("default", "telegram", "42", "bad", None, "{}")
    async with open_store(tmp_path) as scope:
        async with trio.open_nursery() as nursery:
            for row in (arrival("1"), bad, arrival("2")):
                nursery.start_soon(take, row)
        assert outcomes["bad"] == "IntegrityError"
        assert sorted(row.id for row in await unfinished(scope)) == sorted((outcomes["1"], outcomes["2"]))


async def test_answering_and_closing_are_one_transaction(tmp_path, autojump_clock):
    def answer(connection):
        connection.execute("INSERT INTO state_meta VALUES ('answer', '42')")
        close_rows(connection, [row_id], 5.0)

    def answer_badly(connection):
        answer(connection)
        raise LookupError

    async with open_store(tmp_path) as scope:
        row_id = await accept(scope, arrival("1"))
        await mark_running(scope, [row_id])
        with pytest.raises(LookupError):
            await scope.db.write(answer_badly)
        assert await states(scope) == {row_id: "running"}
        await scope.db.write(answer)
        assert await states(scope) == {row_id: "done"}
        assert await unfinished(scope) == ()
    assert read(tmp_path / "state.db", "SELECT message, updated_at FROM trio_inbox") == [("", 5.0)]


async def test_a_message_that_fails_again_and_again_is_given_up_and_the_others_go_on(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        poison, other = [await accept(scope, arrival(name)) for name in ("poison", "other")]
        for state in ("accepted", "accepted", "dead"):
            assert await mark_running(scope, [poison]) == (poison,)
            assert await set_back(scope, [poison], "it broke") == {poison: state}
        assert [row.id for row in await unfinished(scope)] == [other]
        (dead,) = await inbox.list_rows(scope, ("dead",))
        assert (dead.id, dead.attempts, dead.last_error, dead.message) == (poison, 3, "it broke", '"hello"')


async def test_messages_answered_together_are_counted_one_by_one(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        old, new = [await accept(scope, arrival(name)) for name in ("old", "new")]
        await mark_running(scope, [old])
        await set_back(scope, [old], "once", max_attempts=2)
        await mark_running(scope, [old, new])
        assert await set_back(scope, [old, new], "twice", max_attempts=2) == {old: "dead", new: "accepted"}


async def test_a_turn_that_died_with_its_process_counts(tmp_path, autojump_clock):
    for expected in ("accepted", "accepted", "dead"):
        async with open_store(tmp_path) as scope:
            row_id = await accept(scope, arrival("1")) or 1
            await mark_running(scope, [row_id])
        async with open_store(tmp_path) as scope:
            (row,) = await unfinished(scope)
            assert row.state == "running"
            assert await set_back(scope, [row.id], "the process died") == {row.id: expected}


async def test_an_attempt_that_an_orderly_stop_has_ended_does_not_count(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        row_id = await accept(scope, arrival("1"))
        for _ in range(5):
            await mark_running(scope, [row_id])
            assert await set_back(scope, [row_id], "stopped", counts=False) == {row_id: "accepted"}
        (row,) = await unfinished(scope)
        assert (row.attempts, row.last_error) == (0, "stopped")


async def test_a_cancelled_lane_still_sets_its_messages_back(tmp_path, autojump_clock):
    async def lane(row_id):
        try:
            await mark_running(scope, [row_id])
            await trio.sleep_forever()
        finally:
            await set_back(scope, [row_id], "cancelled")

    async with open_store(tmp_path) as scope:
        row_id = await accept(scope, arrival("1"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(lane, row_id)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        assert await states(scope) == {row_id: "accepted"}


async def test_what_was_dropped_or_finished_meanwhile_does_not_run(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        dropped, finished, waiting = [await accept(scope, arrival(str(number))) for number in range(3)]
        assert await inbox.drop(scope, dropped)
        await inbox.finish(scope, [finished])
        assert await mark_running(scope, [dropped, finished, waiting]) == (waiting,)
        assert await set_back(scope, [dropped, finished], "late") == {}


async def test_a_dead_message_can_be_replayed_with_all_its_attempts(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        row_id = await accept(scope, arrival("1"))
        assert not await inbox.replay(scope, row_id)
        await mark_running(scope, [row_id])
        await set_back(scope, [row_id], "broken", max_attempts=1)
        assert await inbox.replay(scope, row_id)
        (row,) = await unfinished(scope)
        assert (row.state, row.attempts, row.message) == ("accepted", 0, '"hello"')


async def test_what_is_dropped_is_not_delivered_again(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        row_id = await accept(scope, arrival("1"))
        assert await inbox.drop(scope, row_id)
        assert not await inbox.drop(scope, row_id)
        assert await accept(scope, arrival("1")) is None


async def test_finished_messages_are_forgotten_after_a_week(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await finish_one(scope)
        scope.clock.advance(7 * DAY - 1)
        assert await inbox.prune(scope) == 0
        scope.clock.advance(2)
        assert await inbox.prune(scope) == 1
        assert await accept(scope, arrival("1")) is not None


@pytest.mark.parametrize("kept", [0, 5_000])
async def test_nothing_is_forgotten_that_a_platform_may_deliver_again(tmp_path, autojump_clock, monkeypatch, kept):
    monkeypatch.setattr(inbox, "DONE_ROWS_KEPT", kept)
    async with open_store(tmp_path) as scope:
        await finish_one(scope)
        scope.clock.advance(DAY + 3600)
        assert await inbox.prune(scope, older_than=0) == 0
        assert await accept(scope, arrival("1")) is None


async def test_beyond_two_days_only_so_many_are_kept(tmp_path, autojump_clock, monkeypatch):
    monkeypatch.setattr(inbox, "DONE_ROWS_KEPT", 3)
    async with open_store(tmp_path) as scope:
        ids = [await finish_one(scope, str(number)) for number in range(5)]
        scope.clock.advance(3 * DAY)
        assert await inbox.prune(scope) == 2
        assert sorted(await states(scope)) == ids[2:]


async def test_what_waits_is_never_forgotten_and_dead_letters_stay_for_a_month(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        waiting, dead = [await accept(scope, arrival(name)) for name in ("waiting", "dead")]
        await mark_running(scope, [dead])
        await set_back(scope, [dead], "broken", max_attempts=1)
        scope.clock.advance(29 * DAY)
        assert await inbox.prune(scope) == 0
        scope.clock.advance(2 * DAY)
        assert await inbox.prune(scope) == 1
        assert await states(scope) == {waiting: "accepted"}


async def test_text_that_is_no_unicode_is_accepted_all_the_same(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        row_id = await accept(scope, arrival("1", text="broken \ud800"))
        await mark_running(scope, [row_id])
        await set_back(scope, [row_id], "error \udfff")
        assert (await unfinished(scope))[0].message == "broken ?"


async def test_a_file_that_cannot_be_used_says_so(tmp_path, autojump_clock):
    (tmp_path / "state.db").write_bytes(b"this is not a database" * 100)
    async with open_store(tmp_path) as scope:
        with pytest.raises(StoreError) as caught:
            await accept(scope, arrival("1"))
        assert caught.value.code == "store_corrupt"


async def test_looking_into_an_inbox_that_never_had_mail_changes_nothing(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        assert await unfinished(scope) == ()
        assert await inbox.list_rows(scope, ("dead",)) == ()
    assert read(tmp_path / "state.db", "SELECT name FROM sqlite_schema WHERE name LIKE 'trio%'") == []


async def test_orders_to_an_inbox_that_never_had_mail_find_nothing(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        assert not await inbox.drop(scope, 1)
        assert not await inbox.replay(scope, 1)
        assert await mark_running(scope, [1]) == ()
        await inbox.finish(scope, [1])
        assert await inbox.prune(scope) == 0
