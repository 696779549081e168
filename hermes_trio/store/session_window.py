"""A few messages of a session around one of them, for whoever looks something up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.store.messages import Content, decode_content
from hermes_trio.store.ownership import OWN_ROWS, Owner

if TYPE_CHECKING:
    import sqlite3

    from hermes_trio.scope import ProfileScope

#: What was said is shown, also what was compacted away; what was undone is not, nor messages that only call tools.
_SHOWN: Final = """
m.session_id = :session AND (m.active IS NOT 0 OR m.compacted = 1) AND COALESCE(m.content, '') <> ''
AND m.role IN ('user', 'assistant', 'tool')
"""
_FIELDS: Final = "m.id, m.role, m.timestamp, m.content, m.tool_name"
_SESSION: Final = f"""
SELECT s.id, s.source, s.model, s.title, s.started_at FROM sessions AS s WHERE s.id = :session AND {OWN_ROWS}
"""  # noqa: S608  only names
_BEFORE: Final = f"""
SELECT {_FIELDS} FROM messages AS m WHERE {_SHOWN} AND m.id < :anchor ORDER BY m.id DESC LIMIT :window
"""  # noqa: S608  only names
_FROM: Final = f"""
SELECT {_FIELDS} FROM messages AS m WHERE {_SHOWN} AND m.id >= :anchor ORDER BY m.id LIMIT :window + 1
"""  # noqa: S608  only names
_COUNT: Final = f"""
SELECT COALESCE(SUM(m.id < :first), 0), COALESCE(SUM(m.id > :last), 0) FROM messages AS m WHERE {_SHOWN}
"""  # noqa: S608  only names
_LAST: Final = f"SELECT MAX(m.id) FROM messages AS m WHERE {_SHOWN}"  # noqa: S608  only names


@dataclass(frozen=True, slots=True)
class WindowMessage:
    """A message as it is shown to whoever looks back; fields as in `StoredMessage`."""

    id: int
    role: str
    timestamp: float
    content: Content
    tool_name: str | None


@dataclass(frozen=True, slots=True)
class SessionWindow:
    """A part of a session.

    Attributes:
        session_id: The session.
        source: Its platform.
        model: The model that answered, where known.
        title: Its title, if any.
        started_at: Seconds since the epoch.
        messages: In order.
        before: How many there are before them.
        after: How many there are after them.
    """

    session_id: str
    source: str
    model: str | None
    title: str | None
    started_at: float
    messages: tuple[WindowMessage, ...]
    before: int
    after: int


async def load_window(scope: ProfileScope, session_id: str, anchor: int | None, window: int) -> SessionWindow | None:
    """The messages around one, or None when this profile has no such session.

    Args:
        scope: Whose.
        session_id: Which session.
        anchor: Row id of the message in the middle; None for the last one.
        window: At most so many before it, and after it.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    parameters = Owner(scope.name).parameters | {"session": session_id, "anchor": anchor, "window": window}
    return await scope.db.read(lambda connection: _load(connection, parameters))


def _load(connection: sqlite3.Connection, parameters: dict[str, object]) -> SessionWindow | None:
    session = connection.execute(_SESSION, parameters).fetchone()
    if session is None:
        return None
    if parameters["anchor"] is None:
        parameters = parameters | {"anchor": connection.execute(_LAST, parameters).fetchone()[0] or 0}
    rows = connection.execute(_BEFORE, parameters).fetchall()[::-1] + connection.execute(_FROM, parameters).fetchall()
    ends = {"first": rows[0][0], "last": rows[-1][0]} if rows else {"first": 0, "last": 0}
    before, after = connection.execute(_COUNT, parameters | ends).fetchone()
    session_id, source, model, title, started_at = session
    messages = tuple(_message(*row) for row in rows)
    return SessionWindow(session_id, source, model, title, started_at, messages, before, after)


def _message(row_id: int, role: str, timestamp: float, content: str | None, tool_name: str | None) -> WindowMessage:
    return WindowMessage(row_id, role, timestamp, decode_content(content), tool_name)
