"""Child agents: loops of their own under the same scope, the same budget and the parent's cancellation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from hermes_trio.errors import HermesTrioError
from hermes_trio.models.request import ChatMessage
from hermes_trio.tools.selection import make_selection
from hermes_trio.turns.loop import LoopState, run_loop
from hermes_trio.turns.record import usage_record
from hermes_trio.turns.step import Patience
from hermes_trio.turns.tool_access import make_tool_turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hermes_trio.scope import ProfileScope
    from hermes_trio.tools.selection import ToolSelection
    from hermes_trio.tools.tool_turn import Delegate, DelegatedTask
    from hermes_trio.turns.agent import Agent
    from hermes_trio.turns.events import TurnEvent
    from hermes_trio.turns.request import TurnRequest

TASK = "delegation"
"""Under which the tokens of children are counted."""

NOT_FOR_CHILDREN = frozenset({"delegate_task", "clarify", "memory", "skill_manage"})
INSTRUCTIONS = (
    "You work on one task that another agent handed to you. Use your tools, do all of it, and end with a summary of "
    "what you did and found; it is all that the other agent will see."
)


def make_delegate(scope: ProfileScope, agent: Agent, request: TurnRequest, parent: LoopState) -> Delegate:
    """What the tool ``delegate_task`` of a turn calls."""

    async def delegate(tasks: Sequence[DelegatedTask]) -> Sequence[str]:
        answers = [""] * len(tasks)

        async def run_one(index: int) -> None:
            answers[index] = await _run_child(scope, agent, request, parent, tasks[index])

        async with trio.open_nursery() as nursery:
            for index in range(len(tasks)):
                nursery.start_soon(run_one, index, name=f"child {request.turn_id}.{index}")
        return answers

    return delegate


async def _run_child(
    scope: ProfileScope, agent: Agent, request: TurnRequest, parent: LoopState, task: DelegatedTask
) -> str:
    """A child's summary; its failure is told to its parent and to nobody else."""
    settings = scope.config.delegation
    state = LoopState(
        messages=[ChatMessage("system", INSTRUCTIONS), ChatMessage("user", f"{task.goal}\n\n{task.context}".strip())],
        rows=[],
        emit=_show_nobody,
        patience=Patience(scope.config.agent.gateway_timeout),
        route=request.route,
        most_calls=max(1, settings.max_iterations),
        reasoning_effort=parent.reasoning_effort,
    )
    selection = _child_selection(agent.select_tools(scope, request.source), task)
    turn = make_tool_turn(scope, agent, request, parent, None)
    seconds = settings.child_timeout_seconds or float("inf")
    text = f"the task was given up after {seconds:g} s"
    try:
        with trio.move_on_after(seconds), state.patience.scope:
            text = (await run_loop(scope, agent, state, turn, selection, _keep_nothing)).text
    except HermesTrioError as error:
        text = f"the task failed: {error}"
    finally:
        parent.patience.alive()
        if state.target is not None:
            parent.auxiliary.append(usage_record(state.target, state.api_calls, state.usage, TASK))
    return text[: settings.max_summary_chars]


def _child_selection(selection: ToolSelection, task: DelegatedTask) -> ToolSelection:
    return make_selection(
        tool
        for tool in selection.tools.values()
        if tool.name not in NOT_FOR_CHILDREN and (not task.toolsets or tool.toolset in task.toolsets)
    )


async def _show_nobody(_events: Sequence[TurnEvent]) -> None:
    """Nobody watches a child."""


async def _keep_nothing(state: LoopState) -> None:
    """A child's conversation is not stored; its parent's has the summary."""
    state.rows.clear()
