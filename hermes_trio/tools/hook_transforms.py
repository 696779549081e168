"""Where hooks may put a text of their own in the place of what a tool says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.tools.tool_turn import ToolTurn

TRANSFORM_OUTPUT: Final = "transform_terminal_output"
TRANSFORM_RESULT: Final = "transform_tool_result"


@dataclass(frozen=True, slots=True)
class EndedCommand:
    """A shell command that has ended.

    Attributes:
        command: The command line.
        output: What it said.
        code: Its exit status as the tool reports it.
        folder: Where it ran.
        backend: ``local`` or ``docker``.
    """

    command: str
    output: str
    code: int
    folder: str
    backend: str


async def transform_terminal_output(turn: ToolTurn, ended: EndedCommand) -> str:
    """What the hooks make of a command's output, before it is shortened; the output itself if they say nothing."""
    context: dict[str, object] = {
        "tool_name": "terminal",
        "tool_input": {"command": ended.command},
        "session_id": turn.session_id,
        "cwd": ended.folder,
        "command": ended.command,
        "output": ended.output,
        "returncode": ended.code,
        "env_type": ended.backend,
    }
    text = (await turn.workplace.hooks.tell(TRANSFORM_OUTPUT, context)).text
    return ended.output if text is None else text


async def transform_tool_result(turn: ToolTurn, name: str, arguments: Mapping[str, object], result: str) -> str:
    """What the hooks make of a tool's result; the result itself if they say nothing."""
    context: dict[str, object] = {
        "tool_name": name,
        "tool_input": dict(arguments),
        "session_id": turn.session_id,
        "cwd": "",
        "result": result,
    }
    text = (await turn.workplace.hooks.tell(TRANSFORM_RESULT, context)).text
    return result if text is None else text
