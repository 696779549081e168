"""A profile's sessions as people look for them: a list, one by its name or number, and what one has cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.store.exchanges import text_of_content
from hermes_trio.store.messages import decode_content
from hermes_trio.store.ownership import OWN_ROWS, Owner

if TYPE_CHECKING:
    import sqlite3

    from hermes_trio.scope import ProfileScope

PREVIEW_CHARACTERS: Final = 80

_SAID: Final = "FROM messages AS m WHERE m.session_id = s.id AND m.active IS NOT 0"
_FILTER: Final = f"""{OWN_ROWS} AND s.archived IS NOT 1 AND s.id IS NOT :without
    AND (:source IS NULL OR s.source = :source) AND (:chat_id IS NULL OR s.chat_id = :chat_id)
    AND (:user_id IS NULL OR s.user_id = :user_id) AND EXISTS (SELECT 1 {_SAID})"""
_LIST: Final = f"""
SELECT s.id, s.title, s.source, s.chat_id, s.started_at, (SELECT MAX(m.timestamp) {_SAID}) AS last_active,
    (SELECT COUNT(*) {_SAID}), s.ended_at IS NULL,
    (SELECT m.content {_SAID} AND m.role = 'user' AND m.observed IS NOT 1 ORDER BY m.id LIMIT 1)
FROM sessions AS s WHERE {_FILTER}
"""  # noqa: S608  only names
_NEWEST: Final = "ORDER BY last_active DESC, s.started_at DESC, s.id DESC LIMIT :limit"
_RECENT: Final = f"{_LIST} {_NEWEST}"
_BY_ID: Final = f"{_LIST} AND s.id = :text {_NEWEST}"
_TITLES: Final = f"""
SELECT s.id, s.title FROM sessions AS s WHERE {_FILTER} AND s.title IS NOT NULL ORDER BY s.started_at DESC, s.id DESC
"""  # noqa: S608  only names

_TOTALS: Final = f"""
SELECT s.title, s.model, s.started_at, COALESCE(s.message_count, 0), COALESCE(s.tool_call_count, 0)
FROM sessions AS s WHERE s.id = :id AND {OWN_ROWS}
"""  # noqa: S608  only names
_USAGE: Final = """
SELECT model, billing_provider, billing_base_url, SUM(api_call_count), SUM(input_tokens), SUM(output_tokens),
    SUM(cache_read_tokens), SUM(cache_write_tokens), SUM(reasoning_tokens),
    SUM(CASE WHEN actual_cost_usd > 0 THEN actual_cost_usd ELSE estimated_cost_usd END)
FROM session_model_usage WHERE session_id = ? GROUP BY model, billing_provider, billing_base_url
ORDER BY SUM(input_tokens + output_tokens) DESC, model
"""


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session in a list.

    Attributes:
        session_id: Its id.
        title: Its title, if any.
        source: Its platform.
        chat_id: Its chat, if any.
        started_at: Seconds since the epoch.
        last_active: When the last message came; likewise.
        message_count: Messages the model sees.
        is_open: Whether it has not ended.
        preview: How its first message begins, on one line.
    """

    session_id: str
    title: str | None
    source: str
    chat_id: str | None
    started_at: float
    last_active: float
    message_count: int
    is_open: bool
    preview: str


@dataclass(frozen=True, slots=True)
class SessionFilter:
    """Which sessions are looked at; None is any.

    Attributes:
        source: Those of a platform.
        chat_id: Those of a chat.
        user_id: Those of a person.
        without: Not this one, e.g. the one that goes on.
    """

    source: str | None = None
    chat_id: str | None = None
    user_id: str | None = None
    without: str | None = None


@dataclass(frozen=True, slots=True)
class ModelTotals:
    """What one model has done in a session.

    Attributes:
        model: The model.
        provider: Who served it.
        base_url: Where.
        api_calls: How often it was asked.
        input_tokens: Tokens of all prompts.
        output_tokens: Tokens of all answers.
        cache_read_tokens: Part of the prompts that came from a cache.
        cache_write_tokens: Part of the prompts that went into a cache.
        reasoning_tokens: Part of the answers that was reasoning.
        cost_usd: What the store knows of its cost; 0 when it knows nothing.
    """

    model: str
    provider: str
    base_url: str
    api_calls: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    cost_usd: float


@dataclass(frozen=True, slots=True)
class SessionTotals:
    """What a session has come to.

    Attributes:
        title: Its title, if any.
        model: The model that answered last.
        started_at: Seconds since the epoch.
        message_count: Messages ever stored.
        tool_call_count: Tool calls ever made.
        models: What each model has done, the busiest first.
    """

    title: str | None
    model: str | None
    started_at: float
    message_count: int
    tool_call_count: int
    models: tuple[ModelTotals, ...]

    @property
    def api_calls(self) -> int:
        """How often models were asked."""
        return sum(one.api_calls for one in self.models)

    @property
    def input_tokens(self) -> int:
        """Tokens of all prompts."""
        return sum(one.input_tokens for one in self.models)

    @property
    def output_tokens(self) -> int:
        """Tokens of all answers."""
        return sum(one.output_tokens for one in self.models)

    @property
    def cost_usd(self) -> float:
        """What the store knows of the cost; 0 when it knows nothing."""
        return sum(one.cost_usd for one in self.models)


async def recent_sessions(
    scope: ProfileScope, which: SessionFilter = SessionFilter(), *, limit: int = 10
) -> tuple[ListedSession, ...]:
    """The profile's sessions in which something was said, the one that was active last first.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    parameters = _parameters(scope, which, limit)
    return await scope.db.read(lambda connection: _select(connection, _RECENT, parameters))


async def find_session(
    scope: ProfileScope, text: str, which: SessionFilter = SessionFilter(), *, limit: int = 10
) -> ListedSession | None:
    """The session that ``text`` means: an id, a number in the list of `recent_sessions`, or a title or a part of one.

    A title that is the very text goes before others that only contain it, and a later session before an earlier one.

    Args:
        scope: Whose.
        text: What was written.
        which: As the list was made.
        limit: As the list was made.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    wanted = text.strip()
    if not wanted:
        return None
    parameters = _parameters(scope, which, limit) | {"text": wanted}
    return await scope.db.read(lambda connection: _find(connection, wanted, parameters))


async def session_totals(scope: ProfileScope, session_id: str) -> SessionTotals | None:
    """What a session has come to, or None when this profile has no such session.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    parameters = Owner(scope.name).parameters | {"id": session_id}

    def sum_up(connection: sqlite3.Connection) -> SessionTotals | None:
        row = connection.execute(_TOTALS, parameters).fetchone()
        if row is None:
            return None
        models = tuple(ModelTotals(*one) for one in connection.execute(_USAGE, (session_id,)))
        title, model, started_at, messages, tool_calls = row
        return SessionTotals(title, model, started_at, messages, tool_calls, models)

    return await scope.db.read(sum_up)


def _parameters(scope: ProfileScope, which: SessionFilter, limit: int) -> dict[str, object]:
    filters = {name: getattr(which, name) for name in SessionFilter.__slots__}
    return Owner(scope.name).parameters | filters | {"limit": limit}


def _find(connection: sqlite3.Connection, wanted: str, parameters: dict[str, object]) -> ListedSession | None:
    found = _select(connection, _BY_ID, parameters)
    if not found and wanted.isdecimal() and len(wanted) < 10 and int(wanted):  # no list has that many
        found = _select(connection, _RECENT, parameters)[int(wanted) - 1 : int(wanted)]
    if not found:
        found = _select(connection, _BY_ID, parameters | {"text": _find_title(connection, wanted, parameters)})
    return found[0] if found else None


def _find_title(connection: sqlite3.Connection, wanted: str, parameters: dict[str, object]) -> str | None:
    titles = [(row_id, title.casefold()) for row_id, title in connection.execute(_TITLES, parameters)]
    part = wanted.casefold()
    alike = [row_id for row_id, title in titles if title == part] + [
        row_id for row_id, title in titles if part in title
    ]
    return alike[0] if alike else None


def _select(connection: sqlite3.Connection, sql: str, parameters: dict[str, object]) -> tuple[ListedSession, ...]:
    return tuple(_listed(*row) for row in connection.execute(sql, parameters))


def _listed(
    session_id: str,
    title: str | None,
    source: str,
    chat_id: str | None,
    started_at: float,
    last_active: float | None,
    message_count: int,
    is_open: int,
    content: str | None,
) -> ListedSession:
    active = last_active if last_active is not None else started_at
    preview = preview_of(content)
    return ListedSession(session_id, title, source, chat_id, started_at, active, message_count, bool(is_open), preview)


def preview_of(content: str | None) -> str:
    """How a message begins, on one line.

    Args:
        content: As the column holds it.
    """
    words = " ".join(text_of_content(decode_content(content)).split())
    return words if len(words) <= PREVIEW_CHARACTERS else words[: PREVIEW_CHARACTERS - 3] + "..."
