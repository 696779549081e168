"""What the turns of one generation of a profile share: background processes, approvals, MCP connections, hooks."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermes_trio.tools.approval_ledger import ApprovalLedger
from hermes_trio.tools.background import BackgroundProcesses, open_background_processes
from hermes_trio.tools.hooks import Hooks, open_hooks
from hermes_trio.tools.mcp import McpConnections, open_mcp_connections

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hermes_trio.scope import ProfileScope


@dataclass(frozen=True, slots=True)
class Workplace:
    """Opened and closed with the profile's generation.

    Attributes:
        processes: Commands that run in the background.
        approvals: What has been allowed, and what waits for an answer.
        hooks: What the user wants to be told of, or to forbid.
        mcp: Connections to MCP servers.
    """

    processes: BackgroundProcesses
    approvals: ApprovalLedger
    hooks: Hooks
    mcp: McpConnections


@asynccontextmanager
async def open_workplace(scope: ProfileScope) -> AsyncIterator[Workplace]:
    """Own a profile's workplace; at the end every process that it started is killed.

    Raises:
        HookError: A configured hook cannot be loaded.
    """
    base = scope.shared.base_environment
    async with (
        open_hooks(scope, base) as hooks,
        open_background_processes(scope) as processes,
        open_mcp_connections(scope) as mcp,
    ):
        yield Workplace(processes, ApprovalLedger(scope), hooks, mcp)
