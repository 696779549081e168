"""The tool ``execute_code``: runs Python code in a process of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.tools.approval import ApprovalQuestion
from hermes_trio.tools.terminal import TIMED_OUT, capture, shorten
from hermes_trio.tools.terminal_launch import Work, is_boxed, prepare_launch, run_launch
from hermes_trio.tools.tool import Tool, ToolError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.io.child_process import ChildExit
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool import Arguments
    from hermes_trio.tools.tool_turn import ToolTurn

PATTERN_KEY: Final = "execute_code"
RUN_SECONDS: Final = 300.0
OUTPUT_SHARE: Final = 0.6
ERROR_SHARE: Final = 0.2


async def run_execute_code(scope: ProfileScope, turn: ToolTurn, arguments: Arguments) -> Mapping[str, object]:
    """Run Python code.

    Raises:
        ToolError: It may not be run or cannot be started.

    Cancellation: its processes are ended.
    """
    code = str(arguments["code"])
    await _check_allowed(scope, turn, code)
    launch = await prepare_launch(scope, turn, python_work(code, scope.config.code_execution_mode))
    output, errors = capture(scope, OUTPUT_SHARE), capture(scope, ERROR_SHARE)
    began = trio.current_time()
    result = await run_launch(scope, launch, output, errors, deadline=began + RUN_SECONDS)
    reply: dict[str, object] = {
        "status": _status(result),
        "output": shorten(scope, output.text(), OUTPUT_SHARE),
        "exit_code": TIMED_OUT if result.timed_out else result.code,
        "tool_calls_made": 0,
        "duration_seconds": round(trio.current_time() - began, 3),
        "stdout_truncated": output.dropped > 0,
    }
    if errors.total:
        reply["error"] = shorten(scope, errors.text(), ERROR_SHARE)
    if result.timed_out:
        reply["error"] = f"the code was stopped after {RUN_SECONDS:g} s"
    return reply


def python_work(code: str, mode: str) -> Work:
    """What runs the code: the interpreter that runs us, with the code as its input.

    In the mode ``project`` modules of the working directory can be imported and variables like ``PYTHONPATH`` of the
    profile count; in ``strict`` neither.
    """
    options = ("-I",) if mode == "strict" else ()
    arguments = (*options, "-X", "utf8", "-u", "-")
    return Work(program=(sys.executable, *arguments), program_in_container=("python3", *arguments), stdin=code.encode())


async def _check_allowed(scope: ProfileScope, turn: ToolTurn, code: str) -> None:
    if is_boxed(scope):
        return
    question = ApprovalQuestion(code, (PATTERN_KEY,), "runs Python code", shell=False)
    answer = await turn.approve(question)
    if not answer.allowed:
        raise ToolError(answer.reason or "not allowed", code="command_denied")


def _status(result: ChildExit) -> str:
    if result.timed_out:
        return "timeout"
    return "success" if result.code == 0 else "error"


TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        name="execute_code",
        description=(
            "Run a Python script in a process of its own, in the working directory of the terminal; print what you "
            "want to see. Only Python's own library is sure to be there; other tools cannot be called from it."
        ),
        parameters={
            "type": "object",
            "properties": {"code": {"type": "string", "description": "Python source"}},
            "required": ["code"],
        },
        toolset="code_execution",
        run=run_execute_code,
        seconds=None,
    ),
)
