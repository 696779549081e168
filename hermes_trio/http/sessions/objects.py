"""What the sessions resource takes and gives; the OpenAPI document says it in the same words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from hermes_trio.http.message_objects import Part  # noqa: TC001  msgspec reads the annotations

if TYPE_CHECKING:
    from hermes_trio.store.session_objects import MessageWithReasoning, StoredSession

LONGEST_ID = 256
LONGEST_TITLE = 500
LONGEST_REASON = 100

SessionId = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_ID, description="Printable characters.")]
Title = Annotated[str, msgspec.Meta(max_length=LONGEST_TITLE)]


class SessionObject(msgspec.Struct, frozen=True):
    """A session; times are seconds since the epoch.

    Attributes:
        id: Its id.
        source: Its platform.
        user_id: Who spoke, where known.
        model: The model that answered last, or that it was made for.
        title: Its title; unique.
        started_at: When it began.
        ended_at: When it ended.
        end_reason: Why it ended.
        message_count: Messages ever stored.
        tool_call_count: Tool calls ever made.
        input_tokens: Tokens of all prompts.
        output_tokens: Tokens of all answers.
        cache_read_tokens: Part of the prompts that came from a cache.
        cache_write_tokens: Part of the prompts that went into a cache.
        reasoning_tokens: Part of the answers that was reasoning.
        estimated_cost_usd: What it has cost by price lists, where known.
        actual_cost_usd: What it has cost, where known.
        api_call_count: How often a model was asked.
        parent_session_id: The session it comes from.
        last_active: When the last message came.
        preview: How its first message begins.
        has_system_prompt: Whether its system prompt is stored.
        has_model_config: Whether settings of its model are stored.
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
    estimated_cost_usd: float | None
    actual_cost_usd: float | None
    api_call_count: int
    parent_session_id: str | None
    last_active: float
    preview: str
    has_system_prompt: bool
    has_model_config: bool


class SessionList(msgspec.Struct, frozen=True):
    """A part of the list of sessions, newest first.

    Attributes:
        object: What this is.
        data: The sessions.
        limit: At most so many were asked for.
        offset: So many of the newest were left out.
        has_more: Whether there are further ones.
    """

    object: Literal["list"]
    data: list[SessionObject]
    limit: int
    offset: int
    has_more: bool


class SessionAnswer(msgspec.Struct, frozen=True):
    """One session."""

    object: Literal["hermes.session"]
    session: SessionObject


class SessionDeleted(msgspec.Struct, frozen=True):
    """A session that is no more."""

    object: Literal["hermes.session.deleted"]
    id: str
    deleted: Literal[True]


class CreateSessionBody(msgspec.Struct, frozen=True):
    """A session to be made.

    Attributes:
        id: Its id; one is made up if there is none.
        title: Its title; no other session may have it.
        model: One of the profile's model aliases, which then answers in it; without a profile in the path, possibly a
            profile. Other names are only noted.
    """

    id: SessionId | None = None
    title: Title | None = None
    model: Annotated[str, msgspec.Meta(max_length=LONGEST_ID)] | None = None


class ChangeSessionBody(msgspec.Struct, frozen=True):
    """What is to change; what is left out stays.

    Attributes:
        title: Its title; null or a blank one takes it away. No other session may have it.
        end_reason: Ends the session for this reason; one that has ended keeps its own.
    """

    title: Title | msgspec.UnsetType | None = msgspec.UNSET
    end_reason: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_REASON)] | msgspec.UnsetType = (
        msgspec.UNSET
    )


class ForkSessionBody(msgspec.Struct, frozen=True):
    """The copy to be made.

    Attributes:
        id: Its id; one is made up if there is none.
        title: Its title; that of the session with ` #2` or so behind it if there is none.
    """

    id: SessionId | None = None
    title: Title | None = None


class CalledFunction(msgspec.Struct, frozen=True):
    """A call as the model wrote it; `arguments` is usually JSON."""

    name: str
    arguments: str


class MessageToolCall(msgspec.Struct, frozen=True):
    """A call of a tool."""

    id: str
    call_id: str | None
    response_item_id: str | None
    type: Literal["function"]
    function: CalledFunction


class SessionMessage(msgspec.Struct, frozen=True):
    """A message of a session.

    Attributes:
        id: Its number in the profile's database.
        session_id: Its session.
        role: `user`, `assistant`, `tool` or `system`.
        content: Text, or parts of text and images, or null.
        tool_call_id: The call that it answers.
        tool_calls: What it wants called.
        tool_name: The tool that it comes from.
        timestamp: When, in seconds since the epoch.
        token_count: Its tokens, where known.
        finish_reason: Why the model stopped.
        reasoning: What the model thought.
        reasoning_content: The same in the words of the provider, where it has some.
    """

    id: int
    session_id: str
    role: str
    content: str | list[dict[str, Any]] | None
    tool_call_id: str | None
    tool_calls: list[MessageToolCall] | None
    tool_name: str | None
    timestamp: float
    token_count: int | None
    finish_reason: str | None
    reasoning: str | None
    reasoning_content: str | None


class SessionMessages(msgspec.Struct, frozen=True):
    """What the model sees of a session, in order."""

    object: Literal["list"]
    session_id: str
    data: list[SessionMessage]


class SessionChatBody(msgspec.Struct, frozen=True):
    """What the user says.

    Attributes:
        message: Text, or parts of text and images; not empty.
    """

    message: Annotated[str, msgspec.Meta(min_length=1)] | Annotated[list[Part], msgspec.Meta(min_length=1)]


class SessionReply(msgspec.Struct, frozen=True):
    """What somebody said."""

    role: Literal["assistant"]
    content: str


class SessionUsage(msgspec.Struct, frozen=True):
    """Tokens of all calls of models in an answer."""

    input_tokens: int
    output_tokens: int
    total_tokens: int


class SessionChatAnswer(msgspec.Struct, frozen=True):
    """An answer."""

    object: Literal["hermes.session.chat.completion"]
    session_id: str
    message: SessionReply
    usage: SessionUsage


def session_object(session: StoredSession) -> SessionObject:
    """A session as clients get it."""
    return SessionObject(**{name: getattr(session, name) for name in SessionObject.__struct_fields__})


def message_object(session_id: str, stored: MessageWithReasoning) -> SessionMessage:
    """A message as clients get it."""
    message = stored.message
    content = message.content
    calls = [
        MessageToolCall(
            call.id,
            call.call_id or call.id,
            call.response_item_id,
            "function",
            CalledFunction(call.name, call.arguments),
        )
        for call in message.tool_calls or ()
    ]
    return SessionMessage(
        id=message.id or 0,
        session_id=session_id,
        role=message.role,
        content=content if content is None or isinstance(content, str) else [dict(part) for part in content],
        tool_call_id=message.tool_call_id,
        tool_calls=calls or None,
        tool_name=message.tool_name,
        timestamp=message.timestamp,
        token_count=message.token_count,
        finish_reason=message.finish_reason,
        reasoning=message.reasoning,
        reasoning_content=stored.reasoning_content,
    )
