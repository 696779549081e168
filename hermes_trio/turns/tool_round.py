"""The tool calls of one step: run side by side where they may, answered in order, always answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from hermes_trio.tools.calling import ToolRequest, ToolResult, call_tool
from hermes_trio.turns.events import ToolFinished, ToolStarted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.models.request import ToolCall
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.selection import ToolSelection
    from hermes_trio.tools.tool_turn import ToolTurn
    from hermes_trio.turns.step import Emit, Patience

SIGN_OF_LIFE_SECONDS = 5.0
INTERRUPTED = '{"error":"interrupted before it had a result"}'
LABEL_CHARACTERS = 80


class ToolRound:
    """The calls of one step and their results so far.

    Attributes:
        calls: What the model asked for, in its order.
    """

    def __init__(self, calls: Sequence[ToolCall]) -> None:
        self.calls = tuple(calls)
        self._results: dict[int, ToolResult] = {}
        self._begun: list[int] = []

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the tools that run now, in the order in which they began."""
        return tuple(self.calls[index].name for index in self._begun if index not in self._results)

    def results(self) -> list[ToolResult]:
        """A result for every call, in the model's order; a call without one was interrupted."""
        return [
            self._results.get(index) or ToolResult(call.id, call.name, INTERRUPTED, failed=True)
            for index, call in enumerate(self.calls)
        ]

    async def run(
        self, scope: ProfileScope, turn: ToolTurn, selection: ToolSelection, emit: Emit, patience: Patience
    ) -> None:
        """Run all calls. Those that may run side by side do; one that may not waits for those before it."""

        async def run_one(index: int) -> None:
            call = self.calls[index]
            self._begun.append(index)
            began = trio.current_time()
            await emit([ToolStarted(call.id, call.name, _label(call), arguments=call.arguments)])
            request = ToolRequest(call.id, call.name, call.arguments)
            self._results[index] = result = await call_tool(scope, turn, selection, request)
            seconds = trio.current_time() - began
            await emit([ToolFinished(call.id, call.name, result.failed, output=result.text, seconds=seconds)])
            patience.alive()

        async with trio.open_nursery() as life:
            # A tool that works is activity, for as long as its own deadline lets it.
            life.start_soon(_keep_alive, patience)
            for batch in _batches(self.calls, selection):
                async with trio.open_nursery() as nursery:
                    for index in batch:
                        nursery.start_soon(run_one, index, name=f"tool {self.calls[index].name[:32]}")
            life.cancel_scope.cancel()


async def _keep_alive(patience: Patience) -> None:
    while True:
        await trio.sleep(SIGN_OF_LIFE_SECONDS)
        patience.alive()


def _batches(calls: Sequence[ToolCall], selection: ToolSelection) -> list[list[int]]:
    batches: list[list[int]] = []
    joinable = False
    for index, call in enumerate(calls):
        tool = selection.tools.get(call.name)
        alone = tool is not None and tool.alone
        if joinable and not alone:
            batches[-1].append(index)
        else:
            batches.append([index])
        joinable = not alone
    return batches


def _label(call: ToolCall) -> str:
    return " ".join(call.arguments.split())[:LABEL_CHARACTERS]
