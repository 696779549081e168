"""Which tools a profile's model is offered on a platform, and their schemas, encoded once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import fastjsonschema
import msgspec

from hermes_trio.tools.tool import Tool, ToolError

if TYPE_CHECKING:
    from collections.abc import Iterable

Check = Callable[[dict[str, object]], object]


@dataclass(frozen=True, slots=True)
class ToolSelection:
    """The tools of one profile on one platform.

    Attributes:
        tools: By name.
        schemas: As the chat-completions format writes them, each encoded already.
        schema_bytes: Their length as JSON.
        abilities: Names of the tools and of their toolsets.
    """

    tools: Mapping[str, Tool]
    schemas: tuple[Mapping[str, object], ...]
    schema_bytes: int
    abilities: frozenset[str]
    _checks: dict[str, Check | None] = field(default_factory=dict, compare=False)

    def check(self, name: str) -> Check | None:
        """What checks the arguments of a call of this tool; a schema that cannot be compiled has nothing.

        It is compiled at the tool's first call: that takes a millisecond, and most profiles use few of their tools.
        """
        if name not in self._checks:
            self._checks[name] = _compile(self.tools[name])
        return self._checks[name]

    def find(self, name: str) -> Tool:
        """The tool of this name.

        Raises:
            ToolError: There is none, or this profile may not use it.
        """
        tool = self.tools.get(name)
        if tool is None:
            raise ToolError(f"Unknown tool: {name[:64]}", code="tool_unknown")
        return tool


def make_selection(tools: Iterable[Tool]) -> ToolSelection:
    """Gather and encode the schemas of tools."""
    by_name = {tool.name: tool for tool in tools}
    schemas = tuple(_schema(tool) for tool in by_name.values())
    abilities = frozenset(by_name) | frozenset(tool.toolset for tool in by_name.values())
    size = len(msgspec.json.encode(schemas)) if schemas else 0
    return ToolSelection(MappingProxyType(by_name), schemas, size, abilities)


def _schema(tool: Tool) -> Mapping[str, object]:
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": msgspec.Raw(msgspec.json.encode(tool.parameters, enc_hook=dict)),
        },
    }


def _compile(tool: Tool) -> Check | None:
    if tool.name.startswith("mcp__"):
        return None  # a server checks its arguments itself, and its schema may be anything
    try:
        check: Check = fastjsonschema.compile(msgspec.json.decode(msgspec.json.encode(tool.parameters, enc_hook=dict)))
    except fastjsonschema.JsonSchemaDefinitionException:
        return None
    return check
