"""From stored messages to what a model is sent. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.models.request import ChatMessage, ToolCall

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hermes_trio.store.messages import Content, StoredMessage

    GivenContent = str | Sequence[Mapping[str, object]]
    """What a user says: text, or parts of text and images in the chat-completions format."""


def to_chat_messages(messages: Sequence[StoredMessage]) -> list[ChatMessage]:
    """Convert stored messages, oldest first.

    Providers refuse a conversation in which a tool call has no result or a result no call, which is what a killed
    process can leave behind. Such calls and results are left out. Rows that are no part of the talk (roles other than
    user, assistant, tool) are left out as well.
    """
    answered = {message.tool_call_id for message in messages if message.role == "tool" and message.tool_call_id}
    return list(_consistent(messages, answered))


def _consistent(messages: Iterable[StoredMessage], answered: set[str]) -> Iterator[ChatMessage]:
    open_calls: set[str] = set()
    for message in messages:
        if message.role == "user":
            yield ChatMessage("user", to_content(message.content))
        elif message.role == "assistant":
            calls = tuple(
                ToolCall(call.id, call.name, call.arguments) for call in message.tool_calls or () if call.id in answered
            )
            open_calls.update(call.id for call in calls)
            if calls or message.content:
                yield ChatMessage("assistant", to_content(message.content), tool_calls=calls)
        elif message.role == "tool" and message.tool_call_id in open_calls:
            open_calls.discard(message.tool_call_id)
            yield ChatMessage("tool", to_content(message.content), tool_call_id=message.tool_call_id)


def to_content(content: GivenContent | None) -> Content:
    """Freeze a message's content."""
    return content if content is None or isinstance(content, str) else tuple(content)


def text_of(content: GivenContent | None) -> str:
    """The text of a message's content without its images."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(text for part in content if isinstance(text := part.get("text"), str))
