"""What the turns of one generation of a profile share: background processes, questions, MCP connections, hooks."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hermes_trio.tools.approval_ledger import ApprovalLedger
from hermes_trio.tools.background import BackgroundProcesses, open_background_processes
from hermes_trio.tools.hooks import Hooks, open_hooks
from hermes_trio.tools.mcp import McpConnections, open_mcp_connections
from hermes_trio.tools.question_ledger import QuestionLedger
from hermes_trio.tools.todo_list import TodoLists

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.background_watch import Notify


@dataclass(frozen=True, slots=True)
class Workplace:
    """Opened and closed with the profile's generation.

    Attributes:
        processes: Commands that run in the background.
        approvals: What has been allowed, and what waits for an answer.
        questions: What agents have asked their users.
        hooks: What the user wants to be told of, or to forbid.
        mcp: Connections to MCP servers.
        todo_lists: What the agent of each session has to do.
    """

    processes: BackgroundProcesses
    approvals: ApprovalLedger
    questions: QuestionLedger
    hooks: Hooks
    mcp: McpConnections
    todo_lists: TodoLists = field(default_factory=TodoLists)


@asynccontextmanager
async def open_workplace(scope: ProfileScope, notify: Notify | None = None) -> AsyncIterator[Workplace]:
    """Own a profile's workplace; at the end every process that it started is killed.

    Args:
        scope: The profile.
        notify: Told what conversations want to hear of their background commands; must not fail nor wait. None forgets
            it.

    Raises:
        HookError: A configured hook cannot be loaded.
    """
    base = scope.shared.base_environment
    async with (
        open_hooks(scope, base) as hooks,
        open_background_processes(scope, notify) as processes,
        open_mcp_connections(scope) as mcp,
    ):
        yield Workplace(processes, ApprovalLedger(scope), QuestionLedger(scope), hooks, mcp)
