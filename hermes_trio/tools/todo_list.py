"""Lists of what is to be done, one per session.

They are kept in memory. One that is not there, after a restart, is what the last reply in the history shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import msgspec

from hermes_trio.tools.tool import ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from hermes_trio.store.messages import StoredMessage

STATUSES: Final = ("pending", "in_progress", "completed", "cancelled")
MOST: Final = 200
LONGEST: Final = 1000
#: Sessions whose lists stay in memory; the one that was not used for longest makes room.
MOST_SESSIONS: Final = 64
NAME: Final = "todo"

Item = dict[str, str]


@dataclass(slots=True)
class TodoList:
    """A list that tools change.

    Attributes:
        items: Its items, in order.
    """

    items: tuple[Item, ...] = ()


class TodoLists:
    """The lists of a profile's sessions, for one generation."""

    def __init__(self) -> None:
        self._lists: dict[str, TodoList] = {}

    def find(self, session_id: str, earlier: Sequence[StoredMessage]) -> TodoList:
        """The list of a session.

        Args:
            session_id: The session.
            earlier: What was said in it before.
        """
        known = self._lists.pop(session_id, None) or TodoList(last_items(earlier))
        while len(self._lists) >= MOST_SESSIONS:
            del self._lists[next(iter(self._lists))]
        self._lists[session_id] = known
        return known

    def forget(self, session_id: str) -> None:
        """Forget the list of a session that is deleted."""
        self._lists.pop(session_id, None)


def last_items(earlier: Sequence[StoredMessage]) -> tuple[Item, ...]:
    """What the last reply of the tool in a conversation shows; nothing if there is none that can be read."""
    for message in reversed(earlier):
        if message.role == "tool" and message.tool_name == NAME and isinstance(message.content, str):
            try:
                shown = msgspec.json.decode(message.content, type=_Shown)
                return merge((), shown.todos)
            except (msgspec.DecodeError, ToolError, RecursionError):
                continue
    return ()


class _Shown(msgspec.Struct):
    todos: list[object]


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
