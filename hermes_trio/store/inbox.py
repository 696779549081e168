"""The inbox: what a profile has been told and has to answer; committed before the platform hears that we have it.

A row is ``accepted``, then ``running`` while a turn answers it, then ``done`` in the transaction that stores the
answer. What fails too often is ``dead`` until somebody replays or drops it. The platform's message id tells
duplicates, so finished rows stay for as long as a platform might deliver them again.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final, Literal, TypeVar, cast

from hermes_trio.store.commit import wait_for_commit
from hermes_trio.store.messages import clean_text
from hermes_trio.store.own_tables import INBOX, INBOX_UNFINISHED

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Sequence

    from hermes_trio.scope import ProfileScope

T = TypeVar("T")

InboxState = Literal["accepted", "running", "done", "dead"]

DAY: Final = 86_400.0

#: No platform we know delivers again after a day, but for some that try for a week. Rows younger than the first are
#: never pruned, however many there are.
PRUNE_NEVER_BEFORE: Final = 2 * DAY
PRUNE_AFTER: Final = 7 * DAY
DONE_ROWS_KEPT: Final = 5_000
DEAD_KEPT_SECONDS: Final = 30 * DAY

MAX_ATTEMPTS: Final = 3


@dataclass(frozen=True, slots=True)
class NewInboxRow:
    """A message to accept.

    Attributes:
        transport_profile: Whose bot received it.
        platform: On which platform.
        chat_id: In which chat.
        message_id: The platform's id of the message; what else tells it from all others where there is none.
        session_key: The conversation it belongs to.
        message: The message itself as JSON text, for the reader of the row.
        thread_id: The thread or topic within the chat.
    """

    transport_profile: str
    platform: str
    chat_id: str
    message_id: str
    session_key: str
    message: str
    thread_id: str | None = None


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A message in the inbox; the fields of `NewInboxRow` and what became of it.

    Attributes:
        id: Order of acceptance.
        message: Empty once the row is done: the session has it then.
        state: ``accepted``, ``running``, ``done`` or ``dead``.
        attempts: How many turns have begun to answer it.
        accepted_at: Seconds since the epoch.
        updated_at: When the state changed last; likewise.
        last_error: Why the last turn failed, or what somebody decided.
    """

    id: int
    transport_profile: str
    platform: str
    chat_id: str
    message_id: str
    session_key: str
    message: str
    thread_id: str | None
    state: InboxState
    attempts: int
    accepted_at: float
    updated_at: float
    last_error: str | None


class _Arrival:
    """A message on its way in, and the id it got."""

    __slots__ = ("at", "id", "row")

    def __init__(self, row: NewInboxRow, at: float) -> None:
        self.row = row
        self.at = at
        self.id: int | None = None


_NEW_NAMES: Final = tuple(field.name for field in fields(NewInboxRow))
_NEW: Final = ", ".join(_NEW_NAMES)
_ALL: Final = ", ".join(field.name for field in fields(InboxRow))
_ACCEPT: Final = f"""
INSERT INTO trio_inbox({_NEW}, state, accepted_at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, 'accepted', ?, ?)
ON CONFLICT(transport_profile, platform, chat_id, message_id) DO NOTHING RETURNING id
"""  # noqa: S608  only names
_REMEMBER: Final = f"""
INSERT INTO trio_inbox({_NEW}, state, accepted_at, updated_at)
VALUES (?, ?, ?, ?, ?, '', ?, 'done', ?, ?)
ON CONFLICT(transport_profile, platform, chat_id, message_id) DO NOTHING
"""  # noqa: S608  only names
_LATEST: Final = f"""
SELECT {_ALL} FROM trio_inbox WHERE transport_profile = ? AND platform = ? AND chat_id = ? ORDER BY id DESC LIMIT 1
"""  # noqa: S608  only names
_RUN: Final = f"""
UPDATE trio_inbox SET state = 'running', attempts = attempts + 1, updated_at = ? WHERE id = ? AND {INBOX_UNFINISHED}
"""  # noqa: S608  only names
_CLOSE: Final = """
UPDATE trio_inbox SET state = 'done', message = '', last_error = NULL, updated_at = ? WHERE id = ? AND state <> 'done'
"""
_SET_BACK: Final = """
UPDATE trio_inbox SET state = CASE WHEN :counts AND attempts >= :most THEN 'dead' ELSE 'accepted' END,
    attempts = CASE WHEN :counts THEN attempts ELSE max(attempts - 1, 0) END, last_error = :error, updated_at = :at
WHERE id = :id AND state = 'running' RETURNING state
"""
_UNFINISHED: Final = f"SELECT {_ALL} FROM trio_inbox WHERE {INBOX_UNFINISHED} ORDER BY id"  # noqa: S608  only names
_REPLAY: Final = """
UPDATE trio_inbox SET state = 'accepted', attempts = 0, updated_at = ? WHERE id = ? AND state = 'dead'
"""
_DROP: Final = """
UPDATE trio_inbox SET state = 'done', message = '', last_error = ?, updated_at = ? WHERE id = ? AND state <> 'done'
"""
_PRUNE: Final = """
DELETE FROM trio_inbox WHERE (state = 'dead' AND updated_at < :dead_before)
    OR (state = 'done' AND updated_at < :done_before)
    OR (state = 'done' AND updated_at < :floor
        AND id <= (SELECT id FROM trio_inbox WHERE state = 'done' ORDER BY id DESC LIMIT 1 OFFSET :kept))
"""


async def accept(scope: ProfileScope, row: NewInboxRow) -> int | None:
    """Commit a message to the inbox; its id, or None when it is there already, in whatever state.

    Many that arrive at once share one transaction. There is no checkpoint between the commit and the return: a caller
    that passes the id on without waiting can be sure that no accepted message stays behind.

    Args:
        scope: The runtime profile, which will answer.
        row: The message.

    Raises:
        StoreError: It was not stored: the platform must keep it.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s; see `wait_for_commit`.
    """
    arrival = _Arrival(row, scope.clock.now())
    await wait_for_commit(scope, lambda: scope.db.write_combined(_accept_all, arrival))
    return arrival.id


def _accept_all(connection: sqlite3.Connection, arrivals: Sequence[_Arrival]) -> None:
    INBOX.make(connection)
    for arrival in arrivals:
        values = (*(clean_text(getattr(arrival.row, name)) for name in _NEW_NAMES), arrival.at, arrival.at)
        found = connection.execute(_ACCEPT, values).fetchall()
        arrival.id = found[0][0] if found else None


async def remember(scope: ProfileScope, row: NewInboxRow) -> None:
    """Commit that a message has been dealt with already, so that its duplicates are told.

    Raises:
        StoreError: It was not stored.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s.
    """
    at = scope.clock.now()
    named = (clean_text(getattr(row, name)) for name in _NEW_NAMES if name != "message")
    values = (*named, at, at)
    await _write(scope, lambda connection: connection.execute(_REMEMBER, values))


async def latest_in_chat(scope: ProfileScope, transport_profile: str, platform: str, chat_id: str) -> InboxRow | None:
    """The newest message of a chat, in whatever state; None when there is none.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    place = (transport_profile, platform, chat_id)
    found = await scope.db.read(lambda connection: _select(connection, _LATEST, *place))
    return found[0] if found else None


async def mark_running(scope: ProfileScope, ids: Iterable[int]) -> tuple[int, ...]:
    """Note that a turn begins to answer these messages, and count the attempt.

    Returns:
        Those that are to be answered: some may have been dropped or finished meanwhile.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s.
    """
    wanted, now = tuple(ids), scope.clock.now()
    return await _write(
        scope, lambda connection: tuple(one for one in wanted if connection.execute(_RUN, (now, one)).rowcount)
    )


def close_rows(connection: sqlite3.Connection, ids: Iterable[int], at: float) -> None:
    """Mark messages as answered, in the transaction that stores the answer; blocking.

    Args:
        connection: Of the write job.
        ids: Which.
        at: Seconds since the epoch.
    """
    INBOX.make(connection)
    connection.executemany(_CLOSE, [(at, one) for one in ids])


async def finish(scope: ProfileScope, ids: Iterable[int]) -> None:
    """Mark messages as answered that need no stored answer, e.g. commands.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s.
    """
    wanted, now = tuple(ids), scope.clock.now()
    await _write(scope, lambda connection: close_rows(connection, wanted, now))


async def set_back(
    scope: ProfileScope, ids: Iterable[int], error: str, max_attempts: int = MAX_ATTEMPTS, *, counts: bool = True
) -> dict[int, InboxState]:
    """After a failed turn: let the messages wait for another one, or give them up when there were enough.

    Args:
        scope: Whose inbox it is.
        ids: Which; those that are not running are left alone.
        error: Why it failed.
        max_attempts: Messages that were begun so many times are dead.
        counts: Whether the attempt counts. One that somebody else has ended does not, e.g. an orderly stop.

    Returns:
        The state of each, ``accepted`` or ``dead``; those left alone are missing.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.

    Cancellation: shielded until the commit, at most 10 s.
    """
    wanted = tuple(ids)
    values = {"most": max_attempts, "counts": counts, "error": clean_text(error), "at": scope.clock.now()}

    def set_all_back(connection: sqlite3.Connection) -> dict[int, InboxState]:
        states: dict[int, InboxState] = {}
        for one in wanted:
            for (state,) in connection.execute(_SET_BACK, values | {"id": one}).fetchall():
                states[one] = cast("InboxState", state)
        return states

    return await _write(scope, set_all_back)


async def unfinished(scope: ProfileScope) -> tuple[InboxRow, ...]:
    """The messages that wait for an answer, oldest first; after a start the running ones are those of a dead process.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    return await scope.db.read(lambda connection: _select(connection, _UNFINISHED))


async def list_rows(scope: ProfileScope, states: Iterable[InboxState], limit: int = 50) -> tuple[InboxRow, ...]:
    """The newest messages in these states, newest first.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    wanted = tuple(states)
    return await scope.db.read(lambda connection: select_rows(connection, wanted, limit))


def select_rows(connection: sqlite3.Connection, states: Sequence[InboxState], limit: int) -> tuple[InboxRow, ...]:
    """The reading of `list_rows`; blocking."""
    places = ", ".join("?" * len(states))
    sql = f"SELECT {_ALL} FROM trio_inbox WHERE state IN ({places}) ORDER BY id DESC LIMIT ?"  # noqa: S608
    return _select(connection, sql, *states, limit)


def _select(connection: sqlite3.Connection, sql: str, *values: object) -> tuple[InboxRow, ...]:
    if not INBOX.is_there(connection):
        return ()
    return tuple(InboxRow(*row) for row in connection.execute(sql, values))


async def replay(scope: ProfileScope, row_id: int) -> bool:
    """Let a dead message be answered after all, with all its attempts; False when there is no such dead message.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    now = scope.clock.now()
    return await scope.db.write(lambda connection: replay_row(connection, row_id, now))


def replay_row(connection: sqlite3.Connection, row_id: int, at: float) -> bool:
    """The writing of `replay`; blocking."""
    INBOX.make(connection)
    return connection.execute(_REPLAY, (at, row_id)).rowcount > 0


async def drop(scope: ProfileScope, row_id: int) -> bool:
    """Give a message up without an answer; False when there is none that waits. A turn that runs is not stopped.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    now = scope.clock.now()
    return await scope.db.write(lambda connection: drop_row(connection, row_id, now))


def drop_row(connection: sqlite3.Connection, row_id: int, at: float) -> bool:
    """The writing of `drop`; blocking."""
    INBOX.make(connection)
    return connection.execute(_DROP, ("dropped", at, row_id)).rowcount > 0


async def prune(scope: ProfileScope, older_than: float = PRUNE_AFTER) -> int:
    """Forget finished messages; how many.

    Finished ones go after ``older_than``, or when there are more than 5000 newer ones, but never within two days: until
    then they catch what a platform delivers again. Dead ones go after 30 days.

    Args:
        scope: Whose inbox it is.
        older_than: Seconds since they were finished.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    now = scope.clock.now()
    parameters = {
        "dead_before": now - DEAD_KEPT_SECONDS,
        "done_before": now - max(older_than, PRUNE_NEVER_BEFORE),
        "floor": now - PRUNE_NEVER_BEFORE,
        "kept": DONE_ROWS_KEPT,
    }
    return await _write(scope, lambda connection: connection.execute(_PRUNE, parameters).rowcount)


async def _write(scope: ProfileScope, job: Callable[[sqlite3.Connection], T]) -> T:
    def run(connection: sqlite3.Connection) -> T:
        INBOX.make(connection)
        return job(connection)

    return await wait_for_commit(scope, lambda: scope.db.write(run))
