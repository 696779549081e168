"""Whether a profile has mail left, by a look that keeps no file open and makes none."""

from __future__ import annotations

import pytest

from hermes_trio.store import held, inbox
from hermes_trio.store.held import NewHeldRow
from hermes_trio.store.inbox import NewInboxRow
from hermes_trio.store.mail import has_mail
from hermes_trio.store.outbox import NewOutboxRow, enqueue
from tests.store.stand_in import open_store

ARRIVAL = NewInboxRow("default", "telegram", "42", "1", "agent:main:telegram:dm:42", '"hello"')
HELD = NewHeldRow("telegram", "42", "1", "bea", False, "{}", "route_target_parked")
SAID = NewOutboxRow(
    transport_profile="default",
    platform="telegram",
    chat_id="42",
    thread_id=None,
    session_key="agent:main:telegram:dm:42",
    kind="reply",
    content="{}",
    idempotency_key="key",
)


async def test_a_profile_without_a_database_has_no_mail_and_gets_no_database(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        assert not await scope.db.check(has_mail)
        assert not scope.db.path.exists()


@pytest.mark.parametrize(
    "leave",
    [
        lambda scope: inbox.accept(scope, ARRIVAL),
        lambda scope: held.hold(scope, HELD),
        lambda scope: enqueue(scope, [SAID]),
    ],
    ids=["to answer", "to hand over", "to send"],
)
async def test_what_is_left_is_mail(tmp_path, autojump_clock, leave):
    async with open_store(tmp_path) as scope:
        await leave(scope)
        assert await scope.db.check(has_mail) is True


async def test_what_is_done_is_no_mail(tmp_path, autojump_clock):
    async with open_store(tmp_path) as scope:
        await inbox.finish(scope, [await inbox.accept(scope, ARRIVAL)])
        await held.release(scope, await held.hold(scope, HELD))
        assert await scope.db.check(has_mail) is False
