"""The outbox: what a profile has to say to chats; committed before it is sent, in the order in which it is said.

A row is ``pending``, then ``sending`` from before the platform is called until its answer is known, then ``sent`` or
``failed``. Only the oldest unsent row of a chat counts, so that one chat's trouble holds up nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Final, Literal, TypeVar

from hermes_trio.store.commit import wait_for_commit
from hermes_trio.store.messages import clean_text
from hermes_trio.store.own_tables import OUTBOX, OUTBOX_UNSENT

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from hermes_trio.scope import ProfileScope

T = TypeVar("T")

OutboxState = Literal["pending", "sending", "sent", "failed"]
OutboxKind = Literal["reply", "notice", "media"]

#: Marked in the scope's changes when there may be something new to send.
TOPIC: Final = "trio_outbox"

DAY: Final = 86_400.0
PRUNE_NEVER_BEFORE: Final = DAY
PRUNE_AFTER: Final = 7 * DAY
SENT_ROWS_KEPT: Final = 500
FAILED_KEPT_SECONDS: Final = 30 * DAY

#: What was not even tried for so long, because its bot did not come back, is of no use to anybody any more.
WAITS_FOR_BOT_SECONDS: Final = 7 * DAY


@dataclass(frozen=True, slots=True)
class NewOutboxRow:
    """One message to send.

    Attributes:
        transport_profile: Whose bot sends it.
        platform: On which platform.
        chat_id: To which chat.
        session_key: The conversation it belongs to.
        kind: ``reply``, ``notice`` or ``media``.
        content: What to send, as JSON text for the sender.
        idempotency_key: Tells it from all others; what is in the outbox already is not added again.
        thread_id: The thread or topic within the chat.
        reply_to: The platform's id of the message it replies to.
        inbox_id: The message it answers, in the inbox of the same profile.
        part: Which part of the answer, from 1.
        parts: Of how many.
        not_before: Not to be sent earlier, in seconds since the epoch.
        may_have_arrived: An earlier attempt may have reached the chat.
    """

    transport_profile: str
    platform: str
    chat_id: str
    session_key: str
    kind: OutboxKind
    content: str
    idempotency_key: str
    thread_id: str | None = None
    reply_to: str | None = None
    inbox_id: int | None = None
    part: int = 1
    parts: int = 1
    not_before: float = 0.0
    may_have_arrived: bool = False


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A message in the outbox; the fields of `NewOutboxRow` and what became of it.

    Attributes:
        id: The order in which things are said.
        state: ``pending``, ``sending``, ``sent`` or ``failed``.
        attempts: How many times the platform was called, or was about to be.
        sent_message_id: The platform's id of the sent message.
        last_error: Why the last attempt failed.
        created_at: Seconds since the epoch.
        updated_at: When it changed last; likewise.
    """

    id: int
    transport_profile: str
    platform: str
    chat_id: str
    session_key: str
    kind: OutboxKind
    content: str
    idempotency_key: str
    thread_id: str | None
    reply_to: str | None
    inbox_id: int | None
    part: int
    parts: int
    not_before: float
    may_have_arrived: bool
    state: OutboxState
    attempts: int
    sent_message_id: str | None
    last_error: str | None
    created_at: float
    updated_at: float

    @property
    def transport(self) -> tuple[str, str]:
        """Whose adapter sends it: transport profile and platform."""
        return self.transport_profile, self.platform


_NEW_NAMES: Final = tuple(field.name for field in fields(NewOutboxRow))
_NEW: Final = ", ".join(_NEW_NAMES)
_ALL: Final = ", ".join(field.name for field in fields(OutboxRow))
_INSERT: Final = f"""
INSERT INTO trio_outbox({_NEW}, state, created_at, updated_at)
VALUES ({", ".join("?" * len(fields(NewOutboxRow)))}, 'pending', ?, ?)
ON CONFLICT(idempotency_key) DO NOTHING
"""  # noqa: S608  only names
_SKIP: Final = " AND NOT (transport_profile = ? AND platform = ?)"
_SENDING: Final = """
UPDATE trio_outbox SET state = 'sending', attempts = attempts + 1, updated_at = ? WHERE id = ? AND state = 'pending'
"""
_SENT: Final = """
UPDATE trio_outbox SET state = 'sent', sent_message_id = ?, last_error = NULL, updated_at = ? WHERE id = ?
"""
_POSTPONE: Final = f"""
UPDATE trio_outbox SET state = 'pending', not_before = ?, last_error = ?,
    may_have_arrived = max(may_have_arrived, ?), updated_at = ? WHERE id = ? AND {OUTBOX_UNSENT}
"""  # noqa: S608  only names
_MOVE: Final = f"""
UPDATE trio_outbox SET state = 'pending', chat_id = ?, updated_at = ?
WHERE transport_profile = ? AND platform = ? AND chat_id = ? AND {OUTBOX_UNSENT}
"""  # noqa: S608  only names
_FAIL: Final = f"""
UPDATE trio_outbox SET state = 'failed', last_error = ?, updated_at = ? WHERE id = ? AND {OUTBOX_UNSENT}
"""  # noqa: S608  only names
_EXPIRE: Final = f"""
UPDATE trio_outbox SET state = 'failed', last_error = 'its bot did not come back', updated_at = ?
WHERE state = 'pending' AND {OUTBOX_UNSENT} AND created_at < ?
"""  # noqa: S608  only names
_INTERRUPTED: Final = f"SELECT {_ALL} FROM trio_outbox WHERE state = 'sending' AND {OUTBOX_UNSENT}"  # noqa: S608
_RECOVER: Final = f"""
UPDATE trio_outbox SET state = 'pending', may_have_arrived = 1, updated_at = ?
WHERE state = 'sending' AND {OUTBOX_UNSENT}
"""  # noqa: S608  only names
_FAILED: Final = f"SELECT {_ALL} FROM trio_outbox WHERE state = 'failed' ORDER BY id DESC LIMIT ?"  # noqa: S608
_PRUNE: Final = """
DELETE FROM trio_outbox WHERE (state = 'failed' AND updated_at < :failed_before)
    OR (state = 'sent' AND updated_at < :sent_before)
    OR (state = 'sent' AND updated_at < :floor
        AND id <= (SELECT id FROM trio_outbox WHERE state = 'sent' ORDER BY id DESC LIMIT 1 OFFSET :kept))
"""


def insert_parts(connection: sqlite3.Connection, rows: Iterable[NewOutboxRow], at: float) -> None:
    """Add messages, in order, in the transaction that stores what they answer; blocking.

    After the commit the sender has to be woken: see `commit_and_wake`.

    Args:
        connection: Of the write job.
        rows: What to send.
        at: Seconds since the epoch.
    """
    OUTBOX.make(connection)
    connection.executemany(_INSERT, [(*_values(row), at, at) for row in rows])


def _values(row: NewOutboxRow) -> tuple[object, ...]:
    values = (getattr(row, name) for name in _NEW_NAMES)
    return tuple(clean_text(value) if isinstance(value, str) else value for value in values)


async def enqueue(scope: ProfileScope, rows: Iterable[NewOutboxRow]) -> None:
    """Commit messages to the outbox, in order, and wake the sender.

    Raises:
        StoreError: Nothing was stored.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s.
    """
    wanted, now = tuple(rows), scope.clock.now()
    await commit_and_wake(scope, lambda: scope.db.write(lambda connection: insert_parts(connection, wanted, now)))


async def commit_and_wake(scope: ProfileScope, write: Callable[[], Awaitable[T]]) -> T:
    """Run a write that adds to the outbox, and wake the sender after its commit.

    Args:
        scope: Whose outbox it is.
        write: Writes, once.

    Raises:
        StoreError: Nothing was stored, or (``store_slow``) that is not known.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s.
    """
    result = await wait_for_commit(scope, write)
    scope.db.changes.mark(TOPIC)
    return result


async def due(
    scope: ProfileScope, now: float, limit: int, without: Collection[tuple[str, str]] = ()
) -> tuple[OutboxRow, ...]:
    """What may be sent now, oldest first: of each chat the oldest unsent row, unless it is being sent or has to wait.

    Args:
        scope: Whose outbox it is.
        now: Seconds since the epoch.
        limit: At most so many.
        without: Transport profiles and platforms whose adapters cannot send.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """

    first, values = _first_of_each_chat(without)
    sql = f"SELECT {_ALL} {first} AND not_before <= ? ORDER BY id LIMIT ?"
    return await scope.db.read(lambda connection: tuple(_select(connection, sql, *values, now, limit)))


async def next_due(
    scope: ProfileScope, without: Collection[tuple[str, str]] = (), *, after: float = 0.0
) -> float | None:
    """When something may be sent next, in seconds since the epoch, also when that is past; None when nothing waits.

    Args:
        scope: Whose outbox it is.
        without: As in `due`.
        after: Only what may not be sent before this time, in seconds since the epoch.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    first, values = _first_of_each_chat(without)
    sql = f"SELECT MIN(not_before) {first} AND not_before >= ?"

    def look(connection: sqlite3.Connection) -> float | None:
        if not OUTBOX.is_there(connection):
            return None
        time: float | None = connection.execute(sql, (*values, after)).fetchone()[0]
        return time

    return await scope.db.read(look)


async def is_busy(scope: ProfileScope, now: float, without: Collection[tuple[str, str]] = ()) -> bool:
    """Whether anything is being sent, or may be sent now; arguments and errors as `due`."""
    first, values = _first_of_each_chat(without)
    sending = f"SELECT 1 FROM trio_outbox WHERE state = 'sending' AND {OUTBOX_UNSENT}"  # noqa: S608  only names
    sql = f"SELECT EXISTS({sending}) OR EXISTS(SELECT 1 {first} AND not_before <= ?)"

    def look(connection: sqlite3.Connection) -> bool:
        return OUTBOX.is_there(connection) and bool(connection.execute(sql, (*values, now)).fetchone()[0])

    return await scope.db.read(look)


def _first_of_each_chat(without: Collection[tuple[str, str]]) -> tuple[str, tuple[str, ...]]:
    """The end of a query for the oldest unsent row of each chat, and its values; what nobody can send costs little."""
    sql = f"""
FROM trio_outbox WHERE state = 'pending' AND {OUTBOX_UNSENT} AND id IN (
    SELECT MIN(id) FROM trio_outbox WHERE {OUTBOX_UNSENT}{_SKIP * len(without)}
    GROUP BY transport_profile, platform, chat_id)
"""  # noqa: S608  only names
    return sql, tuple(value for transport in without for value in transport)


def _select(connection: sqlite3.Connection, sql: str, *values: object) -> Iterator[OutboxRow]:
    if not OUTBOX.is_there(connection):
        return
    for columns in connection.execute(sql, values):
        row = OutboxRow(*columns)
        yield replace(row, may_have_arrived=bool(row.may_have_arrived))


async def mark_sending(scope: ProfileScope, row_id: int) -> bool:
    """Note that a message is about to be sent, and count the attempt; False when it is not pending any more.

    From then on its chat waits for `mark_sent`, `postpone` or `fail`, which therefore must follow, also when the sender
    is cancelled.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s; returns without a checkpoint.
    """
    values = (scope.clock.now(), row_id)
    return await wait_for_commit(scope, lambda: _write(scope, _SENDING, values)) > 0


async def mark_sent(scope: ProfileScope, row_id: int, message_id: str | None) -> None:
    """Note that a message was sent, and the platform's id of it.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s, so that what was sent is not sent again.
    """
    await _settle(scope, _SENT, message_id, scope.clock.now(), row_id)


async def postpone(
    scope: ProfileScope, row_id: int, not_before: float, error: str, *, may_have_arrived: bool = False
) -> None:
    """Let a message wait after a failed attempt; its chat waits with it.

    Args:
        scope: Whose outbox it is.
        row_id: Which.
        not_before: When to try again, in seconds since the epoch.
        error: Why the attempt failed.
        may_have_arrived: The message may have reached the chat all the same.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s.
    """
    await _settle(scope, _POSTPONE, not_before, clean_text(error), may_have_arrived, scope.clock.now(), row_id)


async def fail(scope: ProfileScope, row_id: int, error: str) -> None:
    """Give a message up; the next one of its chat follows.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s.
    """
    await _settle(scope, _FAIL, clean_text(error), scope.clock.now(), row_id)


async def move_chat(scope: ProfileScope, transport: tuple[str, str], old_chat_id: str, new_chat_id: str) -> None:
    """Send what waits for a chat to the id that it has now.

    Args:
        scope: Whose outbox it is.
        transport: Transport profile and platform.
        old_chat_id: The id that the chat had.
        new_chat_id: The id that it has.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s.
    """
    await _settle(scope, _MOVE, new_chat_id, scope.clock.now(), *transport, old_chat_id)


async def recover(scope: ProfileScope) -> int:
    """At the start of a profile: what its last generation was sending may have arrived, and is to be sent; how many.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    if not await scope.db.read(lambda connection: tuple(_select(connection, _INTERRUPTED))):
        return 0
    now = scope.clock.now()
    return await _write(scope, _RECOVER, (now,))


async def failed(scope: ProfileScope, limit: int = 50) -> tuple[OutboxRow, ...]:
    """What was given up, newest first.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    return await scope.db.read(lambda connection: tuple(_select(connection, _FAILED, limit)))


async def prune(scope: ProfileScope) -> int:
    """Forget what was sent 7 days ago, or a day ago when there are 500 newer ones, and what failed 30 days ago.

    What has waited for its bot for 7 days has failed.

    Returns:
        How many rows were forgotten.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    now = scope.clock.now()
    parameters = {
        "failed_before": now - FAILED_KEPT_SECONDS,
        "sent_before": now - PRUNE_AFTER,
        "floor": now - PRUNE_NEVER_BEFORE,
        "kept": SENT_ROWS_KEPT,
    }
    await _write(scope, _EXPIRE, (now, now - WAITS_FOR_BOT_SECONDS))
    return await _write(scope, _PRUNE, parameters)


async def _settle(scope: ProfileScope, sql: str, *values: object) -> None:
    await commit_and_wake(scope, lambda: _write(scope, sql, values))


async def _write(scope: ProfileScope, sql: str, parameters: Sequence[object] | Mapping[str, object]) -> int:
    """Run one statement; how many rows it changed."""

    def run(connection: sqlite3.Connection) -> int:
        OUTBOX.make(connection)
        return connection.execute(sql, parameters).rowcount

    return await scope.db.write(run)
