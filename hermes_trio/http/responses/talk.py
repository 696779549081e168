"""Puts a talk together of the items of the Responses API: what is said, tool calls, their results."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hermes_trio.store.messages import StoredMessage, ToolCall

if TYPE_CHECKING:
    from hermes_trio.http.message_content import Content


@dataclass(slots=True)
class _Round:
    """What the assistant said, the tools it then called, and what they returned."""

    role: str
    content: Content | None
    calls: dict[str, ToolCall] = field(default_factory=dict)
    results: dict[str, Content] = field(default_factory=dict)

    @property
    def takes_calls(self) -> bool:
        """Whether a further call belongs to it: not once all that it has are answered, for then a new round begins."""
        return self.role == "assistant" and (not self.calls or len(self.results) < len(self.calls))


class Talk:
    """Gathers items, in order, into messages as they are stored.

    Calls that were made together are one message, whatever the order in which they and their results come.
    """

    def __init__(self) -> None:
        self._rounds: list[_Round] = []

    def say(self, role: str, content: Content) -> None:
        """Add a message of ``user`` or ``assistant``."""
        self._rounds.append(_Round(role, content))

    def call(self, call_id: str, name: str, arguments: str) -> None:
        """Add a tool call."""
        if not self._rounds or not self._rounds[-1].takes_calls:
            self._rounds.append(_Round("assistant", None))
        self._rounds[-1].calls[call_id] = ToolCall(call_id, name, arguments)

    def result(self, call_id: str, content: Content) -> None:
        """Add what a call returned; without the call before it, it is left out."""
        for one in reversed(self._rounds):
            if call_id in one.calls:
                one.results.setdefault(call_id, content)
                return

    def messages(self, at: float) -> tuple[StoredMessage, ...]:
        """The messages.

        Args:
            at: When they were said, in seconds since the epoch.
        """
        return tuple(message for one in self._rounds for message in _messages(one, at))


def _messages(one: _Round, at: float) -> list[StoredMessage]:
    calls = tuple(one.calls.values())
    return [
        StoredMessage(one.role, one.content, at, tool_calls=calls or None),
        *(
            StoredMessage("tool", content, at, tool_call_id=call_id, tool_name=one.calls[call_id].name)
            for call_id, content in one.results.items()
        ),
    ]
