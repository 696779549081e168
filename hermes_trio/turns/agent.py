"""What one generation of a profile's agent shares between its turns: its workplace, its tools, its budget."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hermes_trio.tools.registry import usable_tools
from hermes_trio.tools.selection import ToolSelection, make_selection
from hermes_trio.tools.workplace import Workplace, open_workplace
from hermes_trio.turns.budget import Budget, open_budget
from hermes_trio.turns.windows import Windows, open_windows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.background_watch import Notify


@dataclass(slots=True)
class Agent:
    """A profile's agent; opened and closed with the profile's generation.

    Attributes:
        workplace: What tools share.
        budget: What the profile may spend and has spent.
        windows: How much its models take.
    """

    workplace: Workplace
    budget: Budget
    windows: Windows
    _selections: dict[tuple[str, int], ToolSelection] = field(default_factory=dict)

    def select_tools(self, scope: ProfileScope, platform: str) -> ToolSelection:
        """The tools of a platform; compiled and encoded once until the MCP servers' tools change."""
        key = (platform, self.workplace.mcp.revision)
        selection = self._selections.get(key)
        if selection is None:
            selection = make_selection(usable_tools(scope, self.workplace, platform))
            self._selections = {kept: one for kept, one in self._selections.items() if kept[1] == key[1]}
            self._selections[key] = selection
        return selection


@asynccontextmanager
async def open_agent(scope: ProfileScope, notify: Notify | None = None) -> AsyncIterator[Agent]:
    """Own a profile's agent; at the end every process and connection that it began is gone.

    Args:
        scope: The profile.
        notify: Told when a background command ends whose end a conversation awaits, or says something that one waits
            for; must not fail nor wait. None forgets it.

    Raises:
        HookError: A configured hook cannot be loaded.
        StoreError: What has been spent cannot be read.
    """
    budget = await open_budget(scope)
    async with open_windows(scope) as windows, open_workplace(scope, notify) as workplace:
        yield Agent(workplace, budget, windows)
