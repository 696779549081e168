"""A message as it is stored: the codec between `StoredMessage` and a row of ``messages``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

Content = str | tuple[Mapping[str, object], ...] | None

#: Content that is no string is stored as this followed by JSON.
JSON_PREFIX: Final = "\x00json:"

#: Rows per INSERT. Few statements matter: each further one in a transaction makes both full-text indexes write out
#: what they have gathered. Few different ones matter as well: SQLite keeps them compiled.
ROWS_PER_INSERT: Final = (64, 32, 16, 8, 4, 2, 1)

WRITTEN_COLUMNS: Final = (
    "session_id",
    "role",
    "content",
    "timestamp",
    "tool_call_id",
    "tool_calls",
    "tool_name",
    "finish_reason",
    "token_count",
    "reasoning",
    "platform_message_id",
    "observed",
)
_READ: Final = f"SELECT id, {', '.join(WRITTEN_COLUMNS[1:])} FROM messages"  # noqa: S608  names of our own, no values


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool call the model asked for.

    Attributes:
        id: The call's id, which its result repeats.
        name: Name of the tool.
        arguments: Arguments as the model wrote them, usually JSON.
        call_id: Second id of the Responses API; the same as ``id`` where there is none.
        response_item_id: Item id of the Responses API.
    """

    id: str
    name: str
    arguments: str
    call_id: str | None = None
    response_item_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One message of a conversation.

    Attributes:
        role: ``user``, ``assistant``, ``tool`` or ``system``.
        content: Text, or content parts in the form of the chat completions API, or None.
        timestamp: Seconds since the epoch.
        tool_call_id: On a tool's result: the call it answers.
        tool_calls: On an assistant's message: what it wants called.
        tool_name: On a tool's result: the tool.
        finish_reason: Why the model stopped.
        token_count: Tokens of this message, where known.
        reasoning: What the model thought.
        platform_message_id: The platform's id of the message.
        observed: Group chatter kept as context although it was not addressed to us.
        id: Row id; None before it is stored.
    """

    role: str
    content: Content
    timestamp: float
    tool_call_id: str | None = None
    tool_calls: tuple[ToolCall, ...] | None = None
    tool_name: str | None = None
    finish_reason: str | None = None
    token_count: int | None = None
    reasoning: str | None = None
    platform_message_id: str | None = None
    observed: bool = False
    id: int | None = None


def clean_text(text: str | None) -> str | None:
    """The text without lone surrogates, which JSON can carry and SQLite cannot."""
    if text is None or text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def encode_content(content: Content) -> str | None:
    """Content as the column holds it."""
    if content is None or isinstance(content, str):
        return clean_text(content)
    return JSON_PREFIX + _encode_json(content)


def decode_content(stored: str | None) -> Content:
    """The content of a row; what is marked as JSON but is not comes back as text."""
    if stored is None or not stored.startswith(JSON_PREFIX):
        return stored
    try:
        value = msgspec.json.decode(stored[len(JSON_PREFIX) :])
    except msgspec.DecodeError:
        return stored[len(JSON_PREFIX) :]
    parts = value if isinstance(value, list) else [value]
    if all(isinstance(part, dict) for part in parts):
        return tuple(parts)
    return value if isinstance(value, str) else stored[len(JSON_PREFIX) :]


def encode_tool_calls(calls: Sequence[ToolCall] | None) -> str | None:
    """Tool calls as the column holds them."""
    if not calls:
        return None
    return _encode_json(
        [
            {
                "id": call.id,
                "call_id": call.call_id or call.id,
                "response_item_id": call.response_item_id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in calls
        ]
    )


class _Function(msgspec.Struct):
    name: str = ""
    arguments: object = ""


class _Call(msgspec.Struct):
    function: _Function = msgspec.field(default_factory=_Function)
    id: str | None = None
    call_id: str | None = None
    response_item_id: str | None = None


def decode_tool_calls(stored: str | None) -> tuple[ToolCall, ...] | None:
    """The tool calls of a row; None when there are none or the column is unreadable."""
    if not stored:
        return None
    try:
        calls = msgspec.json.decode(stored, type=list[_Call])
    except msgspec.DecodeError:
        return None
    return tuple(_tool_call(call) for call in calls) or None


def _tool_call(call: _Call) -> ToolCall:
    arguments = call.function.arguments
    text = arguments if isinstance(arguments, str) else _encode_json(arguments)
    return ToolCall(call.id or call.call_id or "", call.function.name, text, call.call_id, call.response_item_id)


def insert_messages(connection: sqlite3.Connection, messages: Sequence[tuple[str, StoredMessage]]) -> None:
    """Append messages to sessions, in order; blocking, inside a write job.

    Args:
        connection: Of the write job.
        messages: Session id and message.
    """
    start = 0
    for size in ROWS_PER_INSERT:
        while len(messages) - start >= size:
            _insert_rows(connection, messages[start : start + size])
            start += size


def _insert_rows(connection: sqlite3.Connection, messages: Sequence[tuple[str, StoredMessage]]) -> None:
    row = f"({', '.join('?' * len(WRITTEN_COLUMNS))})"
    places = ", ".join([row] * len(messages))
    values: list[object] = []
    for session_id, message in messages:
        values += _row(session_id, message)
    sql = f"INSERT INTO messages({', '.join(WRITTEN_COLUMNS)}) VALUES {places}"  # noqa: S608  only names and "?"
    connection.execute(sql, values)


def _row(session_id: str, message: StoredMessage) -> tuple[object, ...]:
    return (
        session_id,
        message.role,
        encode_content(message.content),
        message.timestamp,
        clean_text(message.tool_call_id),
        encode_tool_calls(message.tool_calls),
        clean_text(message.tool_name),
        message.finish_reason,
        message.token_count,
        clean_text(message.reasoning),
        message.platform_message_id,
        int(message.observed),
    )


def select_active(connection: sqlite3.Connection, session_id: str) -> tuple[StoredMessage, ...]:
    """The messages the model sees of a session, in order; blocking.

    Old files have rows whose ``active`` is NULL; they count as active.
    """
    sql = f"{_READ} WHERE session_id = ? AND active IS NOT 0 ORDER BY id"
    return tuple(_message(*row) for row in connection.execute(sql, (session_id,)))


def _message(
    row_id: int,
    role: str,
    content: str | None,
    timestamp: float,
    tool_call_id: str | None,
    tool_calls: str | None,
    tool_name: str | None,
    finish_reason: str | None,
    token_count: int | None,
    reasoning: str | None,
    platform_message_id: str | None,
    observed: int | None,
) -> StoredMessage:
    return StoredMessage(
        role=role,
        content=decode_content(content),
        timestamp=timestamp,
        tool_call_id=tool_call_id,
        tool_calls=decode_tool_calls(tool_calls),
        tool_name=tool_name,
        finish_reason=finish_reason,
        token_count=token_count,
        reasoning=reasoning,
        platform_message_id=platform_message_id,
        observed=bool(observed),
        id=row_id,
    )


def _encode_json(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_without_surrogates(value)).decode()


def _without_surrogates(value: object) -> object:
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, Mapping):
        return {clean_text(str(key)): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_surrogates(item) for item in value]
    return value
