"""Which session a chat's key stands for: going on, beginning anew, switching, and finding it again after a loss."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import StoreError
from hermes_trio.store.messages import clean_text
from hermes_trio.store.ownership import Owner
from hermes_trio.store.reset_rules import ResetReason, reset_reason
from hermes_trio.store.root_sessions import adopt_session_of_key
from hermes_trio.store.routing_index import (
    ENTRY_DEFAULTS,
    TOPIC,
    RoutingEntry,
    delete_entry,
    import_mirror,
    key_when_alone,
    read_entry,
    write_entry,
)
from hermes_trio.store.session_ids import new_session_id
from hermes_trio.store.session_rows import (
    SessionOrigin,
    SessionState,
    end_open_session,
    find_again,
    make_session,
    reopen_session,
    session_state,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping
    from datetime import tzinfo
    from pathlib import Path

    from hermes_trio.home.chat_config import ResetPolicy
    from hermes_trio.io.clock import Clock
    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.sessions import SqlJob

__all__ = ["ChatSession", "SessionOrigin", "end_for_good", "get_or_create", "start_new", "switch_to"]

#: Settings that end with the session; everything else a chat has set for itself stays.
SESSION_SETTINGS: Final = frozenset(("model_once", "model_override", "reasoning_effort"))

_LEAVE: Final = """
DELETE FROM gateway_routing WHERE scope = ? AND session_key NOT IN (?, ?) AND json_valid(entry_json)
    AND json_extract(entry_json, '$.session_id') = ?
"""


@dataclass(frozen=True, slots=True)
class ChatSession:
    """What a chat's key stands for now.

    Attributes:
        session_id: The session.
        entry: Its entry in the routing index, with all settings of the chat.
        is_new: Whether this very call has begun it.
        reset_reason: Why the conversation began anew by itself (``idle``, ``daily``, ``suspended``), until a turn of it
            is noted with `hermes_trio.store.chat_entries.note_turn`; empty when it did not.
        had_activity: Whether somebody had spoken to the agent in the session before such a reset.
    """

    session_id: str
    entry: RoutingEntry
    is_new: bool
    reset_reason: ResetReason = ""
    had_activity: bool = False


@dataclass(frozen=True, slots=True)
class _Chat:
    """One call: whose chat, and what time it is."""

    index: str
    owner: Owner
    key: str
    origin: SessionOrigin
    clock: Clock
    now: float

    def stamp(self) -> str:
        """The time as entries have it."""
        return self.clock.local().replace(tzinfo=None).isoformat()

    def last_active(self, entry: RoutingEntry, written_at: float) -> float:
        """When the chat was last active.

        Our rows say it to the second; hermes-agent may write a row later, and says it in local time.
        """
        return min(written_at, last_active_in(entry, self.clock), self.now)


def last_active_in(entry: RoutingEntry, clock: Clock) -> float:
    """When an entry says that its chat was last active, in seconds since the epoch; infinity if it does not say."""
    from datetime import datetime

    try:
        stated = datetime.fromisoformat(entry.updated_at)
    except ValueError:
        return float("inf")
    return clock.instant(stated) if stated.tzinfo is None else stated.timestamp()


def _chat(scope: ProfileScope, key: str, origin: SessionOrigin) -> _Chat:
    return _Chat(
        str(scope.home.sessions), Owner(scope.name), clean_text(key) or "", origin, scope.clock, scope.clock.now()
    )


async def get_or_create(
    scope: ProfileScope,
    key: str,
    origin: SessionOrigin,
    policy: ResetPolicy,
    root_db: Path | None = None,
    *,
    has_live_processes: Callable[[str], bool] = lambda _key: False,
) -> ChatSession:
    """The session a message belongs to; the chat counts as active now.

    It goes on with the session of the routing index, unless that is due for a reset or has ended. Without one it looks
    in ``sessions.json``, in the profile's own sessions and in the root home's, in this order, and then begins a new
    one.

    Args:
        scope: The runtime profile.
        key: The chat's session key.
        origin: Where the message came from.
        policy: When conversations begin anew.
        root_db: The root home's ``state.db``, or None when there is nothing to look for.
        has_live_processes: Whether commands of a session key still run in the background: then it is not reset.

    Raises:
        StoreError: A file cannot be used.
        ScopeClosed: The profile is over.

    Cancellation: each step is one transaction; a chat that is known takes one.
    """
    chat = _chat(scope, key, origin)
    check = _reset_check(scope, policy, spared=policy.mode != "none" and has_live_processes(chat.key))
    found = await scope.db.write(lambda connection: _find(connection, chat, check, search=False))
    if found is None:
        await import_mirror(scope)
        found = await scope.db.write(lambda connection: _find(connection, chat, check, search=True))
    if found is None:
        if root_db is not None:
            await adopt_session_of_key(scope, root_db, chat.key)
        found = await scope.db.write(
            lambda connection: _find(connection, chat, check, search=True) or _begin(connection, chat, None)
        )
    scope.db.changes.mark(TOPIC)
    return found


async def start_new(
    scope: ProfileScope, key: str, origin: SessionOrigin, title: str = "", end_reason: str = "session_reset"
) -> ChatSession:
    """Begin a new session under a key; the one before has ended.

    Args:
        scope: The runtime profile.
        key: The chat's session key.
        origin: Where the wish came from.
        title: Its title; made unique. Empty for none.
        end_reason: Why the one before ended.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.

    Cancellation: see `Database.write`.
    """
    chat = _chat(scope, key, origin)

    def start(connection: sqlite3.Connection) -> ChatSession:
        stored = read_entry(connection, chat.index, chat.key)
        old = stored[0] if stored else None
        if old is not None:
            end_open_session(connection, chat.owner, old.session_id, end_reason, chat.now)
        return _begin(connection, chat, old, title)

    begun = await scope.db.write(start)
    scope.db.changes.mark(TOPIC)
    return begun


async def switch_to(
    scope: ProfileScope, key: str, session_id: str, origin: SessionOrigin, end_reason: str = "session_switch"
) -> ChatSession:
    """Let a key stand for another session of the profile, which goes on; the one before has ended.

    A session belongs to one chat at a time: another chat that stood for it begins anew.

    Args:
        scope: The runtime profile.
        key: The chat's session key.
        session_id: The session.
        origin: Where the wish came from.
        end_reason: Why the one before ended; ``branched`` when this one is a branch of it.

    Raises:
        StoreError: The file cannot be used, or (``session_unknown``) the profile has no such session.
        ScopeClosed: The profile is over.

    Cancellation: see `Database.write`.
    """
    chat = _chat(scope, key, origin)
    switched = await scope.db.write(lambda connection: _switch(connection, chat, session_id, end_reason))
    scope.db.changes.mark(TOPIC)
    return switched


def end_for_good(scope: ProfileScope, key: str, session_id: str, reason: str) -> SqlJob:
    """A job that ends a session to which nobody comes back, and forgets that the key led there.

    After its commit `hermes_trio.store.routing_index.TOPIC` has changed.

    Args:
        scope: The runtime profile.
        key: The session's key.
        session_id: The session.
        reason: Why it ends.
    """
    owner, index, at = Owner(scope.name), str(scope.home.sessions), scope.clock.now()

    def job(connection: sqlite3.Connection) -> None:
        end_open_session(connection, owner, session_id, reason, at)
        delete_entry(connection, index, clean_text(key) or "")

    return job


def _reset_check(scope: ProfileScope, policy: ResetPolicy, *, spared: bool) -> Callable[[float], ResetReason]:
    """What tells why a conversation that was active at a time is to be reset."""
    if policy.mode == "none" or spared:
        return lambda _last_active: ""
    zone: tzinfo | None = None
    if scope.config.timezone:
        from zoneinfo import ZoneInfo

        zone = ZoneInfo(scope.config.timezone)
    return partial(reset_reason, policy, clock=scope.clock, zone=zone)


def _find(
    connection: sqlite3.Connection, chat: _Chat, check: Callable[[float], ResetReason], *, search: bool
) -> ChatSession | None:
    """What the entry leads to, or what is found by a search; None when there is no entry and nothing was found."""
    stored = read_entry(connection, chat.index, chat.key)
    if stored is None and not search:
        return None
    entry = stored[0] if stored else None
    if stored is not None:
        state = session_state(connection, chat.owner, stored[0].session_id)
        if state.state in ("open", "missing"):
            return _go_on(connection, chat, stored[0], state, check(chat.last_active(*stored)))
    again = find_again(connection, chat.owner, chat.key, chat.origin)
    if again is not None:
        reopen_session(connection, again.session_id, chat.key)
        state = session_state(connection, chat.owner, again.session_id)
        return _go_on(connection, chat, _entry(chat, again.session_id, entry), state, check(again.last_active))
    return None if entry is None else _begin(connection, chat, entry)


def _go_on(
    connection: sqlite3.Connection, chat: _Chat, entry: RoutingEntry, state: SessionState, due: ResetReason
) -> ChatSession:
    reason: ResetReason = "suspended" if entry.more.get("suspended") else due
    if reason and state.has_messages:
        end_open_session(connection, chat.owner, entry.session_id, reason, chat.now)
        return _begin(connection, chat, entry, reason=reason, had_activity=state.had_activity)
    more = dict(entry.more) | {"suspended": False} | _origin_fields(chat.origin, entry.more)
    touched = replace(entry, updated_at=chat.stamp(), more=more)
    write_entry(connection, chat.index, touched, chat.now)
    return ChatSession(touched.session_id, touched, False, _pending_reason(more), bool(more.get("reset_had_activity")))


def _pending_reason(more: Mapping[str, object]) -> ResetReason:
    """Why the session that an entry names began, as long as no turn of it was noted."""
    if not (more.get("is_fresh_reset") and more.get("was_auto_reset")):
        return ""
    known: tuple[ResetReason, ...] = ("idle", "daily", "suspended")
    return next((reason for reason in known if reason == more.get("auto_reset_reason")), "")


def _begin(
    connection: sqlite3.Connection,
    chat: _Chat,
    old: RoutingEntry | None,
    title: str = "",
    *,
    reason: ResetReason = "",
    had_activity: bool = False,
) -> ChatSession:
    session_id = new_session_id(chat.clock.local())
    make_session(connection, session_id, chat.key, chat.origin, chat.now, title)
    entry = _entry(chat, session_id, old)
    flags = {
        "is_fresh_reset": old is not None,
        "was_auto_reset": bool(reason),
        "auto_reset_reason": reason or None,
        "reset_had_activity": had_activity,
    }
    entry = replace(entry, more=dict(entry.more) | flags)
    write_entry(connection, chat.index, entry, chat.now)
    return ChatSession(session_id, entry, True, reason, had_activity)


def _entry(chat: _Chat, session_id: str, old: RoutingEntry | None) -> RoutingEntry:
    """The entry of a session that takes the place of another one; the chat keeps its own settings."""
    former = old.more if old is not None else {}
    kept = {name: value for name, value in former.items() if name not in ENTRY_DEFAULTS.keys() | SESSION_SETTINGS}
    more = dict(ENTRY_DEFAULTS) | kept | _origin_fields(chat.origin, former)
    return RoutingEntry(chat.key, session_id, chat.stamp(), chat.stamp(), more)


def _origin_fields(origin: SessionOrigin, former: Mapping[str, object]) -> dict[str, object]:
    known = former.get("origin")
    return {
        "display_name": clean_text(origin.display_name) or former.get("display_name"),
        "platform": origin.platform,
        "chat_type": origin.chat_type,
        "origin": (known if isinstance(known, dict) else {}) | origin.as_json(),
    }


def _switch(connection: sqlite3.Connection, chat: _Chat, session_id: str, end_reason: str) -> ChatSession:
    state = session_state(connection, chat.owner, session_id)
    if state.state in ("missing", "foreign"):
        raise StoreError(
            "the profile has no such session", code="session_unknown", profile=chat.owner.profile, found=session_id
        )
    stored = read_entry(connection, chat.index, chat.key)
    old = stored[0] if stored else None
    if old is not None and old.session_id != session_id:
        end_open_session(connection, chat.owner, old.session_id, end_reason, chat.now)
    reopen_session(connection, session_id, chat.key)
    connection.execute(_LEAVE, (chat.index, chat.key, key_when_alone(chat.key), session_id))
    entry = _entry(chat, session_id, old)
    write_entry(connection, chat.index, entry, chat.now)
    return ChatSession(session_id, entry, False)
