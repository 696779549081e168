"""Folding a part of a session's messages into a summary, in place.

What the model sees of a session are its active rows by id. The summary therefore takes over the id of the first row it
covers; that row moves to the end, and all covered rows become inactive and marked as compacted, so that search still
finds them. No other row is touched: what is kept before and after the summary keeps its id, and rows that another turn
adds meanwhile simply follow. The counters of the session count what was said, and stay.

Two programs may want to fold the same session at once; ``compression_locks`` lets one of them.

A caller that brings its history along sends the folded messages again and again. For those a table of our own,
``trio_summaries``, remembers the last summary of a session and what it covers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.store.messages import clean_text
from hermes_trio.store.ownership import OWN_ROWS, Owner

if TYPE_CHECKING:
    import sqlite3

    from hermes_trio.scope import ProfileScope

_SUMMARIES: Final = """CREATE TABLE IF NOT EXISTS trio_summaries(
    session_id TEXT PRIMARY KEY, start INTEGER NOT NULL, messages INTEGER NOT NULL, digest TEXT NOT NULL,
    role TEXT NOT NULL, content TEXT NOT NULL, at REAL NOT NULL)"""
_REMEMBER: Final = "INSERT OR REPLACE INTO trio_summaries VALUES (?, ?, ?, ?, ?, ?, ?)"
_RECALL: Final = "SELECT start, messages, digest, role, content FROM trio_summaries WHERE session_id = ?"

_TAKE_LOCK: Final = """INSERT INTO compression_locks(session_id, holder, acquired_at, expires_at) VALUES (?, ?, ?, ?)
    ON CONFLICT(session_id) DO UPDATE SET holder = excluded.holder, acquired_at = excluded.acquired_at,
    expires_at = excluded.expires_at WHERE expires_at <= excluded.acquired_at"""
_HOLDS_LOCK: Final = "SELECT 1 FROM compression_locks WHERE session_id = ? AND holder = ?"
_DROP_LOCK: Final = "DELETE FROM compression_locks WHERE session_id = ? AND holder = ?"

_FAILED: Final = (
    "UPDATE sessions AS s SET compression_failure_cooldown_until = :until, compression_failure_error = :error "  # noqa: S608  only names
    f"WHERE s.id = :id AND {OWN_ROWS}"
)
_SUCCEEDED: Final = """UPDATE sessions SET compression_failure_cooldown_until = NULL, compression_failure_error = NULL
    WHERE id = ?"""
_ACTIVE: Final = """SELECT id FROM messages WHERE session_id = ? AND id BETWEEN ? AND ? AND active IS NOT 0
    ORDER BY id"""
_FOLD: Final = """UPDATE messages SET active = 0, compacted = 1
    WHERE session_id = ? AND id BETWEEN ? AND ? AND active IS NOT 0"""
_PLACE: Final = "INSERT INTO messages(id, session_id, role, content, timestamp) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Summary:
    """What takes the place of messages.

    Attributes:
        role: Who seems to say it: ``user`` or ``assistant``.
        content: The text, marked as a summary.
    """

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class RememberedSummary:
    """A summary of messages that are not in the store, or not there as the caller tells them.

    Attributes:
        start: Index of the first message it covers.
        messages: How many it covers.
        digest: Of those messages.
        summary: What takes their place.
    """

    start: int
    messages: int
    digest: str
    summary: Summary


@dataclass(frozen=True, slots=True)
class CompactionState:
    """What is known of a session's compactions.

    Attributes:
        cooldown_until: No new attempt before, in seconds since the epoch; 0 for none.
        remembered: The last summary that is not in the store's messages, or None.
    """

    cooldown_until: float = 0.0
    remembered: RememberedSummary | None = None


def forget_summary(connection: sqlite3.Connection, session_id: str) -> None:
    """Forget the last summary of a session that is deleted; blocking."""
    connection.execute(_SUMMARIES)
    connection.execute("DELETE FROM trio_summaries WHERE session_id = ?", (session_id,))


async def load_compaction_state(scope: ProfileScope, session_id: str) -> CompactionState:
    """What is known of a session's compactions, also when it is not stored.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    return await scope.db.read(lambda connection: _load_state(connection, session_id))


async def take_compaction_lock(scope: ProfileScope, session_id: str, holder: str, seconds: float) -> bool:
    """Take the right to compact a session; False when somebody else has it.

    Args:
        scope: Whose session it is.
        session_id: Which.
        holder: Names the one attempt.
        seconds: After this time others may take it over.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    now = scope.clock.now()
    values = (session_id, holder, now, now + seconds)
    return await scope.db.write(lambda connection: connection.execute(_TAKE_LOCK, values).rowcount) > 0


async def drop_compaction_lock(scope: ProfileScope, session_id: str, holder: str) -> None:
    """Give the right back, if ``holder`` still has it.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    await scope.db.write(lambda connection: connection.execute(_DROP_LOCK, (session_id, holder)).rowcount)


async def compact_session(
    scope: ProfileScope, session_id: str, holder: str, folded: tuple[int, ...], summary: Summary
) -> bool:
    """Put a summary in the place of messages, in one transaction; the holder's lock is given back with it.

    Args:
        scope: Whose session it is; the caller has read ``folded`` from it.
        session_id: Which.
        holder: Who has the lock.
        folded: Row ids of the messages, all the session's active rows from the first to the last of them.
        summary: What takes their place.

    Returns:
        False, and nothing is changed, when the lock was lost or the rows are not as they were.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.

    Cancellation: as `Database.write`: once accepted it happens even if the caller is cancelled.
    """
    return await scope.db.write(lambda connection: _compact(connection, session_id, holder, folded, summary))


async def remember_summary(scope: ProfileScope, session_id: str, remembered: RememberedSummary) -> None:
    """Keep a summary of messages that the caller will send again; replaces the session's former one.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    role, content = remembered.summary.role, clean_text(remembered.summary.content)
    numbers = (remembered.start, remembered.messages, remembered.digest)
    values = (session_id, *numbers, role, content, scope.clock.now())
    await scope.db.write(lambda connection: _remember(connection, values))


async def note_compaction_failure(scope: ProfileScope, session_id: str, error: str, seconds: float) -> None:
    """Keep why a compaction failed, and that none is to be tried for so many seconds.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    parameters = Owner(scope.name).parameters | {
        "id": session_id,
        "until": scope.clock.now() + seconds,
        "error": clean_text(error),
    }
    await scope.db.write(lambda connection: connection.execute(_FAILED, parameters).rowcount)


def _load_state(connection: sqlite3.Connection, session_id: str) -> CompactionState:
    row = connection.execute(
        "SELECT compression_failure_cooldown_until FROM sessions WHERE id = ?", (session_id,)
    ).fetchone()
    remembered = None
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'trio_summaries'").fetchone():
        found = connection.execute(_RECALL, (session_id,)).fetchone()
        remembered = None if found is None else _remembered(*found)
    return CompactionState((row[0] if row else 0.0) or 0.0, remembered)


def _remembered(start: int, messages: int, digest: str, role: str, content: str) -> RememberedSummary:
    return RememberedSummary(start, messages, digest, Summary(role, content))


def _remember(connection: sqlite3.Connection, values: tuple[object, ...]) -> None:
    connection.execute(_SUMMARIES)
    connection.execute(_REMEMBER, values)
    connection.execute(_SUCCEEDED, values[:1])


def _compact(
    connection: sqlite3.Connection, session_id: str, holder: str, folded: tuple[int, ...], summary: Summary
) -> bool:
    if connection.execute(_HOLDS_LOCK, (session_id, holder)).fetchone() is None:
        return False
    covered = (session_id, folded[0], folded[-1])
    if tuple(row_id for (row_id,) in connection.execute(_ACTIVE, covered)) != folded:
        return False
    connection.execute(_FOLD, covered)
    _take_place(connection, session_id, folded[0], summary)
    connection.execute(_SUCCEEDED, (session_id,))
    connection.execute(_DROP_LOCK, (session_id, holder))
    return True


def _take_place(connection: sqlite3.Connection, session_id: str, row_id: int, summary: Summary) -> None:
    """Move a row to the end, with all columns it has in this file, and put the summary where it was, at its time."""
    found = connection.execute("SELECT name FROM pragma_table_info('messages') WHERE name <> 'id'")
    columns = ", ".join('"' + name.replace('"', '""') + '"' for (name,) in found)
    (timestamp,) = connection.execute("SELECT timestamp FROM messages WHERE id = ?", (row_id,)).fetchone()
    connection.execute(
        f"INSERT INTO messages({columns}) SELECT {columns} FROM messages WHERE id = ?",  # noqa: S608  only names
        (row_id,),
    )
    connection.execute("DELETE FROM messages WHERE id = ?", (row_id,))
    connection.execute(_PLACE, (row_id, session_id, summary.role, clean_text(summary.content), timestamp))
