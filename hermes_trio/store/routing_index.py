"""The routing index: which session a session key stands for now.

The table ``gateway_routing`` counts; ``sessions/sessions.json`` mirrors it for other programs. A change costs one
upsert; the mirror is written lazily by `serve_mirror`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import msgspec
import trio

from hermes_trio.errors import HermesTrioError
from hermes_trio.store.ownership import SHARED_NAMESPACE
from hermes_trio.store.routing_mirror import read_mirror, stamp_of, write_mirror

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from hermes_trio.scope import ProfileScope

TOPIC: Final = "gateway_routing"
STAMP: Final = "trio_sessions_json"
SECONDS_BETWEEN_MIRRORS: Final = 5.0
LAST_MIRROR_SECONDS: Final = 2.0

_UPSERT: Final = """
INSERT INTO gateway_routing(scope, session_key, entry_json, updated_at) VALUES (?, ?, ?, ?)
ON CONFLICT(scope, session_key) DO UPDATE SET entry_json = excluded.entry_json, updated_at = excluded.updated_at
"""
_READ: Final = "SELECT entry_json, updated_at FROM gateway_routing WHERE scope = ? AND session_key = ?"

#: What hermes-agent expects in every entry, with the values of a fresh session.
ENTRY_DEFAULTS: Final[Mapping[str, object]] = MappingProxyType(
    {
        "display_name": None,
        "platform": None,
        "chat_type": "dm",
        "input_tokens": 0,
        "output_tokens": 0,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "total_tokens": 0,
        "last_prompt_tokens": 0,
        "estimated_cost_usd": 0.0,
        "cost_status": "unknown",
        "expiry_finalized": False,
        "suspended": False,
        "resume_pending": False,
        "resume_reason": None,
        "last_resume_marked_at": None,
        "is_fresh_reset": False,
        "was_auto_reset": False,
        "auto_reset_reason": None,
        "reset_had_activity": False,
    }
)


@dataclass(frozen=True, slots=True)
class RoutingEntry:
    """Where a session key leads.

    Attributes:
        session_key: The key.
        session_id: The session it stands for now.
        created_at: Naive local time in ISO form, as hermes-agent writes it.
        updated_at: Likewise.
        more: All other fields, e.g. ``platform``, ``chat_type``, ``origin``, ``suspended``; unknown ones are kept.
    """

    session_key: str
    session_id: str
    created_at: str
    updated_at: str
    more: Mapping[str, object] = field(default_factory=dict)

    def encode(self) -> str:
        """The entry as stored."""
        return msgspec.json.encode(self.as_json()).decode()

    def as_json(self) -> dict[str, object]:
        """The entry as a JSON object."""
        return {
            "session_key": str(self.session_key),
            "session_id": self.session_id,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            **ENTRY_DEFAULTS,
            **self.more,
        }


def decode_entry(session_key: str, value: object) -> RoutingEntry | None:
    """An entry from its JSON object; None when it names no session."""
    if not isinstance(value, dict) or not isinstance(value.get("session_id"), str):
        return None
    main = ("session_key", "session_id", "created_at", "updated_at")
    more = {name: item for name, item in value.items() if name not in main}
    created, updated = (str(value.get(name) or "") for name in main[2:])
    return RoutingEntry(session_key, value["session_id"], created, updated, more)


async def upsert(scope: ProfileScope, entry: RoutingEntry) -> None:
    """Let a key lead to a session from now on.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.

    Cancellation: see `Database.write`.
    """
    index, now = str(scope.home.sessions), scope.clock.now()
    await scope.db.write(lambda connection: write_entry(connection, index, entry, now))
    scope.db.changes.mark(TOPIC)


def write_entry(connection: sqlite3.Connection, index: str, entry: RoutingEntry, at: float) -> None:
    """The writing of `upsert`; blocking.

    Args:
        connection: Of the write job.
        index: The profile's sessions folder, as text.
        entry: What to store.
        at: When the chat was last active, in seconds since the epoch.
    """
    connection.execute(_UPSERT, (index, entry.session_key, entry.encode(), at))


async def remove(scope: ProfileScope, session_key: str) -> bool:
    """Forget where a key led; False when it led nowhere. The session itself stays.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    index = str(scope.home.sessions)
    removed = await scope.db.write(lambda connection: delete_entry(connection, index, session_key))
    if removed:
        scope.db.changes.mark(TOPIC)
    return removed


def delete_entry(connection: sqlite3.Connection, index: str, session_key: str) -> bool:
    """The writing of `remove`; blocking."""
    sql = "DELETE FROM gateway_routing WHERE scope = ? AND session_key = ?"
    return connection.execute(sql, (index, session_key)).rowcount > 0


async def lookup(scope: ProfileScope, session_key: str) -> RoutingEntry | None:
    """Where a key leads, or None.

    A profile that ran alone under hermes-agent has its keys in the namespace ``main``; its own file answers for those,
    too. Entries that only ``sessions.json`` has are taken over first.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    entry = await _lookup(scope, session_key)
    if entry is None and await import_mirror(scope):
        entry = await _lookup(scope, session_key)
    return entry


async def _lookup(scope: ProfileScope, session_key: str) -> RoutingEntry | None:
    index = str(scope.home.sessions)
    found = await scope.db.read(lambda connection: read_entry(connection, index, session_key))
    return None if found is None else found[0]


def read_entry(connection: sqlite3.Connection, index: str, session_key: str) -> tuple[RoutingEntry, float] | None:
    """What the table has of a key, and when the row was written, in seconds since the epoch; blocking.

    Args:
        connection: Of the job.
        index: The profile's sessions folder, as text.
        session_key: The key; that of the profile when it ran alone counts as well.
    """
    for key in (session_key, key_when_alone(session_key)):
        row = connection.execute(_READ, (index, key)).fetchone()
        entry = decode_entry(session_key, _decode_json(row[0])) if row is not None else None
        if entry is not None:
            return entry, float(row[1])
    return None


def key_when_alone(session_key: str) -> str:
    """The same key as hermes-agent builds it for a profile that runs without a multiplexer."""
    parts = session_key.split(":", 2)
    if len(parts) < 3 or parts[0] != "agent":
        return session_key
    return f"agent:{SHARED_NAMESPACE}:{parts[2]}"


async def list_entries(scope: ProfileScope) -> tuple[RoutingEntry, ...]:
    """All entries of this profile's index.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    index = str(scope.home.sessions)
    return await scope.db.read(lambda connection: tuple(entry for entry, _ in entries_of(connection, index)))


def entries_of(connection: sqlite3.Connection, index: str) -> tuple[tuple[RoutingEntry, float], ...]:
    """The reading of `list_entries`, with when each row was written, in seconds since the epoch; blocking."""
    sql = "SELECT session_key, entry_json, updated_at FROM gateway_routing WHERE scope = ? ORDER BY session_key"
    rows = connection.execute(sql, (index,)).fetchall()
    entries = ((decode_entry(key, _decode_json(stored)), float(at)) for key, stored, at in rows)
    return tuple((entry, at) for entry, at in entries if entry is not None)


async def import_mirror(scope: ProfileScope) -> int:
    """Take over the entries that ``sessions.json`` has and the table lacks; how many.

    The file's stamp is remembered, so that it is read once per change and what was removed since does not come back.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    path = scope.home.sessions_json
    stamp = await scope.run_blocking(stamp_of, path)
    known = await scope.db.read(_read_stamp)
    if stamp is None or stamp == known:
        return 0
    mirrored = await scope.run_blocking(read_mirror, path)
    entries = [entry for key, value in mirrored.items() if (entry := decode_entry(key, value)) is not None]
    rows = [(str(scope.home.sessions), entry.session_key, entry.encode(), scope.clock.now()) for entry in entries]
    return await scope.db.write(lambda connection: _insert_missing(connection, rows, stamp))


def _insert_missing(connection: sqlite3.Connection, rows: list[tuple[str, str, str, float]], stamp: str) -> int:
    sql = "INSERT OR IGNORE INTO gateway_routing(scope, session_key, entry_json, updated_at) VALUES (?, ?, ?, ?)"
    count = connection.executemany(sql, rows).rowcount if rows else 0
    _write_stamp(connection, stamp)
    return max(count, 0)


def _read_stamp(connection: sqlite3.Connection) -> str | None:
    row = connection.execute("SELECT value FROM state_meta WHERE key = ?", (STAMP,)).fetchone()
    return None if row is None else str(row[0])


def _write_stamp(connection: sqlite3.Connection, stamp: str) -> None:
    connection.execute("INSERT OR REPLACE INTO state_meta(key, value) VALUES (?, ?)", (STAMP, stamp))


async def serve_mirror(scope: ProfileScope, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
    """Keep ``sessions.json`` a mirror of the table until cancelled: writes after a change, at most every 5 s.

    A mirror that cannot be written is logged and tried again at the next change: nothing of ours reads it.

    Cancellation: writes what has changed since the last time, within 2 s.
    """
    written = scope.db.changes.count(TOPIC)
    task_status.started()
    try:
        while True:
            await scope.db.changes.wait_beyond(TOPIC, written)
            written = await _mirror(scope)
            await trio.sleep(SECONDS_BETWEEN_MIRRORS)
    finally:
        if scope.db.changes.count(TOPIC) > written:
            with trio.CancelScope(deadline=trio.current_time() + LAST_MIRROR_SECONDS, shield=True):
                await _mirror(scope)


async def _mirror(scope: ProfileScope) -> int:
    """Write the mirror; the number of the last change it contains."""
    seen = scope.db.changes.count(TOPIC)
    try:
        await import_mirror(scope)
        entries = {entry.session_key: entry.as_json() for entry in await list_entries(scope)}
        stamp = await scope.run_blocking(write_mirror, scope.home.sessions_json, entries)
        await scope.db.write(lambda connection: _write_stamp(connection, stamp))
    except HermesTrioError as exc:
        scope.log.warning(f"sessions.json was not written: {exc}")
    return seen


def _decode_json(stored: str) -> object:
    try:
        return msgspec.json.decode(stored)
    except msgspec.DecodeError:
        return None
