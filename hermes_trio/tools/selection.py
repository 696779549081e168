"""Which tools a profile's model is offered on a platform, and their schemas, encoded once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
        checks: By name, what checks a call's arguments; a schema that cannot be compiled has none.
        schemas: As the chat-completions format writes them, each encoded already.
        schema_bytes: Their length as JSON.
        abilities: Names of the tools and of their toolsets.
    """

    tools: Mapping[str, Tool]
    checks: Mapping[str, Check]
    schemas: tuple[Mapping[str, object], ...]
    schema_bytes: int
    abilities: frozenset[str]

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
    """Compile the checks and gather the schemas of tools."""
    by_name = {tool.name: tool for tool in tools}
    checks = {name: check for name, tool in by_name.items() if (check := _compile(tool)) is not None}
    schemas = tuple(_schema(tool) for tool in by_name.values())
    abilities = frozenset(by_name) | frozenset(tool.toolset for tool in by_name.values())
    size = len(msgspec.json.encode(schemas)) if schemas else 0
    return ToolSelection(MappingProxyType(by_name), MappingProxyType(checks), schemas, size, abilities)


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
