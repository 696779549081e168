"""Child agents: loops of their own under the same scope, the same budget and the parent's cancellation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import trio

from hermes_trio.errors import HermesTrioError
from hermes_trio.models.request import ChatMessage
from hermes_trio.tools.selection import make_selection
from hermes_trio.turns.child_hooks import CHILD_START, CHILD_STOP, ChildContext
from hermes_trio.turns.loop import LoopState, run_loop
from hermes_trio.turns.record import usage_record
from hermes_trio.turns.step import Patience
from hermes_trio.turns.tool_access import make_tool_turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.home.agent_config import DelegationConfig
    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.selection import ToolSelection
    from hermes_trio.tools.tool import Tool
    from hermes_trio.tools.tool_turn import Delegate, DelegatedTask
    from hermes_trio.turns.agent import Agent
    from hermes_trio.turns.events import TurnEvent
    from hermes_trio.turns.request import TurnRequest

TASK = "delegation"
"""Under which the tokens of children are counted."""

DELEGATE_TOOL: Final = "delegate_task"
NOT_FOR_CHILDREN: Final = frozenset({"clarify", "memory", "skill_manage"})
MCP_PREFIX: Final = "mcp__"
INSTRUCTIONS = (
    "You work on one task that another agent handed to you. Use your tools, do all of it, and end with a summary of "
    "what you did and found; it is all that the other agent will see."
)


def make_delegate(
    scope: ProfileScope, agent: Agent, request: TurnRequest, state: LoopState, selection: ToolSelection
) -> Delegate:
    """What the tool ``delegate_task`` of a turn calls.

    Args:
        scope: The profile.
        agent: Its agent.
        request: What the turn is asked.
        state: The turn's loop.
        selection: The turn's tools.
    """
    return _Delegation(scope, agent, request, state, selection, 1).run


@dataclass(frozen=True, slots=True)
class _Delegation:
    """Children of one agent.

    Attributes:
        turn: The loop of the turn at the top: its reader sees questions, its record gets the costs of all below.
        tools: What their parent has.
        depth: Their generation, counted from 1.
    """

    scope: ProfileScope
    agent: Agent
    request: TurnRequest
    turn: LoopState
    tools: ToolSelection
    depth: int

    async def run(self, tasks: Sequence[DelegatedTask]) -> Sequence[str]:
        """Run children side by side; their answers in the order of the tasks."""
        answers = [""] * len(tasks)

        async def run_one(index: int) -> None:
            answers[index] = await self._run_child(tasks[index])

        async with trio.open_nursery() as nursery:
            for index in range(len(tasks)):
                nursery.start_soon(run_one, index, name=f"child {self.request.turn_id}.{self.depth}.{index}")
        return answers

    async def _run_child(self, task: DelegatedTask) -> str:
        """A child's summary. Hooks hear of its begin, and of its end unless it is cancelled with its parent."""
        hooks, child = self.agent.workplace.hooks, ChildContext(self.request, task, self.depth)
        if hooks.listens(CHILD_START):
            await hooks.tell(CHILD_START, child.at_start())
        begun = trio.current_time()
        status, summary = await self._work(task)
        if hooks.listens(CHILD_STOP):
            await hooks.tell(CHILD_STOP, child.at_stop(status, summary, trio.current_time() - begun))
        return summary

    async def _work(self, task: DelegatedTask) -> tuple[str, str]:
        """How a child ended, and its summary; its failure is told to its parent and to nobody else."""
        scope, settings = self.scope, self.scope.config.delegation
        selection, delegate = self._child_tools(task)
        state = LoopState(
            messages=[ChatMessage("system", INSTRUCTIONS), ChatMessage("user", _instruction(task))],
            rows=[],
            emit=_show_nobody,
            patience=Patience(scope.config.agent.gateway_timeout),
            route=self.request.route,
            most_calls=max(1, settings.max_iterations),
            reasoning_effort=self.turn.reasoning_effort,
        )
        trusted = settings.subagent_auto_approve
        turn = make_tool_turn(scope, self.agent, self.request, self.turn, delegate, trusted=trusted)
        seconds = settings.child_timeout_seconds or float("inf")
        status, text = "timeout", f"the task was given up after {seconds:g} s"
        try:
            with trio.move_on_after(seconds), state.patience.scope:
                text = (await run_loop(scope, self.agent, state, turn, selection, _keep_nothing)).text
                status = "completed"
        except HermesTrioError as error:
            status, text = "failed", f"the task failed: {error}"
        finally:
            self.turn.patience.alive()
            if state.target is not None:
                self.turn.auxiliary.append(usage_record(state.target, state.api_calls, state.usage, TASK))
        return status, text[: settings.max_summary_chars]

    def _child_tools(self, task: DelegatedTask) -> tuple[ToolSelection, Delegate | None]:
        """The tools of a child, and what runs its children if it may have some."""
        settings = self.scope.config.delegation
        orchestrates = task.orchestrates and settings.orchestrator_enabled and self.depth < settings.max_spawn_depth
        selection = make_selection(
            tool for tool in self.tools.tools.values() if is_for_child(tool, task, settings, orchestrates)
        )
        return selection, replace(self, tools=selection, depth=self.depth + 1).run if orchestrates else None


def is_for_child(tool: Tool, task: DelegatedTask, settings: DelegationConfig, orchestrates: bool) -> bool:
    """Whether a child gets a tool of its parent, given its task and whether it may have children."""
    if tool.name == DELEGATE_TOOL:
        return orchestrates
    if tool.name in NOT_FOR_CHILDREN:
        return False
    inherited = not task.toolsets or (settings.inherit_mcp_toolsets and tool.name.startswith(MCP_PREFIX))
    return inherited or tool.toolset in task.toolsets


def _instruction(task: DelegatedTask) -> str:
    return f"{task.goal}\n\n{task.context}".strip()


async def _show_nobody(_events: Sequence[TurnEvent]) -> None:
    """Nobody watches a child."""


async def _keep_nothing(state: LoopState) -> None:
    """A child's conversation is not stored; its parent's has the summary."""
    state.rows.clear()
