"""The outbox: what was said is sent, in order per chat, and nobody waits for somebody else's chat."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from hermes_trio.store import outbox
from hermes_trio.store.outbox import NewOutboxRow, due, enqueue, insert_parts, mark_sending, mark_sent, postpone
from tests.store.hermes_agent_home import read
from tests.store.stand_in import open_store

DAY = 86_400
NOW = 1_790_000_000.0


def message(key, *, chat="42", transport="default", platform="telegram", **more):
    session_key = f"agent:main:{platform}:dm:{chat}"
    return NewOutboxRow(transport, platform, chat, session_key, "reply", f'"{key}"', key, **more)


async def keys_due(scope, now=NOW, limit=100, without=()):
    return [row.idempotency_key for row in await due(scope, now, limit, without)]


async def send(scope, row_id):
    assert await mark_sending(scope, row_id)
    await mark_sent(scope, row_id, f"m{row_id}")


async def test_what_is_enqueued_comes_back_whole(tmp_path, autojump_clock):
    wanted = message("k", thread_id="7", reply_to="99", inbox_id=3, part=2, parts=5, not_before=4.0)
    async with open_store(tmp_path) as scope:
        await enqueue(scope, [wanted])
    async with open_store(tmp_path) as scope:
        (row,) = await due(scope, NOW, 10)
    assert all(getattr(row, name) == getattr(wanted, name) for name in wanted.__slots__)
    assert (row.state, row.attempts, row.sent_message_id, row.last_error) == ("pending", 0, None, None)
    assert row.created_at == row.updated_at == NOW
    assert row.transport == ("default", "telegram")


async def test_only_the_oldest_message_of_each_chat_is_due(tmp_path, autojump_clock):
    rows = [
        message("a1"),
        message("a2"),
        message("b1", chat="43"),
        message("c1", transport="coder"),
        message("d1", platform="discord"),
        message("a3", thread_id="7"),
    ]
    async with open_store(tmp_path) as scope:
        await enqueue(scope, rows)
        assert await keys_due(scope) == ["a1", "b1", "c1", "d1"]
        await send(scope, 1)
        assert await keys_due(scope) == ["a2", "b1", "c1", "d1"]


async def test_while_one_message_is_being_sent_its_chat_waits(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await enqueue(scope, [message("a1"), message("a2"), message("b1", chat="43")])
        assert await mark_sending(scope, 1)
        assert await keys_due(scope) == ["b1"]
        assert not await mark_sending(scope, 1)


async def test_a_chat_that_waits_for_a_retry_holds_only_itself(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await enqueue(scope, [message("a1"), message("a2"), message("b1", chat="43")])
        await mark_sending(scope, 1)
        await postpone(scope, 1, NOW + 30, "429")
        assert await keys_due(scope) == ["b1"]
        assert await outbox.next_due(scope) == 0
        await send(scope, 3)
        assert await outbox.next_due(scope) == NOW + 30
        assert await keys_due(scope, NOW + 30) == ["a1"]
        (row,) = await due(scope, NOW + 30, 1)
        assert (row.attempts, row.last_error, row.may_have_arrived) == (1, "429", False)


async def test_what_may_have_arrived_stays_marked(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await enqueue(scope, [message("a1")])
        for may_have_arrived in (True, False):
            await mark_sending(scope, 1)
            await postpone(scope, 1, NOW, "the connection broke", may_have_arrived=may_have_arrived)
        (row,) = await due(scope, NOW, 1)
        assert row.may_have_arrived is True


async def test_after_a_failure_the_next_message_of_the_chat_follows(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await enqueue(scope, [message("a1"), message("a2")])
        await mark_sending(scope, 1)
        await outbox.fail(scope, 1, "blocked by the user")
        assert await keys_due(scope) == ["a2"]
        (row,) = await outbox.failed(scope)
        assert (row.idempotency_key, row.state, row.last_error) == ("a1", "failed", "blocked by the user")


async def test_a_repeated_message_is_not_added_again(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await enqueue(scope, [message("a1")])
        await send(scope, 1)
        await enqueue(scope, [message("a1"), message("a2")])
        assert await keys_due(scope) == ["a2"]


async def test_what_a_dead_process_was_sending_is_sent_and_marked(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await enqueue(scope, [message("a1"), message("b1", chat="43"), message("c1", chat="44")])
        await mark_sending(scope, 1)
        await send(scope, 2)
    async with open_store(tmp_path) as scope:
        assert await keys_due(scope) == ["c1"]
        assert await outbox.recover(scope) == 1
        assert [(row.idempotency_key, row.may_have_arrived) for row in await due(scope, NOW, 9)] == [
            ("a1", True),
            ("c1", False),
        ]


async def test_adapters_that_cannot_send_do_not_fill_the_list(tmp_path, autojump_clock):
    rows = [message(f"down{number}", chat=str(number), transport="coder") for number in range(5)] + [message("up")]
    async with open_store(tmp_path) as scope:
        await enqueue(scope, rows)
        assert await keys_due(scope, limit=2) == ["down0", "down1"]
        assert await keys_due(scope, limit=2, without={("coder", "telegram")}) == ["up"]
        await send(scope, 6)
        assert await outbox.next_due(scope, without={("coder", "telegram")}) is None


async def test_an_answer_is_there_with_what_it_answers_or_not_at_all(tmp_path, autojump_clock):
    def seal(connection):
        insert_parts(connection, [message("a1"), message("a2")], NOW)
        raise LookupError

    async with open_store(tmp_path) as scope:
        with pytest.raises(LookupError):
            await scope.db.write(seal)
        assert await outbox.next_due(scope) is None


async def test_the_sender_is_woken_after_the_commit_even_if_the_speaker_is_cancelled(tmp_path, autojump_clock):
    woken = []

    async def sender():
        await scope.db.changes.wait_beyond(outbox.TOPIC, 0)
        woken.extend(await keys_due(scope))

    async def speak(cancel_scope):
        with cancel_scope:
            await enqueue(scope, [message("a1")])

    async with open_store(tmp_path) as scope, trio.open_nursery() as nursery:
        nursery.start_soon(sender)
        cancel_scope = trio.CancelScope()
        nursery.start_soon(speak, cancel_scope)
        await trio.testing.wait_all_tasks_blocked()
        cancel_scope.cancel()
    assert woken == ["a1"]


async def test_a_cancelled_sender_frees_its_chat(tmp_path, autojump_clock):
    async def sender():
        await mark_sending(scope, 1)
        try:
            await trio.sleep_forever()
        finally:
            await postpone(scope, 1, NOW, "cancelled", may_have_arrived=True)

    async with open_store(tmp_path) as scope:
        await enqueue(scope, [message("a1")])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(sender)
            await trio.testing.wait_all_tasks_blocked()
            nursery.cancel_scope.cancel()
        (row,) = await due(scope, NOW, 1)
        assert row.may_have_arrived


async def test_every_change_that_frees_a_chat_wakes_the_sender(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await enqueue(scope, [message("a1"), message("a2"), message("a3")])
        count = scope.db.changes.count(outbox.TOPIC)
        await send(scope, 1)
        await outbox.fail(scope, 2, "no")
        await postpone(scope, 3, NOW, "later")
        assert scope.db.changes.count(outbox.TOPIC) == count + 3


async def test_sent_messages_are_forgotten_after_a_week_or_a_day_when_there_are_many(
    tmp_path, autojump_clock, monkeypatch
):
    monkeypatch.setattr(outbox, "SENT_ROWS_KEPT", 2)
    async with open_store(tmp_path) as scope:
        await enqueue(scope, [message(f"a{number}") for number in range(1, 6)])
        for row_id in (1, 2, 3):
            await send(scope, row_id)
        await outbox.fail(scope, 4, "no")
        assert await outbox.prune(scope) == 0
        scope.clock.advance(DAY + 1)
        assert await outbox.prune(scope) == 1
        scope.clock.advance(6 * DAY)
        assert await outbox.prune(scope) == 2
        scope.clock.advance(24 * DAY)
        assert await outbox.prune(scope) == 1
    assert read(tmp_path / "state.db", "SELECT idempotency_key, state FROM trio_outbox") == [("a5", "failed")]


async def test_what_waited_for_its_bot_for_a_week_has_failed(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await enqueue(scope, [message("old")])
        scope.clock.advance(6 * DAY)
        await enqueue(scope, [message("young")])
        await outbox.prune(scope)
        assert await keys_due(scope, scope.clock.now()) == ["old"]
        scope.clock.advance(DAY + 1)
        await outbox.prune(scope)
        assert await keys_due(scope, scope.clock.now()) == ["young"]
        assert [row.last_error for row in await outbox.failed(scope)] == ["its bot did not come back"]


async def test_busy_is_what_is_being_sent_or_may_be_sent_now(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        assert not await outbox.is_busy(scope, NOW)
        await enqueue(scope, [message("one"), message("later", chat="43", not_before=NOW + 60)])
        assert await outbox.is_busy(scope, NOW)
        assert not await outbox.is_busy(scope, NOW, without={("default", "telegram")})
        assert await mark_sending(scope, 1)
        assert await outbox.is_busy(scope, NOW)
        await mark_sent(scope, 1, "m1")
        assert not await outbox.is_busy(scope, NOW)
        assert await outbox.is_busy(scope, NOW + 60)


CHATS = st.sampled_from(["1", "2", "3"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), CHATS),
        st.tuples(st.just("send"), st.integers(0, 2)),
        st.tuples(st.just("retry"), st.integers(0, 2)),
        st.tuples(st.just("fail"), st.integers(0, 2)),
        st.tuples(st.just("crash"), st.just(0)),
    ),
    max_size=25,
)


@settings(max_examples=20)
@given(steps=STEPS)
def test_whatever_happens_a_chat_gets_its_messages_in_order(tmp_path_factory, steps):
    home = tmp_path_factory.mktemp("home")
    trio.run(play, home, [*steps, *[("crash", 0)], *[("send", 0)] * len(steps)], clock=trio.testing.MockClock())


async def play(home, steps):
    said: dict[str, list[str]] = {"1": [], "2": [], "3": []}
    got: dict[str, list[str]] = {"1": [], "2": [], "3": []}
    lost = set()
    async with open_store(home) as scope:
        for number, (step, value) in enumerate(steps):
            if step == "say":
                said[value].append(str(number))
                await enqueue(scope, [replace(message(str(number)), chat_id=value)])
                continue
            if step == "crash":
                await outbox.recover(scope)
                continue
            rows = await due(scope, NOW, 3)
            if value >= len(rows):
                continue
            row = rows[value]
            await mark_sending(scope, row.id)
            if step == "send":
                await mark_sent(scope, row.id, None)
                got[row.chat_id].append(row.idempotency_key)
            elif step == "retry" and number % 2:
                await postpone(scope, row.id, NOW, "later")
            elif step == "fail":
                await outbox.fail(scope, row.id, "no")
                lost.add(row.idempotency_key)
    assert got == {chat: [key for key in keys if key not in lost] for chat, keys in said.items()}


async def test_looking_into_an_outbox_that_never_had_mail_changes_nothing(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        assert await outbox.recover(scope) == 0
        assert await due(scope, NOW, 5) == ()
        assert await outbox.failed(scope) == ()
        assert await outbox.next_due(scope) is None
    assert read(tmp_path / "state.db", "SELECT name FROM sqlite_schema WHERE name LIKE 'trio%'") == []
