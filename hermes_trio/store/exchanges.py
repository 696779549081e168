"""Exchanges: a message of the user and everything that followed it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.store.messages import Content, StoredMessage


def exchange_starts(messages: Sequence[StoredMessage]) -> list[int]:
    """Where exchanges begin: indexes of messages of the user, in order.

    Not what was overheard, not a note that was put between the steps of a turn, and never between a tool call and its
    result.

    Args:
        messages: What the model sees of a session.
    """
    results = {message.tool_call_id: index for index, message in enumerate(messages) if message.role == "tool"}
    starts = []
    answered_by = -1
    for index, message in enumerate(messages):
        if message.role == "user" and not message.observed and answered_by < index:
            before = messages[index - 1] if index else None
            if message.platform_message_id or before is None or not _goes_on(before):
                starts.append(index)
        for call in message.tool_calls or ():
            answered_by = max(answered_by, results.get(call.id, -1))
    return starts


def _goes_on(message: StoredMessage) -> bool:
    """Whether the turn that the message belongs to is not at its end with it."""
    return message.role == "tool" or (message.role == "assistant" and bool(message.tool_calls))


def text_of_content(content: Content) -> str:
    """The text of a message; images and other parts are left out."""
    if content is None or isinstance(content, str):
        return content or ""
    texts = (part.get("text") for part in content)
    return "\n".join(text for text in texts if isinstance(text, str))
