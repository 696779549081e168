"""From stored messages to what a model is sent. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from hermes_trio.models.request import ChatMessage, ToolCall

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from hermes_trio.store.messages import Content, StoredMessage

    GivenContent = str | Sequence[Mapping[str, object]]
    """What a user says: text, or parts of text and images in the chat-completions format."""


_SPEAKERS: Final = frozenset({"user", "assistant"})


def to_chat_messages(messages: Iterable[StoredMessage]) -> list[ChatMessage]:
    """Convert stored messages, oldest first.

    Providers refuse a conversation in which a tool call is not followed by its result, or a result does not follow its
    call, which is what a killed process can leave behind. Such calls and results are left out. Rows that are no part of
    the talk (roles other than user, assistant, tool) are left out as well.
    """
    rounds: list[_Round] = []
    for message in messages:
        if message.role == "tool":
            if rounds:
                rounds[-1].results.setdefault(message.tool_call_id or "", message)
        elif message.role in _SPEAKERS:
            rounds.append(_Round(message, {}))
    return [sent for one in rounds for sent in _round_messages(one)]


class _Round(NamedTuple):
    """A message and the tool results that follow it, by call."""

    message: StoredMessage
    results: dict[str, StoredMessage]


def _round_messages(one: _Round) -> Iterator[ChatMessage]:
    message = one.message
    content = to_content(message.content)
    calls = {call.id: call for call in message.tool_calls or () if call.id in one.results}
    if message.role != "assistant" or not calls:
        if content or message.role == "user":
            yield ChatMessage(message.role, content)
        return
    tool_calls = tuple(ToolCall(call.id, call.name, call.arguments) for call in calls.values())
    yield ChatMessage("assistant", content, tool_calls=tool_calls)
    for call_id, result in one.results.items():
        if call_id in calls:
            yield ChatMessage("tool", to_content(result.content), tool_call_id=call_id)


def to_content(content: GivenContent | None) -> Content:
    """Freeze a message's content."""
    return content if content is None or isinstance(content, str) else tuple(content)


def text_of(content: GivenContent | None) -> str:
    """The text of a message's content without its images."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(text for part in content if isinstance(text := part.get("text"), str))
