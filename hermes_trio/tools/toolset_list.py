"""A profile's groups of tools as people look at them: what each is for, and whether it is on and able to work."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hermes_trio.tools.registry import builtin_tools
from hermes_trio.tools.toolsets import enabled_mcp_servers, enabled_toolsets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool import Tool
    from hermes_trio.tools.workplace import Workplace

_WORDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "terminal": ("Terminal", "Run commands and watch those that go on in the background"),
        "code_execution": ("Code execution", "Run Python programs that may call other tools"),
        "file": ("Files", "Read, search, write and patch files"),
        "memory": ("Memory", "Remember things for later conversations"),
        "todo": ("To-do list", "Keep a list of what is to be done in a conversation"),
        "skills": ("Skills", "Read and write skills"),
        "session_search": ("Earlier conversations", "Find what was said before"),
        "web": ("Web", "Search the web and read pages"),
        "vision": ("Vision", "Look at images"),
        "clarify": ("Questions", "Ask the user when something is not clear"),
        "delegation": ("Delegation", "Let child agents do parts of the work"),
    }
)


@dataclass(frozen=True, slots=True)
class ListedToolset:
    """A group of tools.

    Attributes:
        name: What settings call it by; of an MCP server its name.
        label: What people call it.
        description: What it is for.
        enabled: Whether the settings switch it on.
        configured: Whether what it needs is there.
        tools: Names of its tools.
    """

    name: str
    label: str
    description: str
    enabled: bool
    configured: bool
    tools: tuple[str, ...]


def list_toolsets(scope: ProfileScope, workplace: Workplace, platform: str) -> tuple[ListedToolset, ...]:
    """All groups of tools of a profile, those of its MCP servers last; of these only the tools that are known now.

    Args:
        scope: The profile.
        workplace: Its tools' workplace.
        platform: Where the conversation is, e.g. ``api_server``.
    """
    groups: dict[str, list[Tool]] = {}
    for tool in builtin_tools():
        groups.setdefault(tool.toolset, []).append(tool)
    enabled = enabled_toolsets(scope.config, platform)
    listed = [_builtin(scope, name, tools, enabled=name in enabled) for name, tools in groups.items()]
    servers = enabled_mcp_servers(scope.config, platform)
    for server in scope.config.mcp_servers:
        tools = tuple(tool.name for tool in workplace.mcp.tools((server.name,)))
        is_on = server.enabled and server.name in servers
        listed.append(ListedToolset(server.name, server.name, "Tools of an MCP server", is_on, bool(tools), tools))
    return tuple(listed)


def _builtin(scope: ProfileScope, name: str, tools: list[Tool], *, enabled: bool) -> ListedToolset:
    label, description = _WORDS.get(name, (name, ""))
    # Where only some of the tools can work, what the group needs is there.
    configured = any(tool.usable is None or tool.usable(scope) for tool in tools)
    return ListedToolset(name, label, description, enabled, configured, tuple(tool.name for tool in tools))
