"""A profile's sessions with all that is known of them, for programs that manage them: a list, one, its messages."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from hermes_trio.store.messages import StoredMessage, select_active
from hermes_trio.store.ownership import OWN_ROWS, Owner
from hermes_trio.store.session_list import preview_of
from hermes_trio.store.sessions import read_leniently

if TYPE_CHECKING:
    import sqlite3

    from hermes_trio.scope import ProfileScope

_COUNTERS: Final = (
    "message_count",
    "tool_call_count",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "api_call_count",
)
_MESSAGES: Final = "FROM messages AS m WHERE m.session_id = s.id AND m.active IS NOT 0"
_FIELDS: Final = f"""
SELECT s.id, s.source, s.user_id, s.model, s.title, s.started_at, s.ended_at, s.end_reason,
    {", ".join(f"COALESCE(s.{name}, 0)" for name in _COUNTERS)},
    s.estimated_cost_usd, s.actual_cost_usd, s.parent_session_id,
    COALESCE(s.system_prompt, '') <> '', COALESCE(s.model_config, '') <> '',
    COALESCE((SELECT MAX(m.timestamp) {_MESSAGES}), s.started_at),
    (SELECT m.content {_MESSAGES} AND m.role = 'user' AND m.observed IS NOT 1 ORDER BY m.id LIMIT 1)
FROM sessions AS s
"""  # noqa: S608  only names
_ONE: Final = f"{_FIELDS} WHERE s.id = :id AND {OWN_ROWS}"

#: A branch is a conversation of its own; other sessions with a parent belong to it, such as those of child agents.
BRANCH_MARK: Final = "_branched_from"
_IS_CHILD: Final = f"""(s.parent_session_id IS NOT NULL
    AND CASE WHEN json_valid(s.model_config) THEN json_extract(s.model_config, '$.{BRANCH_MARK}') END IS NULL
    AND NOT EXISTS (SELECT 1 FROM sessions AS p WHERE p.id = s.parent_session_id AND p.end_reason = 'branched'))
"""  # noqa: S608  only names
_LIST: Final = f"""
{_FIELDS} WHERE {OWN_ROWS} AND (:source IS NULL OR s.source = :source) AND s.archived IS NOT 1
AND (:children OR NOT {_IS_CHILD}) ORDER BY s.started_at DESC, s.id DESC LIMIT :limit OFFSET :offset
"""
_REASONING: Final = """
SELECT id, reasoning_content FROM messages WHERE session_id = ? AND active IS NOT 0 AND reasoning_content IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session; times are seconds since the epoch.

    Attributes:
        id: Its id.
        source: Its platform.
        user_id: Who spoke, where known.
        model: The model that answered last.
        title: Its title, if any.
        started_at: When it began.
        ended_at: When it ended, if it has.
        end_reason: Why.
        message_count: Messages ever stored.
        tool_call_count: Tool calls ever made.
        input_tokens: Tokens of all prompts.
        output_tokens: Tokens of all answers.
        cache_read_tokens: Part of the prompts that came from a cache.
        cache_write_tokens: Part of the prompts that went into a cache.
        reasoning_tokens: Part of the answers that was reasoning.
        api_call_count: How often a model was asked.
        estimated_cost_usd: What it has cost by price lists, where known.
        actual_cost_usd: What it has cost, where known.
        parent_session_id: The session it comes from, if any.
        has_system_prompt: Whether its system prompt is stored.
        has_model_config: Whether settings of its model are stored.
        last_active: When the last message came, or it began.
        preview: How its first message begins, on one line.
    """

    id: str
    source: str
    user_id: str | None
    model: str | None
    title: str | None
    started_at: float
    ended_at: float | None
    end_reason: str | None
    message_count: int
    tool_call_count: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    api_call_count: int
    estimated_cost_usd: float | None
    actual_cost_usd: float | None
    parent_session_id: str | None
    has_system_prompt: bool
    has_model_config: bool
    last_active: float
    preview: str


@dataclass(frozen=True, slots=True)
class MessageWithReasoning:
    """A message, and what the model thought in the words of its provider."""

    message: StoredMessage
    reasoning_content: str | None


async def list_stored_sessions(
    scope: ProfileScope,
    *,
    limit: int = 50,
    offset: int = 0,
    source: str | None = None,
    include_children: bool = False,
) -> tuple[StoredSession, ...]:
    """This profile's sessions, newest first, without archived ones; also those in which nothing was said yet.

    Args:
        scope: Whose.
        limit: At most so many.
        offset: Leave out so many of the newest.
        source: Only those of this platform.
        include_children: Also those that belong to another session; a branch does not.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    parameters = Owner(scope.name).parameters | {
        "source": source,
        "children": include_children,
        "limit": limit,
        "offset": offset,
    }

    def select(connection: sqlite3.Connection) -> tuple[StoredSession, ...]:
        return tuple(_session(row) for row in connection.execute(_LIST, parameters))

    return await scope.db.read(lambda connection: read_leniently(connection, select))


async def find_stored_session(scope: ProfileScope, session_id: str) -> StoredSession | None:
    """One session, or None when this profile has no such session.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    parameters = Owner(scope.name).parameters | {"id": session_id}

    def select(connection: sqlite3.Connection) -> StoredSession | None:
        row = connection.execute(_ONE, parameters).fetchone()
        return None if row is None else _session(row)

    return await scope.db.read(lambda connection: read_leniently(connection, select))


async def load_messages(scope: ProfileScope, session_id: str) -> tuple[MessageWithReasoning, ...] | None:
    """What the model sees of a session, in order; None when this profile has no such session.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    parameters = Owner(scope.name).parameters | {"id": session_id}

    def select(connection: sqlite3.Connection) -> tuple[MessageWithReasoning, ...] | None:
        if connection.execute(_ONE, parameters).fetchone() is None:
            return None
        thoughts = dict(connection.execute(_REASONING, (session_id,)).fetchall())
        return tuple(MessageWithReasoning(one, thoughts.get(one.id)) for one in select_active(connection, session_id))

    return await scope.db.read(lambda connection: read_leniently(connection, select))


async def session_keys(scope: ProfileScope, session_id: str) -> frozenset[str]:
    """The keys of the chats that stand for a session, or may come back to it.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    index = str(scope.home.sessions)
    sql = """SELECT session_key FROM sessions WHERE id = :id AND session_key IS NOT NULL
        UNION SELECT session_key FROM gateway_routing
        WHERE scope = :index AND json_valid(entry_json) AND json_extract(entry_json, '$.session_id') = :id"""
    rows = await scope.db.read(lambda one: one.execute(sql, {"id": session_id, "index": index}).fetchall())
    return frozenset(str(key) for (key,) in rows)


def _session(row: tuple[object, ...]) -> StoredSession:
    values = dict(zip(_NAMES, row, strict=True))
    content = values["preview"]
    values["preview"] = preview_of(content if isinstance(content, str) else None)
    for name in ("has_system_prompt", "has_model_config"):
        values[name] = bool(values[name])
    return StoredSession(**values)  # type: ignore[arg-type]  # as SQLite gives the columns


#: In the order of the columns.
_NAMES: Final = (
    *(field.name for field in fields(StoredSession)[:8]),
    *_COUNTERS,
    "estimated_cost_usd",
    "actual_cost_usd",
    "parent_session_id",
    "has_system_prompt",
    "has_model_config",
    "last_active",
    "preview",
)
