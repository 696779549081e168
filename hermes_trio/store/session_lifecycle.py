"""Making, changing, copying and deleting sessions for programs that manage them, each in one transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.errors import StoreError
from hermes_trio.store.chat_sessions import SESSION_SETTINGS
from hermes_trio.store.compaction import forget_summary
from hermes_trio.store.messages import clean_text
from hermes_trio.store.ownership import Owner
from hermes_trio.store.root_sessions import note_deleted
from hermes_trio.store.routing_index import TOPIC, entries_of, write_entry
from hermes_trio.store.session_edits import copy_session, require_own
from hermes_trio.store.session_ids import new_session_id
from hermes_trio.store.session_rows import end_open_session

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from hermes_trio.io.clock import Clock
    from hermes_trio.scope import ProfileScope

#: The setting in ``model_config`` that names one of the profile's model aliases.
MODEL_ALIAS: Final = "trio_model_alias"
SOURCE: Final = "api_server"

_INSERT: Final = "INSERT INTO sessions(id, source, started_at, title, model, model_config) VALUES (?, ?, ?, ?, ?, ?)"
_ALIAS: Final = f"""
SELECT CASE WHEN json_valid(model_config) THEN json_extract(model_config, '$.{MODEL_ALIAS}') END
FROM sessions WHERE id = ?
"""  # noqa: S608  only names

#: A copy that was made over HTTP belongs to no chat: a chat that has lost its way must not come upon it.
_DETACH: Final = f"""
UPDATE sessions SET source = '{SOURCE}', session_key = NULL, chat_id = NULL, chat_type = NULL, thread_id = NULL,
    display_name = NULL, origin_json = NULL WHERE id = ? AND source <> '{SOURCE}'
"""  # noqa: S608  only names
_DELETE: Final = (
    "UPDATE sessions SET parent_session_id = NULL WHERE parent_session_id = ?",
    "DELETE FROM messages WHERE session_id = ?",
    "DELETE FROM session_model_usage WHERE session_id = ?",
    "DELETE FROM compression_locks WHERE session_id = ?",
    "DELETE FROM sessions WHERE id = ?",
)


async def create_session(
    scope: ProfileScope, session_id: str, title: str | None = None, model: str | None = None, model_alias: str = ""
) -> None:
    """Make a session in which nothing was said yet.

    Args:
        scope: Whose.
        session_id: Its id.
        title: Its title, or None.
        model: The model that it is for, as people are told; or None.
        model_alias: Which of the profile's model aliases answers in it; empty for the profile's own model.

    Raises:
        StoreError: The file cannot be used, there is a session of this id (``session_exists``), or of this title
            (``title_taken``).
        ScopeClosed: The profile is over.
    """
    now = scope.clock.now()
    config = msgspec.json.encode({MODEL_ALIAS: model_alias}).decode() if model_alias else None

    def make(connection: sqlite3.Connection) -> None:
        _require_free_id(connection, scope.name, session_id)
        free = _require_free_title(connection, scope.name, title)
        connection.execute(_INSERT, (session_id, SOURCE, now, free, clean_text(model), config))

    await scope.db.write(make)


async def model_alias_of(scope: ProfileScope, session_id: str) -> str:
    """Which of the profile's model aliases answers in a session; empty for its own model.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    row = await scope.db.read(lambda connection: connection.execute(_ALIAS, (session_id,)).fetchone())
    return row[0] if row is not None and isinstance(row[0], str) else ""


async def rename_session(scope: ProfileScope, session_id: str, title: str | None) -> None:
    """Give a session exactly this title; None or a blank one takes its title away.

    Raises:
        StoreError: The file cannot be used, the profile has no such session (``session_unknown``), or another session
            has this title (``title_taken``).
        ScopeClosed: The profile is over.
    """

    def rename(connection: sqlite3.Connection) -> None:
        require_own(connection, scope.name, session_id)
        free = _require_free_title(connection, scope.name, title, session_id)
        connection.execute("UPDATE sessions SET title = ? WHERE id = ?", (free, session_id))

    await scope.db.write(rename)


async def close_session(scope: ProfileScope, session_id: str, reason: str) -> None:
    """End a session; one that has ended keeps its time and reason.

    Raises:
        StoreError: The file cannot be used, or the profile has no such session (``session_unknown``).
        ScopeClosed: The profile is over.
    """
    now = scope.clock.now()

    def close(connection: sqlite3.Connection) -> None:
        require_own(connection, scope.name, session_id)
        end_open_session(connection, Owner(scope.name), session_id, reason, now)

    await scope.db.write(close)


async def fork_session(scope: ProfileScope, session_id: str, new_id: str, title: str | None = None) -> None:
    """Copy what the model sees of a session into a new one that belongs to no chat and names it as its parent.

    Args:
        scope: Whose session it is.
        session_id: Which.
        new_id: Id of the new one.
        title: Its title; None for that of the session with `` #2`` or so behind it.

    Raises:
        StoreError: The file cannot be used, the profile has no such session (``session_unknown``), or there is one of
            the new id (``session_exists``) or title (``title_taken``).
        ScopeClosed: The profile is over.
    """
    now = scope.clock.now()

    def fork(connection: sqlite3.Connection) -> None:
        require_own(connection, scope.name, session_id)
        _require_free_id(connection, scope.name, new_id)
        copy_session(connection, session_id, new_id, _require_free_title(connection, scope.name, title) or "", now)
        connection.execute(_DETACH, (new_id,))

    await scope.db.write(fork)


async def delete_session(scope: ProfileScope, session_id: str) -> None:
    """Delete a session and all that was said in it, for good; sessions that come from it lose their parent.

    A chat that stood for it begins anew with its next message and keeps its own settings. What the session has cost
    stays counted in the profile's budget.

    Raises:
        StoreError: The file cannot be used, or the profile has no such session (``session_unknown``).
        ScopeClosed: The profile is over.
    """
    index, clock = str(scope.home.sessions), scope.clock

    def delete(connection: sqlite3.Connection) -> bool:
        require_own(connection, scope.name, session_id)
        forget_summary(connection, session_id)
        for statement in _DELETE:
            connection.execute(statement, (session_id,))
        note_deleted(connection, Owner(scope.name), session_id)
        return _begin_chats_anew(connection, index, session_id, clock)

    if await scope.db.write(delete):
        scope.db.changes.mark(TOPIC)


def _begin_chats_anew(connection: sqlite3.Connection, index: str, session_id: str, clock: Clock) -> bool:
    """Let the chats that stood for a session stand for a new one, which is stored with its first message."""
    entries = [(entry, at) for entry, at in entries_of(connection, index) if entry.session_id == session_id]
    for entry, at in entries:
        kept = {name: value for name, value in entry.more.items() if name not in SESSION_SETTINGS}
        anew = replace(entry, session_id=new_session_id(clock.local()), more=kept)
        write_entry(connection, index, anew, at)
    return bool(entries)


def _require_free_id(connection: sqlite3.Connection, profile: str, session_id: str) -> None:
    if _exists(connection, "SELECT 1 FROM sessions WHERE id = ?", (session_id,)):
        raise StoreError("there is a session of this id", code="session_exists", profile=profile)


def _require_free_title(
    connection: sqlite3.Connection, profile: str, title: str | None, session_id: str | None = None
) -> str | None:
    """The title as it is stored, None for a blank one; titles are unique in a file.

    Args:
        connection: Of the write job.
        profile: Whose session gets it.
        title: What was asked for.
        session_id: The session that may have it already.
    """
    wanted = clean_text((title or "").strip()) or None
    sql = "SELECT 1 FROM sessions WHERE title = ? AND id IS NOT ?"
    if wanted is not None and _exists(connection, sql, (wanted, session_id)):
        raise StoreError("another session has this title", code="title_taken", profile=profile)
    return wanted


def _exists(connection: sqlite3.Connection, sql: str, values: Sequence[object]) -> bool:
    return connection.execute(sql, tuple(values)).fetchone() is not None
