"""The tool ``terminal``: runs a shell command in the foreground or leaves it running in the background."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.io.child_output import HeadAndTail
from hermes_trio.tools.approval_policy import check_command
from hermes_trio.tools.hook_transforms import TRANSFORM_OUTPUT, EndedCommand, transform_terminal_output
from hermes_trio.tools.output import cap_text
from hermes_trio.tools.terminal_launch import Work, find_place, prepare_launch, run_launch
from hermes_trio.tools.tool import Tool, ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.io.child_process import ChildExit
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.terminal_launch import Launch
    from hermes_trio.tools.tool import Arguments
    from hermes_trio.tools.tool_turn import ToolTurn

LONGEST_FOREGROUND: Final = 600
TIMED_OUT: Final = 124
LEFT_OVER: Final = (
    "\n[Processes this command left running were ended with it; use background=true for what shall go on.]"
)
#: The rest is for what JSON adds.
USUAL_SHARE: Final = 0.8


async def run_terminal(scope: ProfileScope, turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    """Run a shell command.

    Raises:
        ToolError: It may not be run or cannot be started.

    Cancellation: its processes are ended.
    """
    command = str(arguments["command"])
    if not command.strip():
        raise ToolError("the command is empty")
    workdir = str(arguments.get("workdir") or "")
    await check_allowed(scope, turn, command, await _folder_of(scope, workdir))
    background = arguments.get("background") is True
    work = Work(shell=command, interactive=background, terminal=arguments.get("pty") is True)
    launch = await prepare_launch(scope, turn, work, workdir)
    if background:
        return await _start_in_background(turn, launch, command, arguments)
    return await _run_in_foreground(scope, turn, launch, command, _seconds(scope, arguments))


async def check_allowed(scope: ProfileScope, turn: ToolTurn, command: str, folder: str | None = None) -> None:
    """Ask before a dangerous command is run.

    Args:
        scope: The profile.
        turn: The turn.
        command: The command line.
        folder: Where it is to run, if that is known.

    Raises:
        ToolError: It must not be run, or nobody allowed it.
    """
    answer = await check_command(scope, turn, command, folder)
    if not answer.allowed:
        raise ToolError(answer.reason or "not allowed", code="command_denied")


async def _folder_of(scope: ProfileScope, workdir: str) -> str | None:
    """Where a command will run, for whoever judges it; None where that is a container's business."""
    if scope.config.terminal.backend != "local":
        return workdir or None
    return str((await find_place(scope, workdir)).folder)


def shorten(scope: ProfileScope, text: str, share: float = USUAL_SHARE) -> str:
    """Cap a text so that the reply it stands in is short enough to stay whole as JSON.

    Args:
        scope: The profile.
        text: The text.
        share: Part of the reply that it may fill.
    """
    limits = scope.config.tool_output
    return cap_text(text, replace(limits, max_bytes=_kept_bytes(scope, share)))


def capture(scope: ProfileScope, share: float = USUAL_SHARE) -> HeadAndTail:
    """A buffer for as much output as fits into this part of a reply."""
    return HeadAndTail(_kept_bytes(scope, share))


def _kept_bytes(scope: ProfileScope, share: float) -> int:
    return max(int(scope.config.tool_output.max_bytes * share), 200)


def _seconds(scope: ProfileScope, arguments: Arguments) -> float:
    wanted = arguments.get("timeout")
    seconds = float(wanted) if isinstance(wanted, int | float) and wanted > 0 else scope.config.terminal.timeout
    return min(seconds, LONGEST_FOREGROUND)


async def _run_in_foreground(
    scope: ProfileScope, turn: ToolTurn, launch: Launch, command: str, seconds: float
) -> Mapping[str, object]:
    output = capture(scope)
    result = await run_launch(scope, launch, output, deadline=trio.current_time() + seconds)
    code, said = TIMED_OUT if result.timed_out else result.code, output.text()
    if turn.workplace.hooks.listens(TRANSFORM_OUTPUT):
        ended = EndedCommand(command, said, code, launch.folder, scope.config.terminal.backend)
        said = await transform_terminal_output(turn, ended)
    text = shorten(scope, said)
    return {
        "output": text + LEFT_OVER if result.left_over else text,
        "exit_code": code,
        "error": _error(result, seconds),
    }


def _error(result: ChildExit, seconds: float) -> str | None:
    if result.timed_out:
        return f"the command was stopped after {seconds:g} s; use background=true for what takes longer"
    return None


async def _start_in_background(
    turn: ToolTurn, launch: Launch, command: str, arguments: Arguments
) -> Mapping[str, object]:
    processes = turn.workplace.processes
    patterns = arguments.get("watch_patterns")
    process = await processes.start(
        launch,
        command,
        session_id=turn.session_id,
        session_key=turn.session_key,
        notify_on_complete=arguments.get("notify_on_complete") is True,
        watch_patterns=tuple(map(str, patterns)) if isinstance(patterns, list) else (),
    )
    hint = f"process(action=poll, session_id={process.process_id}) shows how it is doing"
    is_told = processes.reports and turn.hears_reports
    wants_report = process.entry.notify_on_complete or process.entry.watch_patterns
    return {
        "output": "the command runs in the background",
        "exit_code": 0,
        "error": None,
        "session_id": process.process_id,
        "pid": process.pid,
        "hint": f"{hint}; nothing is reported here" if wants_report and not is_told else hint,
    }


TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name="terminal",
        description=(
            "Run a shell command; each call is a new shell. Returns output (stdout and stderr) and exit_code. "
            "Use background=true for servers and long jobs, then the process tool. Commands cannot ask for input."
        ),
        parameters={
            "type": "object",
            "properties": {
                "command": {"type": "string"},
                "background": {"type": "boolean", "default": False},
                "timeout": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": LONGEST_FOREGROUND,
                    "description": "seconds, default 180",
                },
                "workdir": {"type": "string", "description": "relative to the usual working directory"},
                "pty": {"type": "boolean", "description": "for programs that want a terminal"},
                "notify_on_complete": {"type": "boolean", "description": "background: be told of its end"},
                "watch_patterns": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "background: be told when its output has one of these texts",
                },
            },
            "required": ["command"],
        },
        toolset="terminal",
        run=run_terminal,
        seconds=None,
    ),
)
