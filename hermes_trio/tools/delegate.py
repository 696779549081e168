"""``delegate_task``: hands work to child agents, which run side by side under the same profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.tools.tool import Tool, ToolError
from hermes_trio.tools.tool_turn import DelegatedTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool import Arguments, Reply
    from hermes_trio.tools.tool_turn import ToolTurn

ORCHESTRATOR: Final = "orchestrator"
_ROLE: Final[Mapping[str, object]] = {
    "type": "string",
    "enum": ["leaf", ORCHESTRATOR],
    "description": "An orchestrator may delegate parts of its task, where the settings allow it.",
}
_TASK: Final[Mapping[str, object]] = {
    "type": "object",
    "properties": {
        "goal": {"type": "string"},
        "context": {"type": "string", "description": "Everything the child must know; it sees nothing else."},
        "toolsets": {"type": "array", "items": {"type": "string"}},
        "role": {"type": "string", "enum": ["leaf", ORCHESTRATOR]},
    },
    "required": ["goal"],
}


async def delegate_task(scope: ProfileScope, turn: ToolTurn, arguments: Arguments) -> Reply:
    """Run the children and return what they say.

    Raises:
        ToolError: This agent may not delegate, or asked for too many children.
    """
    if turn.delegate is None:
        raise ToolError("a delegated task cannot delegate further")
    tasks = _tasks(arguments)
    most = scope.config.delegation.max_concurrent_children
    if not 0 < len(tasks) <= most:
        raise ToolError(f"give a goal or 1 to {most} tasks")
    answers = await turn.delegate(tasks)
    return {"results": [{"goal": task.goal, "summary": text} for task, text in zip(tasks, answers, strict=True)]}


def _tasks(arguments: Arguments) -> list[DelegatedTask]:
    listed = arguments.get("tasks")
    entries: list[Mapping[str, object]] = list(listed) if isinstance(listed, list) else []
    if not entries and arguments.get("goal"):
        entries = [arguments]
    return [_task(entry, arguments.get("role")) for entry in entries]


def _task(entry: Mapping[str, object], usual_role: object) -> DelegatedTask:
    toolsets = entry.get("toolsets")
    return DelegatedTask(
        goal=str(entry.get("goal", "")),
        context=str(entry.get("context") or ""),
        toolsets=tuple(map(str, toolsets)) if isinstance(toolsets, list) else (),
        orchestrates=(entry.get("role") or usual_role) == ORCHESTRATOR,
    )


def _may_delegate(scope: ProfileScope) -> bool:
    return scope.config.delegation.max_spawn_depth > 0


TOOLS: Final = (
    Tool(
        name="delegate_task",
        description="Hand self-contained work to child agents with the same tools; returns their summaries. "
        "Several tasks run side by side.",
        parameters={
            "type": "object",
            "properties": {
                "goal": {"type": "string"},
                "context": {"type": "string"},
                "tasks": {"type": "array", "items": _TASK},
                "role": _ROLE,
            },
        },
        toolset="delegation",
        run=delegate_task,
        seconds=None,
        usable=_may_delegate,
    ),
)
