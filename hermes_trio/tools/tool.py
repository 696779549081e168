"""What a tool is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermes_trio.errors import HermesTrioError

if TYPE_CHECKING:
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool_turn import ToolTurn

Arguments = Mapping[str, object]
Reply = Mapping[str, object] | str
ToolHandler = Callable[["ProfileScope", "ToolTurn", Arguments], Awaitable[Reply]]
"""Does the work. Its arguments fit the tool's schema; a mapping is sent to the model as JSON, text as it is."""


class ToolError(HermesTrioError):
    """A tool could not do what it was asked; the model is told and may try something else."""

    default_code = "tool_failed"


@dataclass(frozen=True, slots=True)
class Tool:
    """One thing that an agent can do.

    Attributes:
        name: What the model calls it.
        description: What the model is told of it; short, it is sent with every request.
        parameters: JSON schema of its arguments, of type ``object``.
        toolset: The group by which users switch it on and off.
        run: Does the work. What it raises becomes a result that says so, never the turn's end.
        alone: Whether it must not run beside other calls of the same step.
        seconds: Deadline of one call; None for tools that bound themselves.
        usable: Whether a profile can use it; None for always.
    """

    name: str
    description: str
    parameters: Mapping[str, object]
    toolset: str
    run: ToolHandler
    alone: bool = False
    seconds: float | None = 300.0
    usable: Callable[[ProfileScope], bool] | None = None
