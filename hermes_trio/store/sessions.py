"""Sessions and their messages: what a turn stores, and what is read back."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from hermes_trio.errors import StoreError
from hermes_trio.store.messages import clean_text, insert_messages, select_active
from hermes_trio.store.ownership import OWN_ROWS, Owner

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hermes_trio.scope import ProfileScope
    from hermes_trio.store.messages import StoredMessage


T = TypeVar("T")

SqlJob = Callable[[sqlite3.Connection], None]
"""SQL to be run in somebody else's transaction; may be run twice, and does nothing else."""


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """A session; the fields are columns of ``sessions``. Times are seconds since the epoch.

    When a turn is recorded, the counters and the end are ignored: they follow from what is stored.
    """

    id: str
    source: str
    started_at: float
    model: str | None = None
    system_prompt: str | None = None
    user_id: str | None = None
    session_key: str | None = None
    chat_id: str | None = None
    chat_type: str | None = None
    thread_id: str | None = None
    display_name: str | None = None
    title: str | None = None
    parent_session_id: str | None = None
    profile_name: str | None = None
    ended_at: float | None = None
    end_reason: str | None = None
    message_count: int = 0
    tool_call_count: int = 0
    api_call_count: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    archived: int = 0


@dataclass(frozen=True, slots=True)
class UsageRecord:
    """What a turn cost, by the model that answered; ``task`` names an auxiliary one, empty is the turn itself."""

    model: str
    provider: str = ""
    base_url: str = ""
    api_calls: int = 1
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    task: str = ""

    @property
    def counts(self) -> tuple[int, int, int, int, int, int]:
        """Calls and tokens in the order of the columns."""
        return (
            self.api_calls,
            self.input_tokens,
            self.output_tokens,
            self.cache_read_tokens,
            self.cache_write_tokens,
            self.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """What one turn leaves behind.

    Attributes:
        session: The session; made if it does not exist.
        messages: What the turn added, in order.
        usage: What the model charged, or None when it was not asked.
        at: End of the turn in seconds since the epoch.
        earlier: The caller's account of the conversation so far; stored only while the session has no messages.
        auxiliary: What other questions to models cost; counted for the session, but not among its own tokens.
        seal: What is to happen in the same transaction, after the messages; when it raises, nothing of this record is
            stored. None for nothing.
    """

    session: SessionRecord
    messages: tuple[StoredMessage, ...]
    usage: UsageRecord | None
    at: float
    earlier: tuple[StoredMessage, ...] = ()
    auxiliary: tuple[UsageRecord, ...] = ()
    seal: SqlJob | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A session with the messages the model sees."""

    session: SessionRecord
    messages: tuple[StoredMessage, ...]


_COLUMNS: Final = tuple(field.name for field in fields(SessionRecord))
_SELECT: Final = f"SELECT {', '.join(f's.{name}' for name in _COLUMNS)} FROM sessions AS s"  # noqa: S608  only names
_COUNTS: Final = (
    "api_call_count",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)
_NO_USAGE: Final = (0,) * len(_COUNTS)

_FIND: Final = """
SELECT profile_name, session_key, source, chat_id, EXISTS (SELECT 1 FROM messages WHERE session_id = sessions.id)
FROM sessions WHERE id = ?
"""
_INSERT: Final = f"""
INSERT INTO sessions(id, source, started_at, model, system_prompt, user_id, session_key, chat_id, chat_type, thread_id,
    display_name, title, parent_session_id, profile_name, billing_provider, billing_base_url, message_count,
    tool_call_count, {", ".join(_COUNTS)})
VALUES ({", ".join("?" * 24)})
"""  # noqa: S608  only names
# Indexed columns are not mentioned: SQLite would write their index entries anew even when the value stays.
_CONTINUE: Final = f"""
UPDATE sessions SET ended_at = NULL, end_reason = NULL, model = COALESCE(?, model),
    system_prompt = COALESCE(?, system_prompt), billing_provider = COALESCE(?, billing_provider),
    billing_base_url = COALESCE(?, billing_base_url), message_count = COALESCE(message_count, 0) + ?,
    tool_call_count = COALESCE(tool_call_count, 0) + ?, {", ".join(f"{n} = COALESCE({n}, 0) + ?" for n in _COUNTS)}
WHERE id = ?
"""  # noqa: S608  only names
_COUNT_USAGE: Final = f"""
INSERT INTO session_model_usage(session_id, model, billing_provider, billing_base_url, task, first_seen, last_seen,
    {", ".join(_COUNTS)})
VALUES ({", ".join("?" * 13)})
ON CONFLICT(session_id, model, billing_provider, billing_base_url, billing_mode, task) DO UPDATE SET
    last_seen = excluded.last_seen, {", ".join(f"{name} = {name} + excluded.{name}" for name in _COUNTS)}
"""  # noqa: S608  only names


async def record_turn(scope: ProfileScope, record: TurnRecord) -> None:
    """Store a turn in one transaction: session, messages, counters, usage. A session that had ended goes on.

    Raises:
        StoreError: The file cannot be used, or (``session_foreign``) the session belongs to another profile.
        ScopeClosed: The profile is over.
        Exception: Whatever the record's seal raised; only this record is not stored then.

    Cancellation: once accepted the turn is stored even if the caller is cancelled; see `Database.write`.
    """
    await scope.db.write_combined(store_turns, (scope.name, record))


def store_turns(connection: sqlite3.Connection, turns: Sequence[tuple[str, TurnRecord]]) -> None:
    """The job of `record_turn`, for the turns of several callers at once; blocking.

    Args:
        connection: Of the write job.
        turns: The profile's name and the turn.
    """
    messages: list[tuple[str, StoredMessage]] = []
    begun: set[str] = set()
    for profile, record in turns:
        session_id = record.session.id
        added = _store_session(connection, profile, record, has_messages=session_id in begun)
        messages += ((session_id, message) for message in added)
        if added:
            begun.add(session_id)
        for usage in (record.usage, *record.auxiliary):
            if usage is not None:
                _count_usage(connection, session_id, usage, record.at)
    insert_messages(connection, messages)
    for _, record in turns:
        if record.seal is not None:
            record.seal(connection)


def _store_session(
    connection: sqlite3.Connection, profile: str, record: TurnRecord, has_messages: bool
) -> tuple[StoredMessage, ...]:
    """Make or continue the session; the messages to add to it."""
    found = connection.execute(_FIND, (record.session.id,)).fetchone()
    has_messages = has_messages or (found is not None and bool(found[4]))
    messages = record.messages if has_messages else record.earlier + record.messages
    if found is None:
        _insert_session(connection, record, messages)
    elif Owner(profile).owns(*found[:3]):
        _continue_session(connection, record, messages)
        _complete_session(connection, record.session, has_key=found[1] is not None, has_place=found[3] is not None)
    else:
        raise _foreign(profile, record.session.id)
    return messages


def _insert_session(connection: sqlite3.Connection, record: TurnRecord, messages: tuple[StoredMessage, ...]) -> None:
    session, usage = record.session, record.usage
    values = (
        session.id,
        session.source,
        session.started_at,
        session.model,
        clean_text(session.system_prompt),
        clean_text(session.user_id),
        clean_text(session.session_key),
        clean_text(session.chat_id),
        session.chat_type,
        clean_text(session.thread_id),
        clean_text(session.display_name),
        free_title(connection, session.title),
        session.parent_session_id,
        session.profile_name,
        *_billed_by(usage),
        len(messages),
        _count_tool_calls(messages),
        *(usage.counts if usage else _NO_USAGE),
    )
    connection.execute(_INSERT, values)


def _continue_session(connection: sqlite3.Connection, record: TurnRecord, messages: tuple[StoredMessage, ...]) -> None:
    session, usage = record.session, record.usage
    values = (
        session.model,
        clean_text(session.system_prompt),
        *_billed_by(usage),
        len(messages),
        _count_tool_calls(messages),
        *(usage.counts if usage else _NO_USAGE),
        session.id,
    )
    connection.execute(_CONTINUE, values)


def _complete_session(
    connection: sqlite3.Connection, session: SessionRecord, *, has_key: bool, has_place: bool
) -> None:
    """Give a row its key and its place, if it was made without them."""
    if session.session_key and not has_key:
        connection.execute(
            "UPDATE sessions SET session_key = ? WHERE id = ?", (clean_text(session.session_key), session.id)
        )
    if session.chat_id and not has_place:
        place = (clean_text(session.chat_id), session.chat_type, clean_text(session.thread_id))
        connection.execute(
            "UPDATE sessions SET chat_id = ?, chat_type = ?, thread_id = ?, display_name = ? WHERE id = ?",
            (*place, clean_text(session.display_name), session.id),
        )


def _count_usage(connection: sqlite3.Connection, session_id: str, usage: UsageRecord, at: float) -> None:
    values = (session_id, usage.model, usage.provider, usage.base_url, usage.task, at, at, *usage.counts)
    connection.execute(_COUNT_USAGE, values)


def _billed_by(usage: UsageRecord | None) -> tuple[str | None, str | None]:
    return (usage.provider or None, usage.base_url or None) if usage else (None, None)


def _count_tool_calls(messages: tuple[StoredMessage, ...]) -> int:
    return sum(len(message.tool_calls) for message in messages if message.tool_calls)


def free_title(connection: sqlite3.Connection, title: str | None) -> str | None:
    """The title, with `` #2``, `` #3`` ... when it is taken: titles are unique in a file. Blocking."""
    wanted = clean_text(title and title.strip()) or None
    candidate, number = wanted, 1
    while candidate and connection.execute("SELECT 1 FROM sessions WHERE title = ?", (candidate,)).fetchone():
        number += 1
        candidate = f"{wanted} #{number}"
    return candidate


def _foreign(profile: str, session_id: str) -> StoreError:
    return StoreError(
        f"session {session_id} belongs to another profile",
        code="session_foreign",
        profile=profile,
        mend="begin a session with another id, or ask the profile that it belongs to",
    )


def unknown_session(profile: str) -> StoreError:
    """The error of a session that the profile does not have; it does not say whether somebody else has it."""
    return StoreError("the profile has no such session", code="session_not_found", profile=profile)


async def load_conversation(scope: ProfileScope, session_id: str, *, to_continue: bool = False) -> Conversation | None:
    """A session with its active messages, or None when this profile has no such session.

    Args:
        scope: Whose session.
        session_id: Its id.
        to_continue: Whether a turn is to be added, which nobody can to another profile's session.

    Raises:
        StoreError: The file cannot be used, or, with ``to_continue`` (``session_not_found``), the session belongs to
            another profile.
        ScopeClosed: The profile is over.
    """
    select = partial(_select_conversation, profile=scope.name, session_id=session_id, to_continue=to_continue)
    return await scope.db.read(lambda connection: read_leniently(connection, select))


def read_leniently(connection: sqlite3.Connection, select: Callable[[sqlite3.Connection], T]) -> T:
    """Run a reading job; once more when it meets text that is not UTF-8, which other programs may write. Blocking."""
    try:
        return select(connection)
    except sqlite3.OperationalError as exc:
        if "decode" not in str(exc):
            raise
    with _lenient_text(connection):
        return select(connection)


def _select_conversation(
    connection: sqlite3.Connection, profile: str, session_id: str, to_continue: bool
) -> Conversation | None:
    row = connection.execute(f"{_SELECT} WHERE s.id = ?", (session_id,)).fetchone()
    if row is None:
        return None
    session = SessionRecord(*row)
    if not Owner(profile).owns(session.profile_name, session.session_key, session.source):
        if to_continue:
            raise unknown_session(profile)
        return None
    return Conversation(session, select_active(connection, session_id))


@contextlib.contextmanager
def _lenient_text(connection: sqlite3.Connection) -> Iterator[None]:
    strict = connection.text_factory
    connection.text_factory = lambda value: value.decode("utf-8", "replace")
    try:
        yield
    finally:
        connection.text_factory = strict


async def list_sessions(
    scope: ProfileScope,
    *,
    limit: int = 50,
    offset: int = 0,
    source: str | None = None,
    include_archived: bool = False,
) -> tuple[SessionRecord, ...]:
    """This profile's sessions, newest first.

    Args:
        scope: Whose.
        limit: At most so many.
        offset: Leave out so many of the newest.
        source: Only those of this platform.
        include_archived: Archived ones as well.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    sql = (
        f"{_SELECT} WHERE {OWN_ROWS} AND (:source IS NULL OR s.source = :source) "
        "AND (:archived OR s.archived IS NOT 1) ORDER BY s.started_at DESC, s.id DESC LIMIT :limit OFFSET :offset"
    )
    parameters = Owner(scope.name).parameters | {
        "source": source,
        "archived": include_archived,
        "limit": limit,
        "offset": offset,
    }
    rows = await scope.db.read(lambda connection: connection.execute(sql, parameters).fetchall())
    return tuple(SessionRecord(*row) for row in rows)


async def end_session(scope: ProfileScope, session_id: str, reason: str) -> bool:
    """Mark a session as ended; False when this profile has no such open session.

    Args:
        scope: Whose.
        session_id: Which.
        reason: Why, e.g. ``session_reset``, ``idle``, ``daily``, ``session_switch``, ``agent_close``.

    Raises:
        StoreError: The file cannot be used.
        ScopeClosed: The profile is over.
    """
    sql = (
        "UPDATE sessions AS s SET ended_at = :at, end_reason = :reason "  # noqa: S608  only names
        f"WHERE s.id = :id AND s.ended_at IS NULL AND {OWN_ROWS}"
    )
    parameters = Owner(scope.name).parameters | {"at": scope.clock.now(), "reason": reason, "id": session_id}
    return await scope.db.write(lambda connection: connection.execute(sql, parameters).rowcount) > 0
