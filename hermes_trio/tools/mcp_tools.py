"""The tools of an MCP server as an agent's model sees them: names, descriptions and schemas made fit for a model."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hermes_trio.tools.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from hermes_trio.home.agent_config import McpServerConfig
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool import Arguments
    from hermes_trio.tools.tool_turn import ToolTurn

LONGEST_NAME: Final = 64
"""Providers refuse a whole request when one function's name is longer."""

LONGEST_DESCRIPTION: Final = 1024
DEEPEST_SCHEMA: Final = 40

_HASH_LENGTH: Final = 8
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9_]")

CallServer = Callable[["ProfileScope", str, "Arguments"], Awaitable[str]]
"""Calls a tool by the name its server knows; the scope says who calls."""


@dataclass(frozen=True, slots=True)
class ListedTool:
    """A tool as its server describes it.

    Attributes:
        name: The server's name for it.
        description: For the model.
        parameters: JSON schema of its arguments.
    """

    name: str
    description: str
    parameters: Mapping[str, object]


def tool_name(server: str, tool: str) -> str:
    """The name a model calls a server's tool by: ``mcp__<server>__<tool>``, as Hermes writes it.

    What would be too long for a provider ends with a hash of the whole name instead.
    """
    name = _NOT_IN_NAMES.sub("_", f"mcp__{server}__{tool}")
    if len(name) <= LONGEST_NAME:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{name[: LONGEST_NAME - _HASH_LENGTH - 1]}_{digest}"


def offered(server: McpServerConfig, listed: Iterable[ListedTool]) -> tuple[ListedTool, ...]:
    """The tools that the server's ``include`` and ``exclude`` leave, each name once."""
    wanted: Collection[str] | None = server.include
    chosen = {tool.name: tool for tool in listed if wanted is None or tool.name in wanted}
    return tuple(tool for name, tool in chosen.items() if name not in server.exclude)


def make_tools(server: McpServerConfig, listed: Sequence[ListedTool], call: CallServer) -> tuple[Tool, ...]:
    """Turn a server's tools into an agent's; of two that come out with the same name the first stays."""
    tools: dict[str, Tool] = {}
    for one in offered(server, listed):
        tool = _make_tool(server.name, one, call)
        tools.setdefault(tool.name, tool)
    return tuple(tools.values())


def _make_tool(server: str, listed: ListedTool, call: CallServer) -> Tool:
    async def run(scope: ProfileScope, _turn: ToolTurn, arguments: Arguments) -> str:
        return await call(scope, listed.name, arguments)

    return Tool(
        name=tool_name(server, listed.name),
        description=_shortened(listed.description),
        parameters=fit_schema(listed.parameters),
        toolset=server,
        run=run,
        seconds=None,  # a call has the server's own deadline
    )


def _shortened(description: str) -> str:
    text = description.strip()
    return text if len(text) <= LONGEST_DESCRIPTION else f"{text[: LONGEST_DESCRIPTION - 3]}..."


def fit_schema(schema: Mapping[str, object]) -> Mapping[str, object]:
    """A copy of a server's schema that can be handed on: an object's, without references out of itself.

    Whoever follows a reference to elsewhere would send a request of the server's choosing, so there they become
    schemas that take anything, and so does what lies too deep.
    """
    copied = _fit(schema, DEEPEST_SCHEMA)
    fitted = dict(copied) if isinstance(copied, Mapping) else {}
    fitted.pop("$schema", None)
    fitted["type"] = "object"
    fitted.setdefault("properties", {})
    return fitted


def _fit(value: object, depth: int) -> object:
    if isinstance(value, Mapping):
        if depth == 0:
            return {}
        return {str(key): _fit(inner, depth - 1) for key, inner in value.items() if not _leads_out(key, inner)}
    if isinstance(value, list | tuple):
        return [_fit(inner, depth - 1) for inner in value] if depth else []
    return value


def _leads_out(key: object, value: object) -> bool:
    return key in {"$ref", "$dynamicRef", "$recursiveRef"} and not (isinstance(value, str) and value.startswith("#"))
