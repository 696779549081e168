"""What hooks are told of child agents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from hermes_trio.tools.tool_turn import DelegatedTask
    from hermes_trio.turns.request import TurnRequest

CHILD_START: Final = "subagent_start"
CHILD_STOP: Final = "subagent_stop"


@dataclass(frozen=True, slots=True)
class ChildContext:
    """Which child it is.

    Attributes:
        request: What the turn at the top was asked.
        task: What the child is to do.
        depth: Its generation, counted from 1.
    """

    request: TurnRequest
    task: DelegatedTask
    depth: int

    def at_start(self) -> dict[str, object]:
        """What is told when it begins. A child has no session of its own; its turn's stands for it."""
        return {
            "session_id": self.request.session_id,
            "parent_session_id": self.request.session_id,
            "parent_turn_id": self.request.turn_id,
            "platform": self.request.source,
            "user_id": self.request.user_id,
            "child_goal": self.task.goal,
            "child_role": "orchestrator" if self.task.orchestrates else "leaf",
            "child_depth": self.depth,
        }

    def at_stop(self, status: str, summary: str, seconds: float) -> dict[str, object]:
        """What is told when it has ended.

        Args:
            status: ``completed``, ``failed`` or ``timeout``.
            summary: What its parent is told.
            seconds: How long it took.
        """
        outcome = {"child_status": status, "child_summary": summary, "duration_ms": round(seconds * 1000)}
        return {**self.at_start(), **outcome}
