"""What one generation of a profile shares between its turns: background processes, approvals, MCP connections, hooks."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hermes_trio.tools.approval_ledger import ApprovalLedger
from hermes_trio.tools.background import BackgroundProcesses, open_background_processes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hermes_trio.scope import ProfileScope


@dataclass(frozen=True, slots=True)
class Workplace:
    """Opened and closed with the profile's generation.

    Attributes:
        processes: Commands that run in the background.
        approvals: What has been allowed, and what waits for an answer.
    """

    processes: BackgroundProcesses
    approvals: ApprovalLedger


@asynccontextmanager
async def open_workplace(scope: ProfileScope) -> AsyncIterator[Workplace]:
    """Own a profile's workplace; at the end every process it started is killed."""
    async with open_background_processes(scope) as processes:
        yield Workplace(processes, ApprovalLedger(scope))
