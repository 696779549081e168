"""The tool ``process``: looks after commands that run in the background."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.tools.terminal import LONGEST_FOREGROUND, check_allowed, shorten
from hermes_trio.tools.tool import Tool, ToolError

if TYPE_CHECKING:
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.background import BackgroundProcess
    from hermes_trio.tools.tool import Arguments
    from hermes_trio.tools.tool_turn import ToolTurn

USUAL_LINES: Final = 200
_PREVIEW: Final = 200
_LOST: Final = "started by an earlier run of the gateway; its output is lost"

Action = Callable[["ProfileScope", "ToolTurn", "BackgroundProcess", "Arguments"], Awaitable[Mapping[str, object]]]


async def run_process(scope: ProfileScope, turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    """Do what ``action`` says.

    Raises:
        ToolError: There is no such process, or it cannot be done.
    """
    action = str(arguments["action"])
    processes = turn.workplace.processes
    if action == "list":
        now = scope.clock.now()
        return {"processes": [_overview(process, now) for process in processes.list()]}
    process_id = str(arguments.get("session_id") or "")
    if not process_id:
        raise ToolError(f"`{action}` needs the session_id of a process")
    return await _ACTIONS[action](scope, turn, processes.find(process_id), arguments)


async def _poll(
    scope: ProfileScope, _turn: ToolTurn, process: BackgroundProcess, _arguments: Arguments
) -> Mapping[str, object]:
    return {**_state(process), **_new_output(scope, process)}


async def _log(
    scope: ProfileScope, _turn: ToolTurn, process: BackgroundProcess, arguments: Arguments
) -> Mapping[str, object]:
    lines = process.output.text().splitlines()
    limit = _number(arguments, "limit", USUAL_LINES)
    first = _number(arguments, "offset", max(len(lines) - limit, 0))
    shown = lines[first : first + limit]
    return {
        **_state(process),
        "output": shorten(scope, "\n".join(shown)),
        "total_lines": len(lines),
        "showing": f"{first}-{first + len(shown)}",
        "dropped_characters": process.output.dropped,
    }


async def _wait(
    scope: ProfileScope, _turn: ToolTurn, process: BackgroundProcess, arguments: Arguments
) -> Mapping[str, object]:
    seconds = min(_number(arguments, "timeout", int(scope.config.terminal.timeout)), LONGEST_FOREGROUND)
    with trio.move_on_after(seconds):
        await process.done.wait()
    return {**_state(process), **_new_output(scope, process), "timed_out": process.is_running}


async def _kill(
    scope: ProfileScope, _turn: ToolTurn, process: BackgroundProcess, _arguments: Arguments
) -> Mapping[str, object]:
    was_running = process.is_running
    await process.end()
    return {**_state(process), "status": "killed" if was_running else "already_exited", **_new_output(scope, process)}


async def _write(
    scope: ProfileScope, turn: ToolTurn, process: BackgroundProcess, arguments: Arguments, end: str = ""
) -> Mapping[str, object]:
    text = str(arguments.get("data") or "") + end
    if text.strip():
        await check_allowed(scope, turn, text)  # what runs may be a shell
    data = text.encode()
    await process.write(data)
    return {**_state(process), "bytes_written": len(data)}


async def _submit(
    scope: ProfileScope, turn: ToolTurn, process: BackgroundProcess, arguments: Arguments
) -> Mapping[str, object]:
    return await _write(scope, turn, process, arguments, "\n")


async def _close(
    _scope: ProfileScope, _turn: ToolTurn, process: BackgroundProcess, _arguments: Arguments
) -> Mapping[str, object]:
    process.close_input()
    return _state(process)


_ACTIONS: Final[Mapping[str, Action]] = {
    "poll": _poll,
    "log": _log,
    "wait": _wait,
    "kill": _kill,
    "write": _write,
    "submit": _submit,
    "close": _close,
}


def _state(process: BackgroundProcess) -> dict[str, object]:
    state: dict[str, object] = {
        "session_id": process.process_id,
        "status": "running" if process.is_running else "exited",
        "exit_code": process.exit_code,
        "pid": process.pid,
    }
    if process.is_recovered:
        state["note"] = _LOST
    return state


def _overview(process: BackgroundProcess, now: float) -> dict[str, object]:
    return {
        **_state(process),
        "command": process.entry.command[:_PREVIEW],
        "cwd": process.entry.cwd,
        "uptime_seconds": round(max(now - process.entry.started_at, 0)),
        "output_preview": process.output.text()[-_PREVIEW:],
    }


def _new_output(scope: ProfileScope, process: BackgroundProcess) -> Mapping[str, object]:
    """What came since the last look; the whole is in the log."""
    text = process.output.since(process.reported)
    process.reported = process.output.total
    return {"output": shorten(scope, text)}


def _number(arguments: Arguments, name: str, usual: int) -> int:
    value = arguments.get(name)
    return max(int(value), 0) if isinstance(value, int | float) else usual


TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name="process",
        description=(
            "Look after background commands: list; poll (state and new output); log (lines, with offset and limit); "
            "wait (until it ends, at most timeout seconds); kill; write or submit data (submit adds a newline); "
            "close its input."
        ),
        parameters={
            "type": "object",
            "properties": {
                "action": {"type": "string", "enum": ["list", *_ACTIONS]},
                "session_id": {"type": "string", "description": "proc_..., as terminal returned it"},
                "data": {"type": "string"},
                "timeout": {"type": "integer", "minimum": 0, "maximum": LONGEST_FOREGROUND},
                "offset": {"type": "integer", "minimum": 0},
                "limit": {"type": "integer", "minimum": 1},
            },
            "required": ["action"],
        },
        toolset="terminal",
        run=run_process,
        seconds=None,
    ),
)
