"""All built-in tools, family by family, and which of them a profile can use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hermes_trio.tools import (
    clarify,
    delegate,
    execute_code,
    files_patch,
    files_read,
    files_search,
    files_write,
    memory,
    process,
    session_search,
    skills,
    skills_manage,
    terminal,
    todo,
    vision,
    web_extract,
    web_search,
)
from hermes_trio.tools.toolsets import enabled_mcp_servers, enabled_toolsets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool import Tool
    from hermes_trio.tools.workplace import Workplace


def builtin_tools() -> tuple[Tool, ...]:
    """Every built-in tool, in the order in which the model sees them."""
    return (
        *terminal.TOOLS,
        *process.TOOLS,
        *execute_code.TOOLS,
        *files_read.TOOLS,
        *files_write.TOOLS,
        *files_patch.TOOLS,
        *files_search.TOOLS,
        *memory.TOOLS,
        *todo.TOOLS,
        *skills.TOOLS,
        *skills_manage.TOOLS,
        *session_search.TOOLS,
        *web_search.TOOLS,
        *web_extract.TOOLS,
        *vision.TOOLS,
        *clarify.TOOLS,
        *delegate.TOOLS,
    )


def usable_tools(scope: ProfileScope, workplace: Workplace, platform: str) -> Iterator[Tool]:
    """The tools that a profile's agent has on a platform: switched on, and able to work."""
    toolsets = enabled_toolsets(scope.config, platform)
    for tool in builtin_tools():
        if tool.toolset in toolsets and (tool.usable is None or tool.usable(scope)):
            yield tool
    yield from workplace.mcp.tools(enabled_mcp_servers(scope.config, platform))
