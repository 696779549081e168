"""``memory``: what the agent wants to know in later conversations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.tools.memory_store import (
    Entries,
    MemoryChange,
    MemoryRefused,
    MemoryResult,
    MemoryWork,
    change_memory,
    used,
)
from hermes_trio.tools.paths import explaining, guard_of
from hermes_trio.tools.tool import Arguments, Tool, ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool_turn import ToolTurn

MOST_FAILURES: Final = 3
LOCK_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.05
_FAILURES: Final = "memory.failures"
_NOTE: Final = "Later conversations will know it; the prompt of this one stays as it was."


async def run_memory(scope: ProfileScope, turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    """See the schema."""
    target = str(arguments["target"])
    settings = scope.config.memory
    is_user = target == "user"
    if not (settings.user_profile_enabled if is_user else settings.memory_enabled):
        raise ToolError("this memory is switched off", where=target)
    limit = settings.user_char_limit if is_user else settings.memory_char_limit
    failures = turn.memo.notes.get(_FAILURES, 0)
    if isinstance(failures, int) and failures >= MOST_FAILURES:
        raise ToolError(
            f"the memory was too full {failures} times in this turn; nothing more is written to it now",
            mend="go on without it, and make room in a later turn",
        )
    work = MemoryWork(
        guard=guard_of(scope),
        path=scope.home.user_md if is_user else scope.home.memory_md,
        limit=limit,
        changes=_changes(arguments),
        second=int(scope.clock.now()),
    )
    try:
        result = await _change(scope, work)
    except MemoryRefused as refused:
        if refused.full:
            turn.memo.notes[_FAILURES] = failures + 1 if isinstance(failures, int) else 1
        return _refusal(refused, target, limit)
    return {
        "success": True,
        "done": True,
        "target": target,
        "usage": usage(result.entries, limit),
        "entry_count": len(result.entries),
        "message": _message(result, work),
        "note": _NOTE,
    }


async def _change(scope: ProfileScope, work: MemoryWork) -> MemoryResult:
    with trio.move_on_after(LOCK_SECONDS), explaining(work.path.name):
        while True:
            result = await scope.run_blocking(change_memory, work)
            if result is not None:
                return result
            await trio.sleep(_PAUSE_SECONDS)
    raise ToolError("another program holds the memory", where=work.path.name, mend="try again later")


def _changes(arguments: Arguments) -> tuple[MemoryChange, ...]:
    operations = arguments.get("operations")
    if isinstance(operations, list) and operations:
        return tuple(_change_of(operation) for operation in operations if isinstance(operation, dict))
    return (_change_of(arguments),)


def _change_of(values: Mapping[str, object]) -> MemoryChange:
    texts = {name: str(values.get(name) or "") for name in ("action", "content", "old_text")}
    for name, text in texts.items():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise ToolError("has half a character", where=name) from None
    return MemoryChange(**texts)


def usage(entries: Entries, limit: int) -> str:
    """How full a memory is, for example ``12% — 264/2200 chars``."""
    size = used(entries)
    share = round(100 * size / limit) if limit > 0 else 100
    return f"{share}% — {size}/{limit} chars"


def _refusal(refused: MemoryRefused, target: str, limit: int) -> Mapping[str, object]:
    return {
        "success": False,
        "done": False,
        "target": target,
        "error": refused.problem,
        "usage": usage(refused.entries, limit),
        "entry_count": len(refused.entries),
        "current_entries": refused.entries,
    }


def _message(result: MemoryResult, work: MemoryWork) -> str:
    if not result.changed:
        return "That was there already."
    count = len(work.changes)
    said = "Saved." if count == 1 else f"Saved {count} changes."
    return f"{said} The file held more than entries; a copy is in {result.copy}." if result.copy else said


def _is_usable(scope: ProfileScope) -> bool:
    return scope.config.memory.memory_enabled or scope.config.memory.user_profile_enabled


_CHANGE: Final[Mapping[str, object]] = {
    "action": {"type": "string", "enum": ["add", "replace", "remove"]},
    "content": {"type": "string", "description": "the new entry, for add and replace"},
    "old_text": {"type": "string", "description": "a unique part of the entry, for replace and remove"},
}

TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name="memory",
        description=(
            "Keep short facts for later conversations: target memory for your notes (places, conventions, lessons), "
            "user for who the user is and prefers. Room is little: replace and remove what is stale; "
            "with operations several changes are made together or not at all. Not for the state of a task."
        ),
        parameters={
            "type": "object",
            "properties": {
                "target": {"type": "string", "enum": ["memory", "user"]},
                **_CHANGE,
                "operations": {
                    "type": "array",
                    "items": {"type": "object", "properties": _CHANGE, "required": ["action"]},
                },
            },
            "required": ["target"],
        },
        toolset="memory",
        run=run_memory,
        usable=_is_usable,
        alone=True,
        seconds=30.0,
    ),
)
