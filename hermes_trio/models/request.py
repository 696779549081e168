"""What a model is asked, whatever wire format carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hermes_trio.home.config import ModelRoute
    from hermes_trio.models.events import ReplayItem

#: One part of a multimodal message, as the chat-completions format writes it: ``{"type": "text", "text": ...}`` or
#: ``{"type": "image_url", "image_url": {"url": ...}}``.
ContentPart = Mapping[str, object]

ASIDE_MARK: Final = "[A message of the user, sent while you were working]"
"""Begins a message that the user has said into the work on an earlier one."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A finished tool call of an earlier answer.

    Attributes:
        id: The call's id, repeated by its result.
        name: The tool's name.
        arguments: The arguments as JSON text, exactly as the model wrote them.
    """

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of the conversation.

    Attributes:
        role: ``system``, ``user``, ``assistant`` or ``tool``.
        content: Text, parts, or None for an answer that only calls tools.
        tool_calls: Tool calls of an assistant's message.
        tool_call_id: Which call a tool's message answers.
        replay: What the provider wants back with an assistant's message; empty for messages of earlier turns.
    """

    role: str
    content: str | tuple[ContentPart, ...] | None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    replay: tuple[ReplayItem, ...] = ()

    @property
    def text(self) -> str:
        """The message's text; parts are joined by line ends, and what is no text is left out."""
        if self.content is None or isinstance(self.content, str):
            return self.content or ""
        texts = (part.get("text") for part in self.content)
        return "\n".join(text for text in texts if isinstance(text, str))

    @property
    def is_aside(self) -> bool:
        """Whether it was said into the work on an earlier message, which is what the user wants still."""
        return self.role == "user" and self.text.startswith(ASIDE_MARK)


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One question to a model.

    Attributes:
        messages: The conversation, system prompt first.
        tools: Schemas of the tools the model may call, as the chat-completions format writes them. Their
            ``parameters`` may be `msgspec.Raw`, encoded once and sent as they are in every wire format.
        route: Another model than the profile's own, or None.
        cache_key: Groups requests that begin alike, such as a session's, so that they find the provider's cache; empty
            leaves it to the provider.
        reasoning_effort: How hard to think, a key of `hermes_trio.models.effort.BUDGETS`; empty leaves it to the
            provider.
    """

    messages: tuple[ChatMessage, ...]
    tools: tuple[Mapping[str, object], ...] = ()
    route: ModelRoute | None = None
    cache_key: str = ""
    reasoning_effort: str = ""
