"""``todo``: the agent's list of what is to be done in this turn; the reply shows the whole list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hermes_trio.tools.tool import Arguments, Tool, ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool_turn import ToolTurn

STATUSES: Final = ("pending", "in_progress", "completed", "cancelled")
MOST: Final = 200
LONGEST: Final = 1000
_NOTE: Final = "todo.items"

Item = dict[str, str]


async def run_todo(_scope: ProfileScope, turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    """See the schema."""
    notes = turn.memo.notes
    items = notes.get(_NOTE)
    known: tuple[Item, ...] = items if isinstance(items, tuple) else ()
    given = arguments.get("todos")
    if isinstance(given, list):
        known = merge(known if arguments.get("merge") is True else (), given)
        notes[_NOTE] = known
    counts = {status: sum(item["status"] == status for item in known) for status in STATUSES}
    return {"todos": known, "summary": {"total": len(known), **counts}}


def merge(known: tuple[Item, ...], given: list[object]) -> tuple[Item, ...]:
    """Add items to a list; one with a known id changes what it says of it.

    Raises:
        ToolError: There are too many.
    """
    by_id = {item["id"]: item for item in known}
    for entry in given:
        if isinstance(entry, dict):
            item = _item(entry, by_id)
            by_id[item["id"]] = item
    if len(by_id) > MOST:
        raise ToolError("too many items", found=str(len(by_id)), expected=f"at most {MOST}", mend="keep fewer")
    return tuple(by_id.values())


def _item(entry: Mapping[str, object], known: Mapping[str, Item]) -> Item:
    name = str(entry.get("id") or len(known) + 1).strip()
    old = known.get(name, {"content": "(no description)", "status": STATUSES[0]})
    content = str(entry.get("content") or "").strip()[:LONGEST] or old["content"]
    status = entry.get("status")
    return {"id": name, "content": content, "status": str(status) if status in STATUSES else old["status"]}


TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name="todo",
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
