"""What people change in a session after the fact: undo, branch, title, and what was only overheard."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from hermes_trio.errors import StoreError
from hermes_trio.store.exchanges import exchange_starts, text_of_content
from hermes_trio.store.messages import clean_text, insert_messages, select_active
from hermes_trio.store.ownership import Owner
from hermes_trio.store.session_objects import BRANCH_MARK
from hermes_trio.store.session_rows import session_state
from hermes_trio.store.sessions import free_title

if TYPE_CHECKING:
    import sqlite3

    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.messages import StoredMessage

_UNDO: Final = "UPDATE messages SET active = 0 WHERE session_id = ? AND id >= ? AND active IS NOT 0"
_OVERHEARD: Final = """
SELECT 1 FROM messages WHERE session_id = ? AND platform_message_id = ? AND timestamp = ? AND observed = 1
"""
_COUNT_UNDO: Final = "UPDATE sessions SET rewind_count = COALESCE(rewind_count, 0) + 1 WHERE id = ?"

#: Rows that a compaction folded follow the summary that took their place; see `hermes_trio.store.compaction`. One of
#: them moved to the end, and is older than the row it follows there.
_SUMMARIES: Final = """
SELECT id FROM (
    SELECT id, active, timestamp, LEAD(compacted) OVER (ORDER BY id) AS folds,
        LEAD(timestamp) OVER (ORDER BY id) AS since FROM messages WHERE session_id = ?)
WHERE active IS NOT 0 AND folds = 1 AND since >= timestamp
"""

#: What a branch takes over from the session it comes from, as far as the file has these columns.
_INHERITED: Final = (
    "source",
    "user_id",
    "session_key",
    "chat_id",
    "chat_type",
    "thread_id",
    "display_name",
    "origin_json",
    "model",
    "model_config",
    "system_prompt",
    "cwd",
    "git_branch",
    "git_repo_root",
    "billing_provider",
    "billing_base_url",
    "billing_mode",
    "profile_name",
)
_BRANCH: Final = f"""
INSERT INTO sessions(id, parent_session_id, started_at, title, {", ".join(_INHERITED)})
SELECT ?, id, ?, ?, {", ".join(_INHERITED)} FROM sessions WHERE id = ?
"""  # noqa: S608  only names
_MARK_BRANCH: Final = f"""
UPDATE sessions SET model_config = json_set(CASE WHEN json_valid(model_config) AND substr(model_config, 1, 1) = '{{'
    THEN model_config ELSE '{{}}' END, '$.{BRANCH_MARK}', :parent) WHERE id = :id
"""  # noqa: S608  only names
_COUNT_BRANCH: Final = """
UPDATE sessions SET message_count = (SELECT COUNT(*) FROM messages WHERE session_id = :id), tool_call_count =
    (SELECT COUNT(*) FROM messages WHERE session_id = :id AND role = 'tool') WHERE id = :id
"""


@dataclass(frozen=True, slots=True)
class UndoneExchange:
    """What was taken back.

    Attributes:
        texts: The user's messages, oldest first.
        count: How many exchanges.
    """

    texts: tuple[str, ...] = ()
    count: int = 0


async def undo(scope: ProfileScope, session_id: str, exchanges: int = 1) -> UndoneExchange:
    """Take back the last exchanges: the model does not see them any more, the file keeps them.

    Args:
        scope: Whose session it is.
        session_id: Which.
        exchanges: How many; all there are when these are fewer. A summary of earlier ones stays.

    Raises:
        StoreError: The file cannot be used, or (``session_unknown``) the profile has no such session.
        ScopeClosed: The profile is over.
    """

    def take_back(connection: sqlite3.Connection) -> UndoneExchange:
        messages, starts = _exchanges(connection, scope.name, session_id)
        undone = starts[-exchanges:] if exchanges > 0 else []
        if not undone:
            return UndoneExchange()
        connection.execute(_UNDO, (session_id, messages[undone[0]].id))
        connection.execute(_COUNT_UNDO, (session_id,))
        return UndoneExchange(tuple(text_of_content(messages[start].content) for start in undone), len(undone))

    return await scope.db.write(take_back)


async def last_user_message(scope: ProfileScope, session_id: str) -> StoredMessage | None:
    """The message of the user that the last exchange began with; None when there is none.

    Raises:
        StoreError: The file cannot be used, or (``session_unknown``) the profile has no such session.
        ScopeClosed: The profile is over.
    """

    def find(connection: sqlite3.Connection) -> StoredMessage | None:
        messages, starts = _exchanges(connection, scope.name, session_id)
        return messages[starts[-1]] if starts else None

    return await scope.db.read(find)


def _exchanges(
    connection: sqlite3.Connection, profile: str, session_id: str
) -> tuple[tuple[StoredMessage, ...], list[int]]:
    """The active messages of a session, and where exchanges begin in them; a summary is none."""
    require_own(connection, profile, session_id)
    messages = select_active(connection, session_id)
    summaries = {row_id for (row_id,) in connection.execute(_SUMMARIES, (session_id,))}
    return messages, [start for start in exchange_starts(messages) if messages[start].id not in summaries]


async def branch(scope: ProfileScope, session_id: str, new_id: str, title: str = "") -> str | None:
    """Copy what the model sees of a session into a new one, which names it as its parent; the new one's title.

    Args:
        scope: Whose session it is.
        session_id: Which.
        new_id: Id of the new one; see `hermes_trio.store.session_ids.branch_session_id`.
        title: Its title; empty for that of the session. Made unique.

    Raises:
        StoreError: The file cannot be used, or (``session_unknown``) the profile has no such session.
        ScopeClosed: The profile is over.
    """
    now = scope.clock.now()

    def copy(connection: sqlite3.Connection) -> str | None:
        require_own(connection, scope.name, session_id)
        return copy_session(connection, session_id, new_id, title, now)

    return await scope.db.write(copy)


def copy_session(connection: sqlite3.Connection, session_id: str, new_id: str, title: str, at: float) -> str | None:
    """The writing of `branch`; blocking.

    Args:
        connection: Of the write job.
        session_id: Which session.
        new_id: Id of the new one.
        title: Its title; empty for that of the session. Made unique.
        at: When it begins, in seconds since the epoch.
    """
    (old_title,) = connection.execute("SELECT title FROM sessions WHERE id = ?", (session_id,)).fetchone()
    new_title = free_title(connection, title or old_title)
    connection.execute(_BRANCH, (new_id, at, new_title, session_id))
    connection.execute(_MARK_BRANCH, {"id": new_id, "parent": session_id})
    _copy_messages(connection, session_id, new_id)
    connection.execute(_COUNT_BRANCH, {"id": new_id})
    return new_title


def _copy_messages(connection: sqlite3.Connection, session_id: str, new_id: str) -> None:
    """Copy the active rows, with all columns they have in this file."""
    found = connection.execute("SELECT name FROM pragma_table_info('messages') WHERE name NOT IN ('id', 'session_id')")
    columns = ", ".join('"' + name.replace('"', '""') + '"' for (name,) in found)
    connection.execute(
        f"INSERT INTO messages(session_id, {columns}) SELECT ?, {columns} FROM messages "  # noqa: S608  only names
        "WHERE session_id = ? AND active IS NOT 0 ORDER BY id",
        (new_id, session_id),
    )


async def set_title(scope: ProfileScope, session_id: str, title: str) -> str:
    """Give a session a title; the title it got, with `` #2`` or so when another session has it.

    Raises:
        StoreError: The file cannot be used, the title is empty (``title_empty``), or the profile has no such session
            (``session_unknown``).
        ScopeClosed: The profile is over.
    """

    def rename(connection: sqlite3.Connection) -> str:
        require_own(connection, scope.name, session_id)
        connection.execute("UPDATE sessions SET title = NULL WHERE id = ?", (session_id,))
        free = free_title(connection, title)
        if free is None:
            raise StoreError("a title needs a text", code="title_empty", profile=scope.name)
        connection.execute("UPDATE sessions SET title = ? WHERE id = ?", (free, session_id))
        return free

    return await scope.db.write(rename)


async def add_observed(scope: ProfileScope, session_id: str, message: StoredMessage) -> None:
    """Keep a message that was not meant for the agent, so that it knows what was talked about; once, if it has an id.

    Raises:
        StoreError: The file cannot be used, or (``session_unknown``) the profile has no such session.
        ScopeClosed: The profile is over.
    """
    overheard = replace(message, observed=True, platform_message_id=clean_text(message.platform_message_id))

    def add(connection: sqlite3.Connection) -> None:
        require_own(connection, scope.name, session_id)
        same = (session_id, overheard.platform_message_id, overheard.timestamp)
        if connection.execute(_OVERHEARD, same).fetchone() is not None:
            return
        insert_messages(connection, [(session_id, overheard)])
        connection.execute(
            "UPDATE sessions SET message_count = COALESCE(message_count, 0) + 1 WHERE id = ?", (session_id,)
        )

    await scope.db.write(add)


def require_own(connection: sqlite3.Connection, profile: str, session_id: str) -> None:
    """Make sure that a session is the profile's; blocking.

    Raises:
        StoreError: ``session_unknown``: it is not.
    """
    if session_state(connection, Owner(profile), session_id).state in ("missing", "foreign"):
        raise StoreError("the profile has no such session", code="session_unknown", profile=profile, found=session_id)
