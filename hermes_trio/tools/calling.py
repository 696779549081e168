"""One tool call, from the model's JSON text to a result that is always there: what goes wrong becomes a result too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import fastjsonschema
import msgspec
import trio

from hermes_trio.errors import HermesTrioError
from hermes_trio.io.groups import lone_error_raised
from hermes_trio.tools.hook_transforms import TRANSFORM_RESULT, transform_tool_result
from hermes_trio.tools.output import cap_reply, reply_redactor
from hermes_trio.tools.paths import printable

if TYPE_CHECKING:
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.selection import ToolSelection
    from hermes_trio.tools.tool import Arguments, Reply, Tool
    from hermes_trio.tools.tool_turn import ToolTurn

_LONGEST_ERROR = 2000


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A call as the model wrote it.

    Attributes:
        call_id: The call's id.
        name: The tool's name.
        arguments: JSON text.
    """

    call_id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What the model is told.

    Attributes:
        call_id: The call's id.
        name: The tool's name.
        text: The result, capped.
        failed: Whether it says that something went wrong.
    """

    call_id: str
    name: str
    text: str
    failed: bool = False


async def call_tool(scope: ProfileScope, turn: ToolTurn, selection: ToolSelection, request: ToolRequest) -> ToolResult:
    """Call a tool within its deadline. Nothing but a cancellation comes out of it.

    Hooks are told how it went, also when it failed; of a call that was not made there is nothing to tell.
    """
    hooks = turn.workplace.hooks
    try:
        tool = selection.find(request.name)
        arguments = _arguments(selection, tool, request.arguments)
        blocked = await hooks.before_tool(request.name, arguments, session_id=turn.session_id)
    except HermesTrioError as error:
        return _failure(request, reply_redactor(scope)(str(error)))
    if blocked is not None:
        return _failure(request, f"a hook blocked this call: {blocked.reason}")
    result = await _result_of(scope, turn, tool, arguments, request)
    await hooks.after_tool(request.name, arguments, result.text, session_id=turn.session_id)
    if hooks.listens(TRANSFORM_RESULT):
        text = await transform_tool_result(turn, request.name, arguments, result.text)
        return replace(result, text=cap_reply(text, scope.config.tool_output, reply_redactor(scope)))
    return result


async def _result_of(
    scope: ProfileScope, turn: ToolTurn, tool: Tool, arguments: Arguments, request: ToolRequest
) -> ToolResult:
    redact = reply_redactor(scope)
    try:
        with lone_error_raised():
            reply = await _run(scope, turn, tool, arguments)
        return ToolResult(request.call_id, request.name, cap_reply(reply, scope.config.tool_output, redact))
    except HermesTrioError as error:
        return _failure(request, redact(str(error)))
    except Exception as error:  # noqa: BLE001  a tool's defect is the model's to work around, not the turn's end
        scope.log.bind(component="tools", session=turn.session_id, turn=turn.turn_id).error(
            f"tool {request.name} failed: {type(error).__name__}: {error}"
        )
        return _failure(request, redact(f"{type(error).__name__}: {error}"))


def _arguments(selection: ToolSelection, tool: Tool, text: str) -> Arguments:
    try:
        arguments = msgspec.json.decode(text or "{}")
    except msgspec.DecodeError as error:
        raise BadArguments(tool.name, f"the arguments are not valid JSON: {error}") from error
    if not isinstance(arguments, dict):
        raise BadArguments(tool.name, "the arguments must be a JSON object")
    check = selection.check(tool.name)
    if check is not None:
        try:
            check(arguments)
        except fastjsonschema.JsonSchemaValueException as error:
            raise BadArguments(tool.name, _plain(error.message)) from error
    return arguments


def _plain(message: str) -> str:
    """The checker calls the arguments ``data``, and what is in them ``data.name``."""
    if message.startswith("data."):
        return message.removeprefix("data.")
    return f"the arguments {message.removeprefix('data ')}" if message.startswith("data ") else message


class BadArguments(HermesTrioError):
    """The model's arguments do not fit the tool's schema."""

    default_code = "tool_arguments_invalid"

    def __init__(self, tool: str, problem: str) -> None:
        super().__init__(problem, where=tool, mend="call the tool again with arguments that fit its schema")


async def _run(scope: ProfileScope, turn: ToolTurn, tool: Tool, arguments: Arguments) -> Reply:
    if tool.seconds is None:
        return await tool.run(scope, turn, arguments)
    with trio.move_on_after(tool.seconds):
        return await tool.run(scope, turn, arguments)
    return {"error": f"{tool.name} took longer than {tool.seconds:g} s and was stopped"}


def _failure(request: ToolRequest, problem: str) -> ToolResult:
    text = msgspec.json.encode({"error": printable(problem[:_LONGEST_ERROR])}).decode()
    return ToolResult(request.call_id, request.name, text, failed=True)
