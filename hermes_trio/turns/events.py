"""What happens during a turn, as it is shown to whoever waits for the answer."""

from __future__ import annotations

from dataclasses import dataclass

from hermes_trio.models.events import ReasoningDelta, TextDelta

__all__ = ["ReasoningDelta", "TextDelta", "ToolFinished", "ToolStarted", "TurnEvent"]


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool call has begun.

    Attributes:
        call_id: The call's id; its `ToolFinished` has the same.
        tool: The tool's name.
        label: What it does, short, for people.
    """

    call_id: str
    tool: str
    label: str


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool call has ended.

    Attributes:
        call_id: The call's id.
        tool: The tool's name.
        failed: Whether its result is an error.
    """

    call_id: str
    tool: str
    failed: bool


TurnEvent = TextDelta | ReasoningDelta | ToolStarted | ToolFinished
