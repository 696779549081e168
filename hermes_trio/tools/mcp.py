"""Tools of MCP servers: the connections of one profile, opened with it and closed with it.

Every profile has its own connection to each of its servers, with its own token: a server of two profiles has two.
"""

from __future__ import annotations

import math
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.io.groups import lone_error_raised
from hermes_trio.tools.mcp_connection import McpConnection, McpState, McpStatus
from hermes_trio.tools.mcp_errors import McpError
from hermes_trio.tools.mcp_sdk import mcp_problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Sequence

    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.tool import Tool

__all__ = ["McpConnections", "McpError", "McpState", "McpStatus", "mcp_problem", "open_mcp_connections"]

DISCOVERY_SECONDS: Final = 1.5
"""For how long a profile's first turn waits for its servers; ``mcp_discovery_timeout`` overrides it."""


class McpConnections:
    """The MCP servers of one generation of a profile.

    Args:
        connections: One for each server, in the order of the settings.
        problem: Why none of the servers can be used, or None.
        patience: Seconds for which `discovered` waits, from now on.

    Attributes:
        problem: As above.
    """

    def __init__(
        self, connections: Sequence[McpConnection], problem: McpError | None, patience: float = DISCOVERY_SECONDS
    ) -> None:
        self.problem = problem
        self._connections = tuple(connections)
        self._deadline = trio.current_time() + patience

    @property
    def revision(self) -> int:
        """Grows with every change of the tools; whoever derives something from them can tell when it is old."""
        return sum(connection.revision for connection in self._connections)

    def tools(self, servers: Collection[str] | None = None) -> tuple[Tool, ...]:
        """The tools of the servers of these names, or of all, as known now; a server in an outage keeps its tools."""
        chosen: dict[str, Tool] = {}
        for connection in self._connections:
            if servers is None or connection.server.name in servers:
                for tool in connection.tools:
                    chosen.setdefault(tool.name, tool)
        return tuple(chosen.values())

    def status(self) -> tuple[McpStatus, ...]:
        """How each connection is doing, in the order of the settings."""
        return tuple(connection.status for connection in self._connections)

    async def discovered(self) -> None:
        """Wait until each server has been tried once, at most until 1.5 s after the profile's start.

        Returns at once from then on. What comes later is in `tools` as soon as it is there.
        """
        with trio.move_on_at(self._deadline):
            for connection in self._connections:
                await connection.settled.wait()


@asynccontextmanager
async def open_mcp_connections(scope: ProfileScope) -> AsyncIterator[McpConnections]:
    """Connect to all MCP servers of a profile, and at the end close the connections and end the servers' processes.

    Waits for none of them. A profile without servers gets nothing started and nothing imported.
    """
    connections = [McpConnection(scope, server) for server in scope.config.mcp_servers if server.enabled]
    problem = mcp_problem(scope.config)
    opened = McpConnections(connections, problem, _patience(scope))
    with lone_error_raised():
        async with trio.open_nursery() as nursery:
            for connection in connections:
                if problem is None:
                    name = f"{scope.name}#{scope.generation} mcp {connection.server.name}"
                    nursery.start_soon(connection.run, name=name)
                else:
                    connection.fail(problem)
            yield opened
            nursery.cancel_scope.cancel()


def _patience(scope: ProfileScope) -> float:
    wanted = scope.config.raw.get("mcp_discovery_timeout")
    usable = isinstance(wanted, int | float) and not isinstance(wanted, bool) and 0 <= wanted < math.inf
    return float(wanted) if usable and isinstance(wanted, int | float) else DISCOVERY_SECONDS
