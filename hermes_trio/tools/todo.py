"""``todo``: the agent's list of what is to be done in this session; the reply shows the whole list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.tools.todo_list import NAME, STATUSES, merge
from hermes_trio.tools.tool import Arguments, Tool

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool_turn import ToolTurn


async def run_todo(_scope: ProfileScope, turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    """See the schema."""
    kept, given = turn.todo, arguments.get("todos")
    if isinstance(given, list):
        kept.items = merge(kept.items if arguments.get("merge") is True else (), given)
    counts = {status: sum(item["status"] == status for item in kept.items) for status in STATUSES}
    return {"todos": kept.items, "summary": {"total": len(kept.items), **counts}}


TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name=NAME,
        description=(
            "Your list for work of three or more steps. With todos: replace the list, or with merge change it by id. "
            "Without: show it. Have one item in_progress at a time and complete it as soon as it is done."
        ),
        parameters={
            "type": "object",
            "properties": {
                "todos": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {
                            "id": {"type": "string"},
                            "content": {"type": "string"},
                            "status": {"type": "string", "enum": list(STATUSES)},
                        },
                        "required": ["id"],
                    },
                },
                "merge": {"type": "boolean"},
            },
        },
        toolset="todo",
        run=run_todo,
        alone=True,
        seconds=10.0,
    ),
)
