"""The rows of ``sessions`` behind chats: making, ending, reopening and finding them again. All block, in write jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from hermes_trio.store.messages import clean_text
from hermes_trio.store.ownership import OWN_ROWS, Owner
from hermes_trio.store.routing_index import key_when_alone
from hermes_trio.store.sessions import free_title

if TYPE_CHECKING:
    import sqlite3

#: Sessions that ended so were not ended by anybody who meant it.
_UNMEANT: Final = "'agent_close', 'ws_orphan_reap'"

_STATE: Final = f"""
SELECT s.ended_at, {OWN_ROWS}, EXISTS (SELECT 1 FROM messages WHERE session_id = s.id),
    EXISTS (SELECT 1 FROM messages WHERE session_id = s.id AND role = 'user' AND observed IS NOT 1)
FROM sessions AS s WHERE s.id = :id
"""  # noqa: S608  only names
_OPEN: Final = f"""
(s.ended_at IS NULL OR s.end_reason IN ({_UNMEANT})) AND EXISTS (SELECT 1 FROM messages WHERE session_id = s.id)
AND {OWN_ROWS} ORDER BY s.started_at DESC, s.id DESC LIMIT 1
"""  # noqa: S608  only names
_FOUND: Final = "SELECT s.id, (SELECT MAX(timestamp) FROM messages WHERE session_id = s.id) FROM sessions AS s"
_BY_KEY: Final = f"{_FOUND} WHERE s.session_key IN (:key, :alone) AND {_OPEN}"
_BY_PEER: Final = f"""
{_FOUND} WHERE s.session_key IS NULL AND s.source = :platform AND s.user_id IS :user_id AND s.chat_id IS :chat_id
AND s.chat_type IS :chat_type AND s.thread_id IS :thread_id AND {_OPEN}
"""
_MAKE: Final = """
INSERT INTO sessions(id, source, user_id, session_key, chat_id, chat_type, thread_id, display_name, origin_json,
    started_at, title, parent_session_id)
VALUES (:id, :platform, :user_id, :key, :chat_id, :chat_type, :thread_id, :display_name, :origin, :at, :title, NULL)
"""
_END: Final = (
    "UPDATE sessions AS s SET ended_at = :at, end_reason = :reason "  # noqa: S608  only names
    f"WHERE s.id = :id AND s.ended_at IS NULL AND {OWN_ROWS}"
)
_REOPEN: Final = "UPDATE sessions SET ended_at = NULL, end_reason = NULL, session_key = ? WHERE id = ?"


@dataclass(frozen=True, slots=True)
class SessionOrigin:
    """The place a conversation belongs to, with the names that hermes-agent gives these in its routing index.

    Attributes:
        platform: Platform name.
        chat_id: The chat.
        chat_type: ``dm``, ``group`` ...
        chat_name: What people call the chat.
        user_id: Who wrote last.
        user_name: What people call them.
        thread_id: The thread or topic within the chat.
        chat_topic: What the chat is about.
        user_id_alt: A second, steadier id of who wrote.
        chat_id_alt: A second id of the chat.
        scope_id: What the ids are unique in, on platforms with several such spaces.
        guild_id: The server, team or workspace.
        parent_chat_id: The chat a thread belongs to.
        message_id: The platform's id of the last message.
        profile: The profile that answers, where it is not the default one.
        transport_profile: The profile whose bot received the message; a field of our own.
    """

    platform: str
    chat_id: str | None = None
    chat_type: str = "dm"
    chat_name: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    thread_id: str | None = None
    chat_topic: str | None = None
    user_id_alt: str | None = None
    chat_id_alt: str | None = None
    scope_id: str | None = None
    guild_id: str | None = None
    parent_chat_id: str | None = None
    message_id: str | None = None
    profile: str | None = None
    transport_profile: str | None = None

    @property
    def display_name(self) -> str | None:
        """What people call the place."""
        return self.chat_name or self.user_name

    def as_json(self) -> dict[str, object]:
        """The origin as a JSON object: some fields are always there, the others when they say something."""
        values = {name: clean_text(getattr(self, name)) for name in self.__slots__}
        return {name: value for name, value in values.items() if name in _ALWAYS or value}


_ALWAYS: Final = frozenset(
    ("platform", "chat_id", "chat_name", "chat_type", "user_id", "user_name", "thread_id", "chat_topic")
)


@dataclass(frozen=True, slots=True)
class SessionState:
    """A session as its chat finds it.

    Attributes:
        state: ``missing`` (not stored yet), ``foreign`` (another profile's), ``open`` or ``ended``.
        has_messages: Whether anything was said in it, or overheard.
        had_activity: Whether somebody spoke to the agent in it.
    """

    state: Literal["missing", "foreign", "open", "ended"]
    has_messages: bool = False
    had_activity: bool = False


@dataclass(frozen=True, slots=True)
class FoundSession:
    """A session that was found again, and when its last message came, in seconds since the epoch."""

    session_id: str
    last_active: float


def session_state(connection: sqlite3.Connection, owner: Owner, session_id: str) -> SessionState:
    """What there is of a session."""
    row = connection.execute(_STATE, owner.parameters | {"id": session_id}).fetchone()
    if row is None:
        return SessionState("missing")
    ended_at, is_own, has_messages, had_activity = row
    if not is_own:
        return SessionState("foreign")
    return SessionState("open" if ended_at is None else "ended", bool(has_messages), bool(had_activity))


def find_again(connection: sqlite3.Connection, owner: Owner, key: str, origin: SessionOrigin) -> FoundSession | None:
    """The profile's latest session of a chat that nobody meant to end: by its key, else by its place.

    By place only sessions are found that were stored without a key: one with another key is another conversation.
    """
    parameters = owner.parameters | _place(origin) | {"key": key, "alone": key_when_alone(key)}
    row = connection.execute(_BY_KEY, parameters).fetchone()
    if row is None and (origin.chat_id or origin.user_id):
        row = connection.execute(_BY_PEER, parameters).fetchone()
    return None if row is None else FoundSession(row[0], float(row[1] or 0.0))


def make_session(
    connection: sqlite3.Connection, session_id: str, key: str, origin: SessionOrigin, at: float, title: str = ""
) -> None:
    """Store a session in which nothing was said yet."""
    values = {
        "id": session_id,
        "key": clean_text(key),
        "display_name": clean_text(origin.display_name),
        "origin": msgspec.json.encode(origin.as_json()).decode(),
        "at": at,
        "title": free_title(connection, title),
    }
    connection.execute(_MAKE, _place(origin) | values)


def end_open_session(connection: sqlite3.Connection, owner: Owner, session_id: str, reason: str, at: float) -> None:
    """End a session of the profile, unless it has ended."""
    connection.execute(_END, owner.parameters | {"id": session_id, "reason": reason, "at": at})


def reopen_session(connection: sqlite3.Connection, session_id: str, key: str) -> None:
    """Let a session go on, under a key."""
    connection.execute(_REOPEN, (clean_text(key), session_id))


def _place(origin: SessionOrigin) -> dict[str, object]:
    names = ("platform", "user_id", "chat_id", "chat_type", "thread_id")
    return {name: clean_text(getattr(origin, name)) or None for name in names}
