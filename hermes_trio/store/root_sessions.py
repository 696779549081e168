"""Sessions of a named profile that hermes-agent's multiplexer kept in the root home: copied, never moved.

Under its multiplexer the chats of all profiles are in the root home; here every profile has its own. So what a profile
lacks it may take over from there, as long as the rows say that they are its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.home.names import DEFAULT_PROFILE
from hermes_trio.io.database_files import read_other_file
from hermes_trio.store.ownership import Owner
from hermes_trio.store.sessions import free_title

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable
    from pathlib import Path

    from hermes_trio.scope import ProfileScope

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class _Copy:
    """The rows of one session."""

    session: Row
    messages: list[Row]
    usage: list[Row]


LONGEST_CHAIN: Final = 100

#: Sessions that the profile has deleted: the root home may still have them.
_DELETED: Final = "CREATE TABLE IF NOT EXISTS trio_deleted_sessions(session_id TEXT PRIMARY KEY)"


async def adopt_session(scope: ProfileScope, root_db: Path, session_id: str) -> bool:
    """Copy a session, its messages, usage and ancestors, into the profile's file; False when it is not this profile's.

    A session the profile has already is left alone and counts as there; one that it has deleted stays deleted. The
    default profile has nothing to take over.

    Args:
        scope: The named profile.
        root_db: The root home's ``state.db``; only read. It may be missing.
        session_id: Which session.

    Raises:
        StoreError: One of the two files cannot be used.
        ScopeClosed: The profile is over.

    Cancellation: the copy is one transaction.
    """
    if await scope.db.read(lambda connection: _has_session(connection, session_id)):
        return True
    if scope.name == DEFAULT_PROFILE or await scope.db.read(lambda one: _was_deleted(one, session_id)):
        return False
    found = await scope.run_blocking(
        read_other_file, root_db, scope.name, lambda connection: _read_chain(connection, Owner(scope.name), session_id)
    )
    if not found:
        return False
    await scope.db.write(lambda connection: _copy_chain(connection, found))
    return True


async def adopt_session_of_key(scope: ProfileScope, root_db: Path, session_key: str) -> str | None:
    """Adopt the session a chat stood for in the root home, with its routing entry; its id, or None.

    The root home's routing entry decides; without one, the latest session of the key that is still open.

    Args:
        scope: The named profile.
        root_db: The root home's ``state.db``; only read. It may be missing.
        session_key: The chat's key in the namespace of this profile.

    Raises:
        StoreError: One of the two files cannot be used.
        ScopeClosed: The profile is over.
    """
    if scope.name == DEFAULT_PROFILE or not session_key.startswith(Owner(scope.name).prefix):
        return None
    found = await scope.run_blocking(
        read_other_file, root_db, scope.name, lambda connection: _find_by_key(connection, root_db, session_key)
    )
    if found is None or not await adopt_session(scope, root_db, found[0]):
        return None
    session_id, entry_json = found
    if entry_json is not None:
        row = (str(scope.home.sessions), session_key, entry_json, scope.clock.now())
        sql = "INSERT OR IGNORE INTO gateway_routing(scope, session_key, entry_json, updated_at) VALUES (?, ?, ?, ?)"
        await scope.db.write(lambda connection: connection.execute(sql, row).rowcount)
    return session_id


def note_deleted(connection: sqlite3.Connection, owner: Owner, session_id: str) -> None:
    """Remember that the profile does not want a session back from the root home; blocking."""
    if owner.profile != DEFAULT_PROFILE:
        connection.execute(_DELETED)
        connection.execute("INSERT OR IGNORE INTO trio_deleted_sessions(session_id) VALUES (?)", (session_id,))


def _was_deleted(connection: sqlite3.Connection, session_id: str) -> bool:
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'trio_deleted_sessions'").fetchone() is None:
        return False
    found = connection.execute("SELECT 1 FROM trio_deleted_sessions WHERE session_id = ?", (session_id,))
    return found.fetchone() is not None


def _has_session(connection: sqlite3.Connection, session_id: str) -> bool:
    return connection.execute("SELECT 1 FROM sessions WHERE id = ?", (session_id,)).fetchone() is not None


def _find_by_key(connection: sqlite3.Connection, root_db: Path, session_key: str) -> tuple[str, str | None] | None:
    entry = connection.execute(
        "SELECT json_extract(entry_json, '$.session_id'), entry_json FROM gateway_routing "
        "WHERE session_key = ? ORDER BY scope = ? DESC, updated_at DESC",
        (session_key, str(root_db.parent / "sessions")),
    ).fetchone()
    if entry is not None and entry[0]:
        return str(entry[0]), str(entry[1])
    latest = connection.execute(
        "SELECT id FROM sessions WHERE session_key = ? AND source <> 'api_server' AND ended_at IS NULL "
        "ORDER BY started_at DESC",
        (session_key,),
    ).fetchone()
    return (str(latest[0]), None) if latest else None


def _read_chain(connection: sqlite3.Connection, owner: Owner, session_id: str) -> list[_Copy]:
    """The session and its ancestors, oldest first; ends at rows that are not the owner's."""
    chain: list[_Copy] = []
    wanted: object = session_id
    while wanted is not None and len(chain) < LONGEST_CHAIN:
        sessions = _rows(connection, "SELECT * FROM sessions WHERE id = ?", wanted)
        if not sessions or not _may_adopt(owner, sessions[0]):
            break
        messages = _rows(connection, "SELECT * FROM messages WHERE session_id = ? ORDER BY id", wanted)
        usage = _rows(connection, "SELECT * FROM session_model_usage WHERE session_id = ?", wanted)
        chain.append(_Copy(sessions[0], messages, usage))
        wanted = sessions[0].get("parent_session_id")
    if chain:
        chain[-1].session["parent_session_id"] = None
    return chain[::-1]


def _may_adopt(owner: Owner, session: Row) -> bool:
    name, key = session.get("profile_name"), session.get("session_key")
    return owner.may_adopt(str(name) if name else None, str(key) if key else None, str(session.get("source")))


def _rows(connection: sqlite3.Connection, sql: str, parameter: object) -> list[Row]:
    cursor = connection.execute(sql, (parameter,))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _copy_chain(connection: sqlite3.Connection, chain: list[_Copy]) -> None:
    for copy in chain:
        session_id = str(copy.session["id"])
        if _has_session(connection, session_id):
            continue
        if _was_deleted(connection, str(copy.session["parent_session_id"])):
            copy.session["parent_session_id"] = None
        if _was_deleted(connection, session_id):
            continue
        title = copy.session.get("title")
        session = copy.session | {"title": free_title(connection, str(title) if title else None)}
        _insert(connection, "sessions", [session])
        _insert(connection, "messages", ({k: v for k, v in row.items() if k != "id"} for row in copy.messages))
        _insert(connection, "session_model_usage", copy.usage)


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    """Insert the columns that both files know."""
    known = {str(row[0]) for row in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))}
    for row in rows:
        names = [name for name in row if name in known]
        values = [row[name] for name in names]
        sql = f"INSERT INTO {table}({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
        connection.execute(sql, values)
